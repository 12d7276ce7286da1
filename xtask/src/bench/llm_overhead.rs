//! `cargo xtask bench llm-overhead`: the time of a search with a language model without the model's
//! own time. A recorded search is replayed, so that the model takes none.

use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::time::Instant;

use crate::error::Error;
use crate::nas::{self, Build};
use crate::process::{exit_code, status};
use crate::workspace::Workspace;

/// The recorded search, without how the model is asked.
const SEARCH: &str = "search --proposer llm --dataset cifar10 --device edgegpu --accuracy benchmark \
                      --seed 1 --force --format json";

/// How it is asked in the recorded search of the study.
const ASKED: &str = "--prompting choose --evaluations 120";

/// Replays that the median is of.
const REPEATS: usize = 5;

pub fn run(
    workspace: &Workspace,
    transcript: Option<&Path>,
    asked: Option<&str>,
) -> Result<ExitCode, Error> {
    let nas = nas::build(workspace, Build::Installed)?;
    let transcript = match transcript {
        None => workspace
            .root()
            .join("bench-data/language-model/qwen/choose-cifar10-edgegpu-seed1.jsonl"),
        Some(given) => std::path::absolute(given)
            .map_err(|source| Error::File { path: given.to_owned(), source })?,
    };
    let run = workspace.root().join("target/llm-overhead");
    let mut seconds = Vec::new();
    for _ in 0..REPEATS {
        let begun = Instant::now();
        let mut command = std::process::Command::new(&nas);
        command.current_dir(workspace.root()).args(SEARCH.split_whitespace());
        command.args(asked.unwrap_or(ASKED).split_whitespace());
        command.arg("--run").arg(&run).arg("--replay").arg(&transcript).stdout(Stdio::null());
        let ran = status(&mut command)?;
        seconds.push(begun.elapsed().as_secs_f64());
        if !ran.success() {
            return Ok(exit_code(ran));
        }
    }
    seconds.sort_by(f64::total_cmp);
    let file = run.join("model.json");
    let report = std::fs::read_to_string(&file)
        .map_err(|source| Error::File { path: file.clone(), source })?;
    let report: serde_json::Value = serde_json::from_str(&report)
        .map_err(|source| Error::File { path: file, source: source.into() })?;
    let (calls, model) = (&report["usage"]["calls"], report["usage"]["seconds"].as_f64());
    let (ours, model) = (seconds[REPEATS / 2], model.unwrap_or(0.0));
    println!("{calls} calls of a recorded search, the whole program, median of {REPEATS}");
    println!("ours:      {ours:.3} s (slowest {:.3} s)", seconds[REPEATS - 1]);
    println!("the model: {model:.1} s in calls, as recorded");
    println!("ratio:     {:.5}", ours / model);
    if report["failures"].as_object().is_some_and(|failures| !failures.is_empty()) {
        eprintln!("the record is not of this search: {}", report["failures"]);
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}
