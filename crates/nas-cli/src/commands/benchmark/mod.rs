//! `nas benchmark`: searchers compared with equal budgets.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::ValueEnum;

use crate::{
    failure::Failure,
    output::Format,
    partition::{AllocationArgument, PartitionArguments},
    propose::OwnSearcher,
    rules::RulesArgument,
    searcher::{Searcher, SelectionName},
    space_arguments::{dataset_help, default_space, space_help},
    target::parse_published,
};

mod accuracy;
mod contender;
mod pair;
mod report;
mod search;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  nas benchmark
  nas benchmark --searchers nsga2,local --seeds 10
  nas benchmark --partition pel-nas --devices fpga    in the paper's niches
  nas benchmark --propose \"python3 mine.py\"           your own searcher too
  nas benchmark --at 50,100,200,400 --format csv      convergence")]
pub struct Arguments {
    /// The searchers to compare
    #[arg(
        long,
        value_enum,
        value_name = "NAME,…",
        value_delimiter = ',',
        default_value = "random,evolution,statistical"
    )]
    searchers: Vec<Searcher>,
    /// Your own searchers to compare too, each a command as in nas search --propose; may be repeated
    #[arg(long, value_name = "COMMAND", value_parser = OwnSearcher::parse)]
    propose: Vec<OwnSearcher>,
    /// Simulated language models to compare too, which choose among candidates: with this probability the
    /// one that truly adds most to the front, else at random
    #[arg(long, value_name = "S,…", value_delimiter = ',', value_parser = skill)]
    skill: Vec<f64>,
    /// Searchers that share a search by what each has added, to compare too; with --skill once for each
    /// simulated model, which is the first of them. CSV and JSON contain the share of the first among what
    /// was proposed since the row before
    #[arg(long, value_enum, value_name = "NAME,…", value_delimiter = ',')]
    operators: Vec<Searcher>,
    /// How those that share a search are chosen
    #[arg(long, value_enum, default_value_t)]
    selection: SelectionName,
    #[arg(long, value_name = "NAME", default_value_t = default_space(), help = space_help(""))]
    space: String,
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', help = format!("{} [default: all]", dataset_help()))]
    datasets: Vec<String>,
    /// Devices with published costs of the space [default: all]
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', value_parser = parse_published)]
    devices: Vec<String>,
    /// Searches of each searcher for each pair of data set and device
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    seeds: u32,
    /// The first seed
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// Architectures that each search evaluates
    #[arg(long, value_name = "N", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..))]
    evaluations: u32,
    /// Architectures of the random sample that starts each search [default: a sixth of the evaluations, at
    /// most 100]
    #[arg(long, value_name = "N")]
    initial: Option<u32>,
    /// Architectures that a generation proposes for each niche [default: a fortieth of the evaluations, at
    /// most 15, for all niches together]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    children: Option<u32>,
    /// Also score single proposals: the share that entered their niche's front, and the mean percentile of
    /// what they added to its hypervolume, among all that could have been proposed
    #[arg(long)]
    proposals: bool,
    /// Also score the fronts after these numbers of evaluations
    #[arg(long, value_name = "N,…", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..))]
    at: Vec<u32>,
    /// Where accuracy comes from
    #[arg(long, value_enum, default_value = "benchmark")]
    accuracy: Accuracy,
    /// Networks that a predictor may train, no two of one class of isomorphic cells
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    trained: u32,
    /// The proxy of --accuracy proxy, computed on CIFAR-10; greater is better
    #[arg(long, value_name = "NAME", default_value = "nwot")]
    proxy: String,
    /// Candidates of each niche that random-choice chooses from
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(2..=100))]
    candidates: u32,
    /// Also write the fronts of all searches to this CSV file
    #[arg(long, value_name = "FILE")]
    fronts: Option<PathBuf>,
    /// Replace the file of --fronts if it exists
    #[arg(long, requires = "fronts")]
    force: bool,
    /// Also minimise energy, on devices with published energy
    #[arg(long)]
    energy: bool,
    /// The format of the results
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    partition: PartitionArguments,
    #[command(flatten)]
    allocation: AllocationArgument,
    #[command(flatten)]
    rules: RulesArgument,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Accuracy {
    /// The published accuracies of all networks
    Benchmark,
    /// Predicted from networks that each search trains, as in nas search
    Predictor,
    /// Predicted from random networks, the same for all searches of a seed
    SharedPredictor,
    /// A zero-cost proxy instead of accuracy
    Proxy,
}

/// What a file of fronts has in place of a searcher where the front is the exact one.
pub const EXACT: &str = "exact";

/// The error about a file of fronts that contains no other.
pub fn only_exact(file: &str) -> Failure {
    Failure::input(format!(
        "{file}: all rows are of the searcher `{EXACT}`, the exact front; expected fronts that a search found"
    ))
}

pub fn run(arguments: &Arguments, tables: Option<&Path>) -> Result<ExitCode, Failure> {
    arguments.check()?;
    let datasets = arguments.datasets(tables)?;
    let pairs = arguments.pairs(&datasets)?;
    let rows = arguments.searches(&pairs)?;
    if let Some(file) = &arguments.fronts {
        let fronts = arguments.fronts(&pairs, &rows).csv()?;
        std::fs::write(file, fronts).map_err(|error| Failure::file("write", file, &error))?;
    }
    arguments.report(&rows, pairs.len())?;
    arguments.note_own(&rows);
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    /// Refuses searchers and options that cannot be compared.
    fn check(&self) -> Result<(), Failure> {
        for searcher in &self.searchers {
            let why = match (searcher, self.accuracy) {
                (Searcher::Llm, _) => "use `nas search --searcher llm`",
                (Searcher::Operators, _) => {
                    "name what shares the search with --operators, for example --operators random-edits,statistical"
                }
                (Searcher::Exhaustive, Accuracy::Benchmark) => {
                    "with --accuracy benchmark it finds the exact front; name another --accuracy"
                }
                _ => continue,
            };
            let name = searcher.name();
            return Err(Failure::input(format!(
                "--searchers {name}: cannot be compared here; {why}"
            )));
        }
        let operators = distinct(&self.operators);
        if let Some(one) = operators.first()
            && operators.len() + self.skill.len() < 2
        {
            return Err(Failure::input(format!(
                "--operators {}: expected two or more, which share the search, or --skill with one",
                one.name()
            )));
        }
        for (at, own) in self.propose.iter().enumerate() {
            if self.propose[..at].iter().any(|other| other.searcher == own.searcher) {
                let (name, command) = (own.searcher.name(), &own.command);
                return Err(Failure::input(format!(
                    "--propose: two searchers are named {name}: name one before its command, as in \"{name}-2: {command}\""
                )));
            }
        }
        if let Some(at) = self.at.iter().find(|at| **at > self.evaluations) {
            let all = self.evaluations;
            return Err(Failure::input(format!(
                "--at {at}: each search ends after {all} evaluations: raise --evaluations, or leave it out"
            )));
        }
        match &self.fronts {
            Some(file) => Failure::occupied(file, self.force, "fronts.csv"),
            None => Ok(()),
        }
    }

    fn seeds(&self) -> impl Iterator<Item = u64> + use<> {
        (self.seed..).take(self.seeds as usize)
    }
}

/// Reads a skill; for clap.
pub fn skill(text: &str) -> Result<f64, String> {
    let skill = text.parse().ok().filter(|skill| (0.0..=1.0).contains(skill));
    skill.ok_or_else(|| "expected a probability from 0 to 1, for example 0.5".to_owned())
}

/// Each one once, in order.
fn distinct<T: Clone + PartialEq>(named: &[T]) -> Vec<T> {
    let mut once = Vec::with_capacity(named.len());
    for one in named {
        if !once.contains(one) {
            once.push(one.clone());
        }
    }
    once
}
