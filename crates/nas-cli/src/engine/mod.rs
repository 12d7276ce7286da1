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
    time::{Duration, Instant},
};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::{failure::Failure, progress::Progress, terminal::note};

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

/// Time between two questions to an engine; where nothing changes, a scheduler is asked less and less
/// often, up to the longest pause.
const PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// How long a scheduler may fail before the command ends.
const PATIENCE: Duration = Duration::from_secs(600);

/// How long the result of a part that ended may be invisible on a shared disk.
const LATE: Duration = Duration::from_secs(30);

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
        let worker = Worker {
            program: nas()?,
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
        let result = Drive::new(self, &mut *engine, job, shards, is_done, stop).run(progress);
        let is_stopped = stop.load(Ordering::Relaxed);
        if result.is_err() && (is_stopped || !engine.is_scheduler()) {
            engine.end();
        }
        result
    }
}

/// The parts of a job, as an engine works on them.
struct Drive<'a> {
    engine: &'a mut dyn Engine,
    job: &'a Path,
    all: usize,
    is_done: &'a dyn Fn(usize) -> bool,
    stop: &'a AtomicBool,
    /// How often a lost part is started again.
    retries: usize,
    waiting: Vec<usize>,
    under_way: Vec<usize>,
    /// How often each part was started.
    started: BTreeMap<usize, usize>,
    /// Since when parts have ended without a result.
    ended: BTreeMap<usize, Instant>,
    /// Since when the engine has failed.
    failing: Option<Instant>,
    /// When something last changed.
    changed: Instant,
}

impl<'a> Drive<'a> {
    fn new(
        arguments: &EngineArguments,
        engine: &'a mut dyn Engine,
        job: &'a Path,
        all: usize,
        is_done: &'a dyn Fn(usize) -> bool,
        stop: &'a AtomicBool,
    ) -> Self {
        Self {
            engine,
            job,
            all,
            is_done,
            stop,
            retries: usize::from(arguments.retries.unwrap_or(3)),
            waiting: (1..=all).rev().filter(|part| !is_done(*part)).collect(),
            under_way: Vec::new(),
            started: BTreeMap::new(),
            ended: BTreeMap::new(),
            failing: None,
            changed: Instant::now(),
        }
    }

    fn run(mut self, progress: Progress) -> Result<(), Failure> {
        self.work(progress).map_err(|failure| {
            let is_stopped = self.stop.load(Ordering::Relaxed);
            if self.started.is_empty() || is_stopped || !self.engine.is_scheduler() {
                return failure;
            }
            failure.and("what is under way goes on; the same command takes up its results")
        })
    }

    fn work(&mut self, mut progress: Progress) -> Result<(), Failure> {
        let all = self.all;
        let mut done = all - self.waiting.len();
        if done > 0 {
            note(&format!("resuming after {done} of {all} shards"));
            progress.start_at(done);
        }
        while done < all {
            if self.stop.load(Ordering::Relaxed) {
                return Err(Failure::stopped(format!(
                    "stopped after {done} of {all} shards: the same command resumes"
                )));
            }
            self.start()?;
            self.pause();
            done += self.look()?;
            progress.update(done, &format!("{} running", self.under_way.len()));
        }
        progress.finish();
        Ok(())
    }

    /// Starts as many parts as the engine takes.
    fn start(&mut self) -> Result<(), Failure> {
        let room = self.engine.room().min(self.waiting.len());
        let now: Vec<usize> = self.waiting.drain(self.waiting.len() - room..).rev().collect();
        if now.is_empty() {
            return Ok(());
        }
        match self.engine.start(&now) {
            Ok(()) => {
                for part in &now {
                    *self.started.entry(*part).or_default() += 1;
                }
                self.under_way.extend(now);
                self.changed = Instant::now();
                Ok(())
            }
            // What never worked is a mistake; what worked may come back.
            Err(failure) if self.started.is_empty() => Err(failure),
            Err(failure) => {
                self.waiting.extend(now.into_iter().rev());
                self.bear(failure)
            }
        }
    }

    /// Takes note of the parts that have ended; returns how many have a result.
    fn look(&mut self) -> Result<usize, Failure> {
        let open = match self.engine.open() {
            Ok(open) => open,
            Err(failure) => return self.bear(failure).map(|()| 0),
        };
        self.failing = None;
        let mut done = 0;
        for part in std::mem::take(&mut self.under_way) {
            // A scheduler may list a job long after its end.
            let is_open = open.contains(&part);
            if (!is_open || self.engine.is_scheduler()) && (self.is_done)(part) {
                done += 1;
                self.changed = Instant::now();
            } else if is_open {
                self.ended.remove(&part);
                self.under_way.push(part);
            } else {
                self.without_result(part)?;
            }
        }
        Ok(done)
    }

    /// A part that has ended: its result may come, or it is lost.
    fn without_result(&mut self, part: usize) -> Result<(), Failure> {
        // On a shared disk a result may be seen later than its worker's end.
        let late = if self.engine.is_scheduler() { LATE } else { PAUSE };
        let since = *self.ended.entry(part).or_insert_with(Instant::now);
        if since.elapsed() < late {
            self.under_way.push(part);
            return Ok(());
        }
        self.ended.remove(&part);
        self.changed = Instant::now();
        if self.started[&part] > self.retries {
            return Err(Failure::work(format!(
                "shard {part} was lost {} times: its messages are in {}",
                self.started[&part],
                log(self.job, part).display()
            )));
        }
        note(&format!("shard {part} was lost and is started again"));
        self.waiting.push(part);
        Ok(())
    }

    /// Bears with a scheduler that fails, for a while.
    fn bear(&mut self, failure: Failure) -> Result<(), Failure> {
        if !self.engine.is_scheduler() {
            return Err(failure);
        }
        let since = *self.failing.get_or_insert_with(|| {
            note(&format!(
                "{failure}\nit is asked again for up to {} minutes; what is under way goes on",
                PATIENCE.as_secs() / 60
            ));
            Instant::now()
        });
        if since.elapsed() < PATIENCE { Ok(()) } else { Err(failure) }
    }

    /// Waits before the next question, or until the command is stopped.
    fn pause(&self) {
        let calm = self.changed.elapsed() / 10;
        let pause =
            if self.engine.is_scheduler() { (PAUSE + calm).min(LONGEST_PAUSE) } else { PAUSE };
        let until = Instant::now() + pause;
        while Instant::now() < until && !self.stop.load(Ordering::Relaxed) {
            sleep(PAUSE.min(until.saturating_duration_since(Instant::now())));
        }
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
