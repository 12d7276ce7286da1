//! Searches with a language model, from recorded calls or from a live one.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cargo::{exit_code, nas, output};
use crate::error::Error;
use crate::workspace::Workspace;

/// A way to find networks, and the arguments of `nas search` that ask for it.
pub struct Method {
    name: &'static str,
    /// For people.
    pub told: &'static str,
    search: &'static str,
    /// Generations that take as many calls as one of the whole method.
    generations: u32,
}

/// Calls of the whole method in a generation: two in each of the paper's six niches.
const CALLS: u32 = 12;

impl Method {
    /// Asks the program `nas` for it.
    fn ask(&self, nas: &mut Command, generations: u32, seed: u64, run: &Path) {
        nas.arg("search").args(ON.split(' ')).args(self.search.split(' '));
        nas.arg("--generations").arg(generations.to_string());
        nas.arg("--seed").arg(seed.to_string()).arg("--run").arg(run);
    }
}

/// The first are those of figure 1.
const METHODS: [Method; 10] = [
    Method {
        name: "plain",
        told: "asked plainly",
        search: "--proposer llm --prompting plain",
        generations: CALLS,
    },
    Method {
        name: "latency-oriented",
        told: "asked for the range of latency",
        search: "--proposer llm --prompting latency-oriented",
        generations: CALLS,
    },
    WHOLE,
    STATISTICS,
    Method {
        name: "plain-in-niches",
        told: "asked plainly in the niches",
        search: "--proposer llm --prompting plain --partition pel-nas",
        generations: 2,
    },
    WITHOUT_RULES,
    Method {
        name: "sensible-rules",
        told: "the whole method, beginning with sensible rules",
        search: "--proposer llm --rules bench-data/rules/sensible.csv",
        generations: 1,
    },
    Method {
        name: "wrong-rules",
        told: "the whole method, beginning with wrong rules",
        search: "--proposer llm --rules bench-data/rules/wrong.csv",
        generations: 1,
    },
    Method {
        name: "small-plain",
        told: "the small model, asked plainly",
        search: "--proposer llm --prompting plain",
        generations: CALLS,
    },
    Method {
        name: "small-co-evolution",
        told: "the small model, the whole method",
        search: "--proposer llm",
        generations: 1,
    },
];

const FIGURE_1: usize = 4;

const WHOLE: Method = Method {
    name: "co-evolution",
    told: "the whole method",
    search: "--proposer llm",
    generations: 1,
};

const WITHOUT_RULES: Method = Method {
    name: "without-rules",
    told: "without the knowledge base",
    search: "--proposer llm --prompting without-rules",
    generations: 2,
};

/// The same without a model.
const STATISTICS: Method = Method {
    name: "statistical",
    told: "statistics in the model's place",
    search: "--proposer statistical --partition pel-nas --allocation equal",
    generations: 1,
};

/// A method's name for people.
pub fn told(name: &str) -> &str {
    METHODS.iter().find(|method| method.name == name).map_or(name, |method| method.told)
}

const SEEDS: [u64; 3] = [1, 2, 3];

const ON: &str = "--dataset cifar10 --device edgegpu --accuracy benchmark --format json --force";

const NOTES: &str = "\
calls: made of the model; dup: of its proposals, the share that was proposed or evaluated before
coverage: of ten equal parts of the exact front's range of log latency, the share with a cell
  found that is at most 1 % less accurate than the exact front is there
all found: with the initial sample and what statistics filled, which plain and latency-oriented
  prompting do without; model's own: what the model proposed, alone
statistical: co-evolution's search with statistics in the model's place";

pub fn figure_1(
    workspace: &Workspace,
    generations: u32,
    live: &[String],
) -> Result<ExitCode, Error> {
    let recorded = workspace.root().join("bench-data/figure-1");
    let out = workspace.root().join("target/figure-1");
    std::fs::create_dir_all(&out).map_err(Error::file(&out))?;
    println!("{:33}{:^10}{:^20}{:^18}", "", "proposals", "all found", "model's own");
    println!(
        "{:<17} {:>4} {:>5} {:>8} {:>5} {:>9} {:>8} {:>9} {:>8}",
        "method", "seed", "calls", "made", "dup", "coverage", "HV ratio", "coverage", "HV ratio"
    );
    for method in &METHODS[..FIGURE_1] {
        let mut rows = Vec::new();
        for seed in SEEDS {
            let name = format!("{}-seed{seed}", method.name);
            let mut command = nas(workspace, &["--quiet", "--no-default-features"]);
            method.ask(&mut command, generations * method.generations, seed, &out.join(&name));
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
            let row = Row::of(&parse(&ran.stdout, &out)?);
            println!("{:<17} {seed:>4} {row}", method.name);
            rows.push(row);
        }
        println!("{:<17} {:>4} {}", "", "mean", Row::mean(&rows));
    }
    println!("\n{NOTES}\nthe runs are in {}", out.display());
    Ok(ExitCode::SUCCESS)
}

/// A recorded search, and the file of its calls.
struct Record {
    method: &'static Method,
    seed: u64,
    generations: u32,
    calls: Option<String>,
}

/// Generations of the longer recorded search of the whole method, with seed 1: the paper's 120
/// calls.
pub const LONGER: u32 = 10;

fn records() -> Vec<Record> {
    let mut records = Vec::new();
    for (at, method) in METHODS.iter().enumerate() {
        let folder = if at < FIGURE_1 { "figure-1" } else { "search" };
        let seeds = if method.name.starts_with(SMALL) { &SEEDS[..1] } else { &SEEDS[..] };
        for &seed in seeds {
            let calls = format!("{folder}/{}-seed{seed}.jsonl", method.name);
            let calls = method.search.contains("llm").then_some(calls);
            records.push(Record { method, seed, generations: method.generations, calls });
        }
    }
    // The first half of their calls: as many architectures as in one generation of the whole method.
    for seed in SEEDS {
        let calls = Some(format!("search/{}-seed{seed}.jsonl", WITHOUT_RULES.name));
        records.push(Record { method: &WITHOUT_RULES, seed, generations: 1, calls });
    }
    let longer = |method, calls| Record { method, seed: 1, generations: LONGER, calls };
    records.push(longer(&WHOLE, Some(format!("search/co-evolution-{LONGER}-seed1.jsonl"))));
    records.push(longer(&STATISTICS, None));
    records
}

/// All recorded calls, and how they are replayed.
pub fn calls(workspace: &Workspace) -> Result<Vec<u8>, Error> {
    let folder = workspace.root().join("bench-data");
    let mut all = Vec::new();
    let mut add = |file: String| {
        let file = folder.join(file);
        all.extend(std::fs::read(&file).map_err(Error::file(&file))?);
        Ok::<(), Error>(())
    };
    let mut how = String::new();
    for Record { method, seed, generations, calls } in records() {
        how += &format!("{} {seed} {generations}\n", method.search);
        calls.map_or(Ok(()), &mut add)?;
    }
    for (files, _) in MODELS {
        for dataset in super::parts::DATASETS {
            add(memorised_calls(files, dataset))?;
        }
    }
    all.extend(how.into_bytes());
    Ok(all)
}

fn memorised_calls(files: &str, dataset: &str) -> String {
    format!("search/{files}memorised-{dataset}.jsonl")
}

/// What a recorded search came to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Recorded {
    pub method: String,
    pub seed: u64,
    pub generations: u32,
    pub evaluated: u64,
    pub calls: Option<u64>,
    pub prompt_tokens: Option<u64>,
    pub completion_tokens: Option<u64>,
    /// That the calls took when they were recorded.
    pub seconds: Option<f64>,
    pub made: Option<u64>,
    pub taken: Option<u64>,
    pub duplicates: Option<u64>,
    /// Of the rules that the search began with, those that stand at its end.
    pub rules_standing: u64,
    pub coverage: f64,
    pub hypervolume_ratio: f64,
    /// Of what the model proposed, alone.
    pub own_coverage: Option<f64>,
    pub own_hypervolume_ratio: Option<f64>,
}

/// The recorded searches of a method with so many generations.
pub fn of<'a>(records: &'a [Recorded], method: &str, generations: u32) -> Vec<&'a Recorded> {
    let records = records.iter();
    records.filter(|row| row.method == method && row.generations == generations).collect()
}

/// A recorded search after one of its generations.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Generation {
    pub method: String,
    pub seed: u64,
    pub generations: u32,
    pub after: u64,
    pub evaluated: u64,
    pub hypervolume_ratio: Option<f64>,
    pub coverage: f64,
}

/// All recorded searches, and their generations, as CSV.
pub fn recorded(workspace: &Workspace, program: &Path) -> Result<(String, String), Error> {
    let run = workspace.root().join("target/reproduce/model");
    let (mut rows, mut curves) =
        (csv::Writer::from_writer(vec![]), csv::Writer::from_writer(vec![]));
    for Record { method, seed, generations, calls } in records() {
        let mut command = Command::new(program);
        command.current_dir(workspace.root());
        method.ask(&mut command, generations, seed, &run);
        if let Some(calls) = &calls {
            command.arg("--replay").arg(workspace.root().join("bench-data").join(calls));
        }
        let ran = output(&mut command)?;
        if !matches!(ran.status.code(), Some(0 | 4)) {
            let problem = format!("{} with seed {seed} ended with {}", method.name, ran.status);
            return Err(Error::Bench { step: "replay a recorded search", problem });
        }
        let report = parse(&ran.stdout, &run)?;
        let row = Row::of(&report);
        let usage = &report["model"]["usage"];
        let round = |value: f64| (value * 1e5).round() / 1e5;
        rows.serialize(Recorded {
            method: method.name.to_owned(),
            seed,
            generations,
            evaluated: report["evaluated"].as_u64().unwrap_or_default(),
            calls: usage["calls"].as_u64(),
            prompt_tokens: usage["prompt_tokens"].as_u64(),
            completion_tokens: usage["completion_tokens"].as_u64(),
            seconds: usage["seconds"].as_f64().map(f64::round),
            made: row.made.map(|made| made as u64),
            taken: report["model"].is_object().then(|| proposals(&report, "accepted")),
            duplicates: report["model"].is_object().then(|| duplicates(&report)),
            rules_standing: standing(&report),
            coverage: round(row.coverage.unwrap_or_default()),
            hypervolume_ratio: round(row.hypervolume_ratio.unwrap_or_default()),
            own_coverage: row.own_coverage.map(round),
            own_hypervolume_ratio: row.own_hypervolume_ratio.map(round),
        })
        .map_err(problem)?;
        for generation in report["generations"].as_array().into_iter().flatten() {
            curves
                .serialize(Generation {
                    method: method.name.to_owned(),
                    seed,
                    generations,
                    after: generation["generation"].as_u64().unwrap_or_default(),
                    evaluated: generation["evaluated"].as_u64().unwrap_or_default(),
                    hypervolume_ratio: generation["hypervolume_ratio"].as_f64().map(round),
                    coverage: round(generation["coverage"].as_f64().unwrap_or_default()),
                })
                .map_err(problem)?;
        }
    }
    Ok((text(rows)?, text(curves)?))
}

fn text(writer: csv::Writer<Vec<u8>>) -> Result<String, Error> {
    String::from_utf8(writer.into_inner().map_err(problem)?).map_err(problem)
}

fn problem(error: impl std::fmt::Display) -> Error {
    Error::Bench { step: "keep what recorded searches came to", problem: error.to_string() }
}

fn parse(report: &[u8], run: &Path) -> Result<Value, Error> {
    serde_json::from_slice(report)
        .map_err(|source| Error::File { path: PathBuf::from(run), source: source.into() })
}

/// Proposals of the model in both forms.
fn proposals(report: &Value, which: &str) -> u64 {
    let forms = ["edits", "whole"].into_iter();
    forms.filter_map(|form| report["model"][form][which].as_u64()).sum()
}

/// Rules that the search began with and that stand.
fn standing(report: &Value) -> u64 {
    let rules = report["rules"].as_array().into_iter().flatten();
    rules.filter(|rule| rule["by"] == "user").count() as u64
}

/// What the names of the small model's records begin with; it was asked with the first seed alone.
pub const SMALL: &str = "small-";

/// The models: what their records' names begin with, and their own.
pub const MODELS: [(&str, &str); 2] = [("", "Qwen2.5-Coder-1.5B"), (SMALL, "SmolLM2-135M")];

/// A cell that a model named by heart.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Memorised {
    pub model: String,
    pub dataset: String,
    pub named: u64,
    pub index: Option<u64>,
    pub test_accuracy_percent: Option<f64>,
    pub rank: Option<u64>,
    pub fault: Option<String>,
}

/// What models named by heart, from recorded calls, as CSV.
pub fn memorised(workspace: &Workspace, program: &Path) -> Result<String, Error> {
    let mut rows = csv::Writer::from_writer(vec![]);
    for (files, model) in MODELS {
        for dataset in super::parts::DATASETS {
            let mut command = Command::new(program);
            let file = format!("bench-data/{}", memorised_calls(files, dataset));
            command.args(["memorise-test", "--format", "json", "--dataset", dataset, "--replay"]);
            let ran = output(command.arg(workspace.root().join(&file)))?;
            // Nothing usable from the model is a result too.
            if !matches!(ran.status.code(), Some(0 | 4)) {
                let problem = format!("{file} ended with {}", ran.status);
                return Err(Error::Bench { step: "replay what a model knows by heart", problem });
            }
            let named = parse(&ran.stdout, workspace.root())?;
            for one in named.as_array().into_iter().flatten() {
                rows.serialize(Memorised {
                    model: model.to_owned(),
                    dataset: dataset.to_owned(),
                    named: one["named"].as_u64().unwrap_or_default(),
                    index: one["index"].as_u64(),
                    test_accuracy_percent: one["test_accuracy_percent"].as_f64(),
                    rank: one["rank"].as_u64(),
                    fault: one["fault"].as_str().map(str::to_owned),
                })
                .map_err(problem)?;
            }
        }
    }
    text(rows)
}

/// Proposals of the model that were proposed or evaluated before.
fn duplicates(report: &Value) -> u64 {
    let forms = ["edits", "whole"].into_iter();
    forms.filter_map(|form| report["model"][form]["faults"]["duplicate"].as_u64()).sum()
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
    fn of(report: &Value) -> Self {
        let model = &report["model"];
        let forms = [&model["edits"], &model["whole"]].into_iter();
        let made = model.is_object().then(|| forms.filter_map(|form| form["made"].as_f64()).sum());
        let duplicates = model.is_object().then(|| duplicates(report) as f64);
        let last = report["generations"].as_array().and_then(|rows| rows.last());
        Self {
            calls: model["usage"]["calls"].as_f64(),
            made,
            duplicates: duplicates.zip(made).map(|(some, all)| some / f64::max(all, 1.0)),
            coverage: last.and_then(|row| row["coverage"].as_f64()),
            hypervolume_ratio: report["scores"]["hypervolume_ratio"].as_f64(),
            own_coverage: report["model_alone"]["coverage"].as_f64(),
            own_hypervolume_ratio: report["model_alone"]["hypervolume_ratio"].as_f64(),
        }
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
