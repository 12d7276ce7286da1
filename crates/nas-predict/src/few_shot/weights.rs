//! How much each group of features says about a device, learnt from the known devices.

use faer::Mat;

use super::features::{Features, dot};
use crate::likelihood::{Effort, JITTER, MarginalLikelihood, minimise};

const EFFORT: Effort = Effort { memory: 8, steps: 60, tolerance: 1e-3 };

/// Of a normal prior on the logarithms of weights and noise: the mean of each weight's, the mean of
/// the noise's, and the variance.
const PRIOR: (f64, f64, f64) = (-2.0, -3.0, 4.0);

/// A known device that is predicted from the others: the kernel of each group, and the values.
pub(super) struct Trial {
    kernels: Vec<Mat<f64>>,
    targets: Vec<f64>,
}

impl Trial {
    pub(super) fn new(groups: &[Features], rows: &[usize], targets: Vec<f64>) -> Self {
        let kernel = |group: &Features| {
            Mat::from_fn(rows.len(), rows.len(), |i, j| dot(group.row(rows[i]), group.row(rows[j])))
        };
        Self { kernels: groups.iter().map(kernel).collect(), targets }
    }

    /// The negative logarithm of the marginal likelihood, and its gradient.
    fn cost_and_gradient(&self, weights: &[f64], noise: f64) -> Option<(f64, Vec<f64>)> {
        let count = self.targets.len();
        let kernel = Mat::from_fn(count, count, |i, j| {
            let groups = weights.iter().zip(&self.kernels);
            let same = if i == j { noise + JITTER } else { 0.0 };
            1.0 + same + groups.map(|(weight, kernel)| weight * kernel[(i, j)]).sum::<f64>()
        });
        let likelihood = MarginalLikelihood::new(&kernel, &self.targets)?;
        // By a parameter that changes the kernel matrix by `change`.
        let slope = |change: &dyn Fn(usize, usize) -> f64| {
            let mut sum = 0.0;
            for i in 0..count {
                for j in 0..count {
                    sum += likelihood.twice_slope(i, j) * change(j, i);
                }
            }
            sum / 2.0
        };
        let mut gradient: Vec<f64> = weights
            .iter()
            .zip(&self.kernels)
            .map(|(weight, kernel)| weight * slope(&|i, j| kernel[(i, j)]))
            .collect();
        gradient.push(noise * slope(&|i, j| if i == j { 1.0 } else { 0.0 }));
        Some((likelihood.cost, gradient))
    }
}

/// The weights of the groups and the noise's variance with the greatest posterior probability by all
/// trials; the prior's where the search for them fails.
pub(super) fn best(trials: &[Trial]) -> (Vec<f64>, f64) {
    let groups = trials.first().map_or(0, |trial| trial.kernels.len());
    let mut start = vec![PRIOR.0; groups];
    start.push(PRIOR.1);
    parameters(&minimise(|at| cost_and_gradient(trials, at), start, &EFFORT))
}

/// The negative logarithm of the posterior of all trials, in the logarithms of weights and noise.
fn cost_and_gradient(trials: &[Trial], at: &[f64]) -> Option<(f64, Vec<f64>)> {
    let (weights, noise) = parameters(at);
    let (weight_mean, noise_mean, variance) = PRIOR;
    let mean = |place: usize| if place < weights.len() { weight_mean } else { noise_mean };
    let away: Vec<f64> = at.iter().enumerate().map(|(place, value)| value - mean(place)).collect();
    let mut cost = away.iter().map(|away| away * away / (2.0 * variance)).sum::<f64>();
    let mut gradient: Vec<f64> = away.iter().map(|away| away / variance).collect();
    for trial in trials {
        let (more, slopes) = trial.cost_and_gradient(&weights, noise)?;
        cost += more;
        for (sum, slope) in gradient.iter_mut().zip(slopes) {
            *sum += slope;
        }
    }
    Some((cost, gradient))
}

fn parameters(logarithms: &[f64]) -> (Vec<f64>, f64) {
    let (noise, weights) = logarithms.split_last().unwrap_or((&PRIOR.1, &[]));
    (weights.iter().map(|weight| weight.exp()).collect(), noise.exp())
}
