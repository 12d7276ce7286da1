//! FBNet with HW-NAS-Bench's costs of its blocks.

use std::path::{Path, PathBuf};

use nas_bench::{Error as BenchError, FbnetBlocks};
use nas_hw::Metric;
use nas_space::{
    Arch, Space, Task,
    fbnet::{self, Input},
};

use crate::{
    Error, KnownSpace, Lookup, Published, PublishedAccuracies, Source, Statistic, cost_objective,
};

#[cfg(feature = "torch")]
use {
    crate::live::{Blueprint, Build, TRAINING_FREE},
    nas_net::Scale,
    std::sync::Arc,
};

/// Networks of 22 inverted residual blocks (Wu et al. 2019, arXiv 1812.03443); none was trained.
pub struct Fbnet;

impl KnownSpace for Fbnet {
    fn space(&self) -> &'static Space {
        fbnet::space()
    }

    fn title(&self) -> String {
        "FBNet".to_owned()
    }

    fn networks_in_words(&self) -> String {
        "9²² networks of inverted residual blocks".to_owned()
    }

    fn datasets(&self) -> Vec<&'static str> {
        Input::ALL.map(Input::name).to_vec()
    }

    fn default_dataset(&self) -> usize {
        Input::ALL.iter().position(|input| *input == Input::Cifar100).unwrap_or_default()
    }

    fn file_name(&self, dataset: usize) -> String {
        format!("{}-{}", fbnet::space().name(), Input::ALL[dataset].name())
    }

    fn task(&self, dataset: usize) -> Option<Task> {
        Some(Input::ALL[dataset].into())
    }

    fn statistics(&self, task: Option<Task>) -> Vec<Statistic> {
        let Some(task) = task else { return Vec::new() };
        let parameters = move |arch: &Arch| fbnet::parameters(arch, task) as f64;
        let flops = move |arch: &Arch| fbnet::flops(arch, task) as f64;
        vec![
            Statistic::new("parameters", "parameters", "M", parameters),
            Statistic::new("flops", "FLOPs", "M", flops),
        ]
    }

    #[cfg(feature = "torch")]
    fn blueprint(&self, dataset: usize) -> Option<Blueprint> {
        let input = Input::ALL[dataset];
        Some(Blueprint {
            task: input.into(),
            batch: if input == Input::ImageNet { 8 } else { 64 },
            score: &TRAINING_FREE,
            computed: None,
            read: Some(match input {
                Input::Cifar10 => |file, selection| nas_proxy::cifar10(file, selection),
                Input::Cifar100 => |file, selection| nas_proxy::cifar100(file, selection),
                Input::ImageNet => |file, selection| nas_proxy::imagenet64(file, selection),
            }),
            build: Arc::new(move |arch, seed, device| {
                Ok(Box::new(nas_net::FbnetNetwork::new(arch, input, seed, device)?))
            }),
            numbering: None,
        })
    }

    #[cfg(feature = "torch")]
    fn build_for(&self, task: Task, _scale: Option<Scale>) -> Option<Arc<Build>> {
        Some(Arc::new(move |arch, seed, device| {
            Ok(Box::new(nas_net::FbnetNetwork::scaled(arch, task, seed, device)?))
        }))
    }

    fn tables(&self, data: &Path) -> Option<PathBuf> {
        Some(nas_bench::FbnetBlocks::path(data))
    }

    fn open(&self, dataset: usize, data: &Path) -> Option<Result<Box<dyn Published>, BenchError>> {
        let input = Input::ALL[dataset];
        let opened = FbnetBlocks::open(data).map(|blocks| OnInput { blocks, input });
        Some(opened.map(|opened| Box::new(opened) as Box<dyn Published>))
    }
}

/// The costs of blocks for one size of images.
struct OnInput {
    blocks: FbnetBlocks,
    input: Input,
}

impl Published for OnInput {
    fn accuracies(&self) -> Result<PublishedAccuracies, Error> {
        Ok(PublishedAccuracies::None)
    }

    fn cost(&self, device: &str, metric: Metric) -> Result<Box<dyn Source + Send>, Error> {
        let costs = self.blocks.costs(device, metric, self.input)?;
        Ok(Box::new(Lookup::new(cost_objective(metric), move |arch: &Arch| costs.cost(arch))))
    }
}
