//! What needs libtorch: proxies and measured latency.

use std::path::PathBuf;

use nas_eval::{
    Source, Task,
    live::{self, Blueprint, Computed, MeasuredLatency, Networks, ProxyScore},
};
use nas_hw::{Measurement, Plan};
use nas_proxy::{Batch, Proxy, Selection};
use nas_search::SearchRng;
use nas_space::Arch;
use rand::SeedableRng;
use tch::Device;

use crate::{
    commands::{Runtime, Target},
    failure::Failure,
    progress::Progress,
};

/// The batch that proxies see.
#[derive(Debug, clap::Args)]
pub struct ProxyArguments {
    /// Images in a batch [default: 64, of 224×224 pixels 8]
    #[arg(long, value_name = "N")]
    pub batch: Option<usize>,
    /// A file of images: CIFAR in its binary format, ImageNet as 64×64 planes; without one,
    /// seeded Gaussian noise with seeded random labels
    #[arg(long, value_name = "FILE")]
    pub images: Option<PathBuf>,
}

const COMPUTE: &str = "cpu";

/// No proxy gains from more images, and a slip of the finger does not fill the memory.
const MOST_IMAGES: usize = 65_536;

/// Architectures that set the scale of the proxies' score where it is computed.
const REFERENCE: usize = 24;

/// How a task's networks are built.
pub fn blueprint(task: &Task) -> Result<&Blueprint, Failure> {
    task.blueprint.as_ref().ok_or_else(|| {
        Failure::input(format!(
            "how networks of {} are built is not known here: what they are worth is yours to say, by --evaluate COMMAND, or --accuracy-table and --latency-table",
            task.space.name()
        ))
    })
}

impl ProxyArguments {
    /// Images in a batch.
    pub fn count(&self, blueprint: &Blueprint) -> usize {
        self.batch.unwrap_or(blueprint.batch)
    }

    /// The batch that proxies see, labelled, on the device where they are computed.
    pub fn images(&self, task: &Task, seed: u64, device: Device) -> Result<Batch, Failure> {
        let blueprint = blueprint(task)?;
        let count = self.count(blueprint);
        if !(2..=MOST_IMAGES).contains(&count) {
            return Err(Failure::input(format!(
                "--batch {count}: proxies compare the images of a batch, at least 2 and at most {MOST_IMAGES}"
            )));
        }
        let batch = match &self.images {
            None => Batch::gaussian([count, 3, blueprint.side, blueprint.side], seed)?,
            Some(file) => {
                let images = blueprint.images(file, Selection::Random { count, seed });
                images.ok_or_else(|| {
                    Failure::input(format!(
                        "--images {}: no files are known that hold images of {}: leave it out for Gaussian noise",
                        file.display(),
                        task.dataset.unwrap_or("this data set")
                    ))
                })??
            }
        };
        let batch = match batch.labels() {
            Some(_) => batch,
            None => batch.with_random_labels(blueprint.classes, seed)?,
        };
        Ok(batch.to_device(device)?)
    }

    /// An option that says how a search computes proxies, where one was given.
    pub fn given(&self, compute: Option<&str>) -> Option<&'static str> {
        let images = self.images.as_ref().map(|_| "--images");
        images.or(self.batch.map(|_| "--batch")).or(compute.map(|_| "--compute"))
    }

    /// The proxies that were computed before, where a search takes them: unless something was said
    /// about computing them.
    fn computed_before(&self, task: &Task, compute: Option<&str>) -> Option<Computed> {
        let computed = task.blueprint.as_ref().and_then(|blueprint| blueprint.computed);
        computed.filter(|_| self.given(compute).is_none())
    }

    /// Where a search's score comes from, in words.
    pub fn origin(&self, task: &Task, compute: Option<&str>) -> String {
        if self.computed_before(task, compute).is_some() {
            let dataset = task.dataset.unwrap_or_default();
            return format!("score from zero-cost proxies, as pel-nas computed them on {dataset}");
        }
        let images = match &self.images {
            Some(file) => format!("images of {}", file.display()),
            None => "Gaussian noise".to_owned(),
        };
        let proxies = task.blueprint.as_ref().map_or(&[][..], |blueprint| blueprint.score);
        let names = proxies.iter().copied().map(Proxy::name).collect::<Vec<_>>().join(", ");
        format!(
            "training-free score, which is no accuracy, from zero-cost proxies:\n    {names}, \
             computed on this machine on {images}"
        )
    }

    /// What a search's configuration tells of them.
    pub fn config(&self, task: &Task, compute: Option<&str>) -> toml::Table {
        let mut table = toml::Table::new();
        if self.computed_before(task, compute).is_some() {
            table.insert("computed".into(), toml::Value::from("before, by pel-nas"));
            return table;
        }
        let images =
            self.images.as_ref().map_or("gaussian".into(), |file| file.display().to_string());
        let batch = task.blueprint.as_ref().map_or(0, |blueprint| self.count(blueprint));
        table.insert("batch".into(), toml::Value::from(batch as i64));
        table.insert("images".into(), toml::Value::from(images));
        table.insert("compute".into(), toml::Value::from(compute.unwrap_or(COMPUTE)));
        table
    }

    /// The proxies' score as the objective of a search.
    pub fn score(
        &self,
        task: &Task,
        seed: u64,
        compute: Option<&str>,
    ) -> Result<Box<dyn Source>, Failure> {
        if let Some(computed) = self.computed_before(task, compute) {
            let table = computed().map_err(nas_eval::Error::from)?;
            return Ok(Box::new(ProxyScore::from_table(table)?));
        }
        let device = nas_proxy::device(compute.unwrap_or(COMPUTE))?;
        let networks = Networks { blueprint: blueprint(task)?.clone(), seed, device };
        let batch = self.images(task, seed, device)?;
        let rng = &mut SearchRng::seed_from_u64(seed);
        let space = task.space;
        let sample: Vec<Arch> = std::iter::repeat_with(|| space.sample(rng))
            .filter(|arch| space.is_connected(arch))
            .take(REFERENCE)
            .collect();
        Ok(Box::new(ProxyScore::new(networks, batch, sample)))
    }
}

/// Where measured latency comes from, in words.
pub fn latency_origin(target: Target) -> String {
    match target {
        Target::Cuda(number) => {
            format!("latency measured on this machine's GPU {number}, one image")
        }
        _ => "latency measured on this machine, one image on one thread".to_owned(),
    }
}

/// Latency of one image on this machine as the objective of a search.
pub fn latency_source(task: &Task, target: Target, seed: u64) -> Result<Box<dyn Source>, Failure> {
    Ok(Box::new(stopwatch(task, target, Runtime::Torch, seed)?))
}

fn stopwatch(
    task: &Task,
    target: Target,
    runtime: Runtime,
    seed: u64,
) -> Result<MeasuredLatency, Failure> {
    let device = match target {
        Target::Cuda(number) => nas_proxy::device(&format!("cuda:{number}"))?,
        _ => Device::Cpu,
    };
    let networks = Networks { blueprint: blueprint(task)?.clone(), seed, device };
    let runtime = match runtime {
        Runtime::Torch => live::Runtime::Torch,
        Runtime::Onnx => live::Runtime::Onnx,
    };
    Ok(MeasuredLatency::new(networks, Plan::default(), runtime)?)
}

/// The measured latency of each architecture.
pub fn latencies(
    task: &Task,
    target: Target,
    runtime: Runtime,
    architectures: &[Arch],
) -> Result<Vec<Measurement>, Failure> {
    let stopwatch = stopwatch(task, target, runtime, 0)?;
    let mut progress = Progress::new("measuring", architectures.len());
    let mut measured = Vec::new();
    for arch in architectures {
        measured.push(stopwatch.measure(arch)?);
        progress.update(measured.len(), "one image on one thread");
    }
    progress.finish();
    Ok(measured)
}
