//! `nas worker`: one part of a job.

use std::{path::PathBuf, process::ExitCode};

use crate::failure::Failure;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The job's folder
    #[arg(value_name = "JOB")]
    job: PathBuf,
    /// The part to compute, from 1 on
    #[arg(long, value_name = "N")]
    shard: usize,
}

#[cfg(not(feature = "torch"))]
pub fn run(_: &Arguments) -> Result<ExitCode, Failure> {
    Err(Failure::without_torch("compute proxies"))
}

/// Computes a part, unless that was done; one that was begun is resumed.
#[cfg(feature = "torch")]
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    use crate::{
        commands::score::{self, Shard},
        engine::Job,
    };
    let Arguments { job: folder, shard } = arguments;
    let folder =
        std::path::absolute(folder).map_err(|error| Failure::file("find", folder, &error))?;
    let job = Job::read(&folder)?;
    if !(1..=job.shards).contains(shard) {
        return Err(Failure::input(format!(
            "--shard {shard}: the job of {} has {} parts, from 1 on",
            folder.display(),
            job.shards
        )));
    }
    let result = Job::result(&folder, *shard);
    if result.exists() {
        return Ok(ExitCode::SUCCESS);
    }
    std::env::set_current_dir(&job.folder)
        .map_err(|error| Failure::file("go to", &job.folder, &error))?;
    score::work(&job.score, Shard { part: *shard, parts: job.shards }, &result)
}
