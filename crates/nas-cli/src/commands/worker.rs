//! `nas worker`: one part of a job.

use std::{path::PathBuf, process::ExitCode};

use crate::{
    engine::{Job, Work, answer},
    failure::Failure,
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The job's folder
    #[arg(value_name = "JOB")]
    job: PathBuf,
    /// The part to compute, from 1 on
    #[arg(long, value_name = "N")]
    shard: usize,
}

/// Computes a part, unless that was done; one that was begun is resumed.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let Arguments { job: folder, shard } = arguments;
    let folder =
        std::path::absolute(folder).map_err(|error| Failure::file("find", folder, &error))?;
    let job = Job::read(&folder)?;
    std::env::set_current_dir(&job.folder)
        .map_err(|error| Failure::file("go to", &job.folder, &error))?;
    match &job.work {
        Work::Evaluate(questions) => answer(&folder, questions, *shard),
        #[cfg(not(feature = "torch"))]
        Work::Score(_) => Err(Failure::without_torch("compute proxies")),
        #[cfg(feature = "torch")]
        Work::Score(plan) => {
            use crate::commands::score::{self, Shard};
            let parts = job.shards.unwrap_or(0);
            if !(1..=parts).contains(shard) {
                return Err(Failure::input(format!(
                    "--shard {shard}: the job of {} has {parts} parts, from 1 on",
                    folder.display(),
                )));
            }
            let result = Job::scores(&folder, *shard);
            if result.exists() {
                return Ok(ExitCode::SUCCESS);
            }
            score::work(plan, Shard { part: *shard, parts }, &result)
        }
    }
}
