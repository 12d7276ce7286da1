//! `cargo xtask bench train-rank`: how well short trainings of small networks rank cells of NAS-Bench-201, by
//! their published test accuracies.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use nas_pareto::statistics::mean;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::Error;
use crate::nas::{self, Build};
use crate::process::output;
use crate::workspace::Workspace;

/// What is trained.
#[derive(clap::Args)]
pub struct Arguments {
    /// CIFAR-10 images in its binary form
    #[arg(long, value_name = "FILE")]
    images: PathBuf,
    /// Cells, drawn at random among those with a path from input to output
    #[arg(long, value_name = "N", default_value_t = 30)]
    cells: usize,
    /// The seed that draws them
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,
    /// Settings, each as WIDTH:CELLS:EPOCHS:HELD-OUT
    #[arg(
        long,
        value_name = "W:C:E:H",
        value_delimiter = ',',
        default_value = "4:1:1:0.2,8:1:1:0.2,8:1:3:0.2,8:1:3:0.8,16:1:3:0.2,8:2:3:0.2,8:1:6:0.2"
    )]
    settings: Vec<String>,
}

/// A cell with its published test accuracy in %.
#[derive(Deserialize)]
struct Cell {
    arch: String,
    #[serde(rename = "test_accuracy_percent")]
    test_accuracy: Option<f64>,
    connected: bool,
}

/// Resamples of an interval.
const RESAMPLES: usize = 2_000;

/// Trains the cells with each setting, and prints a row for each.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<ExitCode, Error> {
    let program = nas::build(workspace, Build::Installed)?;
    let cells = cells(&program, arguments)?;
    let published: Vec<f64> = cells.iter().filter_map(|cell| cell.test_accuracy).collect();
    println!(
        "{} cells of NAS-Bench-201, trained on {}: rank correlation (Spearman) of validation\n\
         accuracy with the published test accuracy on CIFAR-10, its 95 % interval, and seconds.\n\n\
         width  cells  epochs  held out  correlation  95 % interval   seconds",
        cells.len(),
        arguments.images.display()
    );
    for setting in &arguments.settings {
        let parts: Vec<&str> = setting.split(':').collect();
        let [width, copies, epochs, held_out] = parts[..] else {
            let problem = format!("{setting}: expected WIDTH:CELLS:EPOCHS:HELD-OUT");
            return Err(Error::Step { step: "read the settings", problem });
        };
        let mut command = Command::new(&program);
        command.args(["train", "--questions", "--width", width, "--cells", copies]);
        command.args(["--epochs", epochs, "--holdout", held_out, "--data"]).arg(&arguments.images);
        let begun = Instant::now();
        let accuracies = answers(&mut command, &cells)?;
        let seconds = begun.elapsed().as_secs_f64();
        let correlation = spearman(&accuracies, &published);
        let [low, high] = interval(&accuracies, &published);
        println!(
            "{width:>5}{copies:>7}{epochs:>8}{held_out:>10}{correlation:>13.3}  {low:>6.3} to {high:.3}{seconds:>10.0}"
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Cells that are drawn from all.
fn cells(program: &Path, arguments: &Arguments) -> Result<Vec<Cell>, Error> {
    let folder = tempfile::tempdir()
        .map_err(|error| Error::Step { step: "make a folder", problem: error.to_string() })?;
    let run = folder.path().join("run");
    let mut all = Command::new(program);
    all.args(["search", "--device", "edgegpu", "--accuracy", "benchmark"]);
    all.args(["--searcher", "exhaustive", "--run"]).arg(&run);
    let ran = output(&mut all)?;
    let file = run.join("evaluations.csv");
    let read = |problem: String| Error::Step { step: "read the published accuracies", problem };
    let mut reader =
        csv::Reader::from_path(&file).map_err(|error| read(format!("{error}; {}", ran.status)))?;
    let rows: Result<Vec<Cell>, csv::Error> = reader.deserialize().collect();
    let mut rows = rows.map_err(|error| read(error.to_string()))?;
    rows.retain(|cell| cell.connected && cell.test_accuracy.is_some());
    rows.sort_by(|a, b| a.arch.cmp(&b.arch));
    let mut random = ChaCha8Rng::seed_from_u64(arguments.seed);
    let count = arguments.cells.min(rows.len());
    for place in 0..count {
        let other = random.random_range(place..rows.len());
        rows.swap(place, other);
    }
    rows.truncate(count);
    Ok(rows)
}

/// The answers of the program that trains, in the order of the cells.
fn answers(command: &mut Command, cells: &[Cell]) -> Result<Vec<f64>, Error> {
    let failed = |problem: String| Error::Step { step: "train", problem };
    let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = started.map_err(|error| failed(error.to_string()))?;
    let (Some(mut questions), Some(lines)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(failed("it has no input and output".to_owned()));
    };
    let mut lines = BufReader::new(lines).lines();
    let mut accuracies = Vec::new();
    for (id, cell) in cells.iter().enumerate() {
        writeln!(questions, "{}", json!({ "id": id, "arch": cell.arch }))
            .map_err(|error| failed(error.to_string()))?;
        loop {
            let line =
                lines.next().and_then(Result::ok).ok_or_else(|| failed("it ended".into()))?;
            let answer: Value =
                serde_json::from_str(&line).map_err(|error| failed(format!("{error}: {line}")))?;
            if answer.get("step").is_some() {
                continue;
            }
            let accuracy = answer["accuracy_percent"].as_f64();
            accuracies.push(accuracy.ok_or_else(|| failed(line))?);
            break;
        }
    }
    drop(questions);
    let _ = child.wait();
    Ok(accuracies)
}

/// Ranks from 1; equal values share the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let rank = |value: &f64| {
        let below = values.iter().filter(|other| *other < value).count();
        let above = values.iter().filter(|other| *other > value).count();
        (1 + below + values.len() - above) as f64 / 2.0
    };
    values.iter().map(rank).collect()
}

fn spearman(one: &[f64], other: &[f64]) -> f64 {
    let (one, other) = (ranks(one), ranks(other));
    let (a, b) = (mean(&one), mean(&other));
    let pairs = || one.iter().zip(&other);
    let together: f64 = pairs().map(|(x, y)| (x - a) * (y - b)).sum();
    let apart: f64 = one.iter().map(|x| (x - a).powi(2)).sum();
    let others: f64 = other.iter().map(|y| (y - b).powi(2)).sum();
    together / (apart * others).sqrt()
}

/// The 95 % interval of the correlation, by resampling cells.
fn interval(one: &[f64], other: &[f64]) -> [f64; 2] {
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let mut all: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let places: Vec<usize> =
                (0..one.len()).map(|_| random.random_range(0..one.len())).collect();
            let of = |values: &[f64]| places.iter().map(|at| values[*at]).collect::<Vec<f64>>();
            spearman(&of(one), &of(other))
        })
        .filter(|value| value.is_finite())
        .collect();
    all.sort_by(f64::total_cmp);
    let at = |share: f64| all.get((share * all.len() as f64) as usize).copied().unwrap_or(f64::NAN);
    [at(0.025), at(0.975)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlation_is_of_ranks_and_equal_values_share_theirs() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0]), [2.5, 1.0, 2.5]);
        assert!((spearman(&[1.0, 2.0, 9.0], &[10.0, 20.0, 21.0]) - 1.0).abs() < 1e-12);
        assert!((spearman(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]) + 1.0).abs() < 1e-12);
    }
}
