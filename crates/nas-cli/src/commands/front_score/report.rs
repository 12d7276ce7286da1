//! Scores of fronts as tables: for each seed, in the mean, and in pairs of two methods.

use nas_pareto::statistics::Estimate;
use serde_json::Value;

use super::method::{Method, Scored};
use crate::{
    commands::search::{BINS, TOLERANCE},
    failure::Failure,
    output::{Cell, Records, counted},
    paired::{Difference, PAIRED},
};

/// A number that shows how good a front is.
pub struct Indicator {
    /// Its column in files.
    pub column: &'static str,
    /// Its title in tables.
    title: &'static str,
    decimals: usize,
    pub of: fn(&Scored) -> f64,
}

/// Those of the paper's tables.
pub const INDICATORS: [Indicator; 5] = [
    Indicator {
        column: "hypervolume_ratio",
        title: "HV ratio",
        decimals: 4,
        of: |scored| scored.scores.hypervolume_ratio,
    },
    Indicator {
        column: "hypervolume",
        title: "HV",
        decimals: 4,
        of: |scored| scored.scores.hypervolume,
    },
    Indicator { column: "igd", title: "IGD", decimals: 4, of: |scored| scored.scores.igd },
    Indicator {
        column: "igd_plus",
        title: "IGD+",
        decimals: 4,
        of: |scored| scored.scores.igd_plus,
    },
    Indicator { column: "coverage", title: "coverage", decimals: 2, of: |scored| scored.coverage },
];

impl Indicator {
    fn text(&self, value: f64) -> Cell {
        format!("{value:.0$}", self.decimals).into()
    }

    /// Its mean over the seeds of a method.
    fn mean(&self, method: &Method) -> Estimate {
        let values: Vec<f64> = method.fronts.iter().map(|front| (self.of)(&front.scored)).collect();
        Estimate::of(&values)
    }

    /// All of a front, by column.
    pub fn json(scored: &Scored) -> Value {
        let values = INDICATORS.iter().map(|one| (one.column.to_owned(), (one.of)(scored).into()));
        let count = ("architectures".to_owned(), scored.architectures.into());
        Value::Object([count].into_iter().chain(values).collect())
    }
}

/// Two methods in pairs of the same seed.
pub struct Comparison<'a> {
    one: &'a Method,
    other: &'a Method,
    /// For each indicator.
    differences: Vec<Difference>,
}

impl<'a> Comparison<'a> {
    /// Compares two methods.
    ///
    /// # Errors
    /// Where they have different seeds.
    pub fn new(one: &'a Method, other: &'a Method) -> Result<Self, Failure> {
        let seeds = |method: &Method| -> Vec<Option<u64>> {
            method.fronts.iter().map(|front| front.seed).collect()
        };
        if seeds(one) != seeds(other) {
            return Err(different_seeds(one, other));
        }
        let difference = |indicator: &Indicator| {
            let of = indicator.of;
            let pairs = one.fronts.iter().zip(&other.fronts);
            let values: Vec<f64> =
                pairs.map(|(mine, theirs)| of(&mine.scored) - of(&theirs.scored)).collect();
            Difference::of(&values)
        };
        Ok(Self { one, other, differences: INDICATORS.iter().map(difference).collect() })
    }

    fn indicators(&self) -> impl Iterator<Item = (&'static Indicator, &Difference)> {
        INDICATORS.iter().zip(&self.differences)
    }
}

fn different_seeds(one: &Method, other: &Method) -> Failure {
    let only = |one: &Method, other: &Method| -> Vec<String> {
        let has = |seed| other.fronts.iter().any(|front| front.seed == seed);
        let only = one.fronts.iter().filter(|front| !has(front.seed));
        only.map(super::method::Front::of_seed).collect()
    };
    let lacking = [(one, other), (other, one)].map(|(one, other)| (one, only(one, other)));
    let lacking = lacking.iter().filter(|(_, only)| !only.is_empty());
    let words: Vec<String> = lacking
        .map(|(method, only)| format!("only {} has {}", method.name, only.join(", ")))
        .collect();
    Failure::input(format!(
        "a comparison in pairs needs the same seeds of both methods, but {}: leave out the fronts of these seeds, or add those that are missing; seeds are in a column seed, or follow the word seed in the path",
        words.join(", and ")
    ))
}

/// The fronts of a method, their mean, and the exact front.
pub fn of_method(method: &Method, exact: &Scored) -> Records {
    let mut columns = vec!["seed", "architectures"];
    columns.extend(INDICATORS.iter().map(|indicator| indicator.title));
    let mut records = Records::new(columns).heading("architectures", "found");
    let row = |title: String, count: Cell, value: &dyn Fn(&Indicator) -> Cell| {
        [title.into(), count].into_iter().chain(INDICATORS.iter().map(value)).collect()
    };
    for front in &method.fronts {
        let seed = front.seed.map_or_else(|| "-".to_owned(), |seed| seed.to_string());
        let scored = &front.scored;
        records.push(row(seed, scored.architectures.into(), &|one| one.text((one.of)(scored))));
    }
    if method.fronts.len() > 1 {
        let mean = |one: &Indicator| one.text(one.mean(method).mean);
        records.push(row("mean".to_owned(), Cell::Absent, &mean));
        let half =
            |one: &Indicator| one.mean(method).half.map_or(Cell::Absent, |half| one.text(half));
        records.push(row("±".to_owned(), Cell::Absent, &half));
    }
    let of_exact = |one: &Indicator| one.text((one.of)(exact));
    records.push(row("exact".to_owned(), exact.architectures.into(), &of_exact));
    records
}

/// The mean of each indicator for each method, with half the width of its interval.
pub fn means(methods: &[&Method]) -> Records {
    let mut records = Records::new(["method", "indicator", "seeds", "mean", "half"]);
    for method in methods {
        for indicator in &INDICATORS {
            let Estimate { mean, half } = indicator.mean(method);
            records.push(vec![
                method.name.as_str().into(),
                indicator.column.into(),
                method.fronts.len().into(),
                Some(mean).into(),
                half.into(),
            ]);
        }
    }
    records
}

/// The differences of methods, one for each indicator.
pub fn differences(comparisons: &[Comparison]) -> Records {
    let columns = ["method", "minus", "indicator", "seeds", "difference", "half", "p"];
    let mut records = Records::new(columns);
    for comparison in comparisons {
        for (indicator, difference) in comparison.indicators() {
            records.push(vec![
                comparison.one.name.as_str().into(),
                comparison.other.name.as_str().into(),
                indicator.column.into(),
                difference.seeds.into(),
                Some(difference.estimate.mean).into(),
                difference.estimate.half.into(),
                difference.p.into(),
            ]);
        }
    }
    records
}

/// The differences of methods, in words.
pub fn in_pairs(comparisons: &[Comparison]) -> String {
    let mut text = String::new();
    for comparison in comparisons {
        let seeds = counted(comparison.one.fronts.len(), "pair");
        let (one, other) = (&comparison.one.name, &comparison.other.name);
        text += &format!("{one} minus {other}, {seeds} of the same seed\n");
        let mut records = Records::new(["", "difference", "p"]);
        for (indicator, difference) in comparison.indicators() {
            records.push(vec![
                indicator.title.into(),
                difference.text(indicator.decimals).into(),
                difference.p_text().into(),
            ]);
        }
        text += &records.table();
        text += "\n";
    }
    text += &format!("{PAIRED};\n  of IGD and IGD+ less is better, of the others more\n");
    text
}

/// What the numbers are.
pub fn definitions(title: &str, device: &str, at_most: f64) -> String {
    format!(
        "{title}, {device}: on test accuracy and published latency\n  \
         exact: the exact front of the whole space; ±: 95 % interval over the seeds\n  \
         HV, IGD, IGD+: both scaled to [0, 1] over all that the device can run,\n    \
         reference point 1; ratio and distances to the exact front\n  \
         coverage: of {BINS} equal parts of the exact front's range of log latency, the\n    \
         share in which one that was found is at most {TOLERANCE} % less accurate than the\n    \
         exact front; all architectures together reach {at_most:.2}\n"
    )
}
