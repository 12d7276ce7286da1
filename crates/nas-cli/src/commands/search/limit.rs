//! Limits on objectives and on numbers that are counted.

use std::collections::BTreeSet;

use nas_eval::{Problem, Statistic};
use nas_predict::reach_of_risk;
use nas_search::{Detail, Evaluated, Objective};
use nas_space::{Arch, Error as SpaceError};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// A limit, as it is typed: `latency_ms<=8`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    /// An objective's column, or a number that is counted.
    pub name: String,
    pub bound: Bound,
    pub value: f64,
}

/// Which values keep a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Bound {
    #[serde(rename = "<=")]
    AtMost,
    #[serde(rename = ">=")]
    AtLeast,
}

impl Limit {
    pub fn at_most(name: impl Into<String>, value: f64) -> Self {
        Self { name: name.into(), bound: Bound::AtMost, value }
    }

    /// Reads `NAME<=VALUE` or `NAME>=VALUE`, where k, M and G stand for thousands, millions and
    /// billions; for clap.
    pub fn parse(text: &str) -> Result<Self, String> {
        const EXPECTED: &str = "expected a name, <= or >=, and a number, for example \"latency_ms<=8\" or \"parameters<=1M\"";
        let split = |bound, sign| text.split_once(sign).map(|(name, value)| (name, bound, value));
        let (name, bound, value) =
            split(Bound::AtMost, "<=").or_else(|| split(Bound::AtLeast, ">=")).ok_or(EXPECTED)?;
        let (name, value) = (name.trim(), value.trim());
        let (digits, factor) = match value.strip_suffix(['k', 'K']) {
            Some(digits) => (digits, 1e3),
            None => match (value.strip_suffix('M'), value.strip_suffix('G')) {
                (Some(digits), _) => (digits, 1e6),
                (_, Some(digits)) => (digits, 1e9),
                _ => (value, 1.0),
            },
        };
        let number = digits.trim().parse::<f64>().ok().filter(|number| number.is_finite());
        match number {
            Some(number) if !name.is_empty() => {
                Ok(Self { name: name.to_owned(), bound, value: number * factor })
            }
            _ => Err(EXPECTED.to_owned()),
        }
    }
}

/// The value of a known objective.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KnownValue {
    /// The objective's position.
    pub at: usize,
    pub value: Option<f64>,
    /// The ends of its 90 % interval, where it is uncertain.
    pub ends: [Option<f64>; 2],
}

/// What a limit is on.
enum On {
    /// An objective by its position, with the details that are the ends of its 90 % interval.
    Objective { at: usize, ends: Option<[usize; 2]> },
    /// A number that is counted.
    Counted(Statistic),
}

/// A limit on an objective of a search, or on a number that is counted.
pub struct Limited {
    on: On,
    limit: Limit,
    /// Name, bound and value with its unit.
    words: String,
    /// The part of half an interval by which an uncertain value has to keep it.
    reach: f64,
}

impl Limited {
    /// The limits of a search with these objectives. An uncertain value keeps a limit if it does so with
    /// a probability of 1 − `risk`.
    pub fn of(
        limits: &[Limit],
        risk: f64,
        problem: &Problem,
        objectives: &[Objective],
        details: &[Detail],
    ) -> Result<Vec<Self>, Failure> {
        let resolve = |limit: &Limit| {
            let named = |objective: &&Objective| {
                objective.column() == limit.name || objective.name == limit.name
            };
            let (on, name, unit) = if let Some(at) = objectives.iter().position(|o| named(&o)) {
                let objective = &objectives[at];
                (
                    On::Objective { at, ends: ends(objective, details) },
                    &objective.name,
                    &*objective.unit,
                )
            } else if let Some(counted) = counted(problem, &limit.name) {
                let name = &counted.name;
                (On::Counted(counted.clone()), name, "")
            } else {
                let columns = objectives.iter().map(Objective::column);
                let counted = problem.statistics.iter().map(|counted| counted.name.clone());
                // A counted number may be an objective.
                let all: BTreeSet<String> = columns.chain(counted).collect();
                let unknown = SpaceError::unknown_name(
                    "objective or counted number",
                    &limit.name,
                    all.iter().map(String::as_str),
                );
                return Err(Failure::input(format!("--limit: {unknown}")));
            };
            let sign = if limit.bound == Bound::AtMost { "≤" } else { "≥" };
            let words = format!("{} {sign} {} {unit}", name.replace('_', " "), limit.value);
            let reach = reach_of_risk(risk);
            Ok(Self { on, limit: limit.clone(), words: words.trim_end().to_owned(), reach })
        };
        limits.iter().map(resolve).collect()
    }

    pub fn words(&self) -> &str {
        &self.words
    }

    /// Whether the limit is on an uncertain value, which keeps it with some probability.
    pub fn is_uncertain(&self) -> bool {
        matches!(self.on, On::Objective { ends: Some(_), .. })
    }

    /// The factor by which an evaluated architecture exceeds the limit; 1 where it keeps it.
    pub fn excess(&self, one: &Evaluated) -> f64 {
        match &self.on {
            On::Counted(counted) => self.by(Some(counted.of(&one.arch)), [None; 2]),
            On::Objective { at, ends } => {
                let value = one.values.get(*at).copied().flatten();
                let end = |end: usize| one.details.get(end).copied().flatten();
                self.by(value, ends.map_or([None; 2], |ends| ends.map(end)))
            }
        }
    }

    /// The same for an architecture of which only `known` objectives are known; 1 where nothing is known of
    /// what the limit is on.
    pub fn excess_of_known(&self, arch: &Arch, known: &[KnownValue]) -> f64 {
        match &self.on {
            On::Counted(counted) => self.by(Some(counted.of(arch)), [None; 2]),
            On::Objective { at, .. } => {
                let known = known.iter().find(|one| one.at == *at);
                known.map_or(1.0, |known| self.by(known.value, known.ends))
            }
        }
    }

    /// The factor by which a value exceeds the limit. An uncertain one, with the ends of its interval, has
    /// to keep it with the required probability.
    fn by(&self, value: Option<f64>, [low, high]: [Option<f64>; 2]) -> f64 {
        let Some(value) = value else { return f64::INFINITY };
        let end = if self.limit.bound == Bound::AtMost { high } else { low };
        let value = end.map_or(value, |end| value + (end - value) * self.reach);
        let (limit, least) = (self.limit.value, 1e-9);
        match self.limit.bound {
            Bound::AtMost if value <= limit => 1.0,
            Bound::AtLeast if value >= limit => 1.0,
            // Every value exceeds a limit of 0; the least value is the nearest to it.
            Bound::AtMost => (value / limit.max(least)).max(1.0 + f64::EPSILON),
            Bound::AtLeast => (limit / value.max(least)).max(1.0 + f64::EPSILON),
        }
    }
}

/// A number that is counted, by its name.
pub fn counted<'a>(problem: &'a Problem, name: &str) -> Option<&'a Statistic> {
    problem.statistics.iter().find(|counted| counted.name.eq_ignore_ascii_case(name))
}

/// The positions of the details that are the ends of an objective's interval.
pub fn ends(objective: &Objective, details: &[Detail]) -> Option<[usize; 2]> {
    let [low, high] = nas_eval::interval_ends(objective)
        .map(|end| details.iter().position(|detail| detail.name == end.name));
    Some([low?, high?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_with_their_factors_and_refused_with_an_example() {
        let read = |text| Limit::parse(text).unwrap();
        assert_eq!(read("latency_ms<=8"), Limit::at_most("latency_ms", 8.0));
        assert_eq!(read("parameters <= 1.5M"), Limit::at_most("parameters", 1.5e6));
        assert_eq!(read("ram_kb<=2k"), Limit::at_most("ram_kb", 2e3));
        assert_eq!(read("accuracy_percent>=70").bound, Bound::AtLeast);
        for wrong in ["latency_ms", "latency_ms<8", "<=8", "latency_ms<=fast", "a<=NaN"] {
            assert!(Limit::parse(wrong).unwrap_err().contains("for example"), "{wrong}");
        }
    }

    #[test]
    fn an_uncertain_value_keeps_a_limit_with_the_probability_asked_for() {
        let objectives = [Objective::accuracy("accuracy"), Objective::latency()];
        let detail = |name: &str| Detail::new(name, "ms");
        let details = [detail("latency_low"), detail("latency_high")];
        let problem = nas_eval::spaces::problem("nasbench201", None).unwrap();
        let limited = |risk, value| {
            let limits = [Limit::at_most("latency", value)];
            Limited::of(&limits, risk, &problem, &objectives, &details).unwrap().remove(0)
        };
        let one = Evaluated {
            arch: Arch::new([0; 6]),
            values: vec![Some(70.0), Some(8.0)],
            details: vec![Some(6.355), Some(9.645)],
            failure: None,
            stopped: false,
            niche: 0,
            generation: 0,
            proposer: String::new(),
            rationale: None,
        };
        let keeps = |risk, value| limited(risk, value).excess(&one) <= 1.0;
        assert!(keeps(0.5, 8.001) && !keeps(0.1, 9.2) && keeps(0.1, 9.3) && keeps(0.05, 9.65));
        assert!(limited(0.1, 8.0).is_uncertain());
        assert_eq!(limited(0.1, 8.0).words(), "latency ≤ 8 ms");
    }

    #[test]
    fn what_is_known_before_keeps_a_limit_by_its_interval() {
        let problem = nas_eval::spaces::problem("nasbench201", None).unwrap();
        let objectives = [Objective::accuracy("accuracy"), Objective::latency()];
        let limits = [Limit::at_most("latency", 9.2)];
        let limited = Limited::of(&limits, 0.1, &problem, &objectives, &[]).unwrap().remove(0);
        let excess = |value, ends| {
            limited.excess_of_known(&Arch::new([0; 6]), &[KnownValue { at: 1, value, ends }])
        };
        assert!(excess(Some(8.0), [None; 2]) <= 1.0);
        assert!(excess(Some(8.0), [Some(6.355), Some(9.645)]) > 1.0);
        assert!(excess(Some(7.5), [Some(5.855), Some(9.145)]) <= 1.0);
        assert!(excess(None, [None; 2]).is_infinite());
        assert!(limited.excess_of_known(&Arch::new([0; 6]), &[]) <= 1.0);
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_known_ones() {
        let problem = nas_eval::spaces::problem("nasbench201", None).unwrap();
        let objectives = [Objective::accuracy("accuracy"), Objective::latency()];
        let limits = [Limit::at_most("latencyms", 8.0)];
        let failure = Limited::of(&limits, 0.1, &problem, &objectives, &[]).err().unwrap();
        let text = failure.to_string();
        assert!(text.contains("latency_ms") && text.contains("parameters"), "{text}");
    }
}
