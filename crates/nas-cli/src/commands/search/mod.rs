//! `nas search`: from what was typed to a plan, to a session, to a report.

use std::{path::Path, process::ExitCode};

use crate::failure::Failure;

mod arguments;
mod config;
mod evaluator;
mod finish;
mod limit;
mod plan;
mod proposer;
mod report;
mod session;
mod training;
mod view;
mod watch;

pub use arguments::Arguments;
pub use plan::CHILDREN;
pub use report::{BINS, TOLERANCE};
#[cfg(feature = "torch")]
pub use training::TrainPlan;

pub fn run(arguments: &Arguments, tables: Option<&Path>) -> Result<ExitCode, Failure> {
    match &arguments.resume {
        Some(run) => session::resume(run, tables, arguments.accept_changes, arguments.evaluations),
        None => session::begin(arguments, tables),
    }
}
