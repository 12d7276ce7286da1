//! `nas report`: an HTML page that shows one or several runs.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use nas_bench::container;

use crate::{
    commands::runs::RunSummary,
    failure::Failure,
    output::counted,
    report::{self, Run},
    run_folder::{Kind, PAGE, RunFolder},
    terminal::print,
};

/// Runs that one page can show: there are no colours for more.
const MOST: usize = 8;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The runs' folders
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    /// The file to write [default: report.html; of a single run, the one in its folder]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace a file that exists
    #[arg(long)]
    force: bool,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    if arguments.runs.len() > MOST {
        return Err(Failure::input(format!(
            "{} runs: a page shows {MOST} at most; nas compare takes any number",
            arguments.runs.len()
        )));
    }
    let mut runs = Vec::new();
    for path in &arguments.runs {
        runs.extend(shown(path)?);
    }
    let own = match &arguments.runs[..] {
        [run] if arguments.out.is_none() => Some(run.join(PAGE)),
        _ => None,
    };
    let out = own.clone().or(arguments.out.clone()).unwrap_or_else(|| PAGE.into());
    Failure::no_folder(&out)?;
    if own.is_none() && !arguments.force && out.exists() {
        return Err(Failure::input(format!(
            "{} exists: replace it with --force, or name another file with --out",
            out.display()
        )));
    }
    let page = report::page(&runs.iter().collect::<Vec<_>>())?;
    container::replace(&out, page.as_bytes())
        .map_err(|error| Failure::file("write", &out, &error))?;
    print(&format!("{}: {}\n", out.display(), counted(runs.len(), "run")))?;
    Ok(ExitCode::SUCCESS)
}

/// What the page of a run shows.
fn shown(path: &Path) -> Result<Vec<Run>, Failure> {
    let folder = RunFolder::open(path)?.of(Kind::Search)?;
    let file = folder.file(PAGE);
    let page = match fs::read_to_string(&file) {
        Ok(page) => page,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(RunSummary::search(path)?.without_results());
        }
        Err(error) => return Err(Failure::file("read", &file, &error)),
    };
    let mut runs = report::runs(&page)
        .map_err(|what| Failure::input(format!("{}: {what}", file.display())))?;
    if let [run] = &mut runs[..] {
        // The page of a search that goes on, or was killed.
        if run.running {
            return Err(RunSummary::search(path)?.without_results());
        }
        // It may have been moved since.
        run.name = path.display().to_string();
    }
    Ok(runs)
}
