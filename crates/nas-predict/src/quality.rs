//! How good predictions are on architectures that were not learnt from.

use serde::Serialize;

use crate::{
    Prediction,
    rank::{kendall, regret, spearman, spearman_of_best},
};

/// How good predictions are on architectures that were not learnt from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Quality {
    /// Spearman's rank correlation of predictions with the truth.
    pub spearman: Option<f64>,
    /// Kendall's τ-b.
    pub kendall: Option<f64>,
    /// Spearman's rank correlation in the tenth with the greatest truth.
    pub spearman_top_tenth: Option<f64>,
    /// The truth of the best of all minus that of the best among the ten with the greatest predictions.
    pub regret_at_10: Option<f64>,
    /// The share of accuracies within their intervals; 0.9 is nominal.
    pub coverage: Option<f64>,
    /// The intervals' mean width, in the unit of the accuracies.
    pub mean_width: Option<f64>,
}

impl Quality {
    /// Compares intervals with the accuracies that they predict, and the order of the predictions with
    /// the truth, which may be the same. All are slices of one length.
    pub fn of(predictions: &[Prediction], accuracies: &[f64], truth: &[f64]) -> Self {
        let values: Vec<f64> = predictions.iter().map(|prediction| prediction.value).collect();
        let widths = predictions.iter().map(|prediction| prediction.high - prediction.low);
        let mean = |sum: f64| (!predictions.is_empty()).then(|| sum / predictions.len() as f64);
        let pairs = predictions.iter().zip(accuracies);
        let inside = pairs.filter(|(prediction, accuracy)| prediction.contains(**accuracy)).count();
        Self {
            spearman: spearman(&values, truth),
            kendall: kendall(&values, truth),
            spearman_top_tenth: spearman_of_best(&values, truth, 0.1),
            regret_at_10: regret(&values, truth, 10),
            coverage: mean(inside as f64),
            mean_width: mean(widths.sum()),
        }
    }

    /// The mean of each figure over those that have it.
    pub fn mean(all: &[Self]) -> Self {
        let mean = |of: fn(&Self) -> Option<f64>| {
            let values: Vec<f64> = all.iter().filter_map(of).collect();
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        Self {
            spearman: mean(|one| one.spearman),
            kendall: mean(|one| one.kendall),
            spearman_top_tenth: mean(|one| one.spearman_top_tenth),
            regret_at_10: mean(|one| one.regret_at_10),
            coverage: mean(|one| one.coverage),
            mean_width: mean(|one| one.mean_width),
        }
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::*;

    #[test]
    fn the_order_is_compared_with_the_truth_and_intervals_with_accuracies() {
        let predicted = |value: f64| Prediction { value, low: value - 1.0, high: value + 1.0 };
        let predictions = [1.0, 2.0, 3.0, 4.0].map(predicted);
        let quality = Quality::of(&predictions, &[1.5, 2.0, 9.0, 4.0], &[4.0, 3.0, 2.0, 1.0]);
        assert_relative_eq!(quality.spearman.unwrap(), -1.0);
        assert_relative_eq!(quality.kendall.unwrap(), -1.0);
        assert_relative_eq!(quality.coverage.unwrap(), 0.75);
        assert_relative_eq!(quality.mean_width.unwrap(), 2.0);
        assert_eq!(quality.regret_at_10, Some(0.0));
        let nothing = Quality::of(&[], &[], &[]);
        assert_eq!((nothing.spearman, nothing.coverage), (None, None));
        assert_eq!(Quality::mean(&[nothing, quality]), quality);
    }
}
