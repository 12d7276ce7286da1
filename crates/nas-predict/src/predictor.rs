//! The predictor: its members together.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

use crate::{
    Error,
    boosted::BoostedTrees,
    calibration::Calibration,
    gaussian_process::GaussianProcess,
    linear::Linear,
    scale::{Scales, TargetScale},
    table::{Column, Table},
};

/// The first key of a model's file.
const FORMAT: &str = "nas predictor, version 3";

/// What stands before the model in a file.
const MODEL: &str = ",\"model\":";

/// How far a prediction may be below the worst trained accuracy, in standard deviations of the trained
/// accuracies.
const BELOW: f64 = 0.5;

/// The same for the lower end of an interval.
const FAR_BELOW: f64 = 2.0;

/// The weight of ridge regression among all members.
const TREND: f64 = 0.1;

/// Which models predict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Members {
    /// Trees and Gaussian process, of equal weight, and a tenth of ridge regression on the choices.
    #[default]
    All,
    /// Gradient-boosted trees alone.
    Trees,
    /// The Gaussian process alone.
    GaussianProcess,
}

/// Which differences between accuracies count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Emphasis {
    /// Those among the best count more than those among the worst: to find the best of many.
    #[default]
    Best,
    /// All count alike, but accuracies far below the best are one: to find a front from few.
    Even,
}

/// How a predictor learns.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Which models predict.
    pub members: Members,
    /// Boosted trees of depth 5.
    pub trees: usize,
    /// Which differences between accuracies count.
    #[serde(default)]
    pub emphasis: Emphasis,
    /// Whether the Gaussian process weighs counts of choices apart from the choices.
    #[serde(default)]
    pub counts_apart: bool,
    /// The seed of the trees' subsamples of rows and columns.
    pub seed: u64,
    /// The accuracy of networks without a path from input to output, where it is known: chance.
    /// Otherwise their prediction is the mean trained accuracy of such networks, or else the worst
    /// trained accuracy.
    pub unconnected: Option<f64>,
}

impl Settings {
    /// The settings for few accuracies, of which a front is to be found: a Gaussian process alone.
    pub fn few() -> Self {
        Self {
            members: Members::GaussianProcess,
            emphasis: Emphasis::Even,
            counts_apart: true,
            ..Self::default()
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            members: Members::All,
            trees: 500,
            emphasis: Emphasis::Best,
            counts_apart: false,
            seed: 0,
            unconnected: None,
        }
    }
}

/// The predicted accuracy of an architecture, in the unit of the trained accuracies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    /// The expected accuracy.
    pub value: f64,
    /// Lower end of the 90 % interval.
    pub low: f64,
    /// Upper end of that interval.
    pub high: f64,
}

impl Prediction {
    /// Whether the interval contains an accuracy; rounding is allowed for.
    pub fn contains(&self, accuracy: f64) -> bool {
        self.low - 1e-9 <= accuracy && accuracy <= self.high + 1e-9
    }
}

/// The part of half a 90 % interval by which a value exceeds its expectation with a probability of
/// `risk`, above 0 and below 1: 1 for 0.05, 0 for 0.5. Errors are taken as normal.
///
/// ```
/// assert!((nas_predict::reach_of_risk(0.1) - 0.779).abs() < 1e-3);
/// ```
pub fn reach_of_risk(risk: f64) -> f64 {
    let normal = Normal::standard();
    normal.inverse_cdf(1.0 - risk) / normal.inverse_cdf(0.95)
}

/// Accuracy as a function of an architecture's features, learnt from trained accuracies.
#[derive(Debug, Serialize, Deserialize)]
pub struct Predictor {
    space: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dataset: Option<String>,
    columns: Vec<Column>,
    #[serde(rename = "labels")]
    trained: usize,
    settings: Settings,
    scales: Scales,
    target: TargetScale,
    /// The target of the worst trained accuracy.
    least: f64,
    trees: Option<BoostedTrees>,
    process: Option<GaussianProcess>,
    linear: Option<Linear>,
    /// Half an interval's width in standard deviations of the process.
    calibration: Calibration,
    /// The prediction for networks without a path from input to output.
    unconnected: f64,
}

impl Predictor {
    /// Learns from trained accuracies: pairs of a row of `table` and its accuracy, more is better.
    /// The range of each column is that of all rows.
    ///
    /// If all trained accuracies are equal, or there is only one, that one is the prediction everywhere,
    /// with intervals of width 0 ([`is_constant`](Self::is_constant)).
    ///
    /// # Errors
    /// [`Error::NoColumns`], [`Error::NoAccuracies`], [`Error::Row`] for a row that the table does not
    /// have, [`Error::RowTwice`], [`Error::NotFinite`] for a NaN or an infinity.
    pub fn fit(table: &Table, trained: &[(usize, f64)], settings: Settings) -> Result<Self, Error> {
        Self::fit_uncertain(table, trained, |_| 0.0, settings)
    }

    /// [`fit`](Self::fit) where some accuracies are uncertain: `error` finds the standard error of a row's
    /// accuracy, 0 for what was measured. The Gaussian process trusts an accuracy the less, the greater its
    /// error; the other members trust all alike.
    ///
    /// # Errors
    /// Those of [`fit`](Self::fit); [`Error::NotFinite`] also for a standard error.
    pub fn fit_uncertain(
        table: &Table,
        trained: &[(usize, f64)],
        error: impl Fn(usize) -> f64,
        settings: Settings,
    ) -> Result<Self, Error> {
        if table.columns().is_empty() {
            return Err(Error::NoColumns);
        }
        let mut seen = vec![false; table.rows()];
        for &(row, value) in trained {
            match seen.get_mut(row) {
                None => return Err(Error::Row { row, rows: table.rows() }),
                Some(true) => return Err(Error::RowTwice { row }),
                Some(seen) => *seen = true,
            }
            for (what, value) in [("trained accuracy", value), ("standard error", error(row))] {
                if !value.is_finite() {
                    return Err(Error::NotFinite { what: what.to_owned(), row, value });
                }
            }
        }
        let worst = trained.iter().map(|one| one.1).reduce(f64::min).ok_or(Error::NoAccuracies)?;
        let of = |connected: bool| -> Vec<(usize, f64)> {
            let trained = trained.iter().copied();
            trained.filter(|(row, _)| table.is_connected(*row) == connected).collect()
        };
        let (connected, unconnected) = (of(true), of(false));
        let mean = |some: &[(usize, f64)]| {
            let sum: f64 = some.iter().map(|one| one.1).sum();
            (!some.is_empty()).then(|| sum / some.len() as f64)
        };
        let learnt = if connected.is_empty() { &unconnected } else { &connected };
        let (rows, values): (Vec<usize>, Vec<f64>) = learnt.iter().copied().unzip();
        let scales = Scales::learn(table);
        let target = TargetScale::learn(&values, settings.emphasis);
        let targets: Vec<f64> = values.iter().map(|&value| target.of(value)).collect();
        let variance = |(&row, &value): (&usize, &f64)| (error(row) * target.slope(value)).powi(2);
        let variances: Vec<f64> = rows.iter().zip(&values).map(variance).collect();
        let least = targets.iter().copied().fold(f64::INFINITY, f64::min);
        let mut predictor = Self {
            space: table.space().to_owned(),
            dataset: None,
            columns: table.columns().to_vec(),
            trained: trained.len(),
            settings,
            scales,
            target,
            least,
            trees: None,
            process: None,
            linear: None,
            calibration: Calibration::learn([]),
            unconnected: settings.unconnected.or(mean(&unconnected)).unwrap_or(worst),
        };
        if targets.iter().all(|target| (target - least).abs() < 1e-9) {
            return Ok(predictor);
        }
        let columns = predictor.scales.apply(table, &rows);
        let kinds: Vec<_> = table.columns().iter().map(|column| column.group).collect();
        let Settings { members, trees, seed, .. } = settings;
        let grow = || {
            let wanted = members != Members::GaussianProcess;
            wanted.then(|| BoostedTrees::fit(&columns, &targets, trees, seed)).transpose()
        };
        let (grown, process) = rayon::join(grow, || {
            GaussianProcess::fit(&columns, &kinds, settings.counts_apart, &targets, &variances)
        });
        predictor.trees = grown?;
        let process = process.ok_or(Error::GaussianProcess)?;
        let left_out = process.leave_one_out();
        if settings.members == Members::All {
            predictor.linear = Linear::fit(&columns, &kinds, &targets);
        }
        let errors = targets.iter().zip(left_out.errors).zip(left_out.deviations);
        predictor.calibration = Calibration::learn(
            errors.map(|((target, error), deviation)| (target - error, error.abs() / deviation)),
        );
        predictor.process = Some(process);
        Ok(predictor)
    }

    /// One prediction for each row of a table with the same columns as the one that was fitted.
    ///
    /// # Errors
    /// [`Error::Space`] and [`Error::Columns`] for a table of another space or with other columns.
    pub fn predict(&self, table: &Table) -> Result<Vec<Prediction>, Error> {
        if table.space() != self.space {
            return Err(Error::Space {
                expected: self.space.clone(),
                found: table.space().to_owned(),
            });
        }
        if let Some(column) = self.columns.iter().find(|column| !table.columns().contains(column)) {
            return Err(Error::Columns { column: column.name.clone(), present: false });
        }
        if let Some(column) = table.columns().iter().find(|column| !self.columns.contains(column)) {
            return Err(Error::Columns { column: column.name.clone(), present: true });
        }
        // A space whose choices were reordered has the same columns in another order.
        let ordered = table.in_order(&self.columns);
        let table = ordered.as_deref().unwrap_or(table);
        let rows: Vec<usize> = (0..table.rows()).collect();
        let columns = self.scales.apply(table, &rows);
        let processed = self.process.as_ref().map(|process| process.predict(&columns));
        let grown = self.trees.as_ref().map(|trees| trees.predict(&columns));
        let trend = self.linear.as_ref().map(|linear| linear.predict(&columns));
        let prediction = |row: usize| {
            if !table.is_connected(row) {
                let value = self.unconnected;
                return Prediction { value, low: value, high: value };
            }
            let (mean, deviation) = processed.as_ref().map_or((self.least, 0.0), |all| all[row]);
            let centre = match (&grown, self.settings.members) {
                (Some(grown), Members::Trees) => grown[row],
                (Some(grown), Members::All) => f64::midpoint(mean, grown[row]),
                _ => mean,
            };
            let value = match &trend {
                Some(trend) => (1.0 - TREND) * centre + TREND * trend[row],
                None => centre,
            };
            let back = |z: f64, below: f64| self.target.back(z.max(self.least - below));
            let half = self.calibration.reach(mean) * deviation;
            let (low, high) = (value.min(centre - half), value.max(centre + half));
            let (value, high) = (back(value, BELOW), back(high, BELOW));
            // No network is much worse than chance.
            let chance = self.settings.unconnected.unwrap_or(f64::NEG_INFINITY);
            Prediction { value, low: back(low, FAR_BELOW).max(chance).min(value), high }
        };
        Ok(rows.into_iter().map(prediction).collect())
    }

    /// Whether the prediction is the same for all networks with a path from input to output, because
    /// their trained accuracies are all equal, or there are fewer than two. The intervals then mean
    /// nothing.
    pub fn is_constant(&self) -> bool {
        self.process.is_none()
    }

    /// The number of trained accuracies that it has learnt from.
    pub fn trained(&self) -> usize {
        self.trained
    }

    /// The model of accuracies on a data set of this name.
    #[must_use]
    pub fn with_dataset(self, name: Option<&str>) -> Self {
        Self { dataset: name.map(str::to_owned), ..self }
    }

    /// The data set that the accuracies are of, where it was named.
    pub fn dataset(&self) -> Option<&str> {
        self.dataset.as_deref()
    }

    /// The model as the text of a file, with a checksum.
    ///
    /// # Errors
    /// None for a model that was learnt from finite numbers.
    pub fn to_json(&self) -> Result<String, Error> {
        let model = serde_json::to_string(self).map_err(Error::Write)?;
        let crc32 = crc32fast::hash(model.as_bytes());
        Ok(format!(r#"{{"format":"{FORMAT}","crc32":{crc32}{MODEL}{model}}}"#))
    }

    /// The model of a file's text.
    ///
    /// # Errors
    /// [`Error::Version`] for a model of another version, [`Error::Read`] for a text that is not a
    /// model, [`Error::Checksum`] for one that was changed since it was written.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct File {
            format: String,
            #[serde(default)]
            crc32: u32,
        }
        let File { format, crc32 } = serde_json::from_str(text).map_err(Error::Read)?;
        if format != FORMAT {
            return Err(Error::Version { expected: FORMAT.to_owned(), found: format });
        }
        let model = text.split_once(MODEL).and_then(|(_, rest)| rest.trim_end().strip_suffix('}'));
        let model = model.filter(|model| crc32fast::hash(model.as_bytes()) == crc32);
        serde_json::from_str(model.ok_or(Error::Checksum)?).map_err(Error::Read)
    }
}

#[cfg(test)]
mod tests {
    use nas_space::{Arch, nasbench201};

    use super::*;

    const SMALL: Settings = Settings {
        members: Members::All,
        trees: 40,
        emphasis: Emphasis::Best,
        counts_apart: false,
        seed: 0,
        unconnected: None,
    };

    fn cells(count: usize) -> Vec<Arch> {
        (0..count).map(|index| nasbench201::from_index(index).unwrap()).collect()
    }

    /// Cells with one score, and trained accuracies of the first that follow it.
    fn example(trained: usize) -> (Table, Vec<(usize, f64)>) {
        let score = |row: usize| (row * 37 % 101) as f64;
        let table = Table::new(nasbench201::space(), &cells(120))
            .with_scores("score", (0..120).map(|row| (row != 7).then(|| score(row))))
            .unwrap();
        let trained = (0..trained).map(|row| (row, 50.0 + score(row).sqrt())).collect();
        (table, trained)
    }

    #[test]
    fn networks_that_were_not_trained_are_ranked() {
        let (table, trained) = example(60);
        let predictor = Predictor::fit(&table, &trained, SMALL).unwrap();
        let predicted = predictor.predict(&table).unwrap();
        let connected = |row: &usize| nasbench201::space().is_connected(&cells(120)[*row]);
        let rows: Vec<usize> = (60..120).filter(connected).collect();
        let values: Vec<f64> = rows.iter().map(|&row| predicted[row].value).collect();
        let truth: Vec<f64> = rows.iter().map(|row| (row * 37 % 101) as f64).collect();
        assert!(crate::rank::spearman(&values, &truth) > Some(0.8));
        assert!(predicted.iter().all(|p| p.low <= p.value && p.value <= p.high));
        assert!(!predictor.is_constant());
    }

    #[test]
    fn an_uncertain_accuracy_is_trusted_less() {
        let (table, trained) = example(60);
        let connected = |row: &usize| nasbench201::space().is_connected(&cells(120)[*row]);
        let at = (0..60).find(connected).unwrap();
        let settings = Settings { members: Members::GaussianProcess, ..SMALL };
        let mut wrong = trained;
        let right = std::mem::replace(&mut wrong[at].1, 30.0);
        let predicted = |error: f64| {
            let error = move |row| if row == at { error } else { 0.0 };
            let predictor = Predictor::fit_uncertain(&table, &wrong, error, settings).unwrap();
            predictor.predict(&table).unwrap()[at].value
        };
        let off = [0.0, 1.0, 20.0].map(|error| (predicted(error) - right).abs());
        assert!(off[0] > off[1] && off[1] > off[2] && off[0] > 3.0 * off[2], "{off:?}");
    }

    #[test]
    fn the_same_seed_gives_the_same_model_and_a_saved_one_predicts_the_same() {
        let (table, trained) = example(30);
        let fit = |seed| Predictor::fit(&table, &trained, Settings { seed, ..SMALL }).unwrap();
        let first = fit(3);
        assert_eq!(first.to_json().unwrap(), fit(3).to_json().unwrap());
        assert_ne!(first.to_json().unwrap(), fit(4).to_json().unwrap());
        let read = Predictor::from_json(&first.to_json().unwrap()).unwrap();
        assert_eq!(read.predict(&table).unwrap(), first.predict(&table).unwrap());
    }

    #[test]
    fn one_accuracy_or_equal_accuracies_are_predicted_everywhere() {
        let (table, _) = example(0);
        let row = cells(120).iter().position(|arch| nasbench201::space().is_connected(arch));
        for trained in [vec![(row.unwrap(), 70.0)], vec![(0, 70.0), (1, 70.0), (2, 70.0)]] {
            let predictor = Predictor::fit(&table, &trained, SMALL).unwrap();
            assert!(predictor.is_constant());
            for predicted in predictor.predict(&table).unwrap() {
                for value in [predicted.value, predicted.low, predicted.high] {
                    approx::assert_relative_eq!(value, 70.0, epsilon = 1e-9);
                }
            }
        }
    }

    #[test]
    fn two_accuracies_and_a_column_without_values_are_enough() {
        let (table, trained) = example(2);
        let table = table.with_scores("absent", vec![None; 120]).unwrap();
        let predictor = Predictor::fit(&table, &trained, SMALL).unwrap();
        assert!(predictor.predict(&table).unwrap().iter().all(|p| p.value.is_finite()));
    }

    #[test]
    fn bad_input_is_an_error() {
        let (table, trained) = example(5);
        let message = |trained: &[(usize, f64)]| {
            Predictor::fit(&table, trained, SMALL).unwrap_err().to_string()
        };
        assert_eq!(message(&[]), "a predictor needs at least one trained accuracy");
        assert!(message(&[(0, f64::NAN)]).starts_with("trained accuracy of row 0 is NaN"));
        let uncertain = Predictor::fit_uncertain(&table, &trained, |_| f64::INFINITY, SMALL);
        assert!(uncertain.unwrap_err().to_string().starts_with("standard error of row 0 is inf"));
        assert!(message(&[(120, 1.0)]).contains("120 rows, counted from 0"));
        assert!(message(&[(3, 1.0), (3, 1.0)]).contains("row 3 has two trained accuracies"));
        let nothing = example(0).0.only(|_| false);
        assert!(matches!(Predictor::fit(&nothing, &trained, SMALL), Err(Error::NoColumns)));
        let score = |value| example(0).0.with_scores("other", vec![Some(value); 120]);
        assert!(matches!(score(f64::INFINITY), Err(Error::NotFinite { row: 0, .. })));
        let short = example(0).0.with_scores("short", [Some(1.0)]);
        assert!(matches!(short, Err(Error::Rows { expected: 120, found: 1, .. })));
        let twice = example(0).0.with_scores("score", vec![None; 120]);
        assert!(matches!(twice, Err(Error::ColumnTwice { .. })));
        let predictor = Predictor::fit(&table, &trained, SMALL).unwrap();
        let more = score(1.0).unwrap();
        assert!(matches!(predictor.predict(&more), Err(Error::Columns { present: true, .. })));
        let fewer = Table::new(nasbench201::space(), &cells(3));
        assert!(matches!(predictor.predict(&fewer), Err(Error::Columns { present: false, .. })));
        let file = predictor.to_json().unwrap();
        let newer = file.replace("version 3", "version 4");
        assert!(matches!(Predictor::from_json(&newer), Err(Error::Version { .. })));
        assert!(matches!(Predictor::from_json(&file[..99]), Err(Error::Read(_))));
        // Whatever is changed in it, it is not misread.
        for (from, to) in [("nasbench201", "fbnet"), ("[", "[1,"), ("0.", "1.")] {
            let changed = Predictor::from_json(&file.replacen(from, to, 1));
            assert!(matches!(changed, Err(Error::Checksum)), "{from}");
        }
        let ours = Predictor::from_json(&format!("{file}\n")).unwrap();
        let elsewhere = Predictor { space: "fbnet".to_owned(), ..ours };
        assert!(matches!(elsewhere.predict(&table), Err(Error::Space { .. })));
    }
}
