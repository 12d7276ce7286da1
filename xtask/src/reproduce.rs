//! `cargo xtask reproduce`: the paper's figures and tables, from recorded calls of a language model
//! or from a live one.

use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::Value;

use crate::cargo::{exit_code, nas, output};
use crate::error::Error;
use crate::workspace::Workspace;

/// What to reproduce.
#[derive(Subcommand)]
pub enum Reproduce {
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

pub fn run(workspace: &Workspace, what: &Reproduce) -> Result<ExitCode, Error> {
    match what {
        Reproduce::Figure1 { generations, live } => figure_1(workspace, *generations, live),
    }
}

/// A way to find networks, and the arguments of `nas search` that ask for it.
struct Method {
    name: &'static str,
    search: &'static str,
    /// Generations that take as many calls as one of the whole method.
    generations: u32,
}

/// Calls of the whole method in a generation: two in each of the paper's six niches.
const CALLS: u32 = 12;

/// The last is the whole method without a model.
const METHODS: [Method; 4] = [
    Method { name: "plain", search: "--proposer llm --prompting plain", generations: CALLS },
    Method {
        name: "latency-oriented",
        search: "--proposer llm --prompting latency-oriented",
        generations: CALLS,
    },
    Method { name: "co-evolution", search: "--proposer llm", generations: 1 },
    Method {
        name: "statistical",
        search: "--proposer statistical --partition pel-nas --allocation equal",
        generations: 1,
    },
];

const SEEDS: [u64; 3] = [1, 2, 3];

const ON: &str = "--dataset cifar10 --device edgegpu --accuracy benchmark --format json --force";

const NOTES: &str = "\
calls: made of the model; dup: of its proposals, the share that was proposed or evaluated before
coverage: of ten equal parts of the exact front's range of log latency, the share with a cell
  found that is at most 1 % less accurate than the exact front is there
all found: with the initial sample and what statistics filled, which plain and latency-oriented
  prompting do without; model's own: what the model proposed, alone
statistical: co-evolution's search with statistics in the model's place";

fn figure_1(workspace: &Workspace, generations: u32, live: &[String]) -> Result<ExitCode, Error> {
    let recorded = workspace.root().join("bench-data/figure-1");
    let out = workspace.root().join("target/figure-1");
    std::fs::create_dir_all(&out).map_err(Error::file(&out))?;
    println!("{:33}{:^10}{:^20}{:^18}", "", "proposals", "all found", "model's own");
    println!(
        "{:<17} {:>4} {:>5} {:>8} {:>5} {:>9} {:>8} {:>9} {:>8}",
        "method", "seed", "calls", "made", "dup", "coverage", "HV ratio", "coverage", "HV ratio"
    );
    for method in &METHODS {
        let mut rows = Vec::new();
        for seed in SEEDS {
            let name = format!("{}-seed{seed}", method.name);
            let mut command = nas(workspace, &["--quiet", "--no-default-features"]);
            command.arg("search").args(ON.split(' ')).args(method.search.split(' '));
            command.arg("--generations").arg((generations * method.generations).to_string());
            command.arg("--seed").arg(seed.to_string()).arg("--run").arg(out.join(&name));
            if method.search.contains("llm") {
                let calls = format!("{name}.jsonl");
                if live.is_empty() {
                    command.arg("--replay").arg(recorded.join(calls));
                } else {
                    let calls = out.join(calls);
                    // One that was interrupted goes on.
                    let with = if calls.exists() { "--replay" } else { "--record" };
                    command.arg(with).arg(calls).args(live);
                }
            }
            let ran = output(&mut command)?;
            // Nothing usable from the model is a result too.
            if !matches!(ran.status.code(), Some(0 | 4)) {
                return Ok(exit_code(ran.status));
            }
            let row = Row::of(&ran.stdout, &out)?;
            println!("{:<17} {seed:>4} {row}", method.name);
            rows.push(row);
        }
        println!("{:<17} {:>4} {}", "", "mean", Row::mean(&rows));
    }
    println!("\n{NOTES}\nthe runs are in {}", out.display());
    Ok(ExitCode::SUCCESS)
}

/// What one search came to; the model's part is absent where there was no model, and its scores
/// where nothing of it could be used.
#[derive(Clone, Copy, Default)]
struct Row {
    calls: Option<f64>,
    made: Option<f64>,
    duplicates: Option<f64>,
    coverage: Option<f64>,
    hypervolume_ratio: Option<f64>,
    own_coverage: Option<f64>,
    own_hypervolume_ratio: Option<f64>,
}

impl Row {
    fn of(report: &[u8], out: &Path) -> Result<Self, Error> {
        let report: Value = serde_json::from_slice(report)
            .map_err(|source| Error::File { path: out.to_owned(), source: source.into() })?;
        let model = &report["model"];
        let sum = |of: &dyn Fn(&Value) -> Option<f64>| {
            let forms = [&model["edits"], &model["whole"]];
            model.is_object().then(|| forms.into_iter().filter_map(of).sum::<f64>())
        };
        let made = sum(&|form| form["made"].as_f64());
        let duplicates = sum(&|form| form["faults"]["duplicate"].as_f64());
        let last = report["generations"].as_array().and_then(|rows| rows.last());
        Ok(Self {
            calls: model["usage"]["calls"].as_f64(),
            made,
            duplicates: duplicates.zip(made).map(|(some, all)| some / all.max(1.0)),
            coverage: last.and_then(|row| row["coverage"].as_f64()),
            hypervolume_ratio: report["scores"]["hypervolume_ratio"].as_f64(),
            own_coverage: report["model_alone"]["coverage"].as_f64(),
            own_hypervolume_ratio: report["model_alone"]["hypervolume_ratio"].as_f64(),
        })
    }

    /// The mean of what is there.
    fn mean(rows: &[Self]) -> Self {
        let mean = |of: fn(&Self) -> Option<f64>| {
            let values: Vec<f64> = rows.iter().filter_map(of).collect();
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        Self {
            calls: mean(|row| row.calls),
            made: mean(|row| row.made),
            duplicates: mean(|row| row.duplicates),
            coverage: mean(|row| row.coverage),
            hypervolume_ratio: mean(|row| row.hypervolume_ratio),
            own_coverage: mean(|row| row.own_coverage),
            own_hypervolume_ratio: mean(|row| row.own_hypervolume_ratio),
        }
    }
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let number = |value: Option<f64>, decimals: usize| {
            value.map_or_else(|| "-".to_owned(), |value| format!("{value:.decimals$}"))
        };
        let percent = self
            .duplicates
            .map_or_else(|| "-".to_owned(), |share| format!("{:.0} %", 100.0 * share));
        write!(
            f,
            "{:>5} {:>8} {percent:>5} {:>9} {:>8} {:>9} {:>8}",
            number(self.calls, 0),
            number(self.made, 0),
            number(self.coverage, 2),
            number(self.hypervolume_ratio, 4),
            number(self.own_coverage, 2),
            number(self.own_hypervolume_ratio, 4),
        )
    }
}
