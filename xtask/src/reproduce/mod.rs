//! `cargo xtask reproduce`: the paper's tables and figures, and those its readers asked for, as
//! Markdown, CSV and SVG in `reports/`.
//!
//! [`experiments`] runs searches with the program `nas` and keeps what they came to in
//! `reports/data/`; [`parts`] makes every table and figure from that alone.

mod experiments;
mod figure;
mod model;
mod parts;
mod published;
mod sheet;
mod statistics;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::{Subcommand, ValueEnum};

use crate::cargo::{built_nas, dev_nas, exit_code, output};
use crate::error::Error;
use crate::workspace::Workspace;
use experiments::{Experiments, Program};

/// Seeds of every search in reports/.
const SEEDS: u64 = 10;

#[derive(clap::Args)]
pub struct Arguments {
    /// Only these tables and figures, separated by commas [default: all]
    #[arg(long, value_enum, value_name = "NAME,…", value_delimiter = ',', ignore_case = true)]
    only: Vec<Part>,
    /// Seeds of every search, from 1 on. What another number than ten comes to is written to
    /// target/reports-N-seeds, and reports/ is left alone
    #[arg(long, value_name = "N", default_value_t = SEEDS, value_parser = clap::value_parser!(u64).range(2..=1000))]
    seeds: u64,
    /// A folder that the benchmark's files are taken from, laid out
    /// `<host>/<path of the address>`
    #[arg(long, value_name = "DIR")]
    mirror: Option<PathBuf>,
    /// Write nothing: run the searches of the first seed again, and fail where reports/ or the
    /// numbers in README.md are not what comes out
    #[arg(long, conflicts_with = "seeds")]
    check: bool,
    #[command(subcommand)]
    what: Option<Live>,
}

#[derive(Subcommand)]
enum Live {
    /// How much of the range of latency a language model finds when it is asked plainly, asked for
    /// the whole range, and guided by the whole method, at equal numbers of calls and three seeds
    /// each
    #[command(name = "figure-1")]
    Figure1 {
        /// Generations of the whole method; each is 12 calls. More than the one that is recorded
        /// need a live model
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
        generations: u32,
        /// Arguments of `nas search` that name a live model, such as --llm-url URL --llm-model NAME;
        /// without them the calls recorded in bench-data/figure-1 are replayed
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        live: Vec<String>,
    },
}

/// A table or figure, or a few that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "verbatim")]
pub enum Part {
    /// Accuracy within the paper's latencies, and latency at baselines' accuracies
    T2,
    /// Hypervolume and distances of all searchers
    T3,
    /// What a search costs
    T4,
    /// Ablations
    T5,
    /// Vision transformers; named here, latency is measured anew on this machine
    T6,
    /// A language model's coverage of the range of latency
    #[value(name = "figure-1")]
    Figure1,
    /// How searchers converge
    #[value(name = "convergence")]
    Convergence,
    /// The number of niches
    #[value(name = "niches")]
    Niches,
    /// What niches are cut by
    #[value(name = "axes")]
    Axes,
    /// What a search begins with: no rules, sensible ones, wrong ones
    #[value(name = "rules")]
    Rules,
    /// Other language models, and what they know by heart
    #[value(name = "models")]
    Models,
    /// Energy as a third objective
    #[value(name = "energy")]
    Energy,
}

pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<ExitCode, Error> {
    if let Some(Live::Figure1 { generations, live }) = &arguments.what {
        return model::figure_1(workspace, *generations, live);
    }
    let parts: Vec<Part> = match arguments.only.as_slice() {
        [] => Part::value_variants().to_vec(),
        only => only.to_vec(),
    };
    let program = Program::new(if arguments.check {
        // Tests have built it, with the same results.
        dev_nas(workspace)?
    } else {
        built_nas(workspace)?
    })?;
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
    let published = arguments.seeds == SEEDS;
    let reports = if published {
        workspace.root().join("reports")
    } else {
        workspace.root().join(format!("target/reports-{}-seeds", arguments.seeds))
    };
    let experiments = Experiments::new(workspace, &program, &reports, arguments.seeds);
    let mut stale = Vec::new();
    if arguments.check {
        stale = experiments.check(&parts)?;
    } else {
        // What is measured here differs from machine to machine.
        experiments.run(&parts, arguments.only.contains(&Part::T6))?;
    }
    let results = experiments.results();
    let named = match arguments.only.as_slice() {
        [] => "reports/ and the numbers in README.md".to_owned(),
        only => {
            let names = only.iter().filter_map(ValueEnum::to_possible_value);
            names.map(|value| value.get_name().to_owned()).collect::<Vec<_>>().join(", ")
        }
    };
    let mut files =
        Files { root: workspace.root(), check: arguments.check, stale, written: 0, named };
    let mut texts = Vec::new();
    for part in parts {
        for report in parts::reports(part, &results)? {
            texts.extend(report.blocks.iter().cloned());
            for (name, text) in report.files()? {
                files.put(&reports.join(name), &text)?;
            }
        }
    }
    for page in ["README.md", "reports/README.md"].into_iter().filter(|_| published) {
        files.fill(&workspace.root().join(page), &texts)?;
    }
    files.end()
}

/// What is written, or compared with what is there.
struct Files<'a> {
    root: &'a Path,
    check: bool,
    stale: Vec<String>,
    written: usize,
    /// What is made, in words.
    named: String,
}

impl Files<'_> {
    fn put(&mut self, path: &Path, text: &str) -> Result<(), Error> {
        let known = fs::read_to_string(path).ok();
        if known.as_deref() == Some(text) {
            return Ok(());
        }
        let name = path.strip_prefix(self.root).unwrap_or(path).display().to_string();
        if self.check {
            self.stale.push(format!("{name} is not what reports/data gives"));
            return Ok(());
        }
        fs::write(path, text).map_err(Error::file(path))?;
        println!("wrote {name}");
        self.written += 1;
        Ok(())
    }

    /// Puts generated blocks between `<!-- generated: NAME -->` and `<!-- end -->`.
    fn fill(&mut self, path: &Path, blocks: &[(String, String)]) -> Result<(), Error> {
        let mut text = fs::read_to_string(path).map_err(Error::file(path))?;
        for (name, block) in blocks {
            let begin = format!("<!-- generated: {name} -->\n");
            let Some(from) = text.find(&begin).map(|at| at + begin.len()) else { continue };
            let Some(to) = text[from..].find("<!-- end -->").map(|at| at + from) else {
                let problem = format!("the block {name} of {} has no end", path.display());
                return Err(Error::Bench { step: "fill in generated numbers", problem });
            };
            text.replace_range(from..to, &format!("{}\n", block.trim_end()));
        }
        self.put(path, &text)
    }

    fn end(self) -> Result<ExitCode, Error> {
        if !self.check {
            println!("{}: {} files written, the others as they were", self.named, self.written);
            return Ok(ExitCode::SUCCESS);
        }
        if self.stale.is_empty() {
            println!("{}: what is kept is what comes out", self.named);
            return Ok(ExitCode::SUCCESS);
        }
        let problem =
            format!("{}\nmake them again with `cargo xtask reproduce`", self.stale.join("\n"));
        Err(Error::Bench { step: "reproduce what reports/ says", problem })
    }
}
