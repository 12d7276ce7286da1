//! `cargo xtask bench`: this workspace against the software that people use today, on the same
//! machine, in one run.

mod moocore;
mod pareto;
mod tables;

use std::process::ExitCode;

use clap::Subcommand;

use crate::error::Error;
use crate::workspace::Workspace;

/// What to compare.
#[derive(Subcommand)]
pub enum Bench {
    /// The hypervolume of nas-pareto against that of moocore (Python), values and seconds
    Pareto,
    /// Opening the compiled benchmark table and looking up all 15,625 cells
    Tables,
}

/// Runs a benchmark; the exit code is a failure where results disagree.
pub fn run(workspace: &Workspace, bench: &Bench) -> Result<ExitCode, Error> {
    match bench {
        Bench::Pareto => pareto::run(workspace),
        Bench::Tables => tables::run(workspace),
    }
}
