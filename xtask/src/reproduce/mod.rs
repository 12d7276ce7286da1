//! `cargo xtask reproduce`: the paper's tables and figures, and those its readers asked for, as
//! Markdown, CSV and SVG in `reports/`.
//!
//! Each file of [`parts`] is a table or figure: the experiments that it needs, and its page. A
//! [`runner`](runner::Runner) runs the experiments with the program `nas` and keeps what comes out in
//! `reports/data/`; every page is made from that alone.

pub mod arms;
mod experiment;
mod figure;
mod files;
mod model_tests;
mod names;
mod page;
mod part;
mod parts;
mod published;
mod record;
mod replay;
mod resampling;
mod results;
mod rows;
mod runner;
mod searches;
mod sheet;

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use clap::Subcommand;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::error::Error;
use crate::nas::{Build, Program};
use crate::process::{exit_code, output};
use crate::workspace::Workspace;
use files::Files;
use part::Part;
use runner::Runner;

/// Seeds of every search in reports/.
const SEEDS: u64 = 10;

/// The pages with generated blocks, beside those that are generated as a whole.
const NUMBERS: [&str; 6] = [
    "README.md",
    "docs/src/benchmark.md",
    "docs/src/language-models.md",
    "docs/src/niches.md",
    "docs/src/predictor.md",
    "reports/README.md",
];

#[derive(clap::Args)]
pub struct Arguments {
    /// Only these tables and figures, separated by commas [default: all]
    #[arg(long, value_parser = part(), value_name = "NAME,…", value_delimiter = ',', ignore_case = true)]
    only: Vec<&'static Part>,
    /// Seeds of every search, from 1 on. Results of another number than ten are written to
    /// target/reports-N-seeds, and reports/ is left alone
    #[arg(long, value_name = "N", default_value_t = SEEDS, value_parser = clap::value_parser!(u64).range(2..=1000))]
    seeds: u64,
    /// A folder that the benchmark's files are taken from, with the layout
    /// `<host>/<path of the address>`
    #[arg(long, value_name = "DIR")]
    mirror: Option<PathBuf>,
    /// Write nothing: run the searches of the first seed again, and fail where reports/ or the
    /// numbers in README.md and docs/ differ
    #[arg(long, conflicts_with = "seeds")]
    check: bool,
    /// Run nothing: write the pages again from reports/data/
    #[arg(long, conflicts_with_all = ["seeds", "mirror", "check"])]
    pages: bool,
    #[command(subcommand)]
    what: Option<Live>,
}

#[derive(Subcommand)]
enum Live {
    /// The study of language models: makes its page from the recorded calls, or records what is not
    /// recorded yet
    LanguageModel {
        /// Record the tests and searches of this model that are not recorded, the most telling first
        #[arg(long, value_name = "NAME", value_parser = ["qwen", "gemma", "smollm2"], requires = "live")]
        record: Option<String>,
        /// Arguments of `nas search` that name the live model, such as --llm-url URL --llm-model NAME
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, requires = "record")]
        live: Vec<String>,
    },
}

/// Reads the name of a part.
fn part() -> impl TypedValueParser<Value = &'static Part> {
    let names = parts::ALL.iter().map(|part| PossibleValue::new(part.name).help(part.about));
    PossibleValuesParser::new(names).try_map(|name| {
        let is_it = |part: &&'static Part| part.name.eq_ignore_ascii_case(&name);
        parts::ALL.iter().copied().find(is_it).ok_or("no such table or figure")
    })
}

pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<ExitCode, Error> {
    let of_study = [&parts::LANGUAGE_MODEL];
    let only = match &arguments.what {
        Some(Live::LanguageModel { record: Some(model), live }) => {
            return record::run(workspace, model, live);
        }
        Some(Live::LanguageModel { .. }) => &of_study[..],
        None => &arguments.only,
    };
    let (parts, what) = match only {
        [] => (parts::ALL.to_vec(), "reports/ and the numbers in README.md and docs/".to_owned()),
        only => (only.to_vec(), only.iter().map(|part| part.name).collect::<Vec<_>>().join(", ")),
    };
    let published = arguments.seeds == SEEDS;
    let reports = if published {
        workspace.root().join("reports")
    } else {
        workspace.root().join(format!("target/reports-{}-seeds", arguments.seeds))
    };
    let mut stale = Vec::new();
    if !arguments.pages {
        // Tests have built one, with the same results.
        let build = if arguments.check { Build::Tests } else { Build::AllSearchers };
        let program = Program::built(workspace, build)?;
        let mut download = Command::new(program.path());
        download.current_dir(workspace.root()).arg("download");
        if let Some(mirror) = &arguments.mirror {
            let mirror = std::path::absolute(mirror).map_err(Error::file(mirror))?;
            download.arg("--mirror").arg(mirror);
        }
        let ended = output(&mut download)?.status;
        if !ended.success() {
            return Ok(exit_code(ended));
        }
        let runner = Runner::new(workspace, &program, &reports, arguments.seeds);
        if arguments.check {
            stale = runner.check(&parts)?;
        } else {
            // What is measured differs from machine to machine: only where it is asked for by name.
            runner.run(&parts, !only.is_empty())?;
        }
    }
    let results = results::Results::new(workspace.root().to_path_buf(), reports.join("data"));
    let mut files =
        Files { root: workspace.root(), check: arguments.check, stale, written: 0, what };
    let mut blocks = Vec::new();
    for part in parts {
        let page = (part.page)(&results)?;
        for (name, text) in page.files()? {
            files.put(&reports.join(name), &text)?;
        }
        blocks.extend(page.blocks);
    }
    for page in NUMBERS.into_iter().filter(|_| published) {
        files.fill(&workspace.root().join(page), &blocks)?;
    }
    files.end()
}
