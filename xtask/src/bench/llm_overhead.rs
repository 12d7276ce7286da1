//! `cargo xtask bench llm-overhead`: what asking a language model costs beside the model's own time. The
//! recorded searches of the study are replayed, so that the model takes none, in turn with the same
//! searches without a model.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use crate::error::Error;
use crate::nas::{self, Build, printed_with_model};
use crate::reproduce::arms::{METHOD, OPERATORS, planned};
use crate::workspace::Workspace;

/// Replays of each search, of which the fastest counts.
const REPEATS: usize = 3;

/// Calls that the difference is stated for.
const CALLS: f64 = 120.0;

pub fn run(workspace: &Workspace) -> Result<ExitCode, Error> {
    let nas = nas::build(workspace, Build::Installed)?;
    let root = workspace.root();
    let folder = root.join("target/llm-overhead");
    println!(
        "Recorded searches, replayed with the model's time left out, and their controls: seconds.\n"
    );
    println!("                                                       with     its    more in");
    println!("searches                              seeds  calls  a model control  120 calls");
    for cell in planned() {
        // The other arms spend their time in statistics and in the predictor.
        if [METHOD, OPERATORS].contains(&cell.arm.name) {
            continue;
        }
        let (mut ours, mut control, mut calls) = (0.0, 0.0, 0);
        let seeds = cell.recorded(root);
        for &seed in &seeds {
            let mut searches = [Command::new(&nas), Command::new(&nas)];
            let [with_model, without] = &mut searches;
            cell.search(with_model, seed, &folder);
            with_model.arg("--replay").arg(cell.calls(root, seed));
            cell.control(without, seed, &folder);
            let mut fastest = [f64::INFINITY; 2];
            for _ in 0..REPEATS {
                for (search, fastest) in searches.iter_mut().zip(&mut fastest) {
                    *fastest = fastest.min(seconds(search.current_dir(root))?);
                }
            }
            ours += fastest[0];
            control += fastest[1];
            calls += recorded_calls(&cell.calls(root, seed))?;
        }
        if calls > 0 {
            let (dataset, device) = cell.pair;
            let name = format!("{} {} {dataset} {device}", cell.model.name, cell.arm.name);
            let more = (ours - control) * CALLS / f64::from(calls);
            let seeds = seeds.len();
            println!("{name:<37} {seeds:>5} {calls:>6} {ours:>8.2} {control:>7.2} {more:>10.3}");
        }
    }
    println!("\nThe fastest of {REPEATS} runs of each search counts.");
    Ok(ExitCode::SUCCESS)
}

/// The seconds of a search, from the program's start to its end.
fn seconds(search: &mut Command) -> Result<f64, Error> {
    let begun = Instant::now();
    let _ = printed_with_model(search, "replay a recorded search", "it")?;
    Ok(begun.elapsed().as_secs_f64())
}

/// The calls of a record: its lines.
fn recorded_calls(record: &Path) -> Result<u32, Error> {
    let text = fs::read_to_string(record).map_err(Error::file(record))?;
    Ok(text.lines().map(|_| 1).sum())
}
