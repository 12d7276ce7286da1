//! What needs libtorch: proxies and measured latency.

use std::{fs, path::PathBuf, rc::Rc};

use nas_bench::container;
use nas_eval::{
    Pace, Problem, Source,
    live::{self, Blueprint, Computed, MeasuredLatency, Networks, ProxyScore},
};
use nas_hw::{Measurement, Plan};
use nas_proxy::{Batch, Proxy, Selection};
use nas_search::SearchRng;
use nas_space::{Arch, Space};
use rand::SeedableRng;
use tch::Device;

use crate::{
    commands::{Runtime, Workers},
    engine::{EngineArguments, Job},
    failure::Failure,
    progress::Progress,
    target::Target,
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

/// How a search computes proxies.
#[derive(Debug, clap::Args)]
pub struct ComputedProxies {
    #[command(flatten)]
    proxy: ProxyArguments,
    /// Where proxies are computed: cpu, cuda or cuda:N [default: cpu]
    #[arg(long, value_name = "cpu|cuda:N")]
    compute: Option<String>,
    #[command(flatten)]
    engine: EngineArguments,
}

const COMPUTE: &str = "cpu";

/// No proxy gains from more images, and a slip of the finger does not fill the memory.
const MOST_IMAGES: usize = 65_536;

/// Architectures that set the scale of the proxies' score where it is computed.
const REFERENCE: usize = 24;

/// How a problem's networks are built.
pub fn blueprint(problem: &Problem) -> Result<&Blueprint, Failure> {
    problem.blueprint.as_ref().ok_or_else(|| {
        Failure::input(format!(
            "how networks of {} are built is not known here: what they are worth is yours to say, by --evaluate COMMAND, or --accuracy-table and --latency-table",
            problem.space.name()
        ))
    })
}

impl ProxyArguments {
    /// Images in a batch.
    pub fn count(&self, blueprint: &Blueprint) -> usize {
        self.batch.unwrap_or(blueprint.batch)
    }

    /// The batch that proxies see, labelled, on the device where they are computed.
    pub fn images(&self, problem: &Problem, seed: u64, device: Device) -> Result<Batch, Failure> {
        let blueprint = blueprint(problem)?;
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
                        problem.dataset_name.unwrap_or("this data set")
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
}

impl ComputedProxies {
    /// An option that says how proxies are computed, where one was given.
    pub fn given(&self) -> Option<&'static str> {
        let options = [
            ("--images", self.proxy.images.is_some()),
            ("--batch", self.proxy.batch.is_some()),
            ("--compute", self.compute.is_some()),
            ("--engine", self.engine.engine.is_some()),
        ];
        options.into_iter().find_map(|(option, given)| given.then_some(option))
    }

    /// Whether others compute them.
    pub fn by_workers(&self) -> bool {
        self.engine.engine.is_some()
    }

    /// The proxies that were computed before, where a search takes them: unless something was said
    /// about computing them.
    fn computed_before(&self, problem: &Problem) -> Option<Computed> {
        let computed = problem.blueprint.as_ref().and_then(|blueprint| blueprint.computed);
        computed.filter(|_| self.given().is_none())
    }

    fn compute(&self) -> &str {
        self.compute.as_deref().unwrap_or(COMPUTE)
    }

    /// Where a search's score comes from, in words.
    pub fn origin(&self, problem: &Problem) -> String {
        if self.computed_before(problem).is_some() {
            let dataset = problem.dataset_name.unwrap_or_default();
            return format!("score from zero-cost proxies, as pel-nas computed them on {dataset}");
        }
        let images = match &self.proxy.images {
            Some(file) => format!("images of {}", file.display()),
            None => "Gaussian noise".to_owned(),
        };
        let by = if self.by_workers() { "by workers" } else { "on this machine" };
        let proxies = problem.blueprint.as_ref().map_or(&[][..], |blueprint| blueprint.score);
        let names = proxies.iter().copied().map(Proxy::name).collect::<Vec<_>>().join(", ");
        format!(
            "training-free score, which is no accuracy, from zero-cost proxies:\n    {names}, \
             computed {by} on {images}"
        )
    }

    /// What a search's configuration tells of them.
    pub fn config(&self, problem: &Problem) -> toml::Table {
        let mut table = toml::Table::new();
        if self.computed_before(problem).is_some() {
            table.insert("computed".into(), toml::Value::from("before, by pel-nas"));
            return table;
        }
        let images = self.proxy.images.as_ref();
        let images = images.map_or("gaussian".into(), |file| file.display().to_string());
        let batch = problem.blueprint.as_ref().map_or(0, |blueprint| self.proxy.count(blueprint));
        table.insert("batch".into(), toml::Value::from(batch as i64));
        table.insert("images".into(), toml::Value::from(images));
        table.insert("compute".into(), toml::Value::from(self.compute()));
        table
    }

    /// The proxies' score as the objective of a search.
    pub fn score(
        &self,
        problem: &Problem,
        seed: u64,
        workers: &Rc<Workers>,
    ) -> Result<Box<dyn Source>, Failure> {
        if let Some(computed) = self.computed_before(problem) {
            let table = computed().map_err(nas_eval::Error::from)?;
            return Ok(Box::new(ProxyScore::from_table(table)?));
        }
        let blueprint = blueprint(problem)?;
        let rng = &mut SearchRng::seed_from_u64(seed);
        let space = problem.space;
        let sample: Vec<Arch> = std::iter::repeat_with(|| space.sample(rng))
            .filter(|arch| space.is_connected(arch))
            .take(REFERENCE)
            .collect();
        if self.by_workers() {
            // What is wrong with the images is told now, not by workers.
            self.proxy.images(problem, seed, Device::Cpu)?;
            let compute = self.workers(problem, seed, Rc::clone(workers));
            let score = ProxyScore::computed_by(blueprint, compute, Pace::Together, sample);
            return Ok(Box::new(score));
        }
        let device = nas_proxy::device(self.compute())?;
        let networks = Networks { blueprint: blueprint.clone(), seed, device };
        let batch = self.proxy.images(problem, seed, device)?;
        Ok(Box::new(ProxyScore::new(networks, batch, sample)))
    }

    /// Has proxies computed by `nas score`, of which workers take a part each.
    fn workers(&self, problem: &Problem, seed: u64, workers: Rc<Workers>) -> Box<live::Compute> {
        let proxies = problem.blueprint.as_ref().map_or(&[][..], |blueprint| blueprint.score);
        let proxies = proxies.iter().copied().map(Proxy::name).collect::<Vec<_>>().join(",");
        let mut command = vec!["score".to_owned()];
        let mut say = |option: &str, value: String| command.extend([option.to_owned(), value]);
        say("--space", problem.space.name().to_owned());
        say("--proxies", proxies);
        say("--seed", seed.to_string());
        say("--compute", self.compute().to_owned());
        if let Some(dataset) = problem.dataset_name {
            say("--dataset", dataset.to_owned());
        }
        if let Some(batch) = self.proxy.batch {
            say("--batch", batch.to_string());
        }
        if let Some(images) = &self.proxy.images {
            say("--images", images.display().to_string());
        }
        say("--jobs", self.engine.cpus().to_string());
        let (space, engine) = (problem.space, self.engine.with(workers.count));
        Box::new(move |architectures| {
            by_workers(space, architectures, &command, &engine, &workers)
                .map_err(|failure| failure.to_string().into())
        })
    }
}

/// Proxies of architectures, as workers compute them by a command.
fn by_workers(
    space: &Space,
    architectures: &[Arch],
    command: &[String],
    engine: &EngineArguments,
    workers: &Workers,
) -> Result<Vec<Vec<Option<f64>>>, Failure> {
    let (Some(kind), Some(folder)) = (engine.engine, workers.folder.get()) else {
        return Err(Failure::work("workers are asked for before there is a run"));
    };
    let cannot = |error: std::io::Error| Failure::file("write", folder, &error);
    let folder = std::path::absolute(folder).map_err(cannot)?;
    let list = folder.join("architectures.txt");
    let mut arguments = command.to_vec();
    arguments.extend(["--file".to_owned(), list.display().to_string()]);
    let job = Job::new(arguments, engine.shards().min(architectures.len()));
    let text: String = architectures.iter().map(|arch| space.format(arch) + "\n").collect();
    // What a search that was killed had computed of this very generation is kept.
    let begun = Job::read(&folder).is_ok_and(|begun| begun == job)
        && fs::read_to_string(&list).is_ok_and(|begun| begun == text);
    if !begun {
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(cannot)?;
        }
        fs::create_dir_all(&folder).map_err(cannot)?;
        container::replace(&list, text.as_bytes()).map_err(cannot)?;
    }
    let progress = Progress::hidden();
    let table = job.compute(engine, kind, &folder, architectures, &workers.stop, progress)?;
    fs::remove_dir_all(&folder).map_err(cannot)?;
    let values = |arch| table.values(arch).map(<[_]>::to_vec).unwrap_or_default();
    Ok(architectures.iter().map(values).collect())
}

/// Where measured latency comes from, in words.
pub fn latency_origin(target: &Target) -> String {
    match target {
        Target::Cuda(number) => {
            format!("latency measured on this machine's GPU {number}, one image")
        }
        _ => "latency measured on this machine, one image on one thread".to_owned(),
    }
}

/// Latency of one image on this machine as the objective of a search.
pub fn latency_source(
    problem: &Problem,
    target: &Target,
    seed: u64,
) -> Result<Box<dyn Source>, Failure> {
    Ok(Box::new(stopwatch(problem, target, Runtime::Torch, seed)?))
}

fn stopwatch(
    problem: &Problem,
    target: &Target,
    runtime: Runtime,
    seed: u64,
) -> Result<MeasuredLatency, Failure> {
    let device = match target {
        Target::Cuda(number) => nas_proxy::device(&format!("cuda:{number}"))?,
        _ => Device::Cpu,
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
    target: &Target,
    runtime: Runtime,
    architectures: &[Arch],
) -> Result<Vec<Measurement>, Failure> {
    let stopwatch = stopwatch(problem, target, runtime, 0)?;
    let mut progress = Progress::new("measuring", architectures.len());
    let mut measured = Vec::new();
    for arch in architectures {
        measured.push(stopwatch.measure(arch)?);
        progress.update(measured.len(), "one image on one thread");
    }
    progress.finish();
    Ok(measured)
}
