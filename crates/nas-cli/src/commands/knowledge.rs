//! `nas knowledge`: the design rules that a search ended with.

use std::{fs, path::PathBuf, process::ExitCode};

use crate::{failure::Failure, terminal::print};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The run's folder
    #[arg(value_name = "RUN")]
    run: PathBuf,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let file = arguments.run.join("knowledge.md");
    let text = fs::read_to_string(&file).map_err(|error| Failure::file("read", &file, &error))?;
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}
