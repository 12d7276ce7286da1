//! Replays recorded searches with a language model.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::arms::{Cell, Model, QWEN, SMOLLM2, planned};
use super::model_tests;
use super::names::DATASETS;
use super::rows::{Memorised, Recorded};
use crate::error::Error;
use crate::nas::printed_with_model;
use crate::workspace::Workspace;

/// The models that were asked what they have memorised.
const ASKED: [&Model; 2] = [&QWEN, &SMOLLM2];

/// A file of `reports/data/` that is made from recorded calls.
pub struct Replayed {
    pub name: &'static str,
    /// In the place of a command: there are many.
    pub command: &'static str,
    pub make: fn(&Workspace, &Path) -> Result<String, Error>,
}

/// All files that are made from recorded calls.
pub const REPLAYED: [Replayed; 5] = [
    Replayed { name: "memorised", command: "nas memorise-test --replay …", make: memorised },
    Replayed {
        name: "model",
        command: "nas search --proposer llm --replay …, see bench-data/README.md",
        make: recorded,
    },
    Replayed {
        name: "skill-tests",
        command: "nas skill-test --replay …, see bench-data/README.md",
        make: |workspace, program| csv_of(model_tests::skills(workspace.root(), program)?),
    },
    Replayed {
        name: "estimates",
        command: "nas skill-test --prompting estimate --format json --replay …, see bench-data/README.md",
        make: |workspace, program| csv_of(model_tests::estimates(workspace.root(), program)?),
    },
    Replayed {
        name: "pairs",
        command: "nas memorise-test --pairs 100 --replay …",
        make: |workspace, program| csv_of(model_tests::pairs(workspace.root(), program)?),
    },
];

fn csv_of<T: serde::Serialize>(rows: Vec<T>) -> Result<String, Error> {
    let mut writer = csv::Writer::from_writer(vec![]);
    for row in rows {
        writer.serialize(row).map_err(problem)?;
    }
    text(writer)
}

/// All recorded calls and the arguments of their replay.
pub fn calls(workspace: &Workspace) -> Result<Vec<u8>, Error> {
    let root = workspace.root();
    let mut all = Vec::new();
    let mut add = |file: &Path| {
        all.extend(std::fs::read(file).map_err(Error::file(file))?);
        Ok::<(), Error>(())
    };
    let mut how = String::new();
    for cell in planned() {
        for seed in cell.recorded(root) {
            how += &format!("{} {:?} {seed}\n", cell.arm.search, cell.pair);
            add(&cell.calls(root, seed))?;
        }
    }
    for model in ASKED {
        for dataset in DATASETS {
            add(&root.join(memorised_calls(model, dataset)))?;
        }
    }
    for test in model_tests::planned() {
        let file = test.calls(root);
        if file.exists() {
            how += &format!("{}\n", test.arguments());
            add(&file)?;
        }
    }
    all.extend(how.into_bytes());
    Ok(all)
}

fn memorised_calls(model: &Model, dataset: &str) -> String {
    format!("bench-data/memorised/{}-{dataset}.jsonl", model.name)
}

/// The scores of all recorded searches, as CSV.
fn recorded(workspace: &Workspace, program: &Path) -> Result<String, Error> {
    let root = workspace.root();
    let run = root.join("target/reproduce/model");
    let mut rows = csv::Writer::from_writer(vec![]);
    for cell in planned() {
        for seed in cell.recorded(root) {
            let mut command = Command::new(program);
            command.current_dir(root);
            cell.search(&mut command, seed, &run);
            command.arg("--replay").arg(cell.calls(root, seed));
            let what = format!("{} with seed {seed}", cell.arm.name);
            let printed = printed_with_model(&mut command, "replay a recorded search", &what)?;
            rows.serialize(row(&cell, seed, &parse(&printed, &run)?)).map_err(problem)?;
        }
    }
    text(rows)
}

/// What is kept of a search's report.
fn row(cell: &Cell, seed: u64, report: &Value) -> Recorded {
    let model = &report["model"];
    let usage = &model["usage"];
    let forms = ["edits", "whole", "choices"].map(|form| &model[form]);
    let sum = |of: &dyn Fn(&Value) -> Option<u64>| forms.iter().filter_map(|form| of(form)).sum();
    let round = |value: Option<f64>| value.map(|value| (value * 1e5).round() / 1e5);
    let number = |value: &Value| round(value.as_f64());
    let last = report["generations"].as_array().and_then(|rows| rows.last());
    Recorded {
        arm: cell.arm.name.to_owned(),
        model: cell.model.name.to_owned(),
        dataset: cell.pair.0.to_owned(),
        device: cell.pair.1.to_owned(),
        seed,
        evaluated: report["evaluated"].as_u64().unwrap_or_default(),
        trained: report["trained"].as_u64().unwrap_or_default(),
        calls: usage["calls"].as_u64().unwrap_or_default(),
        prompt_tokens: usage["prompt_tokens"].as_u64().unwrap_or_default(),
        completion_tokens: usage["completion_tokens"].as_u64().unwrap_or_default(),
        seconds: usage["seconds"].as_f64().unwrap_or_default().round(),
        made: sum(&|form| form["made"].as_u64()),
        taken: sum(&|form| form["accepted"].as_u64()),
        duplicates: sum(&|form| form["faults"]["duplicate"].as_u64()),
        outside: sum(&|form| form["faults"]["outside-niche"].as_u64()),
        hypervolume_ratio: number(&report["scores"]["hypervolume_ratio"]).unwrap_or_default(),
        igd: number(&report["scores"]["igd"]).unwrap_or(1.0),
        coverage: last.and_then(|row| number(&row["coverage"])).unwrap_or_default(),
        proposals: report["model_proposals"]["proposals"].as_u64().unwrap_or_default(),
        entered: number(&report["model_proposals"]["entered"]),
        percentile: number(&report["model_proposals"]["percentile"]),
    }
}

/// The cells that models named from memory, by recorded calls, as CSV.
fn memorised(workspace: &Workspace, program: &Path) -> Result<String, Error> {
    let mut rows = csv::Writer::from_writer(vec![]);
    for model in ASKED {
        for dataset in DATASETS {
            let mut command = Command::new(program);
            let file = memorised_calls(model, dataset);
            command.args(["memorise-test", "--format", "json", "--dataset", dataset, "--replay"]);
            command.arg(workspace.root().join(&file));
            let step = "replay what a model has memorised";
            let named = parse(&printed_with_model(&mut command, step, &file)?, workspace.root())?;
            for one in named.as_array().into_iter().flatten() {
                rows.serialize(Memorised {
                    model: model.title.to_owned(),
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

/// Reads what `nas` has printed as JSON; `run` is named in errors.
fn parse(report: &[u8], run: &Path) -> Result<Value, Error> {
    serde_json::from_slice(report)
        .map_err(|source| Error::File { path: run.to_owned(), source: source.into() })
}

fn text(writer: csv::Writer<Vec<u8>>) -> Result<String, Error> {
    String::from_utf8(writer.into_inner().map_err(problem)?).map_err(problem)
}

fn problem(error: impl std::fmt::Display) -> Error {
    Error::Step { step: "write the scores of recorded searches", problem: error.to_string() }
}
