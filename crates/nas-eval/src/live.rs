//! Objectives computed on the spot: zero-cost proxies, and latency measured on this machine.
//!
//! Both work on the network without its unreachable operations, and once for each canonical
//! form: what is a function of the network is not computed twice.

use std::collections::HashMap;

use nas_hw::{Measurement, Plan, measure_fallible};
use nas_net::NasBench201Network;
use nas_proxy::{Batch, Proxy, score};
use nas_search::{BoxError, Detail, Objective};
use nas_space::{
    Arch, Canonical,
    nasbench201::{Dataset, space},
};
use tch::{Device, Tensor};

use crate::{Error, Source};

/// How networks are built.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Networks {
    /// Image size and number of classes.
    pub dataset: Dataset,
    /// The seed of the initial weights, the same for every architecture.
    pub seed: u64,
    /// Where they run.
    pub device: Device,
}

impl Networks {
    /// The untrained network of an architecture, without its unreachable operations.
    ///
    /// # Errors
    /// Failures of libtorch, for example out of memory.
    pub fn build(&self, arch: &Arch) -> Result<NasBench201Network, Error> {
        let pruned = space().prune(arch);
        Ok(NasBench201Network::new(&pruned, self.dataset, self.seed, self.device)?)
    }
}

/// A training-free score that ranks architectures by accuracy: the mean of NASWOT and the
/// logarithm of SynFlow, each in standard deviations from its mean over a sample of the space.
///
/// 0 is an average architecture of the sample, 1 is one standard deviation better. It ranks; it
/// is no accuracy.
pub struct ProxyScore {
    networks: Networks,
    batch: Batch,
    objective: Objective,
    details: Vec<Detail>,
    scale: Scale,
    known: HashMap<Canonical, Vec<Option<f64>>>,
}

/// The proxies of the score. Both grow with accuracy.
const PROXIES: [Proxy; 2] = [Proxy::Naswot, Proxy::LnSynFlow];

/// What the score's zero and one are.
enum Scale {
    /// Still to be learnt from this sample.
    Sample(Vec<Arch>),
    /// Learnt, for each proxy.
    References(Vec<Reference>),
}

/// Mean and standard deviation of a proxy over the sample.
#[derive(Debug, Clone, Copy)]
struct Reference {
    mean: f64,
    deviation: f64,
}

impl ProxyScore {
    /// A score whose scale is set by a sample of architectures, when it is first asked for.
    pub fn new(networks: Networks, batch: Batch, sample: Vec<Arch>) -> Self {
        let detail = |proxy: Proxy| Detail { name: proxy.name().to_owned(), unit: String::new() };
        Self {
            networks,
            batch,
            objective: Objective::maximise("score", ""),
            details: PROXIES.map(detail).to_vec(),
            scale: Scale::Sample(sample),
            known: HashMap::new(),
        }
    }

    /// The score of proxies; `None` where one of them is.
    ///
    /// # Errors
    /// [`Error::Reference`] where a proxy does not tell the sample's architectures apart;
    /// failures of libtorch.
    fn standardise(&mut self, proxies: &[Option<f64>]) -> Result<Option<f64>, Error> {
        if let Scale::Sample(sample) = &self.scale {
            let references = self.learn(&sample.clone())?;
            self.scale = Scale::References(references);
        }
        let Scale::References(references) = &self.scale else { return Ok(None) };
        let standardised: Option<Vec<f64>> = proxies
            .iter()
            .zip(references)
            .map(|(value, reference)| Some(((*value)? - reference.mean) / reference.deviation))
            .collect();
        Ok(standardised.map(|values| values.iter().sum::<f64>() / values.len() as f64))
    }

    fn learn(&mut self, sample: &[Arch]) -> Result<Vec<Reference>, Error> {
        let rows =
            sample.iter().map(|arch| self.proxies(arch)).collect::<Result<Vec<_>, Error>>()?;
        let reference = |(i, proxy): (usize, &Proxy)| {
            let values: Vec<f64> = rows.iter().filter_map(|row| row[i]).collect();
            Reference::of(&values)
                .ok_or(Error::Reference { proxy: proxy.name(), sample: sample.len() })
        };
        PROXIES.iter().enumerate().map(reference).collect()
    }

    fn proxies(&mut self, arch: &Arch) -> Result<Vec<Option<f64>>, Error> {
        let canonical = space().canonical(arch);
        if let Some(known) = self.known.get(&canonical) {
            return Ok(known.clone());
        }
        let values = score(&self.networks.build(arch)?, &self.batch, &PROXIES)?;
        self.known.insert(canonical, values.clone());
        Ok(values)
    }
}

impl Reference {
    /// `None` where the values do not differ.
    fn of(values: &[f64]) -> Option<Self> {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
        (variance > 0.0).then(|| Self { mean, deviation: variance.sqrt() })
    }
}

impl Source for ProxyScore {
    fn objective(&self) -> &Objective {
        &self.objective
    }

    fn details(&self) -> &[Detail] {
        &self.details
    }

    fn is_slow(&self) -> bool {
        true
    }

    fn value(&mut self, arch: &Arch) -> Result<(Option<f64>, Vec<Option<f64>>), BoxError> {
        let proxies = self.proxies(arch)?;
        let score = self.standardise(&proxies)?;
        Ok((score, proxies))
    }
}

/// Latency of one image through the network on this machine, in ms: the median over repeats,
/// batch normalisation in inference mode. On the processor it is measured on one thread: a
/// single small image gains little from more, and threads that wait for each other make the
/// time depend on what else the machine is doing.
pub struct MeasuredLatency {
    networks: Networks,
    plan: Plan,
    image: Tensor,
    objective: Objective,
    details: [Detail; 1],
    known: HashMap<Canonical, Measurement>,
}

impl MeasuredLatency {
    /// A stopwatch for networks on their device.
    ///
    /// # Errors
    /// Failures of libtorch.
    pub fn new(networks: Networks, plan: Plan) -> Result<Self, Error> {
        let side = networks.dataset.image_size();
        let image = Batch::gaussian([1, 3, side, side], networks.seed)?;
        let image = image.to_device(networks.device)?.images().shallow_clone();
        Ok(Self {
            networks,
            plan,
            image,
            objective: Objective::minimise("latency", "ms"),
            details: [Detail { name: "latency_spread".into(), unit: "ms".into() }],
            known: HashMap::new(),
        })
    }

    /// Measures an architecture, or repeats what was measured for the same network.
    ///
    /// # Errors
    /// Failures of libtorch.
    pub fn measure(&mut self, arch: &Arch) -> Result<Measurement, Error> {
        let canonical = space().canonical(arch);
        if let Some(known) = self.known.get(&canonical) {
            return Ok(*known);
        }
        let network = self.networks.build(arch)?;
        let threads = tch::get_num_threads();
        tch::set_num_threads(1);
        let measured = measure_fallible(&self.plan, || {
            let _ = network.forward_inference(&self.image)?;
            if let Device::Cuda(index) = self.networks.device {
                tch::Cuda::synchronize(index as i64);
            }
            Ok::<(), Error>(())
        });
        tch::set_num_threads(threads);
        let measurement = measured?;
        self.known.insert(canonical, measurement);
        Ok(measurement)
    }
}

impl Source for MeasuredLatency {
    fn objective(&self) -> &Objective {
        &self.objective
    }

    fn details(&self) -> &[Detail] {
        &self.details
    }

    fn is_slow(&self) -> bool {
        true
    }

    fn value(&mut self, arch: &Arch) -> Result<(Option<f64>, Vec<Option<f64>>), BoxError> {
        let measured = self.measure(arch)?;
        Ok((Some(measured.median.0), vec![Some(measured.spread.0)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;
    use nas_search::Evaluator;
    use nas_space::nasbench201::parse_arch_str;
    use rand::{SeedableRng, rngs::StdRng};

    fn networks() -> Networks {
        Networks { dataset: Dataset::ImageNet16_120, seed: 1, device: Device::Cpu }
    }

    fn score_source() -> ProxyScore {
        let rng = &mut StdRng::seed_from_u64(3);
        let sample: Vec<Arch> = (0..6).map(|_| space().sample(rng)).collect();
        let batch = Batch::gaussian([8, 3, 16, 16], 1).unwrap();
        ProxyScore::new(networks(), batch, sample)
    }

    #[test]
    fn the_reference_is_mean_and_deviation() {
        let reference = Reference::of(&[1.0, 3.0]).unwrap();
        assert_relative_eq!(reference.mean, 2.0);
        assert_relative_eq!(reference.deviation, 1.0);
        assert!(Reference::of(&[2.0, 2.0]).is_none());
        assert!(Reference::of(&[]).is_none());
    }

    #[test]
    fn a_cell_without_a_path_has_no_score_but_a_latency() {
        let cell = parse_arch_str("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|").unwrap();
        let plan = Plan { max_repeats: 3, min_repeats: 3, ..Plan::default() };
        let latency = MeasuredLatency::new(networks(), plan).unwrap();
        let mut sources = crate::Sources::new(vec![Box::new(score_source()), Box::new(latency)]);
        let evaluation = sources.evaluate(&[cell]).unwrap().remove(0);
        assert_eq!(evaluation.values[0], None);
        assert!(evaluation.values[1].unwrap() > 0.0);
    }

    #[test]
    fn isomorphic_cells_score_the_same_and_a_richer_cell_scores_higher() {
        let mut source = score_source();
        let mut score = |text| source.value(&parse_arch_str(text).unwrap()).unwrap().0.unwrap();
        let one = score("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_3x3~2|");
        let same = score("|skip_connect~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|nor_conv_3x3~2|");
        assert_relative_eq!(one, same);
        let rich = score(
            "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|",
        );
        assert!(rich > one, "{rich} {one}");
    }
}
