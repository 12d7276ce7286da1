//! `cargo xtask bench`: this workspace against the software that people use today, on the same
//! machine, in one run.

mod acquisition;
mod beside_pytorch;
mod digits;
mod early_stop;
mod examples;
mod llm_overhead;
mod moocore;
mod own_problem;
mod pareto;
mod predictor;
mod proxies;
mod train;
mod train_rank;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use crate::error::Error;
use crate::workspace::Workspace;

/// What to compare.
#[derive(Subcommand)]
pub enum Bench {
    /// The hypervolume of nas-pareto against that of moocore (Python), values and seconds
    Pareto,
    /// The seconds of each zero-cost proxy, against the same proxy in plain PyTorch
    Proxies {
        /// A Python with torch 2.11.0 and numpy [default: one is installed, 2.5 GB]
        #[arg(long, value_name = "PY")]
        python: Option<PathBuf>,
    },
    /// Accuracy predicted from 200 and 1,000 trained networks, against XGBoost (Python): rank
    /// correlation, intervals, seconds, and the contribution of each group of features
    Predictor {
        /// A Python with xgboost, scikit-learn, numpy and pandas [default: one is installed, 0.5 GB]
        #[arg(long, value_name = "PY")]
        python: Option<PathBuf>,
        /// Draws of trained networks
        #[arg(long, value_name = "N", default_value_t = 10)]
        seeds: u32,
        /// The first draw's seed
        #[arg(long, value_name = "SEED", default_value_t = 1)]
        seed: u64,
    },
    /// Networks chosen for training, against networks drawn at random, on all data sets and devices;
    /// takes most of an hour
    Acquisition {
        /// Only these numbers of trained networks, separated by commas, of 25, 50, 100, 200 and 400
        #[arg(long, value_name = "N", value_delimiter = ',')]
        trained: Vec<u32>,
        /// Searches of each kind
        #[arg(long, value_name = "N", default_value_t = 5)]
        seeds: u64,
        /// The first search's seed
        #[arg(long, value_name = "SEED", default_value_t = 1)]
        seed: u64,
    },
    /// The predictor that chooses what a user's own program evaluates, against other searchers with as
    /// many evaluations; what has ended is kept
    OwnProblem(own_problem::Arguments),
    /// Trainings that are stopped early, with trainings that all go to their ends: hypervolume and steps
    EarlyStop(early_stop::Arguments),
    /// Images per second of training, against a loop in plain PyTorch
    Train {
        /// A Python with torch 2.11.0 and numpy [default: one is installed, 2.5 GB]
        #[arg(long, value_name = "PY")]
        python: Option<PathBuf>,
        /// Steps of each measurement
        #[arg(long, value_name = "N", default_value_t = 20)]
        steps: u64,
    },
    /// How well short trainings of small networks rank cells, by their published accuracies
    TrainRank(train_rank::Arguments),
    /// A search that trains on 1,500 images of digits, with a limit, up to a trained and exported network
    Digits,
    /// Opening the compiled benchmark table and looking up all 15,625 cells
    Tables,
    /// How the seconds of a search grow with its evaluations: 100 to 100,000 of FBNet's networks
    Growth,
    /// What a search with a language model takes beside the model's own time, per 120 calls
    LlmOverhead,
}

/// Runs a benchmark; the exit code is a failure where results disagree.
pub fn run(workspace: &Workspace, bench: &Bench) -> Result<ExitCode, Error> {
    match bench {
        Bench::Pareto => pareto::run(workspace),
        Bench::Proxies { python } => proxies::run(workspace, python.as_deref()),
        Bench::Predictor { python, seeds, seed } => {
            predictor::run(workspace, python.as_deref(), *seeds, *seed)
        }
        Bench::Acquisition { trained, seeds, seed } => {
            acquisition::run(workspace, trained, *seeds, *seed)
        }
        Bench::OwnProblem(arguments) => own_problem::run(workspace, arguments),
        Bench::EarlyStop(arguments) => early_stop::run(workspace, arguments),
        Bench::Train { python, steps } => train::run(workspace, python.as_deref(), *steps),
        Bench::TrainRank(arguments) => train_rank::run(workspace, arguments),
        Bench::Digits => digits::run(workspace),
        Bench::Tables => examples::run(workspace, "nas-bench", "table_access"),
        Bench::Growth => examples::run(workspace, "nas-eval", "growth"),
        Bench::LlmOverhead => llm_overhead::run(workspace),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `.ci/optional` runs each of them on a machine that has nothing.
    #[test]
    fn each_benchmark_is_run_by_the_optional_job() {
        let job = include_str!("../../../.ci/optional");
        let (parts, list) = job.split_once("all=(").unwrap();
        let list: Vec<&str> = list.split_once(')').unwrap().0.split_whitespace().collect();
        for bench in Bench::augment_subcommands(clap::Command::new("bench")).get_subcommands() {
            let name = bench.get_name();
            assert!(list.contains(&name), "{name} is not listed");
            assert!(parts.contains(&format!("cargo xtask bench {name}")), "{name} is not run");
        }
    }
}
