//! The values that a model expects of candidates: whether they are in the order of the true ones.

use nas_eval::Truth;
use nas_pareto::statistics::{Estimate, mean};
use nas_predict::rank::spearman;
use nas_search::{Child, Evaluated, Objective, Request};
use nas_space::Arch;

use super::judged::Judged;
use crate::output::{Cell, Records};

/// The values of a candidate, in the order of the objectives.
pub struct Expected {
    /// By the model; `None` where its answer could not be read.
    by_model: Option<Vec<f64>>,
    /// The means of the nearest architectures that were evaluated in the niche: in the fewest decisions
    /// other. No model is needed for that.
    of_nearest: Vec<f64>,
    truth: Vec<f64>,
}

/// What was expected of the candidates of a situation; nothing where a candidate has no true values.
pub fn of(
    request: &Request<'_>,
    truth: &Truth,
    candidates: &[Child<'_>],
    by_model: &[Option<Vec<f64>>],
) -> Vec<Expected> {
    let here: Vec<&Evaluated> =
        request.evaluated.iter().filter(|one| one.niche == request.niche).collect();
    let all = candidates.iter().zip(by_model).map(|(child, by_model)| {
        Some(Expected {
            by_model: by_model.clone(),
            of_nearest: nearest(&here, &child.arch, request.objectives.len()),
            truth: truth.values(&child.arch)?.to_vec(),
        })
    });
    all.flatten().collect()
}

fn nearest(evaluated: &[&Evaluated], arch: &Arch, objectives: usize) -> Vec<f64> {
    let distance = |one: &Evaluated| {
        one.arch.choices().iter().zip(arch.choices()).filter(|(one, other)| one != other).count()
    };
    let least = evaluated.iter().map(|one| distance(one)).min();
    let near: Vec<&&Evaluated> =
        evaluated.iter().filter(|one| Some(distance(one)) == least).collect();
    let value = |at: usize| mean(&near.iter().filter_map(|one| one.values[at]).collect::<Vec<_>>());
    (0..objectives).map(value).collect()
}

/// The orders of expected values, over situations.
pub struct Orders<'a> {
    pub judged: &'a [Judged],
    pub objectives: &'a [Objective],
}

/// Whose values they are: in a table, in rows, and of a candidate.
type Way = (&'static str, &'static str, fn(&Expected) -> Option<&Vec<f64>>);
const WAYS: [Way; 2] = [
    ("the model's", "model", |one| one.by_model.as_ref()),
    ("of the nearest", "nearest", |one| Some(&one.of_nearest)),
];

impl Orders<'_> {
    /// Means of rank correlations with true values; empty where no values were asked for.
    pub fn table(&self) -> String {
        if self.judged.iter().all(|one| one.expected.is_empty()) {
            return String::new();
        }
        let columns = self.objectives.iter().map(|objective| objective.name.replace('_', " "));
        let mut records = Records::new(["expected values".to_owned()].into_iter().chain(columns));
        for (name, _, values) in WAYS {
            let cells = (0..self.objectives.len()).map(|at| {
                let all = self.judged.iter();
                let all: Vec<f64> =
                    all.filter_map(|one| correlation(&one.expected, values, at)).collect();
                Cell::Text(Estimate::of(&all).signed(2))
            });
            records.push([name.into()].into_iter().chain(cells).collect());
        }
        format!(
            "\n{}  rank correlation (Spearman's) with the candidates' true values; 0 is chance\n  \
             of the nearest: without a model, means of the evaluated architectures that\n    \
             differ in the fewest decisions\n",
            records.table()
        )
    }

    /// A rank correlation in each row.
    pub fn records(&self) -> Records {
        let columns = ["situation", "niche", "objective", "values", "correlation"];
        let mut records = Records::new(columns);
        for (situation, one) in self.judged.iter().enumerate() {
            for (at, objective) in self.objectives.iter().enumerate() {
                for (_, name, values) in WAYS {
                    if let Some(correlation) = correlation(&one.expected, values, at) {
                        records.push(vec![
                            (situation + 1).into(),
                            (one.niche + 1).into(),
                            objective.name.as_str().into(),
                            name.into(),
                            Some(correlation).into(),
                        ]);
                    }
                }
            }
        }
        records
    }
}

/// The rank correlation of values with true ones: 0 where all are expected to be equal, `None` where all are.
fn correlation(
    expected: &[Expected],
    values: fn(&Expected) -> Option<&Vec<f64>>,
    at: usize,
) -> Option<f64> {
    let pairs = expected.iter().filter_map(|one| Some((values(one)?[at], one.truth[at])));
    let (values, truth): (Vec<f64>, Vec<f64>) = pairs.unzip();
    spearman(&truth, &truth)?;
    Some(spearman(&values, &truth).unwrap_or(0.0))
}
