//! Which networks to train next.

use nas_pareto::{Direction, PointSet, hypervolume_gain, non_dominated};
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

/// For each row the expected growth of the hypervolume, if the row's value were known (EHVI: Emmerich,
/// Giannakoglou & Naujoks 2006), of the front of greatest value and least costs that the certain rows
/// make: those with an interval of width 0. Only rows that `open` accepts have a score above 0.
///
/// Objectives are scaled by the range of all rows, and the reference point is the worst of each. Values
/// are taken as normal, with the deviation of the upper half of their intervals.
///
/// # Errors
/// As [`acquisition_scores`].
pub fn expected_gains(
    predictions: &[Prediction],
    costs: &[Option<Vec<f64>>],
    open: impl Fn(usize) -> bool,
) -> Result<Vec<f64>, Error> {
    let front = Front::new(predictions, costs)?;
    let is_certain = |row: &usize| predictions[*row].high - predictions[*row].low <= 0.0;
    let certain: Vec<usize> =
        (0..costs.len()).filter(|row| costs[*row].is_some() && is_certain(row)).collect();
    let levels = Levels::new(&front, predictions, costs, &certain)?;
    let score = |row: usize| match &costs[row] {
        Some(costs) if open(row) && !is_certain(&row) => levels.gain(predictions[row], costs),
        _ => Ok(0.0),
    };
    (0..costs.len()).map(score).collect()
}

/// What the certain rows reach.
enum Levels {
    /// With one cost: from each cost on, ascending, the greatest value; and the greatest cost.
    Steps { steps: Vec<(f64, f64)>, end: f64 },
    /// With several: the front as scaled costs, the negative value last; and how to scale.
    Points { points: PointSet, least: f64, range: f64, ranges: Vec<(f64, f64)> },
}

/// Where the normal distribution is looked at where there are several costs: the middle of ten equal
/// parts, in its standard deviations.
const TENTHS: [f64; 10] =
    [-1.645, -1.036, -0.674, -0.385, -0.126, 0.126, 0.385, 0.674, 1.036, 1.645];

impl Levels {
    fn new(
        front: &Front<'_>,
        predictions: &[Prediction],
        costs: &[Option<Vec<f64>>],
        certain: &[usize],
    ) -> Result<Self, Error> {
        let of = |row: usize| (costs[row].as_deref().unwrap_or_default(), predictions[row].value);
        if let [(least_cost, end)] = front.ranges[..] {
            let mut points: Vec<(f64, f64)> =
                certain.iter().map(|&row| (of(row).0[0], of(row).1)).collect();
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
            let mut steps = vec![(least_cost, front.least)];
            for (cost, value) in points {
                if value > steps[steps.len() - 1].1 {
                    steps.push((cost, value));
                }
            }
            return Ok(Self::Steps { steps, end });
        }
        let most = predictions.iter().map(|one| one.value).fold(front.least, f64::max);
        let range = (most - front.least).max(f64::MIN_POSITIVE);
        let mut this = Self::Points {
            points: PointSet::new(Vec::new(), front.ranges.len() + 1).map_err(|_| Error::Costs)?,
            least: front.least,
            range,
            ranges: front.ranges.clone(),
        };
        let rows: Vec<Vec<f64>> =
            certain.iter().map(|&row| this.scaled(of(row).0, of(row).1)).collect();
        if let Self::Points { points, .. } = &mut this {
            let all =
                PointSet::new(rows.concat(), front.ranges.len() + 1).map_err(|_| Error::Costs)?;
            let kept = non_dominated(&all).map_err(|_| Error::Costs)?;
            let kept: Vec<f64> = kept.into_iter().flat_map(|at| rows[at].clone()).collect();
            *points = PointSet::new(kept, front.ranges.len() + 1).map_err(|_| Error::Costs)?;
        }
        Ok(this)
    }

    /// Costs and value as costs, each scaled to 0 to 1; nothing with one cost.
    fn scaled(&self, costs: &[f64], value: f64) -> Vec<f64> {
        let Self::Points { least, range, ranges, .. } = self else { return Vec::new() };
        let scaled = costs.iter().zip(ranges);
        let scaled =
            scaled.map(|(cost, (from, to))| (cost - from) / (to - from).max(f64::MIN_POSITIVE));
        scaled.chain([1.0 - (value - least) / range]).collect()
    }

    fn gain(&self, prediction: Prediction, costs: &[f64]) -> Result<f64, Error> {
        let deviation = (prediction.high - prediction.value) / NINE_IN_TEN;
        let normal = Normal::standard();
        match self {
            Self::Steps { steps, end } => {
                let mut sum = 0.0;
                for (at, (cost, value)) in steps.iter().enumerate() {
                    let next = steps.get(at + 1).map_or(*end, |step| step.0);
                    let width = next - cost.max(costs[0]);
                    if width <= 0.0 && at + 1 < steps.len() {
                        continue;
                    }
                    let short = (value - prediction.value) / deviation.max(f64::MIN_POSITIVE);
                    if short > 6.0 {
                        break;
                    }
                    // The dearest of all gains something too.
                    let width = width.max(LEAST_SHARE * (end - steps[0].0));
                    sum += width * deviation * (normal.pdf(short) - short * normal.sf(short));
                }
                Ok(sum.max(0.0))
            }
            Self::Points { points, .. } => {
                let reference = vec![1.0 + LEAST_SHARE; costs.len() + 1];
                let at = |z: f64| {
                    let point = self.scaled(costs, prediction.value + z * deviation);
                    hypervolume_gain(points, &point, &reference).map_err(|_| Error::Costs)
                };
                // What is not worth anything at its best is nothing.
                if at(TENTHS[TENTHS.len() - 1])? <= 0.0 {
                    return Ok(0.0);
                }
                let gains = TENTHS.iter().map(|z| at(*z)).collect::<Result<Vec<f64>, Error>>()?;
                Ok(gains.iter().sum::<f64>() / gains.len() as f64)
            }
        }
    }
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
