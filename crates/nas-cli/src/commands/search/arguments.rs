//! What can be typed for `nas search`.

use std::path::PathBuf;

use clap::ValueEnum;
use nas_hw::{Millijoules, Millis};
use serde::{Deserialize, Serialize};

use crate::{
    commands::{live::ComputedProxies, model::ModelArguments},
    evaluate::EvaluateArguments,
    output::Format,
    partition::{AllocationArgument, PartitionArguments},
    rules::RulesArgument,
    searcher::Searcher,
    space_arguments::SpaceArguments,
    target::{Target, device_help},
};

const ACCURACY: &str = "Accuracy";
const SEARCH: &str = "How to search";
const RUN: &str = "The run";

#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  nas search --max-latency 5ms          the best found within 5 ms on this machine
  nas search --device raspi4            200 trained accuracies, published latency
  nas search --device raspi4 --trained 50 --evaluations 600    fewer of both
  nas search --space autoformer-tiny    vision transformers, measured on this machine
  nas search --space fbnet --device raspi4                    published costs of blocks
  nas search --latency-table mine.csv   on your own measurements
  nas search --space mine.toml --evaluate \"python train.py\"    a space and a program of your own
  nas search --resume runs/demo         goes on with a search that was stopped or killed")]
pub struct Arguments {
    #[arg(long, value_name = "NAME", default_value = "host", value_parser = Target::parse, help = device_help())]
    pub device: Target,
    /// Print the best architecture found within this latency, for example 5ms
    #[arg(long, value_name = "TIME")]
    pub max_latency: Option<Millis>,
    #[command(flatten)]
    pub space: SpaceArguments,
    /// Architectures to evaluate [default: 600 from tables, 200 where they are measured]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub evaluations: Option<u32>,
    /// What proposes architectures [default: exhaustive where accuracy is predicted, latency is looked
    /// up, and no option asks for evaluations, generations, niches or rules, or where the evaluations
    /// are enough for all architectures; else statistical]
    #[arg(long, visible_alias = "proposer", value_enum)]
    pub searcher: Option<Searcher>,
    /// The seed of all randomness: the same seed gives the same search, as far as what is measured
    /// on this machine is the same
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// The run's folder [default: runs/<what is searched>]
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,
    /// Go on with a search that was stopped or killed, by the plan that its folder contains: it ends
    /// as if it had not been interrupted
    #[arg(long, value_name = "RUN", exclusive = true)]
    pub resume: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Where accuracy comes from: predicted from trained networks; published, of all networks; or a
    /// score of zero-cost proxies, for cifar10 as pel-nas computed them, else, and with --images,
    /// --batch, --compute or --engine, computed here [default: predictor where the benchmark's tables
    /// are there and none of these options is given, but benchmark where your table of latencies holds
    /// no more networks than --trained; else proxies]
    #[arg(long, value_enum, help_heading = ACCURACY)]
    pub accuracy: Option<Accuracy>,
    /// Trained networks whose accuracies the predictor may use, one of a class of equal networks; each
    /// accuracy is a training run [default: 200]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = ACCURACY)]
    pub trained: Option<u32>,
    /// How they are chosen. active: three in ten at random (16 at least), the others where the
    /// front is expected to gain most. random: all at random [default: active]
    #[arg(long, value_enum, help_heading = ACCURACY)]
    pub acquisition: Option<AcquisitionName>,
    /// Your own accuracies: CSV with the columns arch and accuracy_percent
    #[arg(long, value_name = "FILE", conflicts_with = "accuracy", help_heading = ACCURACY)]
    pub accuracy_table: Option<PathBuf>,
    /// Your own latencies: CSV with the columns arch and latency_ms
    #[arg(long, value_name = "FILE", conflicts_with = "device", help_heading = "Costs")]
    pub latency_table: Option<PathBuf>,
    /// Also minimise energy, on devices that have it published
    #[arg(long, help_heading = "Costs")]
    pub energy: bool,
    /// Print the best architecture found within this energy, for example 10mJ; implies --energy
    #[arg(long, value_name = "ENERGY", help_heading = "Costs")]
    pub max_energy: Option<Millijoules>,
    #[command(flatten)]
    pub evaluate: EvaluateArguments,
    #[command(flatten)]
    pub partition: PartitionArguments,
    #[command(flatten)]
    pub allocation: AllocationArgument,
    #[command(flatten)]
    pub rules: RulesArgument,
    /// Generations after the random sample that starts the search, in place of a number of
    /// evaluations [default for a language model: 10]
    #[arg(long, value_name = "N", conflicts_with = "evaluations", value_parser = clap::value_parser!(u32).range(1..=10_000), help_heading = SEARCH)]
    pub generations: Option<u32>,
    /// Architectures that a generation proposes for each niche [default: 5 where generations are
    /// counted or a language model proposes, else 15 at most for all niches together]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100), help_heading = SEARCH)]
    pub children: Option<u32>,
    #[command(flatten)]
    pub proxy: ComputedProxies,
    #[command(flatten)]
    pub model: ModelArguments,
    /// Replace an earlier run in that folder, if it contains nothing else
    #[arg(long, help_heading = RUN)]
    pub force: bool,
}

/// Where accuracy comes from, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Accuracy {
    Predictor,
    Benchmark,
    Proxies,
}

/// How networks are chosen for training, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AcquisitionName {
    Active,
    Random,
}

impl Arguments {
    /// The first option that says how to search.
    pub fn guides(&self) -> Option<&'static str> {
        let options = [
            ("--generations", self.generations.is_some()),
            ("--children", self.children.is_some()),
            ("--partition", self.partition.is_given()),
            ("--allocation", self.allocation.is_given()),
            ("--rules", self.rules.file().is_some()),
        ];
        options.into_iter().find_map(|(option, given)| given.then_some(option))
    }

    /// The first option about the training of networks.
    pub fn training(&self) -> Option<&'static str> {
        self.trained.map(|_| "--trained").or(self.acquisition.map(|_| "--acquisition"))
    }
}
