//! Which networks to train next.

use nas_pareto::{Direction, PointSet, non_dominated};
use statrs::distribution::{Continuous, ContinuousCDF, Normal};

use crate::{Error, Prediction};

/// The least share of a cost's range in which an architecture counts as the best: with no such limit
/// none between two near members of the front would ever be chosen.
const LEAST_SHARE: f64 = 0.002;

/// Half the width of an interval that holds nine in ten of a normal distribution, in its standard
/// deviations.
const NINE_IN_TEN: f64 = 1.645;

/// A score of each row: how much its trained accuracy could add to the Pareto front of greatest value
/// and least costs; 0 where it cannot add anything. Train the rows with the greatest scores.
///
/// The score of a member of the predicted front is its standard deviation. The score of any other row is
/// the expected gain in value over the best member that costs no more (the knowledge gradient of
/// Frazier, Powell & Dayanik 2008 for a single observation without noise). Both are multiplied by
/// the square root of the share of the costs' range in which the row would then be the best, because
/// hypervolume grows with it.
///
/// `costs` holds for each row one cost for each objective other than the value, less is better;
/// `None` where one does not exist.
///
/// # Errors
/// [`Error::Costs`] for another number of rows, rows of different lengths or costs that are not
/// finite.
pub fn acquisition_scores(
    predictions: &[Prediction],
    costs: &[Option<Vec<f64>>],
) -> Result<Vec<f64>, Error> {
    let front = Front::new(predictions, costs)?;
    let rows = predictions.iter().zip(costs).enumerate();
    let score = |(row, (prediction, costs)): (usize, (&Prediction, &Option<Vec<f64>>))| {
        costs.as_ref().map_or(0.0, |costs| front.score(row, *prediction, costs))
    };
    Ok(rows.map(score).collect())
}

/// The predicted front.
struct Front<'a> {
    members: Vec<Member<'a>>,
    /// The least value of all, with which an architecture cheaper than every member is compared.
    least: f64,
    /// Least and greatest of each cost.
    ranges: Vec<(f64, f64)>,
}

struct Member<'a> {
    row: usize,
    value: f64,
    costs: &'a [f64],
}

impl<'a> Front<'a> {
    fn new(predictions: &[Prediction], costs: &'a [Option<Vec<f64>>]) -> Result<Self, Error> {
        let runnable: Vec<(usize, f64, &[f64])> = predictions
            .iter()
            .zip(costs)
            .enumerate()
            .filter_map(|(row, (predicted, costs))| {
                Some((row, predicted.value, &costs.as_ref()?[..]))
            })
            .collect();
        let count = runnable.first().map_or(0, |row| row.2.len());
        let valid = |row: &(usize, f64, &[f64])| {
            row.2.len() == count && row.2.iter().all(|cost| cost.is_finite())
        };
        if predictions.len() != costs.len() || !runnable.iter().all(valid) {
            return Err(Error::Costs);
        }
        let mut directions = vec![Direction::Minimise; count];
        directions.push(Direction::Maximise);
        let rows = runnable.iter().map(|(_, value, costs)| [costs, &[*value][..]].concat());
        let rows: Vec<Vec<f64>> = rows.collect();
        let points = PointSet::from_rows(&rows, &directions).map_err(|_| Error::Costs)?;
        let positions = non_dominated(&points).map_err(|_| Error::Costs)?;
        let members = positions.into_iter().map(|at| {
            let (row, value, costs) = runnable[at];
            Member { row, value, costs }
        });
        let range = |at: usize| {
            let costs = runnable.iter().map(|row| row.2[at]);
            costs.fold((f64::INFINITY, f64::NEG_INFINITY), |range, cost| {
                (range.0.min(cost), range.1.max(cost))
            })
        };
        Ok(Self {
            members: members.collect(),
            least: runnable.iter().map(|row| row.1).fold(f64::INFINITY, f64::min),
            ranges: (0..count).map(range).collect(),
        })
    }

    fn score(&self, row: usize, prediction: Prediction, costs: &[f64]) -> f64 {
        let deviation = (prediction.high - prediction.low) / 2.0 / NINE_IN_TEN;
        if deviation <= 0.0 {
            return 0.0;
        }
        let others = || self.members.iter().filter(|member| member.row != row);
        let cheaper = |member: &&Member<'_>| member.costs.iter().zip(costs).all(|(a, b)| a <= b);
        let rival = others().filter(cheaper).map(|member| member.value).fold(self.least, f64::max);
        let better = || others().filter(|member| member.value > prediction.value.max(rival));
        let share = |(at, range): (usize, &(f64, f64))| {
            let next = better().map(|member| member.costs[at]).filter(|cost| *cost >= costs[at]);
            let width = next.fold(range.1, f64::min) - costs[at];
            (width / (range.1 - range.0).max(f64::MIN_POSITIVE)).max(LEAST_SHARE)
        };
        let shares: f64 = self.ranges.iter().enumerate().map(share).product();
        let gain = if self.members.iter().any(|member| member.row == row) {
            deviation
        } else {
            let short = (rival - prediction.value) / deviation;
            let normal = Normal::standard();
            deviation * (normal.pdf(short) - short * normal.sf(short))
        };
        gain.max(0.0) * shares.sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn predicted(value: f64, half: f64) -> Prediction {
        Prediction { value, low: value - half, high: value + half }
    }

    #[test]
    fn rows_that_may_change_the_front_score_higher() {
        let predictions = [
            predicted(60.0, 1.0),
            predicted(70.0, 1.0),
            predicted(69.0, 1.0), // Just behind.
            predicted(69.0, 4.0), // As far, and more uncertain.
            predicted(50.0, 1.0), // Far behind.
            predicted(80.0, 0.0), // Certain.
            predicted(90.0, 1.0), // Cannot be run.
        ];
        let costs = [1.0, 2.0, 2.5, 2.5, 2.5, 9.0].map(|cost| Some(vec![cost]));
        let costs = [&costs[..], &[None]].concat();
        let scores = acquisition_scores(&predictions, &costs).unwrap();
        assert!(scores[3] > scores[2] && scores[2] > 1e3 * scores[4], "{scores:?}");
        assert!(scores[1] > scores[2], "{scores:?}");
        // Both on the front, but the second is the best in a wider range.
        assert!(scores[1] > scores[0], "{scores:?}");
        assert!(scores[5] == 0.0 && scores[6] == 0.0, "{scores:?}");
    }

    #[test]
    fn several_costs_count_and_bad_ones_are_errors() {
        let predictions = [predicted(60.0, 1.0), predicted(59.9, 1.0)];
        let scores = |second: Vec<f64>| {
            acquisition_scores(&predictions, &[Some(vec![1.0, 1.0]), Some(second)])
        };
        // Cheaper in one cost, the second is on the front.
        assert!(scores(vec![2.0, 0.5]).unwrap()[1] > scores(vec![2.0, 2.0]).unwrap()[1]);
        assert!(matches!(scores(vec![1.0]), Err(Error::Costs)));
        assert!(matches!(scores(vec![1.0, f64::NAN]), Err(Error::Costs)));
        assert_eq!(acquisition_scores(&predictions, &[None, None]).unwrap(), [0.0, 0.0]);
    }
}
