//! Ridge regression on the choices: a linear trend.

use faer::{Mat, Side, linalg::solvers::Solve};
use serde::{Deserialize, Serialize};

use crate::table::Group;

/// The variance of noise over that of each weight.
const PENALTY: f64 = 10.0;

/// Ridge regression on the choices: the same trend everywhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Linear {
    columns: Vec<usize>,
    weights: Vec<f64>,
}

/// Counts of choices are as linear in the choices.
fn is_choice(group: Group) -> bool {
    matches!(group, Group::Choices | Group::Counts)
}

impl Linear {
    /// Learns `targets`, of mean 0, from the choices among columns of as many values; `None` where
    /// there are none.
    pub(crate) fn fit(values: &[Vec<f64>], kinds: &[Group], targets: &[f64]) -> Option<Self> {
        let columns: Vec<usize> = (0..kinds.len()).filter(|&at| is_choice(kinds[at])).collect();
        let width = columns.len();
        if width == 0 {
            return None;
        }
        // Over the number of columns, as if each were divided by its root.
        let product = |a: &[f64], b: &[f64]| -> f64 {
            a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / width as f64
        };
        let matrix = Mat::from_fn(width, width, |i, j| {
            let penalty = if i == j { PENALTY } else { 0.0 };
            product(&values[columns[i]], &values[columns[j]]) + penalty
        });
        let right = Mat::from_fn(width, 1, |i, _| product(&values[columns[i]], targets));
        let solved = matrix.llt(Side::Lower).ok()?.solve(right);
        let weights = (0..width).map(|i| solved[(i, 0)]).collect();
        Some(Self { columns, weights })
    }

    pub(crate) fn predict(&self, values: &[Vec<f64>]) -> Vec<f64> {
        let rows = values.first().map_or(0, Vec::len);
        let mut predictions = vec![0.0; rows];
        for (&column, weight) in self.columns.iter().zip(&self.weights) {
            for (prediction, value) in predictions.iter_mut().zip(&values[column]) {
                *prediction += weight * value;
            }
        }
        predictions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trend_is_found_and_other_columns_are_ignored() {
        let column = |step: usize| -> Vec<f64> {
            (0..1001).map(|row| (row * step % 1001) as f64 / 500.0 - 1.0).collect()
        };
        let values = vec![column(1), column(37), column(101)];
        let targets: Vec<f64> =
            (0..1001).map(|row| 2.0 * values[0][row] - values[2][row]).collect();
        let kinds = [Group::Choices, Group::Scores, Group::Choices];
        let linear = Linear::fit(&values, &kinds, &targets).unwrap();
        assert_eq!(linear.columns, [0, 2]);
        for (predicted, target) in linear.predict(&values).iter().zip(&targets) {
            assert!((predicted - target).abs() < 0.2, "{predicted} {target}");
        }
        assert_eq!(Linear::fit(&values, &[Group::Scores; 3], &targets), None);
    }
}
