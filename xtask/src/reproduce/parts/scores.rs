//! The scores of searches, selected, averaged and compared.

use std::collections::BTreeMap;

use crate::reproduce::rows::Scores;
use nas_pareto::statistics::{Estimate, mean, paired_p};

pub fn of(rows: &[Scores], searcher: &str) -> Vec<Scores> {
    rows.iter().filter(|row| row.searcher == searcher).cloned().collect()
}

pub fn on(rows: &[Scores], devices: &[&str]) -> Vec<Scores> {
    rows.iter().filter(|row| devices.contains(&row.device.as_str())).cloned().collect()
}

/// The rows after a number of evaluations; `None` for the last.
pub fn after(rows: &[Scores], evaluations: Option<u64>) -> Vec<Scores> {
    let last = rows.iter().map(|row| row.evaluations).max();
    rows.iter().filter(|row| Some(row.evaluations) == evaluations.or(last)).cloned().collect()
}

/// The mean of a value over pairs for each seed, in order of the seeds.
pub fn by_seed(rows: &[Scores], value: impl Fn(&Scores) -> f64) -> Vec<f64> {
    grouped(rows, |row| row.seed, value)
}

/// The mean over seeds for each pair of data set and device.
pub fn by_pair(rows: &[Scores], value: impl Fn(&Scores) -> f64) -> Vec<f64> {
    grouped(rows, |row| (row.dataset.clone(), row.device.clone()), value)
}

fn grouped<K: Ord>(
    rows: &[Scores],
    key: impl Fn(&Scores) -> K,
    value: impl Fn(&Scores) -> f64,
) -> Vec<f64> {
    let mut groups: BTreeMap<K, Vec<f64>> = BTreeMap::new();
    for row in rows {
        groups.entry(key(row)).or_default().push(value(row));
    }
    groups.into_values().map(|values| mean(&values)).collect()
}

/// The HV ratio; 0 for a search that found nothing.
pub fn ratio(row: &Scores) -> f64 {
    row.hypervolume_ratio.unwrap_or(0.0)
}

pub fn seeds(rows: &[Scores]) -> usize {
    by_seed(rows, ratio).len()
}

/// Means over pairs and seeds: hypervolume ratio, worst pair, hypervolume, IGD, IGD+, coverage.
pub fn scores(rows: &[Scores]) -> [String; 6] {
    let estimate = |value: fn(&Scores) -> f64| Estimate::of(&by_seed(rows, value));
    let worst = by_pair(rows, ratio).into_iter().fold(f64::INFINITY, f64::min);
    [
        estimate(ratio).text(4),
        format!("{worst:.4}"),
        format!("{:.4}", estimate(|row| row.hypervolume.unwrap_or(0.0)).mean),
        estimate(|row| row.igd.unwrap_or(1.0)).text(4),
        estimate(|row| row.igd_plus.unwrap_or(1.0)).text(4),
        estimate(|row| row.coverage).text(2),
    ]
}

pub const SCORES: [&str; 6] = ["HV ratio", "worst pair", "HV", "IGD", "IGD+", "coverage"];

/// Differences of a value, paired by seed: the first minus the second.
pub fn differences(one: &[Scores], other: &[Scores], value: fn(&Scores) -> f64) -> Vec<f64> {
    let pairs = by_seed(one, value).into_iter().zip(by_seed(other, value));
    pairs.map(|(one, other)| one - other).collect()
}

pub fn p_value(differences: &[f64]) -> String {
    p_value_text(paired_p(differences))
}

pub fn p_value_text(p: Option<f64>) -> String {
    match p {
        Some(p) if p < 0.001 => "< 0.001".to_owned(),
        Some(p) => format!("{p:.3}"),
        None => "-".to_owned(),
    }
}

pub const SCORED: &str = "Hypervolume and distances are of the front found, on test accuracy and \
published latency. Error and latency are scaled to 0 to 1 over all cells that the device can run; the \
reference point is 1 in each. HV ratio: to the hypervolume of the exact front of the whole space. Worst \
pair: the least mean HV ratio of a pair of data set and device. Coverage: the exact front's range of \
log latency is divided into ten equal parts; the share of parts with a network that is at most one \
point less accurate than the exact front there. ±: 95 % interval over the seeds by Student's t.";
