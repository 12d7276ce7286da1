//! Work in coarse parts (shards) that workers compute, started by an engine: as processes of this
//! machine, a Slurm job array, or jobs of a Ray cluster. A shard is a part of the scores that were asked for,
//! or one evaluation by a user's program.
//!
//! All parts share one folder, which all machines can read and write: it contains the job, and the
//! result of each part appears in it as a whole. An engine only starts parts and lists those that
//! still wait or run; a part is done when its result is in the folder.

mod drive;
mod evaluations;
mod job;
mod local;
mod ray;
#[cfg(feature = "torch")]
mod scores;
mod slurm;

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use self::drive::{Drive, Ended};
use crate::failure::Failure;

pub use self::{
    evaluations::{Evaluations, answer},
    job::{Job, Work},
};

/// What starts workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Processes of this machine
    Local,
    /// A job array; sbatch, squeue and scancel are found in PATH
    Slurm,
    /// Jobs of a cluster, by its dashboard's REST interface
    Ray,
}

/// The heading of these options in help.
pub const HEADING: &str = "Many processes or machines";

/// Where workers run, and as what.
#[derive(Debug, Clone, Default, PartialEq, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[command(next_help_heading = HEADING)]
pub struct EngineArguments {
    /// Work by workers: parts of the proxies, or an evaluation of --evaluate each. Workers must see the same
    /// files under the same paths. What is lost is started again
    #[arg(long, value_name = "NAME", value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<Kind>,
    /// Parts that proxies are cut into [default: 4 for each worker]
    #[arg(long, value_name = "N", requires = "engine", value_parser = clap::value_parser!(u16).range(1..))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shards: Option<u16>,
    /// Workers in parallel, if asked for.
    #[arg(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    workers: Option<u16>,
    /// Cores of a worker [default: 1]
    #[arg(long, value_name = "N", requires = "engine", value_parser = clap::value_parser!(u16).range(1..=1024))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpus: Option<u16>,
    /// GPUs of a worker [default: 0]
    #[arg(long, value_name = "N", requires = "engine")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpus: Option<u16>,
    /// How often a lost part is started again [default: 3]
    #[arg(long, value_name = "N", requires = "engine")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<u16>,
    /// The dashboard of the Ray cluster [default: http://127.0.0.1:8265]
    #[arg(long, value_name = "URL", requires = "engine")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ray_address: Option<String>,
    /// More options of sbatch, for example "--partition=gpu --time=4:00:00"
    #[arg(long, value_name = "OPTIONS", requires = "engine", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sbatch: Option<String>,
}

/// What starts workers.
trait Engine {
    /// How many parts it can be given at once; it keeps to its number of workers itself if it has a
    /// queue of its own.
    fn room(&self) -> usize;

    /// Starts these parts.
    fn start(&mut self, parts: &[usize]) -> Result<(), Failure>;

    /// Which of the parts it was given still wait or run.
    fn open(&mut self) -> Result<Vec<usize>, Failure>;

    /// Ends all that still wait or run.
    fn end(&mut self);

    /// Whether parts are a scheduler's, and go on when this command ends. A scheduler may fail for
    /// minutes, and its machines may show files late.
    fn is_scheduler(&self) -> bool {
        false
    }
}

/// What workers are started as.
struct Worker {
    program: PathBuf,
    job: PathBuf,
    workers: usize,
    cpus: usize,
    gpus: usize,
}

impl Worker {
    /// A line of the shell that works on the part of this name.
    fn line(&self, part: &str) -> String {
        let quoted =
            |path: &Path| format!("'{}'", path.display().to_string().replace('\'', r"'\''"));
        format!("exec {} worker {} --shard {part}", quoted(&self.program), quoted(&self.job))
    }
}

impl EngineArguments {
    /// Refuses what may not be written into files.
    pub fn check(&self) -> Result<(), Failure> {
        self.ray_address.as_deref().map_or(Ok(()), ray::check_address)
    }

    /// The same with this number of workers in parallel [default: 2].
    #[must_use]
    pub fn with(&self, workers: Option<u16>) -> Self {
        Self { workers, ..self.clone() }
    }

    /// The same, if an engine is named.
    pub fn given(&self, workers: Option<u16>) -> Option<Self> {
        self.engine.map(|_| self.with(workers))
    }

    /// Workers at a time.
    pub fn workers(&self) -> u16 {
        self.workers.unwrap_or(2)
    }

    pub fn cpus(&self) -> usize {
        usize::from(self.cpus.unwrap_or(1))
    }

    /// Number of parts; by default four for each worker, so that no worker waits long for the last.
    #[cfg(feature = "torch")]
    pub fn shards(&self) -> usize {
        usize::from(self.shards.unwrap_or(self.workers().saturating_mul(4)))
    }

    /// The engine, for the job in a folder.
    fn open(&self, kind: Kind, job: &Path) -> Result<Box<dyn Engine>, Failure> {
        let worker = Worker {
            program: nas()?,
            job: std::path::absolute(job).map_err(|error| Failure::file("find", job, &error))?,
            workers: usize::from(self.workers()),
            cpus: self.cpus(),
            gpus: usize::from(self.gpus.unwrap_or(0)),
        };
        Ok(match kind {
            Kind::Local => Box::new(local::Local::new(worker)),
            Kind::Slurm => Box::new(slurm::Slurm::new(worker, self.sbatch.as_deref())),
            Kind::Ray => Box::new(ray::Ray::new(worker, self.ray_address.as_deref())?),
        })
    }

    fn retries(&self) -> usize {
        usize::from(self.retries.unwrap_or(3))
    }
}

/// The file with a worker's messages.
fn log(job: &Path, part: usize) -> PathBuf {
    job.join(format!("shard-{part}.log"))
}

/// The program that a worker starts: `nas`, which settles libtorch's environment on its machine.
fn nas() -> Result<PathBuf, Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::work(format!("cannot find this program: {error}")))?;
    let name = program.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    // Beside `nas-program` lies the `nas` that started it.
    Ok(program.with_file_name(name.replace("nas-program", "nas")))
}
