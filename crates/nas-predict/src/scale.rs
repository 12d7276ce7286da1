//! Columns and trained accuracies on the scales that the models learn from.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

use crate::{
    moments::moments,
    predictor::Emphasis,
    rank::ranks,
    table::{Group, Table},
};

/// The number of a column's values that are kept, to place other values among them.
const KNOTS: usize = 257;

/// Scales the columns of a table for the models. The scales are learnt from all rows of a table, with
/// and without trained accuracies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Scales(Vec<Scale>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Scale {
    /// Normal scores: the quantile of the normal distribution at the value's rank. `knots` are
    /// values and their scores, both ascending.
    Rank { knots: Vec<(f64, f64)> },
    /// Square root, then mean 0 and standard deviation 1: for counts.
    Root { mean: f64, deviation: f64 },
    /// Mean 0 and standard deviation 1.
    Linear { mean: f64, deviation: f64 },
}

/// A mean and a standard deviation to divide by: 1 where all values are equal.
fn divisible((mean, deviation): (f64, f64)) -> (f64, f64) {
    (mean, if deviation > 1e-9 { deviation } else { 1.0 })
}

impl Scales {
    pub(crate) fn learn(table: &Table) -> Self {
        let columns = table.columns().par_iter().enumerate();
        Self(columns.map(|(at, column)| Scale::learn(column.group, table.column(at))).collect())
    }

    /// The columns, scaled; NaN where a value is absent.
    pub(crate) fn apply(&self, table: &Table, rows: &[usize]) -> Vec<Vec<f64>> {
        let columns = self.0.par_iter().enumerate();
        columns
            .map(|(at, scale)| {
                let values = table.column(at);
                rows.iter().map(|&row| scale.of(values[row])).collect()
            })
            .collect()
    }
}

impl Scale {
    fn learn(group: Group, values: &[f64]) -> Self {
        match group {
            Group::Scores => {
                let mut present: Vec<f64> =
                    values.iter().copied().filter(|value| !value.is_nan()).collect();
                present.sort_by(f64::total_cmp);
                let count = present.len() as f64;
                let mut knots: Vec<(f64, f64)> =
                    present.iter().copied().zip(ranks(&present)).collect();
                knots.dedup_by(|a, b| a.0 <= b.0);
                let last = knots.len().saturating_sub(1);
                if last >= KNOTS {
                    knots = (0..KNOTS).map(|at| knots[at * last / (KNOTS - 1)]).collect();
                }
                let normal = Normal::standard();
                for (_, rank) in &mut knots {
                    *rank = normal.inverse_cdf((*rank - 0.5) / count);
                }
                Self::Rank { knots }
            }
            Group::Paths => {
                let roots: Vec<f64> = values.iter().map(|value| value.sqrt()).collect();
                let (mean, deviation) = divisible(moments(&roots));
                Self::Root { mean, deviation }
            }
            Group::Choices | Group::Counts | Group::PathStatistics => {
                let (mean, deviation) = divisible(moments(values));
                Self::Linear { mean, deviation }
            }
        }
    }

    fn of(&self, value: f64) -> f64 {
        match self {
            Self::Root { mean, deviation } => (value.sqrt() - mean) / deviation,
            Self::Linear { mean, deviation } => (value - mean) / deviation,
            _ if value.is_nan() => f64::NAN,
            Self::Rank { knots } => {
                let above = knots.partition_point(|knot| knot.0 < value);
                match (above.checked_sub(1).map(|at| knots[at]), knots.get(above)) {
                    (Some(below), Some(&above)) => {
                        let share = (value - below.0) / (above.0 - below.0);
                        below.1 + share * (above.1 - below.1)
                    }
                    (Some(last), None) => last.1,
                    (None, Some(first)) => first.1,
                    (None, None) => f64::NAN,
                }
            }
        }
    }
}

/// Accuracies further below the best than this many times the median are as one where all differences
/// count alike.
const FAR: f64 = 3.0;

/// Scales accuracies for the models, higher is better, to mean 0 and standard deviation 1.
///
/// With [`Emphasis::Best`] −ln(best − accuracy + offset): differences among the best have more weight than
/// among the worst, because accuracies have a long tail of bad ones. With [`Emphasis::Even`] the tail is
/// cut.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TargetScale {
    best: f64,
    #[serde(default)]
    emphasis: Emphasis,
    /// The offset, or how far below the best the tail is cut.
    offset: f64,
    mean: f64,
    deviation: f64,
}

impl TargetScale {
    pub(crate) fn learn(accuracies: &[f64], emphasis: Emphasis) -> Self {
        let best = accuracies.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut gaps: Vec<f64> = accuracies.iter().map(|accuracy| best - accuracy).collect();
        gaps.sort_by(f64::total_cmp);
        let widest = gaps.last().copied().unwrap_or(0.0);
        let median = gaps.get(gaps.len() / 2).copied().unwrap_or(0.0);
        let offset = match emphasis {
            Emphasis::Best => (0.2 * median).max(0.01 * widest).max(1e-12),
            Emphasis::Even if median > 0.0 => FAR * median,
            Emphasis::Even => widest,
        };
        let mut scale = Self { best, emphasis, offset, mean: 0.0, deviation: 1.0 };
        let scaled: Vec<f64> = accuracies.iter().map(|&accuracy| scale.of(accuracy)).collect();
        (scale.mean, scale.deviation) = divisible(moments(&scaled));
        scale
    }

    pub(crate) fn of(&self, accuracy: f64) -> f64 {
        let gap = self.best - accuracy;
        let plain = match self.emphasis {
            Emphasis::Best => -(gap + self.offset).ln(),
            Emphasis::Even => -gap.min(self.offset),
        };
        (plain - self.mean) / self.deviation
    }

    /// How far a small error of an accuracy reaches on the scale, for each unit; of those that are cut, as
    /// if they were not.
    pub(crate) fn slope(&self, accuracy: f64) -> f64 {
        let plain = match self.emphasis {
            Emphasis::Best => (self.best - accuracy + self.offset).recip(),
            Emphasis::Even => 1.0,
        };
        plain / self.deviation
    }

    /// The accuracy that is scaled to `z`, within rounding; of those that are cut, the greatest.
    pub(crate) fn back(&self, z: f64) -> f64 {
        let plain = z * self.deviation + self.mean;
        match self.emphasis {
            Emphasis::Best => self.best + self.offset - (-plain).exp(),
            Emphasis::Even => self.best + plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn accuracies_come_back_and_keep_their_order(
            accuracies in prop::collection::vec(0.0..100.0f64, 1..50)
        ) {
            let scale = TargetScale::learn(&accuracies, Emphasis::Best);
            for &accuracy in &accuracies {
                prop_assert!((scale.back(scale.of(accuracy)) - accuracy).abs() < 1e-6);
                prop_assert!(scale.of(accuracy) <= scale.of(scale.best));
                let below = 1e-4 * (scale.best - accuracy + scale.offset);
                let slope = (scale.of(accuracy) - scale.of(accuracy - below)) / below;
                prop_assert!(
                    scale.offset < 1e-3 || (scale.slope(accuracy) / slope - 1.0).abs() < 1e-3
                );
            }
        }

        #[test]
        fn scores_keep_their_order(values in prop::collection::vec(-1e9..1e9f64, 1..600)) {
            let scale = Scale::learn(Group::Scores, &values);
            let mut sorted = values;
            sorted.sort_by(f64::total_cmp);
            let scores: Vec<f64> = sorted.iter().map(|&value| scale.of(value)).collect();
            prop_assert!(scores.iter().all(|score| score.is_finite()));
            prop_assert!(scores.is_sorted());
        }
    }

    #[test]
    fn a_column_without_values_stays_absent() {
        assert!(Scale::learn(Group::Scores, &[f64::NAN; 3]).of(1.0).is_nan());
    }
}
