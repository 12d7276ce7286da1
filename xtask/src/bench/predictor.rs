//! `cargo xtask bench predictor`: how well and how fast accuracy is predicted from trained networks,
//! compared with XGBoost on the same networks and features, and the contribution of each group of
//! features.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use serde_json::Value;

use crate::error::Error;
use crate::nas::{self, Build};
use crate::process::output;
use crate::setup::venv;
use crate::workspace::Workspace;

const SCRIPT: &str = include_str!("predictor.py");

const XGBOOST: &str = "3.2.0";

const DATASETS: [&str; 3] = ["cifar10", "cifar100", "ImageNet16-120"];

/// The parts that can be left out, and the arguments that do so.
const ABLATIONS: [(&str, &str); 7] = [
    ("all", ""),
    ("without choices", "--without choices"),
    ("without paths", "--without paths"),
    ("without path statistics", "--without path-statistics"),
    ("without scores (proxies)", "--without scores"),
    ("boosted trees alone", "--members trees"),
    ("Gaussian process alone", "--members gaussian-process"),
];

pub fn run(
    workspace: &Workspace,
    python: Option<&Path>,
    seeds: u32,
    seed: u64,
) -> Result<ExitCode, Error> {
    // XGBoost's regressor is one of scikit-learn, which it does not install.
    let packages = [
        ("xgboost", XGBOOST),
        ("scikit-learn", "1.9.1"),
        ("scipy", "1.17.1"),
        ("numpy", "2.4.6"),
        ("pandas", "3.1.1"),
    ];
    let python = match python {
        Some(python) => python.to_path_buf(),
        None => venv::python_with(workspace, "bench-venv-xgboost", &packages)?,
    };
    let nas = nas::build(workspace, Build::Installed)?;
    let target = workspace.root().join("target/predictor");
    let eval = |arguments: &str| {
        let mut command = Command::new(&nas);
        command.current_dir(workspace.root()).args(["predict", "eval", "--format", "json"]);
        command.args(["--seeds", &seeds.to_string(), "--seed", &seed.to_string()]);
        command.args(arguments.split_whitespace());
        json(&mut command)
    };
    println!(
        "Spearman with test accuracy on all cells of classes without a trained network, mean of\n\
         {seeds} draws of trained networks (CIFAR-10: validation accuracy), and in the tenth with the\n\
         best test accuracy. XGBoost {XGBOOST} has the same networks, features and settings of its trees;\n\
         log: also our target, -ln(best - accuracy + offset).\n"
    );
    println!(
        "{:<15} {:>7}  {:^15} {:^15} {:^15}",
        "", "", "nas-predict", "XGBoost", "XGBoost, log"
    );
    println!(
        "{:<15} {:>7}  {}",
        "data set",
        "trained",
        vec![format!("{:>7} {:>7}", "all", "best"); 3].join(" ")
    );
    let mut coverages = Vec::new();
    let mut seconds = Vec::new();
    for trained in [200, 1000] {
        for dataset in DATASETS {
            let folder = target.join(format!("{dataset}-{trained}"));
            if folder.exists() {
                std::fs::remove_dir_all(&folder).map_err(Error::file(&folder))?;
            }
            let ours = eval(&format!(
                "--dataset {dataset} --trained {trained} --out {}",
                folder.display()
            ))?;
            let theirs = json(Command::new(&python).args(["-c", SCRIPT]).arg(&folder))?;
            let pair = |name: &str| {
                format!("{:>7.4} {:>7.3}", at(&theirs, name), at(&theirs, &format!("{name}_best")))
            };
            println!(
                "{dataset:<15} {trained:>7}  {} {} {}",
                pair("ours"),
                pair("raw"),
                pair("log")
            );
            seconds.push(
                ["fit", "predict"]
                    .map(|step| (at(&ours, &format!("{step}_seconds")), at(&theirs, step))),
            );
            coverages.push((dataset, trained, ours));
        }
    }
    print_coverage(&coverages);
    println!("\nSeconds to fit 200 networks and to predict 15,625 cells, median of the draws.\n");
    println!(
        "{:<15} {:>12} {:>12} {:>12} {:>12} {:>7}",
        "", "ours, fit", "predict", "XGBoost, fit", "predict", "ratio"
    );
    for (dataset, [fit, predict]) in DATASETS.iter().zip(&seconds) {
        println!(
            "{dataset:<15} {:>12.3} {:>12.3} {:>12.3} {:>12.3} {:>7.2}",
            fit.0,
            predict.0,
            fit.1,
            predict.1,
            (fit.1 + predict.1) / (fit.0 + predict.0)
        );
    }
    print_ablation(&eval)?;
    println!("\nAccuracies, features and predictions of each draw are in {}", target.display());
    Ok(ExitCode::SUCCESS)
}

/// Prints the coverage of intervals; each row is a data set, the number of trained networks and the
/// output of `nas predict eval`.
fn print_coverage(coverages: &[(&str, u32, Value)]) {
    println!(
        "\nThe share of held-out accuracies within 90 % intervals, and their mean width in %.\n"
    );
    println!("{:<15} {:>7} {:>6} {:>6}  in niches 1 to 6", "data set", "trained", "all", "width");
    for (dataset, trained, ours) in coverages {
        let niches = ours["coverage_of_niches"].as_array().into_iter().flatten();
        let niches: Vec<String> =
            niches.map(|niche| format!("{:.2}", niche.as_f64().unwrap_or(f64::NAN))).collect();
        let quality = &ours["quality"];
        println!(
            "{dataset:<15} {trained:>7} {:>6.3} {:>6.2}  {}",
            at(quality, "coverage"),
            at(quality, "mean_width"),
            niches.join(" ")
        );
    }
}

fn print_ablation(eval: &dyn Fn(&str) -> Result<Value, Error>) -> Result<(), Error> {
    println!("\nSpearman, all and best tenth, from 200 networks with one part left out.\n");
    println!("{:<25} {}", "", DATASETS.map(|dataset| format!("{dataset:^15}")).join(" "));
    for (name, arguments) in ABLATIONS {
        let mut row = format!("{name:<25}");
        for dataset in DATASETS {
            let found = eval(&format!("--dataset {dataset} {arguments}"))?;
            let quality = &found["quality"];
            row += &format!(
                " {:>7.4} {:>7.3}",
                at(quality, "spearman"),
                at(quality, "spearman_top_tenth")
            );
        }
        println!("{row}");
    }
    Ok(())
}

fn at(value: &Value, name: &str) -> f64 {
    value[name].as_f64().unwrap_or(f64::NAN)
}

/// What a command prints, as JSON.
fn json(command: &mut Command) -> Result<Value, Error> {
    let ran = output(command)?;
    let program = PathBuf::from(command.get_program());
    let read = || serde_json::from_slice(&ran.stdout).ok().filter(|_| ran.status.success());
    read().ok_or_else(|| Error::Step {
        step: "measure",
        problem: format!("{} ended with {}", program.display(), ran.status),
    })
}
