//! Gaussian process regression with one length scale for each group of columns.

use faer::{
    Mat, Par, Side,
    linalg::{matmul::matmul, solvers::Solve, triangular_solve::solve_lower_triangular_in_place},
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use wide::f64x4;

use crate::{
    likelihood::{Effort, JITTER, MarginalLikelihood, minimise},
    table::Group,
};

/// The kernel's parameters are fitted to at most this many trained accuracies, evenly spaced among
/// all.
const FITTED: usize = 500;

const EFFORT: Effort = Effort { memory: 7, steps: 40, tolerance: 1e-2 };

/// Rows predicted at a time, so that memory does not grow with the table.
const BLOCK: usize = 512;

/// Takes the place of an absent score: below nearly all scores.
const ABSENT: f64 = -3.0;

/// Gaussian process regression (Rasmussen & Williams 2006, chapters 2 and 5) with a Matérn 3/2
/// kernel. Its squared distance is a weighted sum over groups of columns, of the mean squared
/// difference in each; weights, signal and noise maximise the marginal likelihood under broad
/// priors.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct GaussianProcess {
    groups: Vec<Vec<usize>>,
    parameters: Parameters,
    /// The rows with a trained accuracy, each group's columns side by side, weighted.
    points: Vec<Vec<f64>>,
    /// The inverse of the kernel matrix, with noise, times the targets.
    weights: Vec<f64>,
    /// The lower Cholesky factor of that matrix, column by column.
    factor: Vec<f64>,
}

/// The kernel's parameters; all are positive.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Parameters {
    /// One for each group: the inverse of its squared length scale.
    weights: Vec<f64>,
    signal: f64,
    noise: f64,
}

/// The error of each row with a trained accuracy, predicted from all others.
pub(crate) struct LeaveOneOut {
    pub errors: Vec<f64>,
    pub deviations: Vec<f64>,
}

impl Parameters {
    /// The logarithms' prior means and variance.
    fn prior(groups: usize) -> (Vec<f64>, f64) {
        let mut means = vec![-1.0; groups];
        means.extend([0.0, -3.0]);
        (means, 4.0)
    }

    fn from_logarithms(logarithms: &[f64]) -> Self {
        let (weights, rest) = logarithms.split_at(logarithms.len() - 2);
        Self {
            weights: weights.iter().map(|w| w.exp()).collect(),
            signal: rest[0].exp(),
            noise: rest[1].exp() + JITTER,
        }
    }
}

/// The kernel of signal 1 at squared distances, which it replaces; four at a time, and the same on
/// every processor.
fn materns(squared: &mut [f64]) {
    let kernel = |squared: f64x4| {
        let distance = (squared * 3.0).sqrt();
        (distance + 1.0) * (-distance).exp()
    };
    let (fours, rest) = squared.as_chunks_mut::<4>();
    for four in fours {
        *four = kernel(f64x4::from(*four)).to_array();
    }
    for one in rest {
        *one = kernel(f64x4::splat(*one)).to_array()[0];
    }
}

/// The kernel of signal 1 at a squared distance, and its derivative there.
fn matern(squared: f64) -> (f64, f64) {
    let distance = (3.0 * squared).sqrt();
    let decay = (-distance).exp();
    ((1.0 + distance) * decay, -1.5 * decay)
}

impl GaussianProcess {
    /// Learns `targets`, of mean 0, from columns of as many values. `variances` are those of the targets'
    /// own errors, beside the noise that all have.
    ///
    /// `counts_apart`: whether counts of choices have a length scale of their own, or that of the choices.
    pub(crate) fn fit(
        columns: &[Vec<f64>],
        kinds: &[Group],
        counts_apart: bool,
        targets: &[f64],
        variances: &[f64],
    ) -> Option<Self> {
        let group = |at: usize| match kinds[at] {
            Group::Counts if !counts_apart => Group::Choices,
            group => group,
        };
        let all =
            [Group::Choices, Group::Counts, Group::Paths, Group::PathStatistics, Group::Scores];
        let groups: Vec<Vec<usize>> = all
            .iter()
            .map(|wanted| (0..kinds.len()).filter(|&at| group(at) == *wanted).collect())
            .filter(|columns: &Vec<usize>| !columns.is_empty())
            .collect();
        let stride = targets.len().div_ceil(FITTED).max(1);
        let rows: Vec<usize> = (0..targets.len()).step_by(stride).collect();
        let parameters =
            Posterior::new(columns, &groups, &rows, targets, variances).most_probable();
        let points = points(columns, &groups, &parameters.weights, 0..targets.len());
        let points: Vec<Vec<f64>> =
            (0..targets.len()).map(|row| points.col_as_slice(row).to_vec()).collect();
        let rows = targets.len();
        let kernel = Mat::from_fn(rows, rows, |i, j| {
            let noise = if i == j { parameters.noise + variances[i] } else { 0.0 };
            parameters.signal * matern(squared_distance(&points[i], &points[j])).0 + noise
        });
        let cholesky = kernel.llt(Side::Lower).ok()?;
        let solved = cholesky.solve(Mat::from_fn(rows, 1, |i, _| targets[i]));
        let weights = (0..rows).map(|i| solved[(i, 0)]).collect();
        let lower = cholesky.L();
        let factor = (0..rows)
            .flat_map(|j| (0..rows).map(move |i| (i, j)))
            .map(|(i, j)| if i < j { 0.0 } else { lower[(i, j)] })
            .collect();
        Some(Self { groups, parameters, points, weights, factor })
    }

    fn factor(&self) -> Mat<f64> {
        let rows = self.weights.len();
        Mat::from_fn(rows, rows, |i, j| self.factor[j * rows + i])
    }

    /// Mean and standard deviation of the trained accuracy of each row, its noise included.
    pub(crate) fn predict(&self, columns: &[Vec<f64>]) -> Vec<(f64, f64)> {
        let rows = columns.first().map_or(0, Vec::len);
        let factor = self.factor();
        let norms: Vec<f64> = self.points.iter().map(|p| p.iter().map(|x| x * x).sum()).collect();
        let width = self.points.first().map_or(0, Vec::len);
        let known = Mat::from_fn(self.points.len(), width, |i, j| self.points[i][j]);
        let predict = |start: usize| {
            let end = (start + BLOCK).min(rows);
            let asked = points(columns, &self.groups, &self.parameters.weights, start..end);
            let mut kernel = Mat::zeros(self.points.len(), asked.ncols());
            matmul(kernel.as_mut(), faer::Accum::Replace, &known, &asked, 1.0, Par::Seq);
            for j in 0..asked.ncols() {
                let norm: f64 = asked.col_as_slice(j).iter().map(|x| x * x).sum();
                let column = kernel.col_as_slice_mut(j);
                for (value, known) in column.iter_mut().zip(&norms) {
                    *value = (norm + known - 2.0 * *value).max(0.0);
                }
                materns(column);
                for value in column {
                    *value *= self.parameters.signal;
                }
            }
            let means: Vec<f64> = (0..asked.ncols())
                .map(|j| kernel.col_as_slice(j).iter().zip(&self.weights).map(|(k, w)| k * w).sum())
                .collect();
            solve_lower_triangular_in_place(factor.as_ref(), kernel.as_mut(), Par::Seq);
            let predictions = means.into_iter().enumerate().map(|(j, mean)| {
                let explained: f64 = kernel.col_as_slice(j).iter().map(|v| v * v).sum();
                let variance = (self.parameters.signal - explained).max(0.0);
                (mean, (variance + self.parameters.noise).sqrt())
            });
            predictions.collect::<Vec<_>>()
        };
        (0..rows).into_par_iter().step_by(BLOCK).flat_map_iter(predict).collect()
    }

    /// Rasmussen & Williams 2006, equations 5.10 to 5.12.
    pub(crate) fn leave_one_out(&self) -> LeaveOneOut {
        let rows = self.weights.len();
        let mut inverse = Mat::<f64>::identity(rows, rows);
        solve_lower_triangular_in_place(self.factor().as_ref(), inverse.as_mut(), Par::Seq);
        let precision = |i: usize| -> f64 { inverse.col_as_slice(i).iter().map(|v| v * v).sum() };
        let precisions: Vec<f64> = (0..rows).map(precision).collect();
        LeaveOneOut {
            errors: self.weights.iter().zip(&precisions).map(|(w, p)| w / p).collect(),
            deviations: precisions.iter().map(|p| p.sqrt().recip()).collect(),
        }
    }
}

/// Rows as points whose squared Euclidean distance is the kernel's, one in each column of the
/// matrix.
fn points(
    columns: &[Vec<f64>],
    groups: &[Vec<usize>],
    weights: &[f64],
    rows: std::ops::Range<usize>,
) -> Mat<f64> {
    let scaled = groups.iter().zip(weights).flat_map(|(group, weight)| {
        let scale = (weight / group.len() as f64).sqrt();
        group.iter().map(move |&column| (&columns[column], scale))
    });
    let scaled: Vec<(&Vec<f64>, f64)> = scaled.collect();
    Mat::from_fn(scaled.len(), rows.len(), |coordinate, row| {
        let (column, scale) = scaled[coordinate];
        let value = column[rows.start + row];
        scale * if value.is_nan() { ABSENT } else { value }
    })
}

fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// The posterior of the kernel's parameters: the marginal likelihood times the prior.
struct Posterior {
    /// For each group the squared distances of all pairs of rows.
    distances: Vec<Mat<f64>>,
    targets: Vec<f64>,
    variances: Vec<f64>,
}

impl Posterior {
    fn new(
        columns: &[Vec<f64>],
        groups: &[Vec<usize>],
        rows: &[usize],
        targets: &[f64],
        variances: &[f64],
    ) -> Self {
        let distances = groups
            .iter()
            .map(|group| {
                let group = std::slice::from_ref(group);
                let points = points(columns, group, &[1.0], 0..targets.len());
                Mat::from_fn(rows.len(), rows.len(), |i, j| {
                    squared_distance(points.col_as_slice(rows[i]), points.col_as_slice(rows[j]))
                })
            })
            .collect();
        let [targets, variances] =
            [targets, variances].map(|all| rows.iter().map(|&row| all[row]).collect());
        Self { distances, targets, variances }
    }

    fn most_probable(&self) -> Parameters {
        let (start, _) = Parameters::prior(self.distances.len());
        Parameters::from_logarithms(&minimise(|at| self.cost_and_gradient(at), start, &EFFORT))
    }

    /// The posterior's negative logarithm and its gradient, in the parameters' logarithms.
    fn cost_and_gradient(&self, at: &[f64]) -> Option<(f64, Vec<f64>)> {
        let rows = self.targets.len();
        let parameters = Parameters::from_logarithms(at);
        let mut kernel = Mat::<f64>::zeros(rows, rows);
        let mut slope = Mat::<f64>::zeros(rows, rows);
        for j in 0..rows {
            for i in j..rows {
                let groups = parameters.weights.iter().zip(&self.distances);
                let squared: f64 = groups.map(|(weight, distance)| weight * distance[(i, j)]).sum();
                let (value, derivative) = matern(squared);
                kernel[(i, j)] = parameters.signal * value;
                slope[(i, j)] = parameters.signal * derivative;
            }
        }
        let noisy = Mat::from_fn(rows, rows, |i, j| {
            let noise = if i == j { parameters.noise + self.variances[i] } else { 0.0 };
            kernel[(i.max(j), i.min(j))] + noise
        });
        let likelihood = MarginalLikelihood::new(&noisy, &self.targets)?;
        let mut cost = likelihood.cost;
        let mut gradient = vec![0.0; at.len()];
        let groups = self.distances.len();
        for j in 0..rows {
            for i in j..rows {
                let share = if i == j { 0.5 } else { 1.0 };
                let outer = share * likelihood.twice_slope(i, j);
                for (group, distance) in self.distances.iter().enumerate() {
                    gradient[group] +=
                        outer * slope[(i, j)] * parameters.weights[group] * distance[(i, j)];
                }
                gradient[groups] += outer * kernel[(i, j)];
                if i == j {
                    gradient[groups + 1] += outer * (parameters.noise - JITTER);
                }
            }
        }
        let (means, variance) = Parameters::prior(groups);
        for ((slope, value), mean) in gradient.iter_mut().zip(at).zip(means) {
            cost += 0.5 * (value - mean) * (value - mean) / variance;
            *slope += (value - mean) / variance;
        }
        cost.is_finite().then_some((cost, gradient))
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;
    use rand::{RngExt, SeedableRng};

    use super::*;

    fn columns(rows: usize) -> (Vec<Vec<f64>>, Vec<Group>, Vec<f64>) {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        let mut column = || (0..rows).map(|_| rng.random_range(-2.0..2.0)).collect::<Vec<f64>>();
        let columns = vec![column(), column(), column()];
        let targets = (0..rows).map(|row| columns[0][row].sin() + 0.1 * columns[2][row]).collect();
        (columns, vec![Group::Paths, Group::Scores, Group::Scores], targets)
    }

    /// Variances of as many targets, of which every third is measured.
    fn variances(rows: usize) -> Vec<f64> {
        (0..rows).map(|row| 0.1 * (row % 3) as f64).collect()
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_cost() {
        let (columns, _, targets) = columns(12);
        let rows: Vec<usize> = (0..12).collect();
        let groups = [vec![0], vec![1, 2]];
        let posterior = Posterior::new(&columns, &groups, &rows, &targets, &variances(12));
        let at = [-0.5, 0.3, 0.2, -2.0];
        let (_, gradient) = posterior.cost_and_gradient(&at).unwrap();
        for (parameter, slope) in gradient.iter().enumerate() {
            let step = |size: f64| {
                let mut moved = at;
                moved[parameter] += size;
                posterior.cost_and_gradient(&moved).unwrap().0
            };
            let difference = (step(1e-5) - step(-1e-5)) / 2e-5;
            assert_relative_eq!(*slope, difference, epsilon = 1e-5, max_relative = 1e-5);
        }
    }

    #[test]
    fn leaving_one_out_is_what_learning_without_it_predicts() {
        let (columns, kinds, targets) = columns(20);
        let variances = variances(20);
        let whole = GaussianProcess::fit(&columns, &kinds, false, &targets, &variances).unwrap();
        let left_out = whole.leave_one_out();
        for left in [0, 7] {
            // The same kernel on the other rows, by the textbook's formula.
            let others: Vec<usize> = (0..20).filter(|row| *row != left).collect();
            let Parameters { signal, noise, .. } = whole.parameters;
            let k = |i: usize, j: usize| {
                signal * matern(squared_distance(&whole.points[i], &whole.points[j])).0
            };
            let kernel = Mat::from_fn(19, 19, |i, j| {
                k(others[i], others[j]) + if i == j { noise + variances[others[i]] } else { 0.0 }
            });
            let solve = |right: &dyn Fn(usize) -> f64| {
                kernel.llt(Side::Lower).unwrap().solve(Mat::from_fn(19, 1, |i, _| right(others[i])))
            };
            let (by_target, by_kernel) = (solve(&|row| targets[row]), solve(&|row| k(row, left)));
            let along = |solved: &Mat<f64>| -> f64 {
                (0..19).map(|i| k(others[i], left) * solved[(i, 0)]).sum()
            };
            assert_relative_eq!(
                left_out.errors[left],
                targets[left] - along(&by_target),
                epsilon = 1e-6
            );
            let variance = signal + noise + variances[left] - along(&by_kernel);
            assert_relative_eq!(left_out.deviations[left], variance.sqrt(), epsilon = 1e-6);
        }
    }

    #[test]
    fn a_smooth_function_is_learnt_and_far_away_is_uncertain() {
        let (columns, kinds, targets) = columns(60);
        let learnt = GaussianProcess::fit(&columns, &kinds, false, &targets, &[0.0; 60]).unwrap();
        let asked = vec![vec![0.5, 50.0], vec![0.0, 50.0], vec![0.0, 50.0]];
        let predicted = learnt.predict(&asked);
        assert!((predicted[0].0 - 0.5f64.sin()).abs() < 0.2, "{predicted:?}");
        assert!(predicted[1].1 > 3.0 * predicted[0].1, "{predicted:?}");
    }
}
