//! AutoFormer's three spaces of vision transformers, with ViT-Bench-101's accuracies of the tiny one.

use std::path::{Path, PathBuf};

use nas_bench::{Error as BenchError, VitBench, VitDataset, VitFamily};
use nas_hw::Metric;
use nas_partition::Partition;
use nas_predict::Table;
use nas_space::{
    Arch, Space, Task,
    autoformer::{Network, Size},
};

use crate::{Error, Features, KnownSpace, Published, PublishedAccuracies, Source, Statistic};

#[cfg(feature = "torch")]
use {
    crate::live::{Blueprint, Build, TRAINING_FREE_TRANSFORMER},
    nas_net::Scale,
    std::sync::Arc,
};

/// Height and width of an image as published, in pixels.
const SIDE: usize = 224;

/// Vision transformers of one size (Chen et al. 2021, arXiv 2107.00651).
pub struct AutoFormer(Size);

/// Builds networks of a size.
#[cfg(feature = "torch")]
fn build(size: Size, task: Task) -> Arc<Build> {
    Arc::new(move |arch, seed, device| {
        let network = size.network(arch)?;
        Ok(Box::new(nas_net::AutoFormerNetwork::new(&network, task, seed, device)?))
    })
}

/// 5 to 11 M parameters.
pub static TINY: AutoFormer = AutoFormer(Size::Tiny);

/// 13 to 35 M parameters.
pub static SMALL: AutoFormer = AutoFormer(Size::Small);

/// 40 to 77 M parameters.
pub static BASE: AutoFormer = AutoFormer(Size::Base);

/// Images and classes as published.
fn task(dataset: VitDataset) -> Task {
    Task { channels: 3, side: SIDE, classes: dataset.classes() }
}

impl AutoFormer {
    /// How a number of a network is counted.
    fn count(&self, task: Task, of: fn(&Network, Task) -> u64) -> impl Fn(&Arch) -> f64 + use<> {
        let size = self.0;
        move |arch: &Arch| size.network(arch).map_or(f64::NAN, |network| of(&network, task) as f64)
    }
}

impl KnownSpace for AutoFormer {
    fn space(&self) -> &'static Space {
        self.0.space()
    }

    fn networks_in_words(&self) -> String {
        let range = match self.0 {
            Size::Tiny => "5.4 to 10.5",
            Size::Small => "13 to 35",
            Size::Base => "40 to 77",
        };
        format!("vision transformers of {range} M parameters")
    }

    fn datasets(&self) -> Vec<&'static str> {
        VitDataset::ALL.map(VitDataset::name).to_vec()
    }

    fn task(&self, dataset: usize) -> Option<Task> {
        Some(task(VitDataset::ALL[dataset]))
    }

    fn statistics(&self, task: Option<Task>) -> Vec<Statistic> {
        let Some(task) = task else { return Vec::new() };
        let (parameters, flops) =
            (self.count(task, Network::parameters), self.count(task, Network::flops));
        vec![
            Statistic::new("parameters", "parameters", "M", parameters),
            Statistic::new("flops", "FLOPs", "M", flops),
        ]
    }

    fn niches(&self) -> Option<Partition> {
        Partition::by_choices(self.space(), &["embedding dimension", "depth"]).ok()
    }

    #[cfg(feature = "torch")]
    fn blueprint(&self, dataset: usize) -> Option<Blueprint> {
        let (size, dataset) = (self.0, VitDataset::ALL[dataset]);
        let task = task(dataset);
        Some(Blueprint {
            task,
            batch: 8,
            score: &TRAINING_FREE_TRANSFORMER,
            computed: None,
            read: match dataset {
                VitDataset::ImageNet => {
                    Some(|file, selection| nas_proxy::imagenet64(file, selection))
                }
                VitDataset::Cifar100 => {
                    Some(|file, selection| nas_proxy::cifar100(file, selection))
                }
                VitDataset::Flowers | VitDataset::Chaoyang => None,
            },
            build: build(size, task),
            numbering: None,
        })
    }

    #[cfg(feature = "torch")]
    fn build_for(&self, task: Task, _scale: Option<Scale>) -> Option<Arc<Build>> {
        Some(build(self.0, task))
    }

    fn features(&self) -> Result<Box<Features>, Error> {
        let parameters = self.count(task(VitDataset::ImageNet), Network::parameters);
        let space = self.space();
        Ok(Box::new(move |architectures| {
            let values = architectures.iter().map(|arch| Some(parameters(arch)));
            Ok(Table::new(space, architectures).with_scores("parameters", values)?)
        }))
    }

    fn accuracies_in_words(&self) -> Option<&'static str> {
        match self.0 {
            Size::Tiny => Some("of 200 networks (imagenet: of 100)"),
            Size::Small | Size::Base => None,
        }
    }

    fn tables(&self, data: &Path) -> Option<PathBuf> {
        (self.0 == Size::Tiny).then(|| nas_bench::VitBench::path(data))
    }

    fn open(&self, dataset: usize, data: &Path) -> Option<Result<Box<dyn Published>, BenchError>> {
        (self.0 == Size::Tiny)
            .then(|| OnVitBench::open(VitFamily::AutoFormer, VitDataset::ALL[dataset], data))
    }
}

/// ViT-Bench-101's accuracies on one data set.
pub(super) struct OnVitBench {
    bench: VitBench,
    family: VitFamily,
    dataset: VitDataset,
}

impl OnVitBench {
    pub(super) fn open(
        family: VitFamily,
        dataset: VitDataset,
        data: &Path,
    ) -> Result<Box<dyn Published>, BenchError> {
        Ok(Box::new(Self { bench: VitBench::open(data)?, family, dataset }))
    }
}

impl Published for OnVitBench {
    fn accuracies(&self) -> Result<PublishedAccuracies, Error> {
        let accuracies = self.bench.accuracies(self.family, self.dataset);
        let trained: Vec<(Arch, f64)> =
            accuracies.map(|(arch, accuracy)| (arch.clone(), accuracy)).collect();
        if trained.is_empty() {
            return Ok(PublishedAccuracies::None);
        }
        let how = match self.dataset {
            VitDataset::ImageNet => "supernet",
            _ => "distilled",
        };
        let (count, dataset) = (trained.len(), self.dataset);
        let from = format!("{count} networks of ViT-Bench-101 ({dataset}, {how})");
        Ok(PublishedAccuracies::OfSome { trained, from })
    }

    fn cost(&self, device: &str, metric: Metric) -> Result<Box<dyn Source + Send>, Error> {
        Err(Error::Benchmark(BenchError::NoDevice {
            quantity: format!("ViT-Bench-101 {metric}"),
            device: device.to_owned(),
            available: Vec::new(),
        }))
    }
}
