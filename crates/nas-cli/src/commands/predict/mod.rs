//! `nas predict`: accuracy predicted from few trained networks, by itself.

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
  nas predict eval --trained 100 --seeds 3                   how good 100 trained networks are
  nas predict fit --accuracy-table mine.csv                  learn from your own, to predictor.json
  nas predict apply predictor.json 6111 1462                 two cells
  nas predict apply predictor.json --format csv > all.csv    all: for nas search --accuracy-table")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Learns from your accuracies of trained networks and writes a predictor to a file
    Fit(fit::Arguments),
    /// Learns from the published accuracies of some networks, drawn at random, and compares the
    /// predictions for all architectures of other classes with the truth
    Eval(eval::Arguments),
    /// Learns from all trained networks but a part, predicts that part, and compares with the truth
    /// and with simpler predictors
    Folds(folds::Arguments),
    /// Predicts the accuracy of architectures, each with an interval that holds nine trained
    /// networks in ten
    Apply(apply::Arguments),
}

pub fn run(arguments: &Arguments, data: Option<&Path>) -> Result<ExitCode, Failure> {
    match &arguments.command {
        Command::Fit(arguments) => fit::run(arguments),
        Command::Eval(arguments) => eval::run(arguments, data),
        Command::Folds(arguments) => folds::run(arguments, data),
        Command::Apply(arguments) => apply::run(arguments),
    }
}

/// How a predictor learns.
#[derive(Debug, clap::Args)]
struct Learning {
    /// Which models predict: all, or only boosted trees or the Gaussian process
    #[arg(long, value_enum, default_value_t)]
    members: MemberNames,
    /// Boosted trees
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    trees: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum MemberNames {
    #[default]
    All,
    Trees,
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
