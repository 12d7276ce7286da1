//! What needs libtorch: proxies and measured latency.

use std::path::PathBuf;

use nas_bench::ScoreTable;
use nas_eval::{
    Source,
    live::{MeasuredLatency, Networks, ProxyScore},
};
use nas_hw::{Measurement, Plan};
use nas_proxy::{Batch, Selection};
use nas_search::SearchRng;
use nas_space::{Arch, nasbench201, nasbench201::Dataset};
use rand::SeedableRng;
use tch::Device;

use crate::{failure::Failure, progress::Progress};

/// The batch that proxies see.
#[derive(Debug, clap::Args)]
pub struct ProxyArguments {
    /// Images in a batch [default: 64]
    #[arg(long, value_name = "N")]
    pub batch: Option<usize>,
    /// A file of images: CIFAR in its binary format, ImageNet as 64×64 planes; without one,
    /// seeded Gaussian noise with seeded random labels
    #[arg(long, value_name = "FILE")]
    pub images: Option<PathBuf>,
}

const BATCH: usize = 64;
const COMPUTE: &str = "cpu";

/// No proxy gains from more images, and a slip of the finger does not fill the memory.
const MOST_IMAGES: usize = 65_536;

/// Architectures that set the scale of the proxies' score where it is computed.
const REFERENCE: usize = 24;

impl ProxyArguments {
    /// Images in a batch.
    pub fn count(&self) -> usize {
        self.batch.unwrap_or(BATCH)
    }

    /// The batch that proxies see, labelled, on the device where they are computed.
    pub fn images(&self, dataset: Dataset, seed: u64, device: Device) -> Result<Batch, Failure> {
        let count = self.count();
        if !(2..=MOST_IMAGES).contains(&count) {
            return Err(Failure::input(format!(
                "--batch {count}: proxies compare the images of a batch, at least 2 and at most {MOST_IMAGES}"
            )));
        }
        let selection = Selection::Random { count, seed };
        let batch = match (&self.images, dataset) {
            (None, _) => {
                let side = dataset.image_size();
                Batch::gaussian([count, 3, side, side], seed)?
            }
            (Some(file), Dataset::Cifar10) => nas_proxy::cifar10(file, selection)?,
            (Some(file), Dataset::Cifar100) => nas_proxy::cifar100(file, selection)?,
            (Some(file), Dataset::ImageNet16_120) => nas_proxy::imagenet16(file, selection)?,
        };
        let batch = match batch.labels() {
            Some(_) => batch,
            None => batch.with_random_labels(dataset.classes(), seed)?,
        };
        Ok(batch.to_device(device)?)
    }

    /// An option that says how a search computes proxies, where one was given.
    pub fn given(&self, compute: Option<&str>) -> Option<&'static str> {
        let images = self.images.as_ref().map(|_| "--images");
        images.or(self.batch.map(|_| "--batch")).or(compute.map(|_| "--compute"))
    }

    /// Whether a search takes the proxies that were computed before: for their data set, unless
    /// something was said about computing them.
    fn computed_before(&self, dataset: Dataset, compute: Option<&str>) -> bool {
        dataset == Dataset::Cifar10 && self.given(compute).is_none()
    }

    /// Where a search's score comes from, in words.
    pub fn origin(&self, dataset: Dataset, compute: Option<&str>) -> String {
        if self.computed_before(dataset, compute) {
            return "score from zero-cost proxies, as pel-nas computed them on cifar10".to_owned();
        }
        let images = match &self.images {
            Some(file) => format!("images of {}", file.display()),
            None => "Gaussian noise".to_owned(),
        };
        format!("score from zero-cost proxies, computed on this machine on {images}")
    }

    /// What a search's configuration tells of them.
    pub fn config(&self, dataset: Dataset, compute: Option<&str>) -> toml::Table {
        let mut table = toml::Table::new();
        if self.computed_before(dataset, compute) {
            table.insert("computed".into(), toml::Value::from("before, by pel-nas"));
            return table;
        }
        let images =
            self.images.as_ref().map_or("gaussian".into(), |file| file.display().to_string());
        table.insert("batch".into(), toml::Value::from(self.count() as i64));
        table.insert("images".into(), toml::Value::from(images));
        table.insert("compute".into(), toml::Value::from(compute.unwrap_or(COMPUTE)));
        table
    }

    /// The proxies' score as the objective of a search.
    pub fn score(
        &self,
        dataset: Dataset,
        seed: u64,
        compute: Option<&str>,
    ) -> Result<Box<dyn Source>, Failure> {
        if self.computed_before(dataset, compute) {
            let table = ScoreTable::cifar10().map_err(nas_eval::Error::from)?;
            return Ok(Box::new(ProxyScore::from_table(table)?));
        }
        let device = nas_proxy::device(compute.unwrap_or(COMPUTE))?;
        let networks = Networks { dataset, seed, device };
        let batch = self.images(dataset, seed, device)?;
        let rng = &mut SearchRng::seed_from_u64(seed);
        let space = nasbench201::space();
        let sample: Vec<Arch> = std::iter::repeat_with(|| space.sample(rng))
            .filter(|arch| space.is_connected(arch))
            .take(REFERENCE)
            .collect();
        Ok(Box::new(ProxyScore::new(networks, batch, sample)))
    }
}

/// Latency of one image on this machine's processor as the objective of a search.
pub fn latency_source(dataset: Dataset, seed: u64) -> Result<Box<dyn Source>, Failure> {
    Ok(Box::new(stopwatch(dataset, seed)?))
}

fn stopwatch(dataset: Dataset, seed: u64) -> Result<MeasuredLatency, Failure> {
    let networks = Networks { dataset, seed, device: Device::Cpu };
    Ok(MeasuredLatency::new(networks, Plan::default())?)
}

/// The measured latency of each architecture.
pub fn latencies(dataset: Dataset, architectures: &[Arch]) -> Result<Vec<Measurement>, Failure> {
    let mut stopwatch = stopwatch(dataset, 0)?;
    let mut progress = Progress::new("measuring", architectures.len());
    let mut measured = Vec::new();
    for arch in architectures {
        measured.push(stopwatch.measure(arch)?);
        progress.update(measured.len(), "one image on one thread");
    }
    progress.finish();
    Ok(measured)
}
