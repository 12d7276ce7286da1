//! Replays recorded searches with a language model.

use std::path::Path;
use std::process::Command;

use super::methods::{MODELS, Record, records};
use super::names::DATASETS;
use super::rows::{Generation, Memorised, Recorded};
use super::summary::{Row, duplicates, parse, proposals, rules_that_hold};
use crate::error::Error;
use crate::process::output;
use crate::workspace::Workspace;

/// All recorded calls and the arguments of their replay.
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
        for dataset in DATASETS {
            add(memorised_calls(files, dataset))?;
        }
    }
    all.extend(how.into_bytes());
    Ok(all)
}

fn memorised_calls(files: &str, dataset: &str) -> String {
    format!("search/{files}memorised-{dataset}.jsonl")
}

/// All recorded searches, and their generations, as CSV.
pub fn recorded(workspace: &Workspace, program: &Path) -> Result<(String, String), Error> {
    let run = workspace.root().join("target/reproduce/model");
    let (mut rows, mut curves) =
        (csv::Writer::from_writer(vec![]), csv::Writer::from_writer(vec![]));
    for Record { method, seed, generations, calls } in records() {
        let mut command = Command::new(program);
        command.current_dir(workspace.root());
        method.add_arguments(&mut command, generations, seed, &run);
        if let Some(calls) = &calls {
            command.arg("--replay").arg(workspace.root().join("bench-data").join(calls));
        }
        let ran = output(&mut command)?;
        if !matches!(ran.status.code(), Some(0 | 4)) {
            let problem = format!("{} with seed {seed} ended with {}", method.name, ran.status);
            return Err(Error::Step { step: "replay a recorded search", problem });
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
            rules_standing: rules_that_hold(&report),
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

/// The cells that models named from memory, by recorded calls, as CSV.
pub fn memorised(workspace: &Workspace, program: &Path) -> Result<String, Error> {
    let mut rows = csv::Writer::from_writer(vec![]);
    for (files, model) in MODELS {
        for dataset in DATASETS {
            let mut command = Command::new(program);
            let file = format!("bench-data/{}", memorised_calls(files, dataset));
            command.args(["memorise-test", "--format", "json", "--dataset", dataset, "--replay"]);
            let ran = output(command.arg(workspace.root().join(&file)))?;
            // Nothing usable from the model is a result too.
            if !matches!(ran.status.code(), Some(0 | 4)) {
                let problem = format!("{file} ended with {}", ran.status);
                return Err(Error::Step { step: "replay what a model has memorised", problem });
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

fn text(writer: csv::Writer<Vec<u8>>) -> Result<String, Error> {
    String::from_utf8(writer.into_inner().map_err(problem)?).map_err(problem)
}

fn problem(error: impl std::fmt::Display) -> Error {
    Error::Step { step: "write the scores of recorded searches", problem: error.to_string() }
}
