//! `cargo xtask bench acquisition`: networks chosen for training, compared with networks drawn at
//! random, for all data sets and devices of the benchmark.

use std::path::Path;
use std::process::{Command, ExitCode};

use serde_json::Value;

use crate::error::Error;
use crate::nas::{self, Build};
use crate::process::output;
use crate::workspace::Workspace;

pub const DATASETS: [&str; 3] = ["cifar10", "cifar100", "ImageNet16-120"];
pub const DEVICES: [&str; 6] = ["edgegpu", "raspi4", "edgetpu", "pixel3", "eyeriss", "fpga"];

/// How many networks are trained, how they are chosen, and the arguments for that.
const WAYS: [(u32, &str, &str); 12] = [
    (25, "active", ""),
    (25, "random", "--acquisition random"),
    (50, "active", ""),
    (50, "random", "--acquisition random"),
    (100, "active", ""),
    (100, "random", "--acquisition random"),
    (200, "active", ""),
    (200, "random", "--acquisition random"),
    (400, "active", ""),
    (400, "random", "--acquisition random"),
    (200, "active, 600 evaluated", "--evaluations 600"),
    (200, "random, 600 evaluated", "--evaluations 600 --acquisition random"),
];

/// Hypervolume ratio and IGD of a pair of data set and device, means over the seeds.
type Scores = [f64; 2];

pub fn run(workspace: &Workspace, only: &[u32], seeds: u64, seed: u64) -> Result<ExitCode, Error> {
    let nas = nas::build(workspace, Build::Installed)?;
    let run = workspace.root().join("target/acquisition");
    println!(
        "The predicted front of accuracy and latency, scored on true values against the exact front\n\
         of the whole space: means over {seeds} seeds, then over the 18 pairs of data set and device.\n\
         Trained accuracies are validation accuracies on CIFAR-10, test accuracies elsewhere.\n\n\
         {:>7}  {:<21} {:>8} {:>8} {:>8} {:>9}",
        "trained", "chosen", "HV ratio", "worst", "IGD", "seconds"
    );
    let mut last: Vec<Scores> = Vec::new();
    let wanted = WAYS.into_iter().filter(|way| only.is_empty() || only.contains(&way.0));
    for (trained, name, arguments) in wanted {
        let begun = std::time::Instant::now();
        let mut pairs = Vec::new();
        for dataset in DATASETS {
            for device in DEVICES {
                let search = format!(
                    "search --dataset {dataset} --device {device} --trained {trained} {arguments}"
                );
                pairs.push(scores(&nas, &run, &search, seed..seed + seeds)?);
            }
        }
        let seconds = begun.elapsed().as_secs_f64() / (pairs.len() as u64 * seeds) as f64;
        let count = pairs.len() as f64;
        let mean = |at: usize| pairs.iter().map(|pair| pair[at]).sum::<f64>() / count;
        let worst = pairs.iter().map(|pair| pair[0]).fold(f64::INFINITY, f64::min);
        println!(
            "{trained:>7}  {name:<21} {:>8.4} {worst:>8.4} {:>8.4} {seconds:>9.1}",
            mean(0),
            mean(1)
        );
        if name.starts_with("random") {
            let ahead = last.iter().zip(&pairs).filter(|(active, random)| active[0] > random[0]);
            println!("{:>7}  active is better in {} of {} pairs", "", ahead.count(), pairs.len());
        }
        last = pairs;
    }
    Ok(ExitCode::SUCCESS)
}

fn scores(
    nas: &Path,
    run: &Path,
    search: &str,
    seeds: std::ops::Range<u64>,
) -> Result<Scores, Error> {
    let count = (seeds.end - seeds.start) as f64;
    let mut sums = [0.0; 2];
    for seed in seeds {
        let mut command = Command::new(nas);
        command.args(search.split_whitespace()).args(["--seed", &seed.to_string()]);
        command.args(["--format", "json", "--force", "--run"]).arg(run);
        let ran = output(&mut command)?;
        let found: Value = serde_json::from_slice(&ran.stdout).unwrap_or_default();
        let score = |name: &str| found["scores"][name].as_f64();
        let (Some(ratio), Some(igd)) = (score("hypervolume_ratio"), score("igd")) else {
            let problem = format!("`nas {search}` ended with {}", ran.status);
            return Err(Error::Step { step: "search", problem });
        };
        sums[0] += ratio / count;
        sums[1] += igd / count;
    }
    Ok(sums)
}
