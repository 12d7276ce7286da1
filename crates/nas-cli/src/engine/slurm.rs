//! Workers as elements of Slurm job arrays.

use std::{collections::BTreeMap, process::Command};

use super::{Engine, Worker};
use crate::failure::Failure;

/// Job arrays of Slurm: an element for each part, as many at a time as there are workers.
pub struct Slurm {
    worker: Worker,
    options: Vec<String>,
    /// The name of its jobs, by which the queue is asked for them alone.
    name: String,
    /// Its arrays, and what is added to the number of an element to have that of its part.
    jobs: BTreeMap<String, usize>,
}

/// Elements of an array are numbered below this: where nothing else is configured, Slurm takes no larger
/// numbers.
const NUMBERS: usize = 1000;

impl Slurm {
    pub fn new(worker: Worker, options: Option<&str>) -> Self {
        let options = options.unwrap_or_default().split_whitespace().map(str::to_owned).collect();
        // Jobs differ by their folder.
        let mark = crc32fast::hash(worker.job.as_os_str().as_encoded_bytes());
        let name = format!("nas-{mark:08x}");
        Self { worker, options, name, jobs: BTreeMap::new() }
    }
}

/// The output of a program of Slurm.
fn ask(program: &str, arguments: &[String]) -> Result<String, Failure> {
    let output = Command::new(program).args(arguments).output().map_err(|error| {
        Failure::input(format!(
            "cannot run {program}: {error}; is this a machine of a Slurm cluster?"
        ))
    })?;
    if !output.status.success() {
        let problem = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::work(format!("{program} failed: {}", problem.trim())));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

impl Slurm {
    /// Starts parts as elements of one array; `before` is added to their numbers.
    fn submit(&mut self, before: usize, parts: &[usize]) -> Result<(), Failure> {
        let Worker { workers, cpus, gpus, job, .. } = &self.worker;
        let parts: Vec<String> = parts.iter().map(|part| (part - before).to_string()).collect();
        let log = match before / NUMBERS {
            0 => "%a".to_owned(),
            thousands => format!("{thousands}%3a"),
        };
        let mut arguments = vec![
            "--parsable".to_owned(),
            format!("--job-name={}", self.name),
            format!("--array={}%{workers}", parts.join(",")),
            format!("--cpus-per-task={cpus}"),
            "--open-mode=append".to_owned(),
            format!("--output={}/shard-{log}.log", job.display()),
            format!("--chdir={}", job.display()),
        ];
        if *gpus > 0 {
            arguments.push(format!("--gpus-per-task={gpus}"));
        }
        arguments.extend(self.options.iter().cloned());
        let part = format!("$(({before} + SLURM_ARRAY_TASK_ID))");
        arguments.push(format!("--wrap={}", self.worker.line(&part)));
        let answer = ask("sbatch", &arguments)?;
        // Sites print more; in a federation the cluster's name follows.
        let number = |line: &str| {
            let job = line.trim().split(';').next().unwrap_or_default().to_owned();
            (!job.is_empty() && job.bytes().all(|byte| byte.is_ascii_digit())).then_some(job)
        };
        let Some(job) = answer.lines().rev().find_map(number) else {
            return Err(Failure::work(format!(
                "sbatch answered `{}`, expected the number of a job",
                answer.trim()
            )));
        };
        self.jobs.insert(job, before);
        Ok(())
    }
}

impl Engine for Slurm {
    /// Slurm has a queue of its own.
    fn room(&self) -> usize {
        usize::MAX
    }

    fn start(&mut self, parts: &[usize]) -> Result<(), Failure> {
        let mut arrays: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for part in parts {
            arrays.entry(part / NUMBERS * NUMBERS).or_default().push(*part);
        }
        arrays.iter().try_for_each(|(before, parts)| self.submit(*before, parts))
    }

    fn open(&mut self) -> Result<Vec<usize>, Failure> {
        // Jobs that ended are no longer known, and asking for them by number would fail.
        let mut queue = ["--noheader", "--array", "--format=%F %K"].map(str::to_owned).to_vec();
        queue.push(format!("--name={}", self.name));
        let answer = ask("squeue", &queue)?;
        let open = answer.lines().filter_map(|line| {
            let (job, number) = line.trim().split_once(' ')?;
            Some(self.jobs.get(job)? + number.trim().parse::<usize>().ok()?)
        });
        Ok(open.collect())
    }

    fn is_scheduler(&self) -> bool {
        true
    }

    fn end(&mut self) {
        let jobs: Vec<String> = self.jobs.keys().cloned().collect();
        let _ = ask("scancel", &jobs);
    }
}
