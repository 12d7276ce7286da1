//! `nas search`: from what was typed to a plan, to a session, to a report.

use std::{path::Path, process::ExitCode};

use crate::failure::Failure;

mod arguments;
mod config;
mod evaluator;
mod plan;
mod report;
mod session;
mod view;

pub use arguments::Arguments;
pub use plan::CHILDREN;
pub use report::{BINS, TOLERANCE};

pub fn run(arguments: &Arguments, data: Option<&Path>) -> Result<ExitCode, Failure> {
    match &arguments.resume {
        Some(run) => session::resume(run, data),
        None => session::begin(arguments, data),
    }
}
