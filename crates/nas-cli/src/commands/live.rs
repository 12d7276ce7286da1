//! What requires libtorch: proxies and measured latency.

use std::{
    fs,
    path::{Path, PathBuf},
    rc::Rc,
};

use nas_bench::{ScoreTable, container};
use nas_eval::{
    Pace, Problem, Source,
    live::{self, MeasuredLatency, Networks, ProxyScore},
};
use nas_hw::{Measurement, Plan};
use nas_proxy::Proxy;
use nas_search::SearchRng;
use nas_space::{Arch, Space};
use rand::SeedableRng;
use serde::{Deserialize, Serialize};
use tch::Device;

use crate::{
    arch::Architectures,
    commands::{
        images::{ProxyArguments, blueprint},
        score::ScorePlan,
    },
    engine::{EngineArguments, Job},
    failure::Failure,
    progress::Progress,
    run_folder::SCORES,
    runtime::Runtime,
    terminal::note,
    workers::Workers,
};

/// How a search computes proxies.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Zero-cost proxies")]
pub struct ComputedProxies {
    #[command(flatten)]
    proxy: ProxyArguments,
    /// Where proxies are computed: cpu, cuda or cuda:N [default: cpu]
    #[arg(long, value_name = "cpu|cuda:N")]
    compute: Option<String>,
}

const COMPUTE: &str = "cpu";

/// Architectures that set the scale of the proxies' score where it is computed.
const REFERENCE: usize = 24;

impl ComputedProxies {
    /// The first option about the computation of proxies that is given.
    pub fn given(&self) -> Option<&'static str> {
        let options = [
            ("--images", self.proxy.images.is_some()),
            ("--batch", self.proxy.batch.is_some()),
            ("--compute", self.compute.is_some()),
        ];
        options.into_iter().find_map(|(option, given)| given.then_some(option))
    }

    /// How a search's proxies are computed: the published ones of pel-nas, if there are some and no
    /// option asks for another computation. `engine` starts workers that compute them.
    pub fn plan(&self, problem: &Problem, engine: Option<EngineArguments>) -> ProxyPlan {
        let computed = problem.blueprint.as_ref().and_then(|blueprint| blueprint.computed);
        if computed.is_some() && self.given().is_none() && engine.is_none() {
            return ProxyPlan::Before;
        }
        ProxyPlan::Computed {
            batch: self.proxy.batch,
            images: self.proxy.images.clone(),
            compute: self.compute.clone().unwrap_or_else(|| COMPUTE.to_owned()),
            engine,
        }
    }
}

/// How a search's proxies are computed, resolved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "computed")]
pub enum ProxyPlan {
    /// Published with pel-nas.
    Before,
    /// In the search.
    #[serde(rename = "here")]
    Computed {
        /// Images in a batch, where asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        batch: Option<usize>,
        /// A file of images; else Gaussian noise.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        images: Option<PathBuf>,
        /// Where proxies are computed, such as `cpu`.
        compute: String,
        /// What starts workers that compute them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        engine: Option<EngineArguments>,
    },
}

impl ProxyPlan {
    pub fn is_computed_before(&self) -> bool {
        *self == Self::Before
    }

    /// The file of images, if there is one.
    pub fn images(&self) -> Option<&Path> {
        match self {
            Self::Computed { images, .. } => images.as_deref(),
            Self::Before => None,
        }
    }

    /// Where a search's score comes from, in words.
    pub fn origin(&self, problem: &Problem) -> String {
        let (images, engine) = match self {
            Self::Before => {
                let dataset = problem.dataset_name.unwrap_or_default();
                return format!(
                    "score from zero-cost proxies that were computed on {dataset} and are part of pel-nas"
                );
            }
            Self::Computed { images, engine, .. } => (images, engine),
        };
        let images = match images {
            Some(file) => format!("images of {}", file.display()),
            None => "Gaussian noise".to_owned(),
        };
        let by = if engine.is_some() { "by workers" } else { "on this machine" };
        let proxies = problem.blueprint.as_ref().map_or(&[][..], |blueprint| blueprint.score);
        let names = proxies.iter().copied().map(Proxy::name).collect::<Vec<_>>().join(", ");
        format!(
            "training-free score, not an accuracy, from zero-cost proxies:\n    {names}, \
             computed {by} on {images}"
        )
    }

    /// The proxies' score as the objective of a search.
    pub fn score(
        &self,
        problem: &Problem,
        seed: u64,
        workers: &Rc<Workers>,
    ) -> Result<Box<dyn Source>, Failure> {
        let blueprint = blueprint(problem)?;
        let (batch, images, compute, engine) = match self {
            Self::Before => {
                let computed = blueprint.computed.unwrap_or(ScoreTable::cifar10);
                let table = computed().map_err(nas_eval::Error::from)?;
                return Ok(Box::new(ProxyScore::from_table(table)?));
            }
            Self::Computed { batch, images, compute, engine } => (batch, images, compute, engine),
        };
        let proxy = ProxyArguments { batch: *batch, images: images.clone() };
        let rng = &mut SearchRng::seed_from_u64(seed);
        let space = problem.space;
        let sample: Vec<Arch> = std::iter::repeat_with(|| space.sample(rng))
            .filter(|arch| space.is_connected(arch))
            .take(REFERENCE)
            .collect();
        if let Some(engine) = engine {
            // Mistakes in the images are reported now, not by workers.
            proxy.images(problem, seed, Device::Cpu)?;
            let proxies = blueprint.score.iter().copied().map(Proxy::name).collect::<Vec<_>>();
            let score = ScorePlan {
                space: space.name().to_owned(),
                dataset: problem.dataset_name.map(str::to_owned),
                proxies: proxies.join(","),
                seed,
                batch: *batch,
                images: images.clone(),
                compute: compute.clone(),
                double: false,
                jobs: Some(engine.cpus() as u16),
                architectures: Architectures::default(),
            };
            let engine = engine.clone();
            let workers = Rc::clone(workers);
            let compute: Box<live::Compute> = Box::new(move |architectures| {
                by_workers(space, architectures, &score, &engine, &workers)
                    .map_err(|failure| failure.to_string().into())
            });
            let score = ProxyScore::computed_by(blueprint, compute, Pace::Together, sample);
            return Ok(Box::new(score.before_ranking(say_ranking)));
        }
        let device = nas_proxy::device(compute)?;
        let networks = Networks { blueprint: blueprint.clone(), seed, device };
        let batch = proxy.images(problem, seed, device)?;
        let score = ProxyScore::new(networks, batch, sample);
        let score = score.with_stop_flag(workers.stop.clone());
        Ok(Box::new(score.before_ranking(say_ranking)))
    }
}

/// Says what takes the first minute.
fn say_ranking(networks: usize) {
    note(&format!("ranking {networks} random networks for the score, before the first evaluation"));
}

/// Proxies of architectures, as workers compute them.
fn by_workers(
    space: &Space,
    architectures: &[Arch],
    score: &ScorePlan,
    engine: &EngineArguments,
    workers: &Workers,
) -> Result<Vec<Vec<Option<f64>>>, Failure> {
    let Some(kind) = engine.engine else { return Err(Failure::work("no engine was named")) };
    let folder = workers.run.join(SCORES);
    let cannot = |error: std::io::Error| Failure::file("write", &folder, &error);
    let folder = std::path::absolute(&folder).map_err(cannot)?;
    let list = folder.join("architectures.txt");
    let score = ScorePlan { architectures: Architectures::of_file(&list), ..score.clone() };
    let text: String = architectures.iter().map(|arch| space.format(arch) + "\n").collect();
    let shards = engine.shards().min(architectures.len());
    let begin = || {
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(cannot)?;
        }
        fs::create_dir_all(&folder).map_err(cannot)?;
        container::replace(&list, text.as_bytes()).map_err(cannot)
    };
    // Results that a killed search had for this generation are kept.
    if !fs::read_to_string(&list).is_ok_and(|begun| begun == text) {
        begin()?;
    }
    // It takes the fingerprint of the list, so it is made once that is written.
    let job = Job::of_scores(score, shards)?;
    if !Job::read(&folder).is_ok_and(|begun| begun == job) {
        begin()?;
    }
    let progress = Progress::hidden();
    let table = job.compute(engine, kind, &folder, architectures, &workers.stop, progress)?;
    fs::remove_dir_all(&folder).map_err(cannot)?;
    let values = |arch| table.values(arch).map(<[_]>::to_vec).unwrap_or_default();
    Ok(architectures.iter().map(values).collect())
}

/// Where measured latency comes from, in words: on the processor, or on the GPU of a number.
pub fn latency_origin(gpu: Option<usize>) -> String {
    match gpu {
        Some(number) => format!("latency measured on this machine's GPU {number}, one image"),
        None => "latency measured on this machine, one image on one thread".to_owned(),
    }
}

/// Latency of one image on this machine as the objective of a search.
pub fn latency_source(
    problem: &Problem,
    gpu: Option<usize>,
    seed: u64,
) -> Result<Box<dyn Source>, Failure> {
    Ok(Box::new(stopwatch(problem, gpu, Runtime::Torch, seed)?))
}

fn stopwatch(
    problem: &Problem,
    gpu: Option<usize>,
    runtime: Runtime,
    seed: u64,
) -> Result<MeasuredLatency, Failure> {
    let device = match gpu {
        Some(number) => nas_proxy::device(&format!("cuda:{number}"))?,
        None => Device::Cpu,
    };
    let networks = Networks { blueprint: blueprint(problem)?.clone(), seed, device };
    let runtime = match runtime {
        Runtime::Torch => live::Runtime::Torch,
        Runtime::Onnx => live::Runtime::Onnx,
    };
    Ok(MeasuredLatency::new(networks, Plan::default(), runtime)?)
}

/// The measured latency of each architecture.
pub fn latencies(
    problem: &Problem,
    gpu: Option<usize>,
    runtime: Runtime,
    architectures: &[Arch],
) -> Result<Vec<Measurement>, Failure> {
    let stopwatch = stopwatch(problem, gpu, runtime, 0)?;
    let mut progress = Progress::new("measuring", architectures.len());
    let mut measured = Vec::new();
    for arch in architectures {
        measured.push(stopwatch.measure(arch)?);
        progress.update(measured.len(), "one image on one thread");
    }
    progress.finish();
    Ok(measured)
}
