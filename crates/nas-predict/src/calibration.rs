//! The width of intervals, calibrated on leave-one-out errors.

use serde::{Deserialize, Serialize};

/// The share of trained accuracies that an interval should contain.
const NOMINAL: f64 = 0.9;

/// The distance within which errors have the most weight, as a share of the ranks.
const NEAR: f64 = 0.05;

/// The weight of all errors together at any distance, in networks.
const EVERYWHERE: f64 = 5.0;

/// How many standard deviations an interval reaches from its middle: the weighted quantile of
/// leave-one-out errors, in which networks with a similar prediction have the most weight (localised
/// conformal prediction; Guan 2023, with a kernel on predicted ranks). Errors of networks that are
/// predicted to be bad differ from errors of good ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Calibration {
    /// Each trained accuracy as predicted from all others, ascending.
    predicted: Vec<f64>,
    /// For predictions above none, one, …, all of them.
    reaches: Vec<f64>,
}

impl Calibration {
    /// Learns from the prediction of each trained accuracy from all others, and its error in standard
    /// deviations.
    pub(crate) fn learn(errors: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let mut errors: Vec<(f64, f64)> = errors.into_iter().collect();
        errors.sort_by(|a, b| a.0.total_cmp(&b.0));
        let count = errors.len() as f64;
        let mut ascending: Vec<usize> = (0..errors.len()).collect();
        ascending.sort_by(|&a, &b| errors[a].1.total_cmp(&errors[b].1));
        let reach = |rank: usize| {
            let weight = |other: usize| {
                let distance = (rank as f64 - other as f64) / count / NEAR;
                (-0.5 * distance * distance).exp() + EVERYWHERE / count
            };
            let all: f64 = (0..errors.len()).map(weight).sum();
            // The next network counts as one with an unlimited error.
            let wanted = NOMINAL * (1.0 + all);
            let mut sum = 0.0;
            let enough = ascending.iter().find(|&&row| {
                sum += weight(row);
                sum >= wanted
            });
            enough.or(ascending.last()).map_or(0.0, |&row| errors[row].1)
        };
        let reaches = (0..=errors.len()).map(reach).collect();
        Self { predicted: errors.into_iter().map(|error| error.0).collect(), reaches }
    }

    /// In standard deviations.
    pub(crate) fn reach(&self, predicted: f64) -> f64 {
        self.reaches[self.predicted.partition_point(|other| *other < predicted)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_similar_predictions_have_the_most_weight() {
        // The lower half errs by up to 4, the upper half by up to 1.
        let error = |rank: usize| {
            let widest = if rank < 100 { 4.0 } else { 1.0 };
            (rank as f64, widest * ((rank * 37 % 100) as f64 + 1.0) / 100.0)
        };
        let calibration = Calibration::learn((0..200).map(error));
        let (low, high) = (calibration.reach(20.0), calibration.reach(180.0));
        assert!((3.2..=4.0).contains(&low), "{low}");
        assert!((0.9..=2.0).contains(&high), "{high}");
    }

    #[test]
    fn few_errors_give_the_widest_and_none_gives_zero() {
        let calibration = Calibration::learn([(0.0, 1.0), (1.0, 3.0), (2.0, 2.0)]);
        for at in [-1.0, 0.5, 9.0] {
            approx::assert_relative_eq!(calibration.reach(at), 3.0);
            approx::assert_relative_eq!(Calibration::learn([]).reach(at), 0.0);
        }
    }
}
