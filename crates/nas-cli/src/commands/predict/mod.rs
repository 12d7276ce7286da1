//! `nas predict`: predictors of accuracy, without a search.

use std::{path::Path, process::ExitCode};

use clap::{Subcommand, ValueEnum};
use nas_predict::{Members, Settings};

use crate::failure::Failure;

mod apply;
mod eval;
mod fit;
mod folds;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # How well 100 trained networks predict the others
  nas predict eval --trained 100 --seeds 3

  # A predictor from your own trained networks, for two cells, then for all
  nas predict fit --accuracy-table mine.csv --out predictor.json
  nas predict apply predictor.json 6111 1462
  nas predict apply predictor.json --format csv > all.csv
  nas search --accuracy-table all.csv --device raspi4")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fits a predictor to the accuracies of your trained networks, and writes it to a file
    Fit(fit::Arguments),
    /// Fits predictors to the published accuracies of a few random networks, and compares their
    /// predictions for all others with the published accuracies
    Eval(eval::Arguments),
    /// Cross-validates the predictor on all trained networks, and compares it with simpler predictors
    Folds(folds::Arguments),
    /// Predicts the accuracy of architectures, each with a 90 % interval
    Apply(apply::Arguments),
}

pub fn run(arguments: &Arguments, tables: Option<&Path>) -> Result<ExitCode, Failure> {
    match &arguments.command {
        Command::Fit(arguments) => fit::run(arguments),
        Command::Eval(arguments) => eval::run(arguments, tables),
        Command::Folds(arguments) => folds::run(arguments, tables),
        Command::Apply(arguments) => apply::run(arguments),
    }
}

/// How a predictor is fitted.
#[derive(Debug, clap::Args)]
struct Learning {
    /// Members of the ensemble
    #[arg(long, value_enum, default_value_t)]
    members: MemberNames,
    /// Number of boosted trees
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    trees: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum MemberNames {
    /// All members
    #[default]
    All,
    /// Only boosted trees
    Trees,
    /// Only the Gaussian process
    GaussianProcess,
}

impl Learning {
    fn settings(&self, seed: u64) -> Settings {
        let members = match self.members {
            MemberNames::All => Members::All,
            MemberNames::Trees => Members::Trees,
            MemberNames::GaussianProcess => Members::GaussianProcess,
        };
        Settings { members, trees: self.trees as usize, seed, ..Settings::default() }
    }
}
