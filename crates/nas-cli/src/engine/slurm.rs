//! Workers as elements of Slurm job arrays.

use std::{collections::BTreeSet, process::Command};

use super::{Engine, Worker};
use crate::failure::Failure;

/// Job arrays of Slurm: an element for each part, as many at a time as there are workers.
pub struct Slurm {
    worker: Worker,
    options: Vec<String>,
    /// The name of its jobs, by which the queue is asked for them alone.
    name: String,
    jobs: Vec<String>,
}

impl Slurm {
    pub fn new(worker: Worker, options: Option<&str>) -> Self {
        let options = options.unwrap_or_default().split_whitespace().map(str::to_owned).collect();
        // Jobs differ by their folder.
        let mark = crc32fast::hash(worker.job.as_os_str().as_encoded_bytes());
        let name = format!("nas-{mark:08x}");
        Self { worker, options, name, jobs: Vec::new() }
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

impl Engine for Slurm {
    /// Slurm has a queue of its own.
    fn room(&self) -> usize {
        usize::MAX
    }

    fn start(&mut self, parts: &[usize]) -> Result<(), Failure> {
        let Worker { workers, cpus, gpus, job, .. } = &self.worker;
        let parts: Vec<String> = parts.iter().map(usize::to_string).collect();
        let mut arguments = vec![
            "--parsable".to_owned(),
            format!("--job-name={}", self.name),
            format!("--array={}%{workers}", parts.join(",")),
            format!("--cpus-per-task={cpus}"),
            "--open-mode=append".to_owned(),
            format!("--output={}/shard-%a.log", job.display()),
            format!("--chdir={}", job.display()),
        ];
        if *gpus > 0 {
            arguments.push(format!("--gpus-per-task={gpus}"));
        }
        arguments.extend(self.options.iter().cloned());
        arguments.push(format!("--wrap={}", self.worker.line("$SLURM_ARRAY_TASK_ID")));
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
        self.jobs.push(job);
        Ok(())
    }

    fn open(&mut self) -> Result<Vec<usize>, Failure> {
        // Jobs that ended are no longer known, and asking for them by number would fail.
        let mut queue = ["--noheader", "--array", "--format=%F %K"].map(str::to_owned).to_vec();
        queue.push(format!("--name={}", self.name));
        let answer = ask("squeue", &queue)?;
        let mine: BTreeSet<&str> = self.jobs.iter().map(String::as_str).collect();
        let open = answer.lines().filter_map(|line| {
            let (job, part) = line.trim().split_once(' ')?;
            mine.contains(job).then(|| part.trim().parse().ok()).flatten()
        });
        Ok(open.collect())
    }

    fn is_scheduler(&self) -> bool {
        true
    }

    fn end(&mut self) {
        let _ = ask("scancel", &self.jobs);
    }
}
