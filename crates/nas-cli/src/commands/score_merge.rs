//! `nas score-merge`: files of scores put together.

use std::{path::PathBuf, process::ExitCode};

use nas_bench::ScoreTable;

use crate::{failure::Failure, score_file::ScoreFile, terminal::print};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Files that `nas score --out FILE.bin` wrote, with different architectures
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// The file to write: .csv, or .bin (compact)
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Replace that file if it exists
    #[arg(long)]
    pub force: bool,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let out = ScoreFile::new(&arguments.out, arguments.force)?;
    let read = |path: &PathBuf| Ok((path.clone(), ScoreTable::read(path)?));
    let tables = arguments.files.iter().map(read).collect::<Result<Vec<_>, nas_bench::Error>>()?;
    let table = ScoreTable::merge(tables)?;
    out.write(&table)?;
    print(&out.summary(&table))?;
    Ok(ExitCode::SUCCESS)
}
