//! The options of `nas search`.

use std::path::PathBuf;

use super::{limit::Limit, training::TrainingArguments};
use clap::ValueEnum;
use nas_hw::{Millijoules, Millis};
use nas_search::Fill;
use serde::{Deserialize, Serialize};

use crate::{
    commands::{live::ComputedProxies, model::ModelArguments},
    engine::EngineArguments,
    evaluate::EvaluateArguments,
    output::Format,
    partition::{AllocationArgument, PartitionArguments},
    propose::OwnSearcher,
    rules::RulesArgument,
    searcher::{OperatorName, Searcher, SelectionName},
    space_arguments::SpaceArguments,
    target::{Target, device_help},
};

const ACCURACY: &str = "Accuracy";
const SEARCH: &str = "How to search";
const RUN: &str = "The run";

#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  nas search --max-latency 5ms          latency is measured on this machine
  nas search --device raspi4            with 200 trained accuracies
  nas search --device raspi4 --trained 50 --evaluations 600    fewer of both
  nas search --space autoformer-tiny    vision transformers on this machine
  nas search --space fbnet --device raspi4    costs are summed over blocks
  nas search --latency-table mine.csv   your own latencies
  nas search --space mine.toml --evaluate \"python train.py\"   your own program
  nas search --device raspi4 --propose \"python3 mine.py\"     your own searcher
  nas search --accuracy train --data flowers --size 64 --finish 1
  nas search --resume runs/demo         resumes a stopped or killed search")]
pub struct Arguments {
    #[arg(long, value_name = "NAME", value_parser = Target::parse, help = device_help())]
    pub device: Option<Target>,
    /// Print the best architecture found within this latency, for example 5ms; short for --limit
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub max_latency: Option<Millis>,
    #[command(flatten)]
    pub space: SpaceArguments,
    /// Architectures to evaluate [default: 600 from tables, 200 if they are measured]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub evaluations: Option<u32>,
    /// What proposes architectures [default: exhaustive if all can be evaluated: with --evaluations that
    /// are enough, or if accuracy is predicted, latency is looked up and no option chooses evaluations,
    /// generations, niches or rules; else statistical]
    #[arg(long, visible_alias = "proposer", value_enum)]
    pub searcher: Option<Searcher>,
    /// Your own searcher, a command: "python3 mine.py", or "NAME: python3 mine.py" to name it. It reads
    /// a line of JSON about the space, then one for each request, with the results since the last, and
    /// answers `{"id": 7, "proposals": [{"choices": {…}}]}`
    #[arg(long, value_name = "COMMAND", value_parser = OwnSearcher::parse, conflicts_with = "searcher")]
    pub propose: Option<OwnSearcher>,
    /// What shares the search by what each has added, with --searcher operators: searchers, or choose, edit
    /// and whole, which ask a language model [default: choose,statistical with a language model, else
    /// random-edits,random-crossover,statistical]
    #[arg(long, value_enum, value_name = "NAME,…", value_delimiter = ',', help_heading = SEARCH)]
    pub operators: Vec<OperatorName>,
    /// How the one that proposes is chosen, with --searcher operators [default: thompson]
    #[arg(long, value_enum, help_heading = SEARCH)]
    pub selection: Option<SelectionName>,
    /// The seed of all randomness: the same seed and the same measurements give the same search
    #[arg(long, value_name = "SEED", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    pub seed: u64,
    /// The folder of the run [default: a new one in runs/]
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,
    /// Resume the search in this folder, which was stopped or killed, with its own options: it ends as
    /// if it had not been interrupted
    #[arg(long, value_name = "RUN")]
    pub resume: Option<PathBuf>,
    /// Resume although files that the search depends on have changed: what was evaluated stays as it is,
    /// and the run says so
    #[arg(long, requires = "resume", help_heading = RUN)]
    pub accept_changes: bool,
    /// The format of the results
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Where accuracy comes from [default: predictor if accuracies are published and downloaded and no
    /// option about proxies is given, but benchmark if --latency-table has at most 200 networks; else
    /// proxies]
    #[arg(long, value_enum, help_heading = ACCURACY)]
    pub accuracy: Option<Accuracy>,
    /// Networks that may be trained for the predictor, without duplicates; each is a training run
    /// [default: 200]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = ACCURACY)]
    pub trained: Option<u32>,
    /// How these networks are chosen [default: active]
    #[arg(long, value_enum, help_heading = ACCURACY)]
    pub acquisition: Option<AcquisitionName>,
    /// Your own accuracies: CSV with the columns arch and accuracy_percent
    #[arg(long, value_name = "FILE", conflicts_with = "accuracy", help_heading = ACCURACY)]
    pub accuracy_table: Option<PathBuf>,
    /// Your own latencies: CSV with the columns arch and latency_ms
    #[arg(long, value_name = "FILE", conflicts_with = "device", help_heading = "Costs")]
    pub latency_table: Option<PathBuf>,
    /// Also minimise a number that is counted from an architecture: parameters, flops, or an [[axis]] of
    /// your own space
    #[arg(long, value_name = "NAME", help_heading = "Costs")]
    pub minimise: Vec<String>,
    /// Print the best architecture found within this limit, for example "latency_ms<=8", "flops<=50M" or
    /// "accuracy_percent>=70", on an objective or a number that is counted; may be repeated. What is known to
    /// exceed a limit is not given to a program
    #[arg(long, value_name = "NAME<=VALUE", value_parser = Limit::parse, help_heading = "Costs")]
    pub limit: Vec<Limit>,
    /// The probability with which an uncertain value may exceed its limit [default: 0.1]
    #[arg(long, value_name = "P", value_parser = risk, help_heading = "Costs")]
    pub limit_risk: Option<f64>,
    /// Also minimise energy, on devices with published energy
    #[arg(long, help_heading = "Costs")]
    pub energy: bool,
    /// Print the best architecture found within this energy, for example 10mJ; implies --energy
    #[arg(long, value_name = "ENERGY", allow_hyphen_values = true, help_heading = "Costs")]
    pub max_energy: Option<Millijoules>,
    #[command(flatten)]
    pub train: TrainingArguments,
    #[command(flatten)]
    pub evaluate: EvaluateArguments,
    #[command(flatten)]
    pub partition: PartitionArguments,
    #[command(flatten)]
    pub allocation: AllocationArgument,
    #[command(flatten)]
    pub rules: RulesArgument,
    /// Generations after the initial random sample, instead of --evaluations [default for a language
    /// model: 10]
    #[arg(long, value_name = "N", conflicts_with = "evaluations", value_parser = clap::value_parser!(u32).range(1..=10_000), help_heading = SEARCH)]
    pub generations: Option<u32>,
    /// Architectures that a generation proposes for each niche [default: 5 with --generations or a
    /// language model, else at most 15 for all niches together]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100), help_heading = SEARCH)]
    pub children: Option<u32>,
    /// Architectures of the random sample that starts the search [default: ten for each niche with
    /// --generations or a language model, at most half of --evaluations; else a sixth of them, at most 100;
    /// with a predictor an eighth, 5 to 16]
    #[arg(long, value_name = "N", help_heading = SEARCH)]
    pub initial: Option<u32>,
    /// Candidates of each niche that a language model, or random-choice, chooses from [default: 12]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=100), help_heading = SEARCH)]
    pub candidates: Option<u32>,
    /// What adds architectures where too few are proposed [default: statistical]
    #[arg(long, value_enum, help_heading = SEARCH)]
    pub fill: Option<FillName>,
    #[command(flatten)]
    pub proxy: ComputedProxies,
    #[command(flatten)]
    pub engine: EngineArguments,
    #[command(flatten)]
    pub model: ModelArguments,
    /// Start from evaluations made before: CSV with a column arch and one for each objective, such as
    /// evaluations.csv of an earlier run. They do not count as --evaluations
    #[arg(long, value_name = "FILE", help_heading = SEARCH)]
    pub known: Option<PathBuf>,
    /// Of the evaluations, how many are kept for the end, for architectures that are predicted to be on the
    /// front [default: a twentieth, at least 3]
    #[arg(long, value_name = "N", help_heading = SEARCH)]
    pub confirm: Option<u32>,
    /// Replace an earlier run in the folder of --run, if it contains nothing else
    #[arg(long, help_heading = RUN)]
    pub force: bool,
}

/// Reads a probability; for clap.
fn risk(text: &str) -> Result<f64, String> {
    let risk = text.parse().ok().filter(|risk| (0.0..=0.5).contains(risk) && *risk > 0.0);
    risk.ok_or_else(|| "expected a probability above 0, at most 0.5, for example 0.1".to_owned())
}

/// Where accuracy comes from, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Accuracy {
    /// Predicted from published accuracies of few networks
    Predictor,
    /// The published accuracies of all networks
    Benchmark,
    /// A score of zero-cost proxies: no training. They are computed, unless the program contains those
    /// of the space
    Proxies,
    /// Training on your own --data, of few networks that a predictor chooses
    Train,
}

/// How networks are chosen for training, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AcquisitionName {
    /// Three in ten at random, at least 16; the others where the front is expected to gain most
    Active,
    /// All at random
    Random,
}

/// What adds the proposals that a proposer did not make, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FillName {
    /// The statistical searcher, then chance
    Statistical,
    /// Random edits of the niche's front, then chance: the control of a model that edits it
    RandomEdits,
    /// Nothing: less is evaluated
    Nothing,
}

impl From<FillName> for Fill {
    fn from(name: FillName) -> Self {
        match name {
            FillName::Statistical => Self::Statistical,
            FillName::RandomEdits => Self::RandomEdits,
            FillName::Nothing => Self::Nothing,
        }
    }
}

impl From<Fill> for FillName {
    fn from(fill: Fill) -> Self {
        match fill {
            Fill::Statistical => Self::Statistical,
            Fill::RandomEdits => Self::RandomEdits,
            Fill::Nothing => Self::Nothing,
        }
    }
}

impl Arguments {
    /// The device; this machine where none is named.
    pub fn target(&self) -> Target {
        self.device.clone().unwrap_or(Target::Host)
    }

    /// The searcher that is named, or the user's own.
    pub fn searcher(&self) -> Option<Searcher> {
        self.propose.as_ref().map(|own| own.searcher).or(self.searcher)
    }

    /// Whether a language model is asked.
    pub fn asks_model(&self) -> bool {
        match self.searcher() {
            Some(Searcher::Llm) => true,
            Some(Searcher::Operators) if self.operators.is_empty() => self.model.given().is_some(),
            Some(Searcher::Operators) => {
                self.operators.iter().any(|one| matches!(one, OperatorName::Model(_)))
            }
            _ => false,
        }
    }

    /// Whether a place is named that latency comes from.
    pub fn names_latency(&self) -> bool {
        self.device.is_some() || self.latency_table.is_some()
    }

    /// Whether a place is named that accuracy comes from, other than a program.
    pub fn names_accuracy(&self) -> bool {
        self.accuracy.is_some() || self.accuracy_table.is_some()
    }

    /// All limits.
    pub fn limits(&self) -> Vec<Limit> {
        let latency = self.max_latency.map(|limit| Limit::at_most("latency", limit.0));
        let energy = self.max_energy.map(|limit| Limit::at_most("energy", limit.0));
        latency.into_iter().chain(energy).chain(self.limit.iter().cloned()).collect()
    }

    /// The first option under "How to search" that is given.
    pub fn guides(&self) -> Option<&'static str> {
        let options = [
            ("--generations", self.generations.is_some()),
            ("--children", self.children.is_some()),
            ("--initial", self.initial.is_some()),
            ("--partition", self.partition.is_given()),
            ("--allocation", self.allocation.is_given()),
            ("--rules", self.rules.file().is_some()),
        ];
        options.into_iter().find_map(|(option, given)| given.then_some(option))
    }

    /// What starts workers, if an engine is named.
    pub fn engine(&self) -> Option<EngineArguments> {
        self.engine.given(self.evaluate.workers)
    }

    /// The first option that is given and only concerns proxies.
    pub fn about_proxies(&self) -> Option<&'static str> {
        let is_theirs = self.engine.engine.is_some() && !self.evaluate.is_given();
        self.proxy.given().or(is_theirs.then_some("--engine"))
    }

    /// The first option about the training of networks that is given.
    pub fn training(&self) -> Option<&'static str> {
        self.trained.map(|_| "--trained").or(self.acquisition.map(|_| "--acquisition"))
    }
}
