//! Latencies of many architectures on a new device, from a few measurements.

mod certainty;
mod features;
mod weights;

use faer::Mat;
use nas_space::{Arch, Space};
use rand::{SeedableRng, seq::index::sample};
use rand_chacha::ChaCha8Rng;

use crate::{
    Error,
    likelihood::{JITTER, MarginalLikelihood},
    moments::{moments, standardised},
};
use certainty::Certainty;
use features::{Features, dot};
use weights::Trial;

/// Architectures of a known device that one trial learns from, and trials for each device.
const ROWS: usize = 40;
const TRIALS: usize = 3;

/// Predicts the latencies of a list of architectures on a new device from a few measurements there
/// and the latencies on other devices.
///
/// A Bayesian linear model (a Gaussian process with a linear kernel; Rasmussen & Williams 2006,
/// chapter 2) on what an architecture is made of, as written and without what has no effect, and on its
/// latencies on the other devices, as they are, as logarithms and as ranks. The weight of each of
/// these groups is learnt from the other devices, each predicted from the rest: the weights maximise
/// the marginal likelihood of small samples.
///
/// No prediction is below the floor: the least measured latency, times the ratio of the least latency
/// of all architectures to the least of the measured ones on the other device where this ratio is
/// smallest. So no architecture is predicted to be faster, in comparison with those that were measured, than
/// the fastest one is on any other device.
#[derive(Debug, Clone)]
pub struct FewShot {
    /// Weighted; the last column is 1.
    features: Features,
    /// The noise's variance, where measured values have variance 1.
    noise: f64,
    /// The latencies of all architectures on each other device.
    devices: Vec<Vec<Option<f64>>>,
    /// The least of them, for each device.
    fastest: Vec<f64>,
}

/// The predicted latencies of all architectures on a device.
#[derive(Debug, Clone, PartialEq)]
pub struct FewShotFit {
    /// In the unit of the measurements, by the architectures' positions; never below what
    /// [`FewShot`] says.
    pub predicted: Vec<f64>,
    /// The standard deviation of each prediction's error, as the model expects it.
    pub deviations: Vec<f64>,
    /// Each measurement predicted from the others, in their order; none with fewer than three.
    pub left_out: Option<Vec<f64>>,
}

impl FewShot {
    /// Learns from other devices how latency follows from what is known of the architectures.
    ///
    /// `devices` holds, for each other device, a latency of each architecture, in any unit; `None`
    /// where the device cannot run it.
    ///
    /// # Errors
    /// [`Error::Devices`] for fewer than two devices, lists of another length than the
    /// architectures', or fewer than 40 latencies of a device.
    pub fn new(
        space: &Space,
        architectures: &[Arch],
        devices: &[Vec<Option<f64>>],
        seed: u64,
    ) -> Result<Self, Error> {
        check(architectures, devices)?;
        let structure = features::of_structure(space, architectures);
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut trials = Vec::new();
        for (at, device) in devices.iter().enumerate() {
            let others: Vec<&Vec<Option<f64>>> = devices
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != at)
                .map(|(_, d)| d)
                .collect();
            let mut groups = structure.clone();
            groups.extend(features::of_latencies(&others));
            let runnable: Vec<usize> =
                (0..device.len()).filter(|&row| device[row].is_some()).collect();
            for _ in 0..TRIALS {
                let rows = sample(&mut random, runnable.len(), ROWS);
                let rows: Vec<usize> = rows.into_iter().map(|row| runnable[row]).collect();
                let values: Vec<f64> = rows.iter().filter_map(|&row| device[row]).collect();
                trials.push(Trial::new(&groups, &rows, standardised(&values).0));
            }
        }
        let (weights, noise) = weights::best(&trials);
        let mut groups = structure;
        groups.extend(features::of_latencies(&devices.iter().collect::<Vec<_>>()));
        let width = groups.iter().map(|group| group.width).sum::<usize>() + 1;
        let mut values = Vec::with_capacity(width * architectures.len());
        for row in 0..architectures.len() {
            for (group, weight) in groups.iter().zip(&weights) {
                values.extend(group.row(row).iter().map(|value| weight.sqrt() * value));
            }
            values.push(1.0);
        }
        let fastest = |device: &Vec<Option<f64>>| least(device.iter().flatten().copied());
        Ok(Self {
            features: Features { values, width },
            noise,
            fastest: devices.iter().map(fastest).collect(),
            devices: devices.to_vec(),
        })
    }

    /// The standard deviation of a device's latencies over their mean, the mean of the other devices.
    fn variation(&self) -> f64 {
        let ratio = |device: &Vec<Option<f64>>| {
            let (mean, deviation) = moments(&device.iter().flatten().copied().collect::<Vec<_>>());
            deviation / mean
        };
        self.devices.iter().map(ratio).sum::<f64>() / self.devices.len() as f64
    }

    /// The least latency that measurements, and the other devices, show to be possible.
    fn floor(&self, measured: &(impl Iterator<Item = (usize, f64)> + Clone)) -> f64 {
        let ratio = |(device, fastest): (&Vec<Option<f64>>, &f64)| {
            fastest / least(measured.clone().filter_map(|(at, _)| device[at]))
        };
        // Where a device can run none of the measured architectures, its ratio is 0 and does not count.
        let ratios = self.devices.iter().zip(&self.fastest).map(ratio).filter(|ratio| *ratio > 0.0);
        least(measured.clone().map(|(_, value)| value)) * least(ratios.chain([1.0]))
    }

    fn certainty(&self) -> Certainty<'_> {
        Certainty::new(&self.features, self.noise)
    }

    /// The architectures to measure next, by their positions: each is the least certain one given
    /// those before it. `tried` are those that were measured and those that the device could not
    /// run: similar architectures will not run either, so there is no more to learn near them.
    pub fn next(&self, tried: &[usize], count: usize) -> Vec<usize> {
        let mut certainty = self.certainty();
        for &at in tried {
            certainty.learn(at);
        }
        (0..count).map_while(|_| certainty.choose()).collect()
    }

    /// Measures `count` architectures, one after the other in the order of [`next`](Self::next).
    /// Returns the measurements, by position, and the positions that the device could not run.
    pub fn measure(
        &self,
        count: usize,
        mut latency: impl FnMut(usize) -> Option<f64>,
    ) -> (Vec<(usize, f64)>, Vec<usize>) {
        let mut certainty = self.certainty();
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

    /// Predicts all architectures from measurements, given as position and latency.
    ///
    /// # Errors
    /// [`Error::Measurements`] for no measurement, or one that is not a finite number above 0;
    /// [`Error::Overflow`] where they are so large that predictions are no numbers.
    pub fn fit(&self, measured: &[(usize, f64)]) -> Result<FewShotFit, Error> {
        let is_usable = |(at, value): &(usize, f64)| {
            *at < self.features.rows() && value.is_finite() && *value > 0.0
        };
        if measured.is_empty() || !measured.iter().all(is_usable) {
            return Err(Error::Measurements { count: measured.len() });
        }
        let values: Vec<f64> = measured.iter().map(|(_, value)| *value).collect();
        let (targets, mean, scale) = standardised(&values);
        // Equal measurements, or one, do not show how much latencies differ: other devices do.
        let all_equal = values.iter().all(|value| (value - mean).abs() < 1e-9 * mean);
        let scale = if all_equal { mean * self.variation() } else { scale };
        let count = measured.len();
        let kernel = Mat::from_fn(count, count, |i, j| {
            let same = if i == j { self.noise + JITTER } else { 0.0 };
            dot(self.features.row(measured[i].0), self.features.row(measured[j].0)) + same
        });
        let likelihood = MarginalLikelihood::new(&kernel, &targets);
        let MarginalLikelihood { inverse, solved, .. } =
            likelihood.ok_or(Error::Measurements { count })?;
        let mut coefficients = vec![0.0; self.features.width];
        for (i, (at, _)) in measured.iter().enumerate() {
            for (coefficient, feature) in coefficients.iter_mut().zip(self.features.row(*at)) {
                *coefficient += solved[(i, 0)] * feature;
            }
        }
        let mut certainty = self.certainty();
        for (at, _) in measured {
            certainty.learn(*at);
        }
        // Rasmussen & Williams 2006, equation 5.12.
        let left_out = (0..count).map(|i| {
            let others = measured.iter().enumerate().filter(|(at, _)| *at != i);
            let floor = self.floor(&others.map(|(_, measured)| *measured));
            (mean + scale * (targets[i] - solved[(i, 0)] / inverse[(i, i)])).max(floor)
        });
        let floor = self.floor(&measured.iter().copied());
        let predicted: Vec<f64> = (0..self.features.rows())
            .map(|at| (mean + scale * dot(&coefficients, self.features.row(at))).max(floor))
            .collect();
        // How large the errors are on this device, in the model's unit; what the other devices say
        // has the weight of two measurements.
        let fit: f64 = targets.iter().enumerate().map(|(i, target)| target * solved[(i, 0)]).sum();
        let here = (2.0 + fit) / (2.0 + count as f64);
        let deviation = |variance: &f64| scale * (here * (variance.max(0.0) + self.noise)).sqrt();
        let deviations: Vec<f64> = certainty.variances.iter().map(deviation).collect();
        if !predicted.iter().chain(&deviations).all(|value| value.is_finite()) {
            return Err(Error::Overflow);
        }
        let left_out = (count > 2).then(|| left_out.collect());
        Ok(FewShotFit { predicted, deviations, left_out })
    }
}

fn least(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(f64::INFINITY, f64::min)
}

fn check(architectures: &[Arch], devices: &[Vec<Option<f64>>]) -> Result<(), Error> {
    let wrong = |problem: String| Err(Error::Devices { problem });
    if devices.len() < 2 {
        return wrong(format!("{} other devices, expected two or more", devices.len()));
    }
    for device in devices {
        if device.len() != architectures.len() {
            return wrong(format!(
                "{} latencies for {} architectures",
                device.len(),
                architectures.len()
            ));
        }
        let present = device.iter().flatten();
        let count = present.clone().count();
        if count < ROWS {
            return wrong(format!("{count} latencies of a device, expected {ROWS} or more"));
        }
        if let Some(value) = present.clone().find(|value| !value.is_finite() || **value <= 0.0) {
            return wrong(format!("the latency {value}, expected a finite number above 0"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::LazyLock};

    use nas_space::nasbench201;
    use proptest::prelude::*;

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
    fn a_few_measurements_predict_the_others() {
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
    fn unusable_input_is_an_error() {
        let (all, known) = devices(3);
        let space = nasbench201::space();
        let refuse = |known: &[Vec<Option<f64>>], expected: &str| {
            let message = FewShot::new(space, &all, known, 1).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        };
        refuse(&known[..1], "1 other devices, expected two or more");
        refuse(&[known[0].clone(), vec![None; 3]], "3 latencies for");
        refuse(&[known[0].clone(), vec![None; all.len()]], "0 latencies of a device");
        let mut wrong = known.clone();
        wrong[1][7] = Some(-1.0);
        refuse(&wrong, "the latency -1");
        let model = FewShot::new(space, &all, &known, 1).unwrap();
        assert!(model.fit(&[]).is_err());
        assert!(model.fit(&[(0, f64::NAN)]).is_err());
        assert!(model.fit(&[(0, 0.0)]).is_err());
        assert!(matches!(model.fit(&[(0, 1e300), (1, 1.0)]), Err(Error::Overflow)));
        assert!(model.fit(&[(0, 1.0)]).unwrap().left_out.is_none());
        // The error of a prediction from one measurement has the measurement's unit.
        let expected = |unit: f64| model.fit(&[(0, unit)]).unwrap().deviations[7] / unit;
        assert!((expected(1.0) - expected(1000.0)).abs() < 1e-9 && expected(1.0) > 0.01);
    }

    proptest! {
        /// No measurements, however noisy, predict a latency below what the other devices show.
        #[test]
        fn no_prediction_is_below_the_floor(
            measured in proptest::collection::vec((0..3_125_usize, 0.01..100.0_f64), 1..12),
        ) {
            static MODEL: LazyLock<(FewShot, Vec<Vec<Option<f64>>>)> = LazyLock::new(|| {
                let (all, known) = devices(3);
                (FewShot::new(nasbench201::space(), &all, &known, 1).unwrap(), known)
            });
            let (model, known) = &*MODEL;
            let measured: BTreeMap<usize, f64> = measured.into_iter().collect();
            let measured: Vec<(usize, f64)> = measured.into_iter().collect();
            let least = measured.iter().map(|row| row.1).fold(f64::INFINITY, f64::min);
            let share = known.iter().map(|device| {
                let all = device.iter().flatten().copied().fold(f64::INFINITY, f64::min);
                let among = measured.iter().filter_map(|row| device[row.0]);
                all / among.fold(f64::INFINITY, f64::min)
            });
            let share = share.filter(|share| *share > 0.0).fold(1.0, f64::min);
            let fit = model.fit(&measured).unwrap();
            let lowest = fit.predicted.iter().copied().fold(f64::INFINITY, f64::min);
            prop_assert!(share > 0.0 && lowest >= 0.999_999 * least * share, "{lowest}");
        }
    }
}
