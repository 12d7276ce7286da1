//! Work in coarse parts (shards) that workers compute, started by an engine: as processes of this
//! machine, a Slurm job array, or jobs of a Ray cluster.
//!
//! All parts share one folder, which all machines can read and write: it contains the job, and the
//! result of each part appears in it as a whole. An engine only starts parts and lists those that
//! still wait or run; a part is done when its result is in the folder.

mod job;
mod local;
mod ray;
mod slurm;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread::sleep,
    time::Duration,
};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::{failure::Failure, progress::Progress};

pub use job::Job;

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
    /// Compute proxies by workers, in parts. Workers must see the same files under the same paths. Lost
    /// parts are started again
    #[arg(long, value_name = "NAME", value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<Kind>,
    /// Parts that the work is cut into [default: 4 for each worker]
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

/// Time between two questions to an engine.
const PAUSE: Duration = Duration::from_millis(500);

impl EngineArguments {
    /// The same with this number of workers in parallel [default: 2].
    #[must_use]
    pub fn with(&self, workers: Option<u16>) -> Self {
        Self { workers, ..self.clone() }
    }

    /// Workers at a time, where asked for.
    pub fn workers_asked_for(&self) -> Option<u16> {
        self.workers
    }

    fn workers(&self) -> usize {
        usize::from(self.workers.unwrap_or(2))
    }

    pub fn cpus(&self) -> usize {
        usize::from(self.cpus.unwrap_or(1))
    }

    /// Number of parts; by default four for each worker, so that no worker waits long for the last.
    pub fn shards(&self) -> usize {
        self.shards.map_or(4 * self.workers(), usize::from)
    }

    /// Runs the parts of a job that are not done. `is_done` is whether the result of a part, from 1 on, is
    /// there; `stop` ends the work.
    pub fn run(
        &self,
        kind: Kind,
        job: &Path,
        shards: usize,
        is_done: &dyn Fn(usize) -> bool,
        stop: &AtomicBool,
        progress: Progress,
    ) -> Result<(), Failure> {
        let absolute = |path: &Path| {
            std::path::absolute(path).map_err(|error| Failure::file("find", path, &error))
        };
        let program = std::env::current_exe()
            .map_err(|error| Failure::work(format!("cannot find this program: {error}")))?;
        let worker = Worker {
            program,
            job: absolute(job)?,
            workers: self.workers(),
            cpus: self.cpus(),
            gpus: usize::from(self.gpus.unwrap_or(0)),
        };
        let mut engine: Box<dyn Engine> = match kind {
            Kind::Local => Box::new(local::Local::new(worker)),
            Kind::Slurm => Box::new(slurm::Slurm::new(worker, self.sbatch.as_deref())),
            Kind::Ray => Box::new(ray::Ray::new(worker, self.ray_address.as_deref())?),
        };
        let result = self.drive(&mut *engine, job, shards, is_done, stop, progress);
        // Nothing is left running behind a command that failed or was stopped.
        if result.is_err() {
            engine.end();
        }
        result
    }

    fn drive(
        &self,
        engine: &mut dyn Engine,
        job: &Path,
        all: usize,
        is_done: &dyn Fn(usize) -> bool,
        stop: &AtomicBool,
        mut progress: Progress,
    ) -> Result<(), Failure> {
        let retries = usize::from(self.retries.unwrap_or(3));
        let mut waiting: Vec<usize> = (1..=all).rev().filter(|part| !is_done(*part)).collect();
        let before = all - waiting.len();
        if before > 0 {
            progress.note(&format!("resuming after {before} of {all} shards"));
            progress.start_at(before);
        }
        // Parts under way, and how often each was started.
        let mut under_way: Vec<usize> = Vec::new();
        let mut started: BTreeMap<usize, usize> = BTreeMap::new();
        let mut done = before;
        while done < all {
            if stop.load(Ordering::Relaxed) {
                return Err(Failure::stopped(format!(
                    "stopped after {done} of {all} shards: the same command resumes"
                )));
            }
            let room = engine.room().min(waiting.len());
            let now: Vec<usize> = waiting.drain(waiting.len() - room..).rev().collect();
            if !now.is_empty() {
                engine.start(&now)?;
                for part in &now {
                    *started.entry(*part).or_default() += 1;
                }
                under_way.extend(now);
            }
            sleep(PAUSE);
            let open = engine.open()?;
            let (still, over): (Vec<usize>, Vec<usize>) =
                under_way.into_iter().partition(|part| open.contains(part));
            under_way = still;
            for part in over {
                // On a shared disk a result may be seen later than its worker's end.
                if is_done(part) || {
                    sleep(PAUSE);
                    is_done(part)
                } {
                    done += 1;
                } else if started[&part] > retries {
                    return Err(Failure::work(format!(
                        "shard {part} was lost {} times: its messages are in {}",
                        started[&part],
                        log(job, part).display()
                    )));
                } else {
                    progress.note(&format!("shard {part} was lost and is started again"));
                    waiting.push(part);
                }
            }
            progress.update(done, &format!("{} running", under_way.len()));
        }
        progress.finish();
        Ok(())
    }
}

/// The file with a worker's messages.
fn log(job: &Path, part: usize) -> PathBuf {
    job.join(format!("shard-{part}.log"))
}
