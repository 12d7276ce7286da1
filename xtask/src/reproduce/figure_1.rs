//! `cargo xtask reproduce figure-1`: how much of the range of latency a language model finds.

use std::process::{Command, ExitCode};

use super::methods::{FIGURE_1, METHODS, SEEDS};
use super::summary::{Row, parse};
use crate::error::Error;
use crate::nas::{self, Build};
use crate::process::{exit_code, output};
use crate::workspace::Workspace;

const NOTES: &str = "\
calls: calls of the model; dup: the share of its proposals that were proposed or evaluated before
coverage: the share of ten equal parts of the exact front's range of log latency with a cell that
  is at most 1 % less accurate than the exact front there
all found: includes the initial sample and the architectures that statistics added, which searches
  with plain and latency-oriented prompts do not have; model's own: its proposals alone
statistical: co-evolution's search with statistics instead of the model";

/// Runs and prints it; replays recorded calls where `live` names no model.
pub fn run(workspace: &Workspace, generations: u32, live: &[String]) -> Result<ExitCode, Error> {
    let recorded = workspace.root().join("bench-data/figure-1");
    let out = workspace.root().join("target/figure-1");
    std::fs::create_dir_all(&out).map_err(Error::file(&out))?;
    let nas = nas::build(workspace, Build::Installed)?;
    println!("{:33}{:^10}{:^20}{:^18}", "", "proposals", "all found", "model's own");
    println!(
        "{:<17} {:>4} {:>5} {:>8} {:>5} {:>9} {:>8} {:>9} {:>8}",
        "method", "seed", "calls", "made", "dup", "coverage", "HV ratio", "coverage", "HV ratio"
    );
    for method in &METHODS[..FIGURE_1] {
        let mut rows = Vec::new();
        for seed in SEEDS {
            let name = format!("{}-seed{seed}", method.name);
            let mut command = Command::new(&nas);
            command.current_dir(workspace.root());
            method.add_arguments(
                &mut command,
                generations * method.generations,
                seed,
                &out.join(&name),
            );
            if method.has_model() {
                let calls = format!("{name}.jsonl");
                if live.is_empty() {
                    command.arg("--replay").arg(recorded.join(calls));
                } else {
                    let calls = out.join(calls);
                    // An interrupted one resumes.
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
