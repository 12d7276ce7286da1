use std::cell::RefCell;

use argmin::{
    core::{CostFunction, Executor, Gradient, State},
    solver::{linesearch::MoreThuenteLineSearch, quasinewton::LBFGS},
};
use faer::{
    Mat, Side,
    linalg::solvers::{DenseSolveCore, Llt, Solve},
};
use nas_space::{Arch, Space};
use rand::{SeedableRng, seq::index::sample};
use rand_chacha::ChaCha8Rng;

use crate::Error;

/// Architectures of a known device that one trial learns from, and trials for each device.
const ROWS: usize = 40;
const TRIALS: usize = 3;

/// Changes of the likelihood's logarithm, and slopes, that are not worth another step.
const ENOUGH: f64 = 1e-3;

/// Steps towards the best weights at most.
const STEPS: u64 = 60;

/// Of a normal prior on the logarithms of weights and noise: means and variance.
const PRIOR: (f64, f64, f64) = (-2.0, -3.0, 4.0);

/// Added to the noise's variance so that the matrix can always be factorised.
const JITTER: f64 = 1e-6;

/// Latencies of a whole list of architectures on a device of which a few were measured, by what is
/// known of other devices.
///
/// A Bayesian linear model (a Gaussian process with a linear kernel; Rasmussen & Williams 2006,
/// chapter 2) on what an architecture is made of, as written and without what has no effect, and on its
/// latencies on the other devices, as they are, as logarithms and as ranks. How much each of these
/// groups tells of a device is learnt from the known devices, each predicted from the others: it
/// maximises the marginal likelihood of small samples of theirs.
#[derive(Debug, Clone)]
pub struct FewShot {
    /// Weighted, `architectures × width`; the last column is 1.
    features: Vec<f64>,
    width: usize,
    /// The noise's variance, where measured values have variance 1.
    noise: f64,
}

/// What a device's measurements say of all architectures.
#[derive(Debug, Clone, PartialEq)]
pub struct FewShotFit {
    /// In the unit of the measurements, by the architectures' positions; never below 0.
    pub predicted: Vec<f64>,
    /// The standard deviation of each prediction's error, as the model expects it.
    pub deviations: Vec<f64>,
    /// Each measurement predicted from the others, in their order; none with fewer than three.
    pub left_out: Option<Vec<f64>>,
}

impl FewShot {
    /// Learns from other devices how latency follows from what is known of the architectures.
    ///
    /// `devices` holds for each known device a latency for each of the architectures, in any unit;
    /// what a device cannot run has none.
    ///
    /// # Errors
    /// [`Error::Known`] for fewer than two known devices, lists of another length than the
    /// architectures', or fewer than 40 latencies of a device.
    pub fn new(
        space: &Space,
        architectures: &[Arch],
        devices: &[Vec<Option<f64>>],
        seed: u64,
    ) -> Result<Self, Error> {
        check(architectures, devices)?;
        let made_of = made_of(space, architectures);
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut trials = Vec::new();
        for (at, device) in devices.iter().enumerate() {
            let others: Vec<&Vec<Option<f64>>> = devices
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != at)
                .map(|(_, d)| d)
                .collect();
            let mut groups = made_of.clone();
            groups.extend(told_by(&others));
            let runnable: Vec<usize> =
                (0..device.len()).filter(|&row| device[row].is_some()).collect();
            for _ in 0..TRIALS {
                let rows = sample(&mut random, runnable.len(), ROWS);
                let rows: Vec<usize> = rows.into_iter().map(|row| runnable[row]).collect();
                let values: Vec<f64> = rows.iter().filter_map(|&row| device[row]).collect();
                trials.push(Trial::new(&groups, &rows, &standardised(&values).0));
            }
        }
        let (weights, noise) = best_weights(trials);
        let mut groups = made_of;
        groups.extend(told_by(&devices.iter().collect::<Vec<_>>()));
        let width = groups.iter().map(|group| group.width).sum::<usize>() + 1;
        let mut features = Vec::with_capacity(width * architectures.len());
        for row in 0..architectures.len() {
            for (group, weight) in groups.iter().zip(&weights) {
                features.extend(group.row(row).iter().map(|value| weight.sqrt() * value));
            }
            features.push(1.0);
        }
        Ok(Self { features, width, noise })
    }

    fn row(&self, at: usize) -> &[f64] {
        &self.features[at * self.width..(at + 1) * self.width]
    }

    fn rows(&self) -> usize {
        self.features.len() / self.width
    }

    /// The architectures to measure next, by their positions: each the one that is least certain
    /// given those before it. Near one that was tried and cannot run there is no more to learn
    /// than near one that was measured: where one does not run, its like will not either.
    pub fn next(&self, tried: &[usize], count: usize) -> Vec<usize> {
        let mut certainty = Certainty::new(self);
        for &at in tried {
            certainty.learn(at);
        }
        (0..count).map_while(|_| certainty.choose()).collect()
    }

    /// Measures `count` architectures, one after the other as [`next`](Self::next) tells, and
    /// returns what was measured, by position, and what the device could not run.
    pub fn measure(
        &self,
        count: usize,
        mut latency: impl FnMut(usize) -> Option<f64>,
    ) -> (Vec<(usize, f64)>, Vec<usize>) {
        let mut certainty = Certainty::new(self);
        let (mut measured, mut absent) = (Vec::new(), Vec::new());
        while measured.len() < count {
            let Some(at) = certainty.choose() else { break };
            match latency(at) {
                Some(value) => measured.push((at, value)),
                None => absent.push(at),
            }
        }
        (measured, absent)
    }

    /// Predicts all architectures from some measurements, given by positions.
    ///
    /// # Errors
    /// [`Error::Measurements`] for none, or one that is no finite number.
    pub fn fit(&self, measured: &[(usize, f64)]) -> Result<FewShotFit, Error> {
        let is_usable = |(at, value): &(usize, f64)| *at < self.rows() && value.is_finite();
        if measured.is_empty() || !measured.iter().all(is_usable) {
            return Err(Error::Measurements { count: measured.len() });
        }
        let values: Vec<f64> = measured.iter().map(|(_, value)| *value).collect();
        let (targets, mean, scale) = standardised(&values);
        let count = measured.len();
        let kernel = Mat::from_fn(count, count, |i, j| {
            let same = if i == j { self.noise + JITTER } else { 0.0 };
            dot(self.row(measured[i].0), self.row(measured[j].0)) + same
        });
        let factor = kernel.llt(Side::Lower).map_err(|_| Error::Measurements { count })?;
        let solved = factor.solve(Mat::from_fn(count, 1, |i, _| targets[i]));
        let mut coefficients = vec![0.0; self.width];
        for (i, (at, _)) in measured.iter().enumerate() {
            for (coefficient, feature) in coefficients.iter_mut().zip(self.row(*at)) {
                *coefficient += solved[(i, 0)] * feature;
            }
        }
        let mut certainty = Certainty::new(self);
        for (at, _) in measured {
            certainty.learn(*at);
        }
        let inverse = factor.inverse();
        // Rasmussen & Williams 2006, equation 5.12.
        let left_out = (0..count)
            .map(|i| mean + scale * (targets[i] - solved[(i, 0)] / inverse[(i, i)]))
            .collect();
        let predicted =
            (0..self.rows()).map(|at| (mean + scale * dot(&coefficients, self.row(at))).max(0.0));
        // How large the errors are here, in the model's unit, with the weight of two measurements
        // for what the known devices say.
        let fit: f64 = targets.iter().enumerate().map(|(i, target)| target * solved[(i, 0)]).sum();
        let here = (2.0 + fit) / (2.0 + count as f64);
        let deviation = |variance: &f64| scale * (here * (variance.max(0.0) + self.noise)).sqrt();
        Ok(FewShotFit {
            predicted: predicted.collect(),
            deviations: certainty.variances.iter().map(deviation).collect(),
            left_out: (count > 2).then_some(left_out),
        })
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// How uncertain each architecture is, as measurements come.
struct Certainty<'a> {
    model: &'a FewShot,
    /// The covariance of the coefficients.
    covariance: Vec<f64>,
    variances: Vec<f64>,
    /// What was not learnt yet.
    open: Vec<bool>,
}

impl<'a> Certainty<'a> {
    fn new(model: &'a FewShot) -> Self {
        let mut covariance = vec![0.0; model.width * model.width];
        for at in 0..model.width {
            covariance[at * model.width + at] = 1.0;
        }
        let variances = (0..model.rows()).map(|at| dot(model.row(at), model.row(at))).collect();
        Self { model, covariance, variances, open: vec![true; model.rows()] }
    }

    /// The least certain of those that are open, which is then learnt.
    fn choose(&mut self) -> Option<usize> {
        let left = (0..self.open.len()).filter(|&at| self.open[at]);
        let least = left.max_by(|&a, &b| self.variances[a].total_cmp(&self.variances[b]))?;
        self.learn(least);
        Some(least)
    }

    /// What one more measurement makes certain.
    fn learn(&mut self, at: usize) {
        self.open[at] = false;
        let width = self.model.width;
        let row = self.model.row(at);
        let along: Vec<f64> = self.covariance.chunks(width).map(|line| dot(line, row)).collect();
        let total = self.model.noise + JITTER + dot(&along, row);
        for (line, a) in self.covariance.chunks_mut(width).zip(&along) {
            for (value, b) in line.iter_mut().zip(&along) {
                *value -= a * b / total;
            }
        }
        for (other, variance) in self.variances.iter_mut().enumerate() {
            *variance -= dot(&along, self.model.row(other)).powi(2) / total;
        }
    }
}

fn check(architectures: &[Arch], devices: &[Vec<Option<f64>>]) -> Result<(), Error> {
    let wrong = |problem: String| Err(Error::Known { problem });
    if devices.len() < 2 {
        return wrong(format!("{} known devices, expected two or more", devices.len()));
    }
    for device in devices {
        if device.len() != architectures.len() {
            return wrong(format!(
                "{} latencies for {} architectures",
                device.len(),
                architectures.len()
            ));
        }
        let known = device.iter().flatten();
        let count = known.clone().count();
        if count < ROWS {
            return wrong(format!("{count} latencies of a device, expected {ROWS} or more"));
        }
        if let Some(value) = known.clone().find(|value| !value.is_finite() || **value <= 0.0) {
            return wrong(format!("the latency {value}, expected a finite number above 0"));
        }
    }
    Ok(())
}

/// Columns of a kind, `architectures × width`.
#[derive(Clone)]
struct Group {
    values: Vec<f64>,
    width: usize,
}

impl Group {
    /// Each column with mean 0 and variance 1, all divided by the root of their number.
    fn new(columns: &[Vec<f64>]) -> Self {
        let (rows, width) = (columns.first().map_or(0, Vec::len), columns.len());
        let mut values = vec![0.0; rows * width];
        for (at, column) in columns.iter().enumerate() {
            for (row, value) in standardised(column).0.into_iter().enumerate() {
                values[row * width + at] = value / (width as f64).sqrt();
            }
        }
        Self { values, width }
    }

    fn row(&self, at: usize) -> &[f64] {
        &self.values[at * self.width..(at + 1) * self.width]
    }
}

/// Values with mean 0 and variance 1, the mean, and the standard deviation; all 0 where they are
/// the same.
fn standardised(values: &[f64]) -> (Vec<f64>, f64, f64) {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    let scale = if variance > 0.0 { variance.sqrt() } else { 1.0 };
    (values.iter().map(|value| (value - mean) / scale).collect(), mean, scale)
}

/// What architectures are made of, as written and without what has no effect: each decision's
/// choice, and how often each choice is taken.
fn made_of(space: &Space, architectures: &[Arch]) -> Vec<Group> {
    let pruned: Vec<Arch> = architectures.iter().map(|arch| space.prune(arch)).collect();
    let mut groups = Vec::new();
    for all in [architectures, &pruned] {
        let active: Vec<Vec<bool>> = all.iter().map(|arch| space.active(arch)).collect();
        let mut choices: Vec<Vec<f64>> = Vec::new();
        for (at, decision) in space.decisions().iter().enumerate() {
            for choice in 0..decision.choices.len() {
                let takes = |(arch, active): (&Arch, &Vec<bool>)| {
                    f64::from(u8::from(active[at] && usize::from(arch.choices()[at]) == choice))
                };
                choices.push(all.iter().zip(&active).map(takes).collect());
            }
        }
        let count = |name| all.iter().map(|arch| space.count(arch, name) as f64).collect();
        let counts: Vec<Vec<f64>> = space.all_choice_names().into_iter().map(count).collect();
        groups.extend([Group::new(&choices), Group::new(&counts)]);
    }
    groups
}

/// What other devices tell: latencies, their logarithms and ranks; the median where there is none.
fn told_by(devices: &[&Vec<Option<f64>>]) -> Vec<Group> {
    let latencies: Vec<Vec<f64>> = devices
        .iter()
        .map(|device| {
            let mut known: Vec<f64> = device.iter().flatten().copied().collect();
            known.sort_by(f64::total_cmp);
            let median = known.get(known.len() / 2).copied().unwrap_or(1.0);
            device.iter().map(|value| value.unwrap_or(median)).collect()
        })
        .collect();
    let logarithms = latencies.iter().map(|device| device.iter().map(|value| value.ln()).collect());
    let ranks = latencies.iter().map(|device| {
        let mut order: Vec<usize> = (0..device.len()).collect();
        order.sort_by(|&a, &b| device[a].total_cmp(&device[b]));
        let mut ranks = vec![0.0; device.len()];
        for (rank, at) in order.into_iter().enumerate() {
            ranks[at] = rank as f64;
        }
        ranks
    });
    let (logarithms, ranks) = (logarithms.collect(), ranks.collect());
    [latencies, logarithms, ranks].iter().map(|group| Group::new(group)).collect()
}

/// A known device that is predicted from the others: the kernel of each group, and the values.
struct Trial {
    kernels: Vec<Mat<f64>>,
    targets: Vec<f64>,
}

impl Trial {
    fn new(groups: &[Group], rows: &[usize], targets: &[f64]) -> Self {
        let kernel = |group: &Group| {
            Mat::from_fn(rows.len(), rows.len(), |i, j| dot(group.row(rows[i]), group.row(rows[j])))
        };
        Self { kernels: groups.iter().map(kernel).collect(), targets: targets.to_vec() }
    }

    /// The negative logarithm of the marginal likelihood and its gradient (Rasmussen & Williams
    /// 2006, equations 5.8 and 5.9).
    fn cost_and_gradient(&self, weights: &[f64], noise: f64) -> Option<(f64, Vec<f64>)> {
        let count = self.targets.len();
        let kernel = Mat::from_fn(count, count, |i, j| {
            let groups = weights.iter().zip(&self.kernels);
            let same = if i == j { noise + JITTER } else { 0.0 };
            1.0 + same + groups.map(|(weight, kernel)| weight * kernel[(i, j)]).sum::<f64>()
        });
        let factor: Llt<f64> = kernel.llt(Side::Lower).ok()?;
        let inverse = factor.inverse();
        let solved = factor.solve(Mat::from_fn(count, 1, |i, _| self.targets[i]));
        let fit: f64 = (0..count).map(|i| self.targets[i] * solved[(i, 0)]).sum();
        let lower = factor.L();
        let volume: f64 = (0..count).map(|i| lower[(i, i)].ln()).sum();
        // Half the trace of (K⁻¹ − ααᵀ) times what a parameter changes.
        let change = |matrix: &dyn Fn(usize, usize) -> f64| {
            let mut sum = 0.0;
            for i in 0..count {
                for j in 0..count {
                    sum += (inverse[(i, j)] - solved[(i, 0)] * solved[(j, 0)]) * matrix(j, i);
                }
            }
            sum / 2.0
        };
        let mut gradient: Vec<f64> = weights
            .iter()
            .zip(&self.kernels)
            .map(|(weight, kernel)| weight * change(&|i, j| kernel[(i, j)]))
            .collect();
        gradient.push(noise * change(&|i, j| if i == j { 1.0 } else { 0.0 }));
        Some((fit / 2.0 + volume, gradient))
    }
}

/// All trials together, in the logarithms of weights and noise.
struct Likelihood {
    trials: Vec<Trial>,
    last: RefCell<(Vec<f64>, f64, Vec<f64>)>,
}

impl Likelihood {
    fn compute(&self, at: &[f64]) -> (f64, Vec<f64>) {
        if self.last.borrow().0 != at {
            let (cost, gradient) =
                self.cost_and_gradient(at).unwrap_or((1e10, vec![0.0; at.len()]));
            *self.last.borrow_mut() = (at.to_vec(), cost, gradient);
        }
        let last = self.last.borrow();
        (last.1, last.2.clone())
    }

    fn cost_and_gradient(&self, at: &[f64]) -> Option<(f64, Vec<f64>)> {
        let (weights, noise) = parameters(at);
        let (weight_mean, noise_mean, variance) = PRIOR;
        let mean = |place: usize| if place < weights.len() { weight_mean } else { noise_mean };
        let away: Vec<f64> =
            at.iter().enumerate().map(|(place, value)| value - mean(place)).collect();
        let mut cost = away.iter().map(|away| away * away / (2.0 * variance)).sum::<f64>();
        let mut gradient: Vec<f64> = away.iter().map(|away| away / variance).collect();
        for trial in &self.trials {
            let (more, slopes) = trial.cost_and_gradient(&weights, noise)?;
            cost += more;
            for (sum, slope) in gradient.iter_mut().zip(slopes) {
                *sum += slope;
            }
        }
        Some((cost, gradient))
    }
}

impl CostFunction for &Likelihood {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, at: &Vec<f64>) -> Result<f64, argmin::core::Error> {
        Ok(self.compute(at).0)
    }
}

impl Gradient for &Likelihood {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, at: &Vec<f64>) -> Result<Vec<f64>, argmin::core::Error> {
        Ok(self.compute(at).1)
    }
}

fn parameters(logarithms: &[f64]) -> (Vec<f64>, f64) {
    let (noise, weights) = logarithms.split_last().unwrap_or((&PRIOR.1, &[]));
    (weights.iter().map(|weight| weight.exp()).collect(), noise.exp())
}

/// The weights of the groups, and the noise's variance; the prior's where no step leads on.
fn best_weights(trials: Vec<Trial>) -> (Vec<f64>, f64) {
    let groups = trials.first().map_or(0, |trial| trial.kernels.len());
    let mut start = vec![PRIOR.0; groups];
    start.push(PRIOR.1);
    let likelihood = Likelihood { trials, last: RefCell::default() };
    let solver = LBFGS::new(MoreThuenteLineSearch::new(), 8)
        .with_tolerance_cost(ENOUGH)
        .and_then(|solver| solver.with_tolerance_grad(ENOUGH));
    let best = solver.ok().and_then(|solver| {
        let executor = Executor::new(&likelihood, solver)
            .configure(|state| state.param(start.clone()).max_iters(STEPS));
        executor.run().ok()?.state().get_best_param().cloned()
    });
    parameters(&best.unwrap_or(start))
}

#[cfg(test)]
mod tests {
    use nas_space::nasbench201;

    use super::*;

    /// Devices whose latency is a sum over operations, each with weights of its own; the first
    /// operation on the first edge cannot be run by the last of them.
    fn devices(count: usize) -> (Vec<Arch>, Vec<Vec<Option<f64>>>) {
        let space = nasbench201::space();
        let all: Vec<Arch> = space.enumerate().step_by(5).collect();
        let device = |device: usize| {
            let latency = |arch: &Arch| {
                let add = |(at, &choice): (usize, &u8)| {
                    let kind = f64::from(choice) * (1.0 + 0.2 * device as f64);
                    kind + 0.1
                        * ((at * 7 + device * 3) % 5) as f64
                        * f64::from(u8::from(choice > 0))
                };
                let sum: f64 = arch.choices().iter().enumerate().map(add).sum();
                (device + 1 < count || arch.choices()[0] != 4).then_some(1.0 + sum)
            };
            all.iter().map(latency).collect()
        };
        let devices = (0..count).map(device).collect();
        (all, devices)
    }

    #[test]
    fn a_few_measurements_tell_the_others() {
        let (all, mut known) = devices(5);
        let hidden = known.remove(0);
        let model = FewShot::new(nasbench201::space(), &all, &known, 1).unwrap();
        let chosen = model.next(&[], 12);
        assert_eq!(chosen.len(), 12);
        let measured: Vec<(usize, f64)> =
            chosen.iter().map(|&at| (at, hidden[at].unwrap())).collect();
        let fit = model.fit(&measured).unwrap();
        let spread = standardised(&hidden.iter().flatten().copied().collect::<Vec<_>>()).2;
        let errors =
            fit.predicted.iter().zip(&hidden).map(|(predicted, value)| predicted - value.unwrap());
        let squared: Vec<f64> = errors.map(|error| error * error).collect();
        let error = (squared.iter().sum::<f64>() / squared.len() as f64).sqrt();
        assert!(error < 0.15 * spread, "{error} of {spread}");
        // What was measured is more certain than what was not.
        let mean = fit.deviations.iter().sum::<f64>() / fit.deviations.len() as f64;
        assert!(chosen.iter().all(|&at| fit.deviations[at] < mean));
        // More measurements, and others.
        let more = model.next(&chosen, 3);
        assert!(more.iter().all(|at| !chosen.contains(at)));
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        let (all, known) = devices(3);
        let space = nasbench201::space();
        let refuse = |known: &[Vec<Option<f64>>], expected: &str| {
            let message = FewShot::new(space, &all, known, 1).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        };
        refuse(&known[..1], "1 known devices, expected two or more");
        refuse(&[known[0].clone(), vec![None; 3]], "3 latencies for");
        refuse(&[known[0].clone(), vec![None; all.len()]], "0 latencies of a device");
        let mut wrong = known.clone();
        wrong[1][7] = Some(-1.0);
        refuse(&wrong, "the latency -1");
        let model = FewShot::new(space, &all, &known, 1).unwrap();
        assert!(model.fit(&[]).is_err());
        assert!(model.fit(&[(0, f64::NAN)]).is_err());
        assert!(model.fit(&[(0, 1.0)]).unwrap().left_out.is_none());
    }
}
