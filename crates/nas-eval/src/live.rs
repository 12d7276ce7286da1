//! Objectives computed on the spot: zero-cost proxies, and latency measured on this machine.
//!
//! Both work on the network without its unreachable operations, and once for each canonical
//! form: what is a function of the network is not computed twice.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use nas_bench::ScoreTable;
use nas_hw::{Measurement, Plan, measure_fallible};
use nas_net::NasBench201Network;
use nas_proxy::{Batch, Proxy, ProxySet, RankAggregate};
use nas_search::{BoxError, Detail, Objective};
use nas_space::{
    Arch, Canonical,
    nasbench201::{Dataset, from_index, representative, space},
};
use tch::{Device, Tensor};

use crate::{Error, Source};

/// How networks are built.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Networks {
    /// Image size and number of classes.
    pub dataset: Dataset,
    /// The seed of the initial weights. Each network draws its own from it, as in published
    /// tables: with one draw for all, its luck would rank networks that differ in little else.
    pub seed: u64,
    /// Where they run.
    pub device: Device,
}

impl Networks {
    /// The untrained network of an architecture, without its unreachable operations. Cells that
    /// are the same network ([`representative`]) get the same weights.
    ///
    /// # Errors
    /// Failures of libtorch, for example out of memory.
    pub fn build(&self, arch: &Arch) -> Result<NasBench201Network, Error> {
        self.of_cell(representative(arch))
    }

    fn of_cell(&self, index: usize) -> Result<NasBench201Network, Error> {
        let cell = space().prune(&from_index(index).map_err(nas_net::Error::from)?);
        let seed = self.seed.wrapping_add((index as u64) << 32);
        Ok(NasBench201Network::new(&cell, self.dataset, seed, self.device)?)
    }
}

/// Proxies of many architectures, several at a time.
pub struct Scoring {
    /// How networks are built, and where.
    pub networks: Networks,
    /// The images.
    pub batch: Batch,
    /// The proxies.
    pub proxies: ProxySet,
    /// How many architectures at a time, each on one thread, which makes values independent of
    /// how many there are: on a processor with several
    /// cores that takes less time than several threads for each, and on a GPU small networks are
    /// bound by the launching of their kernels, which threads share.
    pub jobs: usize,
}

impl Scoring {
    /// Computes the values of each architecture and hands them over in the order of the
    /// architectures, once for those that are the same network. `known` tells values that need
    /// not be computed.
    ///
    /// # Errors
    /// The first failure, of a proxy or of `done`; what was handed over before stays valid.
    pub fn run<E: From<Error>>(
        &self,
        architectures: &[Arch],
        known: &dyn Fn(usize) -> Option<Vec<Option<f64>>>,
        mut done: impl FnMut(&Arch, &[Option<f64>]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut values: HashMap<usize, Vec<Option<f64>>> = HashMap::new();
        let mut todo = Vec::new();
        for arch in architectures {
            let network = representative(arch);
            if let Entry::Vacant(place) = values.entry(network) {
                // An empty row marks what is to be computed.
                let row = known(network).unwrap_or_default();
                if row.is_empty() {
                    todo.push(network);
                }
                place.insert(row);
            }
        }
        let jobs = self.jobs.clamp(1, todo.len().max(1));
        let threads = tch::get_num_threads();
        let next = AtomicUsize::new(0);
        let (sender, results) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..jobs {
                let batch = self.batch.to_device(self.networks.device).map_err(Error::from)?;
                let (sender, todo, next) = (sender.clone(), &todo, &next);
                let (networks, proxies) = (self.networks, &self.proxies);
                scope.spawn(move || {
                    tch::set_num_threads(1);
                    while let Some(&index) = todo.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let scores = networks
                            .of_cell(index)
                            .and_then(|network| Ok(proxies.score(&network, &batch)?));
                        let failed = scores.is_err();
                        if sender.send((index, scores)).is_err() || failed {
                            break;
                        }
                    }
                });
            }
            drop(sender);
            let outcome = architectures.iter().try_for_each(|arch| {
                let network = representative(arch);
                while values[&network].is_empty() {
                    // Senders live until all is computed or one has failed.
                    let Ok((index, scores)) = results.recv() else { break };
                    values.insert(index, scores?);
                }
                done(arch, &values[&network])
            });
            // Lets the threads stop after what they are at.
            next.store(todo.len(), Ordering::Relaxed);
            tch::set_num_threads(threads);
            outcome
        })
    }
}

/// A training-free score that ranks architectures by accuracy: proxies that need neither labels
/// nor training, aggregated by their ranks ([`RankAggregate`]).
///
/// It is at most 0, and higher is better. It ranks; it is no accuracy.
pub struct ProxyScore {
    objective: Objective,
    details: Vec<Detail>,
    ranks: Ranks,
    values: Values,
}

/// The proxies of the score: of all sets of at most three that need no labels and exist for every
/// network with a path, the one whose score has the highest rank correlation with validation
/// accuracy on CIFAR-10.
pub const TRAINING_FREE: [Proxy; 3] = [Proxy::Jacov, Proxy::Params, Proxy::AzExpressivity];

/// What proxies are ranked among.
enum Ranks {
    /// Still to be learnt from this sample.
    Sample(Vec<Arch>),
    /// Learnt.
    Learnt(RankAggregate),
}

/// Where the proxies' values come from.
enum Values {
    Computed { networks: Networks, batch: Batch, known: HashMap<Canonical, Vec<Option<f64>>> },
    Table { table: ScoreTable, columns: Vec<usize> },
}

impl ProxyScore {
    /// A score of proxies that are computed on the spot and ranked among those of a sample of
    /// architectures, which is scored when it is first asked for.
    pub fn new(networks: Networks, batch: Batch, sample: Vec<Arch>) -> Self {
        let values = Values::Computed { networks, batch, known: HashMap::new() };
        Self::of(values, Ranks::Sample(sample))
    }

    /// A score of proxies that were computed before, ranked among all networks of the table.
    ///
    /// # Errors
    /// [`nas_bench::Error::Scores`] where the table lacks one of the proxies,
    /// [`nas_proxy::Error::Reference`] where it does not tell networks apart by one.
    pub fn from_table(table: ScoreTable) -> Result<Self, Error> {
        let column = |proxy: Proxy| {
            table.column(proxy.name()).ok_or_else(|| nas_bench::Error::Scores {
                path: table.header().images.clone().into(),
                problem: format!("the proxy {proxy} is not among its scores"),
            })
        };
        let columns = TRAINING_FREE.into_iter().map(column).collect::<Result<Vec<_>, _>>()?;
        let of_proxy =
            |&column: &usize| table.rows().map(|(_, values)| values[column]).collect::<Vec<_>>();
        let reference: Vec<_> =
            TRAINING_FREE.into_iter().zip(columns.iter().map(of_proxy)).collect();
        let ranks = Ranks::Learnt(RankAggregate::new(&reference)?);
        Ok(Self::of(Values::Table { table, columns }, ranks))
    }

    fn of(values: Values, ranks: Ranks) -> Self {
        let detail = |proxy: Proxy| Detail { name: proxy.name().to_owned(), unit: String::new() };
        let details = TRAINING_FREE.map(detail).to_vec();
        Self { objective: Objective::maximise("score", ""), details, ranks, values }
    }

    /// The score of proxies; `None` where one of them is.
    ///
    /// # Errors
    /// [`nas_proxy::Error::Reference`] where a proxy does not tell the sample's architectures
    /// apart; failures of libtorch.
    fn aggregate(&mut self, proxies: &[Option<f64>]) -> Result<Option<f64>, Error> {
        if let Ranks::Sample(sample) = &self.ranks {
            let sample = sample.clone();
            let rows =
                sample.iter().map(|arch| self.proxies(arch)).collect::<Result<Vec<_>, Error>>()?;
            let column = |(place, proxy)| (proxy, rows.iter().map(|row| row[place]).collect());
            let columns: Vec<_> = TRAINING_FREE.into_iter().enumerate().map(column).collect();
            self.ranks = Ranks::Learnt(RankAggregate::new(&columns)?);
        }
        let Ranks::Learnt(ranks) = &self.ranks else { return Ok(None) };
        Ok(ranks.score(proxies))
    }

    fn proxies(&mut self, arch: &Arch) -> Result<Vec<Option<f64>>, Error> {
        match &mut self.values {
            Values::Computed { networks, batch, known } => {
                let canonical = space().canonical(arch);
                if let Some(known) = known.get(&canonical) {
                    return Ok(known.clone());
                }
                let proxies = ProxySet::new(TRAINING_FREE);
                let values = proxies.score(&networks.build(arch)?, batch)?;
                known.insert(canonical, values.clone());
                Ok(values)
            }
            Values::Table { table, columns } => {
                let values = table.values(arch);
                let value = |column: usize| values.and_then(|values| values[column]);
                Ok(columns.iter().map(|&column| value(column)).collect())
            }
        }
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
        matches!(self.values, Values::Computed { .. })
    }

    fn value(&mut self, arch: &Arch) -> Result<(Option<f64>, Vec<Option<f64>>), BoxError> {
        let proxies = self.proxies(arch)?;
        let score = self.aggregate(&proxies)?;
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
    use nas_space::nasbench201::{CELLS, parse_arch_str};
    use rand::{SeedableRng, rngs::StdRng};

    fn networks() -> Networks {
        Networks { dataset: Dataset::ImageNet16_120, seed: 1, device: Device::Cpu }
    }

    fn score_source() -> ProxyScore {
        let rng = &mut StdRng::seed_from_u64(3);
        let sample: Vec<Arch> = (0..6).map(|_| space().sample(rng)).collect();
        let batch = Batch::gaussian([32, 3, 16, 16], 1).unwrap();
        ProxyScore::new(networks(), batch, sample)
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

    fn isomorphic_cells_score_the_same_and_a_richer_cell_higher(mut source: ProxyScore) {
        let mut score = |text| source.value(&parse_arch_str(text).unwrap()).unwrap().0.unwrap();
        let one = score("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_3x3~2|");
        let same = score("|skip_connect~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|nor_conv_3x3~2|");
        assert_relative_eq!(one, same);
        let poor = score("|avg_pool_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|");
        let rich = score(
            "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|",
        );
        assert!(rich > poor, "{rich} {poor}");
    }

    #[test]
    fn computed_scores_are_of_networks() {
        let source = score_source();
        assert!(source.is_slow());
        isomorphic_cells_score_the_same_and_a_richer_cell_higher(source);
    }

    #[test]
    fn scores_of_the_table_are_of_networks() {
        let source = || ProxyScore::from_table(ScoreTable::cifar10().unwrap()).unwrap();
        assert!(!source().is_slow());
        isomorphic_cells_score_the_same_and_a_richer_cell_higher(source());
        // Only networks without a path have no score.
        let mut source = source();
        for index in 0..CELLS {
            let arch = from_index(index).unwrap();
            let score = source.value(&arch).unwrap().0;
            assert_eq!(score.is_some(), space().is_connected(&arch), "{index}");
        }
    }
}
