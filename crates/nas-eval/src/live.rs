//! Objectives computed on the spot: zero-cost proxies, and latency measured on this machine.
//!
//! Both work on the networks of a [`Blueprint`], and once for each network: what is a function of the
//! network is not computed twice.

use std::{
    collections::{HashMap, hash_map::Entry},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use nas_bench::{ScoreTable, VitDataset};
use nas_hw::{Measurement, Plan, measure_fallible};
use nas_net::{
    AutoFormerNetwork, BuiltNetwork, FbnetNetwork, NasBench201Network,
    export::{self, Description},
};
use nas_proxy::{Batch, Proxy, ProxySet, RankAggregate, Selection};
use nas_search::{BoxError, Detail, Objective};
use nas_space::{
    Arch, autoformer,
    fbnet::Input,
    nasbench201::{self, Dataset},
};
use tch::{Device, Tensor};

use crate::{Error, Pace, Source, onnx::OnnxNetwork};

/// How the networks of a task are built, and what is shown to them.
#[derive(Clone)]
pub struct Blueprint {
    /// Height and width of an image, in pixels.
    pub side: usize,
    /// Classes of images.
    pub classes: usize,
    /// Images in a batch that proxies see, where nothing else is said.
    pub batch: usize,
    /// The proxies of the training-free score ([`ProxyScore`]).
    pub score: &'static [Proxy],
    /// Scores that were computed before, where there are such.
    pub computed: Option<Computed>,
    read: Option<Read>,
    build: Arc<Build>,
    representative: fn(&Arch) -> Arch,
    number: fn(&Arch) -> u64,
}

/// Opens scores that were computed before.
pub type Computed = fn() -> Result<ScoreTable, nas_bench::Error>;

/// Reads images of a file.
type Read = fn(&Path, Selection) -> Result<Batch, nas_proxy::Error>;

/// Builds the network of an architecture with initial weights of a seed.
type Build =
    dyn Fn(&Arch, u64, Device) -> Result<Box<dyn BuiltNetwork>, nas_net::Error> + Send + Sync;

impl Blueprint {
    /// The networks of NAS-Bench-201, without unreachable operations; cells that are the same network
    /// ([`nasbench201::representative`]) are one.
    pub fn nasbench201(dataset: Dataset) -> Self {
        let build = move |arch: &Arch, seed: u64, device: Device| {
            let cell = nasbench201::space().prune(arch);
            let network = NasBench201Network::new(&cell, dataset, seed, device)?;
            Ok(Box::new(network) as Box<dyn BuiltNetwork>)
        };
        let read: Read = match dataset {
            Dataset::Cifar10 => |file, selection| nas_proxy::cifar10(file, selection),
            Dataset::Cifar100 => |file, selection| nas_proxy::cifar100(file, selection),
            Dataset::ImageNet16_120 => |file, selection| nas_proxy::imagenet16(file, selection),
        };
        Self {
            side: dataset.image_size(),
            classes: dataset.classes(),
            batch: 64,
            score: &TRAINING_FREE,
            computed: (dataset == Dataset::Cifar10).then_some(ScoreTable::cifar10),
            read: Some(read),
            build: Arc::new(build),
            representative: |arch| {
                let first = nasbench201::from_index(nasbench201::representative(arch));
                first.unwrap_or_else(|_| arch.clone())
            },
            number: |arch| nasbench201::index(arch) as u64,
        }
    }

    /// The networks of FBNet.
    pub fn fbnet(input: Input) -> Self {
        let build = move |arch: &Arch, seed: u64, device: Device| {
            Ok(Box::new(FbnetNetwork::new(arch, input, seed, device)?) as Box<dyn BuiltNetwork>)
        };
        let read: Read = match input {
            Input::Cifar10 => |file, selection| nas_proxy::cifar10(file, selection),
            Input::Cifar100 => |file, selection| nas_proxy::cifar100(file, selection),
            Input::ImageNet => |file, selection| nas_proxy::imagenet64(file, selection),
        };
        Self {
            side: input.image_size() as usize,
            classes: input.classes() as usize,
            batch: if input == Input::ImageNet { 8 } else { 64 },
            score: &TRAINING_FREE,
            computed: None,
            read: Some(read),
            build: Arc::new(build),
            representative: Arch::clone,
            number: fingerprint,
        }
    }

    /// The vision transformers of AutoFormer for 224×224 images of a data set.
    pub fn autoformer(size: autoformer::Size, dataset: VitDataset) -> Self {
        let classes = dataset.classes();
        let read: Option<Read> = match dataset {
            VitDataset::ImageNet => Some(|file, selection| nas_proxy::imagenet64(file, selection)),
            VitDataset::Cifar100 => Some(|file, selection| nas_proxy::cifar100(file, selection)),
            VitDataset::Flowers | VitDataset::Chaoyang => None,
        };
        let build = move |arch: &Arch, seed: u64, device: Device| {
            let plan = size.network(arch)?;
            let network = AutoFormerNetwork::new(&plan, 224, classes as u64, seed, device)?;
            Ok(Box::new(network) as Box<dyn BuiltNetwork>)
        };
        Self {
            side: 224,
            classes,
            batch: 8,
            score: &TRAINING_FREE_TRANSFORMER,
            computed: None,
            read,
            build: Arc::new(build),
            representative: Arch::clone,
            number: fingerprint,
        }
    }

    /// Images of a file, as large as the networks take them; `None` where no files are known that
    /// hold such.
    ///
    /// # Errors
    /// Those of the reader, for example for too few images.
    pub fn images(
        &self,
        file: &Path,
        selection: Selection,
    ) -> Option<Result<Batch, nas_proxy::Error>> {
        Some(self.read?(file, selection).and_then(|batch| batch.resized(self.side)))
    }
}

/// A number that tells an architecture from others, the same everywhere.
fn fingerprint(arch: &Arch) -> u64 {
    // FNV-1a.
    let step = |hash: u64, choice: &u8| (hash ^ u64::from(*choice)).wrapping_mul(0x0100_0000_01b3);
    arch.choices().iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// How and where networks are built.
#[derive(Clone)]
pub struct Networks {
    /// How.
    pub blueprint: Blueprint,
    /// The seed of the initial weights. Each network draws its own from it, as in published
    /// tables: with one draw for all, its luck would rank networks that differ in little else.
    pub seed: u64,
    /// Where they run.
    pub device: Device,
}

impl Networks {
    /// The untrained network of an architecture. Architectures that are the same network get the
    /// same weights.
    ///
    /// # Errors
    /// An architecture of another space; failures of libtorch, for example out of memory.
    pub fn build(&self, arch: &Arch) -> Result<Box<dyn BuiltNetwork>, Error> {
        let arch = self.representative(arch);
        let seed = self.seed.wrapping_add((self.blueprint.number)(&arch) << 32);
        Ok((self.blueprint.build)(&arch, seed, self.device)?)
    }

    /// The architecture that stands for all that are the same network.
    pub fn representative(&self, arch: &Arch) -> Arch {
        (self.blueprint.representative)(arch)
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
        known: &dyn Fn(&Arch) -> Option<Vec<Option<f64>>>,
        mut done: impl FnMut(&Arch, &[Option<f64>]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut values: HashMap<Arch, Vec<Option<f64>>> = HashMap::new();
        let mut todo = Vec::new();
        for arch in architectures {
            let network = self.networks.representative(arch);
            if let Entry::Vacant(place) = values.entry(network) {
                // An empty row marks what is to be computed.
                let row = known(place.key()).unwrap_or_default();
                if row.is_empty() {
                    todo.push(place.key().clone());
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
                let (networks, proxies) = (&self.networks, &self.proxies);
                scope.spawn(move || {
                    tch::set_num_threads(1);
                    while let Some(arch) = todo.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let scores = networks
                            .build(arch)
                            .and_then(|network| Ok(proxies.score(&*network, &batch)?));
                        let failed = scores.is_err();
                        if sender.send((arch.clone(), scores)).is_err() || failed {
                            break;
                        }
                    }
                });
            }
            drop(sender);
            let outcome = architectures.iter().try_for_each(|arch| {
                let network = self.networks.representative(arch);
                while values[&network].is_empty() {
                    // Senders live until all is computed or one has failed.
                    let Ok((computed, scores)) = results.recv() else { break };
                    values.insert(computed, scores?);
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
    proxies: &'static [Proxy],
    details: Vec<Detail>,
    ranks: Ranks,
    compute: Box<Compute>,
    pace: Pace,
    /// The architecture that stands for all that are the same network, and whose proxies are known.
    representative: fn(&Arch) -> Arch,
    known: HashMap<Arch, Vec<Option<f64>>>,
}

/// The proxies of the score of vision transformers: of all sets of at most three that need no labels,
/// the one whose score has the highest rank correlation with accuracy on CIFAR-100 over the 200
/// networks of ViT-Bench-101.
pub const TRAINING_FREE_TRANSFORMER: [Proxy; 1] = [Proxy::AzExpressivity];

/// The proxies of the score of convolutional networks: of all sets of at most three that need no labels and exist for every
/// network with a path, the one whose score has the highest rank correlation with validation
/// accuracy on CIFAR-10.
pub const TRAINING_FREE: [Proxy; 3] = [Proxy::Jacov, Proxy::Params, Proxy::AzExpressivity];

/// Computes proxies of architectures: for each a value for each proxy.
pub type Compute = dyn FnMut(&[Arch]) -> Result<Vec<Vec<Option<f64>>>, BoxError>;

/// What proxies are ranked among.
enum Ranks {
    /// Still to be learnt from this sample.
    Sample(Vec<Arch>),
    /// Learnt.
    Learnt(RankAggregate),
}

impl ProxyScore {
    /// A score of proxies that are computed on the spot and ranked among those of a sample of
    /// architectures, which is scored when it is first asked for.
    pub fn new(networks: Networks, batch: Batch, sample: Vec<Arch>) -> Self {
        let blueprint = networks.blueprint.clone();
        let proxies = ProxySet::new(blueprint.score.iter().copied());
        let compute = move |architectures: &[Arch]| {
            let score = |arch| Ok(proxies.score(&*networks.build(arch)?, &batch)?);
            architectures.iter().map(score).collect()
        };
        Self::computed_by(&blueprint, Box::new(compute), Pace::Slow, sample)
    }

    /// The same score of proxies ([`Blueprint::score`]) that others compute, each network's once.
    pub fn computed_by(
        blueprint: &Blueprint,
        compute: Box<Compute>,
        pace: Pace,
        sample: Vec<Arch>,
    ) -> Self {
        let ranks = Ranks::Sample(sample);
        Self::of(blueprint.score, ranks, compute, pace, blueprint.representative)
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
        let row = move |arch: &Arch| {
            let values = table.values(arch);
            columns.iter().map(|&column| values.and_then(|values| values[column])).collect()
        };
        let compute = move |architectures: &[Arch]| Ok(architectures.iter().map(&row).collect());
        Ok(Self::of(&TRAINING_FREE, ranks, Box::new(compute), Pace::AtOnce, Arch::clone))
    }

    fn of(
        proxies: &'static [Proxy],
        ranks: Ranks,
        compute: Box<Compute>,
        pace: Pace,
        representative: fn(&Arch) -> Arch,
    ) -> Self {
        let detail = |proxy: &Proxy| Detail { name: proxy.name().to_owned(), unit: String::new() };
        let details = proxies.iter().map(detail).collect();
        let (objective, known) = (Objective::maximise("score", ""), HashMap::new());
        Self { objective, proxies, details, ranks, compute, pace, representative, known }
    }

    /// The score of proxies; `None` where one of them is.
    ///
    /// # Errors
    /// [`nas_proxy::Error::Reference`] where a proxy does not tell the sample's architectures
    /// apart; failures of what computes.
    fn aggregate(&mut self, proxies: &[Option<f64>]) -> Result<Option<f64>, BoxError> {
        if let Ranks::Sample(sample) = &self.ranks {
            let sample = sample.clone();
            let rows = sample
                .iter()
                .map(|arch| self.proxies(arch))
                .collect::<Result<Vec<_>, BoxError>>()?;
            let column = |(place, proxy)| (proxy, rows.iter().map(|row| row[place]).collect());
            let columns: Vec<_> = self.proxies.iter().copied().enumerate().map(column).collect();
            self.ranks = Ranks::Learnt(RankAggregate::new(&columns)?);
        }
        let Ranks::Learnt(ranks) = &self.ranks else { return Ok(None) };
        Ok(ranks.score(proxies))
    }

    fn proxies(&mut self, arch: &Arch) -> Result<Vec<Option<f64>>, BoxError> {
        self.compute(std::slice::from_ref(arch))?;
        Ok(self.known[&(self.representative)(arch)].clone())
    }

    /// Has the proxies computed of those whose are not known, each network's once.
    fn compute(&mut self, architectures: &[Arch]) -> Result<(), BoxError> {
        let mut unknown: Vec<Arch> = architectures.iter().map(self.representative).collect();
        unknown.retain(|network| !self.known.contains_key(network));
        unknown.sort();
        unknown.dedup();
        if !unknown.is_empty() {
            let values = (self.compute)(&unknown)?;
            if values.len() != unknown.len() {
                let (found, asked) = (values.len(), unknown.len());
                return Err(format!("{found} rows of proxies for {asked} architectures").into());
            }
            self.known.extend(unknown.into_iter().zip(values));
        }
        Ok(())
    }
}

impl Source for ProxyScore {
    fn objective(&self) -> &Objective {
        &self.objective
    }

    fn details(&self) -> &[Detail] {
        &self.details
    }

    fn pace(&self) -> Pace {
        self.pace
    }

    fn prepare(&mut self, architectures: &[Arch]) -> Result<(), BoxError> {
        // What works side by side is given all at once, the first time with the sample.
        if self.pace != Pace::Together {
            return Ok(());
        }
        let mut all = architectures.to_vec();
        if let Ranks::Sample(sample) = &self.ranks {
            all.extend(sample.iter().cloned());
        }
        self.compute(&all)
    }

    fn value(&mut self, arch: &Arch) -> Result<(Option<f64>, Vec<Option<f64>>), BoxError> {
        let proxies = self.proxies(arch)?;
        let score = self.aggregate(&proxies)?;
        Ok((score, proxies))
    }
}

/// What runs a network whose latency is measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Runtime {
    /// libtorch ([`BuiltNetwork::forward_inference`]).
    #[default]
    Torch,
    /// ONNX Runtime on the processor, with the network's file ([`nas_net::export::onnx`]).
    Onnx,
}

/// Latency of one image through the network on this machine, in ms: the median over repeats, as
/// deployed. On the processor it is measured on one thread: a
/// single small image gains little from more, and threads that wait for each other make the
/// time depend on what else the machine is doing.
pub struct MeasuredLatency {
    networks: Networks,
    plan: Plan,
    runtime: Runtime,
    image: Tensor,
    objective: Objective,
    details: [Detail; 1],
    /// What was measured of a network: value and spread.
    known: HashMap<Arch, (Option<f64>, Vec<Option<f64>>)>,
}

impl MeasuredLatency {
    /// A stopwatch for networks on their device.
    ///
    /// # Errors
    /// Failures of libtorch.
    pub fn new(networks: Networks, plan: Plan, runtime: Runtime) -> Result<Self, Error> {
        let side = networks.blueprint.side;
        let image = Batch::gaussian([1, 3, side, side], networks.seed)?;
        let image = image.to_device(networks.device)?.images().shallow_clone();
        Ok(Self {
            networks,
            plan,
            runtime,
            image,
            objective: Objective::minimise("latency", "ms"),
            details: [Detail { name: "latency_spread".into(), unit: "ms".into() }],
            known: HashMap::new(),
        })
    }

    /// Measures an architecture.
    ///
    /// # Errors
    /// Failures of the runtime.
    pub fn measure(&self, arch: &Arch) -> Result<Measurement, Error> {
        let network = self.networks.build(arch)?;
        if self.runtime == Runtime::Onnx {
            let side = self.networks.blueprint.side;
            let file = export::onnx(&*network, side, &Description::default())?;
            let mut network = OnnxNetwork::new(&file, 1)?;
            let pixels = self.image.f_reshape(-1).and_then(Vec::try_from);
            let pixels: Vec<f32> = pixels.map_err(nas_net::Error::from)?;
            return measure_fallible(&self.plan, || {
                network.logits(&pixels, [1, 3, side, side]).map(drop)
            });
        }
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
        measured
    }
}

impl Source for MeasuredLatency {
    fn objective(&self) -> &Objective {
        &self.objective
    }

    fn details(&self) -> &[Detail] {
        &self.details
    }

    fn pace(&self) -> Pace {
        Pace::Slow
    }

    fn value(&mut self, arch: &Arch) -> Result<(Option<f64>, Vec<Option<f64>>), BoxError> {
        let network = self.networks.representative(arch);
        if let Some(known) = self.known.get(&network) {
            return Ok(known.clone());
        }
        let measured = self.measure(arch)?;
        let value = (Some(measured.median.0), vec![Some(measured.spread.0)]);
        self.known.insert(network, value.clone());
        Ok(value)
    }

    fn remember(&mut self, arch: &Arch, value: Option<f64>, details: &[Option<f64>]) {
        self.known.insert(self.networks.representative(arch), (value, details.to_vec()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;
    use nas_search::Evaluator;
    use nas_space::nasbench201::{CELLS, from_index, parse_arch_str, space};
    use rand::{SeedableRng, rngs::StdRng};

    fn networks() -> Networks {
        let blueprint = Blueprint::nasbench201(Dataset::ImageNet16_120);
        Networks { blueprint, seed: 1, device: Device::Cpu }
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
        let latency = MeasuredLatency::new(networks(), plan, Runtime::Torch).unwrap();
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
        assert_eq!(source.pace(), Pace::Slow);
        isomorphic_cells_score_the_same_and_a_richer_cell_higher(source);
    }

    #[test]
    fn scores_of_the_table_are_of_networks() {
        let source = || ProxyScore::from_table(ScoreTable::cifar10().unwrap()).unwrap();
        assert_eq!(source().pace(), Pace::AtOnce);
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
