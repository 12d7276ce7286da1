use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::ValueEnum;
use nas_hw::{Millijoules, Millis};
use nas_search::{Event, Evolution, Listed, Outcome, Proposer, Random, Search, Settings};
use nas_space::{Space, nasbench201, nasbench201::Dataset};

use crate::{
    commands::{Target, live::ProxyArguments, parse_dataset},
    failure::Failure,
    output::Format,
    partition::PartitionArguments,
    progress::Progress,
    run_folder::RunFolder,
};

mod objectives;
mod report;

use objectives::Objectives;
use report::Report;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  nas search                                  for this machine: proxies and measured latency
  nas search --max-latency 5ms                the best found within 5 ms on this machine
  nas search --device raspi4 --dataset cifar100    on published accuracy and latency
  nas search --latency-table mine.csv --accuracy benchmark    on your own measurements")]
pub struct Arguments {
    /// The search space: nasbench201
    #[arg(long, value_name = "NAME", default_value = "nasbench201", value_parser = parse_space)]
    space: String,
    /// cifar10, cifar100 or ImageNet16-120
    #[arg(long, value_name = "NAME", default_value = "cifar10", value_parser = parse_dataset)]
    dataset: Dataset,
    /// host measures on this machine; edgegpu, raspi4, edgetpu, pixel3, eyeriss and fpga are
    /// published (HW-NAS-Bench)
    #[arg(long, value_name = "NAME", default_value = "host", value_parser = Target::parse)]
    device: Target,
    /// Published accuracy, or zero-cost proxies computed on the spot [default: proxies for host,
    /// else benchmark]
    #[arg(long, value_enum)]
    accuracy: Option<Accuracy>,
    /// Your own accuracies: CSV with the columns arch and accuracy_percent
    #[arg(long, value_name = "FILE", conflicts_with = "accuracy")]
    accuracy_table: Option<PathBuf>,
    /// Your own latencies: CSV with the columns arch and latency_ms
    #[arg(long, value_name = "FILE", conflicts_with = "device")]
    latency_table: Option<PathBuf>,
    /// Also minimise energy (published for edgegpu, eyeriss and fpga)
    #[arg(long)]
    energy: bool,
    /// Print the best architecture found within this latency, for example 5ms
    #[arg(long, value_name = "TIME")]
    max_latency: Option<Millis>,
    /// Print the best architecture found within this energy, for example 10mJ; implies --energy
    #[arg(long, value_name = "ENERGY")]
    max_energy: Option<Millijoules>,
    /// What proposes architectures
    #[arg(long, value_enum, default_value_t)]
    searcher: Searcher,
    #[command(flatten)]
    partition: PartitionArguments,
    /// Architectures to evaluate [default: 600 from tables, 200 where they are measured]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    evaluations: Option<u32>,
    /// The seed of all randomness: the same seed gives the same search, as far as what is measured
    /// on this machine comes out the same
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    proxy: ProxyArguments,
    /// The run's folder [default: runs/<what is searched>]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Replace an earlier run in that folder, if it holds nothing else
    #[arg(long)]
    force: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Accuracy {
    Benchmark,
    Proxies,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Searcher {
    #[default]
    Evolution,
    Random,
}

impl Searcher {
    fn proposer(self) -> Box<dyn Proposer> {
        match self {
            Self::Evolution => Box::new(Evolution::default()),
            Self::Random => Box::new(Random),
        }
    }
}

fn parse_space(name: &str) -> Result<String, String> {
    let known = nasbench201::space().name();
    if name == known {
        return Ok(name.to_owned());
    }
    Err(nas_space::Error::unknown_name("space", name, [known]).to_string())
}

pub fn run(arguments: &Arguments, data: Option<&Path>) -> Result<ExitCode, Failure> {
    let space = nasbench201::space();
    let partition = arguments.partition.build(space, arguments.dataset)?;
    let mut objectives = Objectives::new(arguments, data)?;
    let mut folder =
        RunFolder::prepare(arguments.run.as_deref(), &arguments.run_name(), arguments.force)?;
    let settings = arguments.settings(&objectives);

    let outcome = match objectives.candidates.take() {
        Some(candidates) if candidates.len() <= settings.evaluations => {
            eprintln!("your table holds {} architectures: all are evaluated", candidates.len());
            let settings = Settings { evaluations: candidates.len(), initial: 0, ..settings };
            let whole = nas_partition::Partition::whole();
            let search = Search::new(space, &whole, settings);
            go(&search, &mut Listed::new(candidates), &mut objectives)?
        }
        _ => {
            let search = Search::new(space, &partition, settings);
            go(&search, &mut *arguments.searcher.proposer(), &mut objectives)?
        }
    };

    let report = Report::new(arguments, &objectives, &outcome)?;
    folder.write("config.toml", arguments.config(&objectives, &settings)?);
    folder.write("evaluations.csv", report.evaluations().csv()?);
    folder.write("front.csv", report.front().csv()?);
    folder.write("front.svg", report.figure().svg()?);
    let path = folder.finish()?;
    report.print(&path)
}

/// Runs the search with progress on standard error.
fn go(
    search: &Search<'_>,
    proposer: &mut dyn Proposer,
    objectives: &mut Objectives,
) -> Result<Outcome, Failure> {
    let mut progress = Progress::new("evaluating", search.settings().evaluations);
    let mut front = 0;
    let outcome = search.run(proposer, &mut objectives.evaluator, &mut |event| match event {
        Event::Evaluated { done, front: now, .. } => {
            front = *now;
            progress.update(*done, &format!("{front} on the front"));
        }
        Event::ProposerFailed { niche, error, .. } => {
            progress.say(&format!("niche {}: no proposals: {error}", niche + 1));
        }
        _ => {}
    });
    progress.finish();
    Ok(outcome?)
}

impl Arguments {
    fn accuracy(&self) -> Accuracy {
        let measured = self.device == Target::Host && self.latency_table.is_none();
        let default = if measured { Accuracy::Proxies } else { Accuracy::Benchmark };
        self.accuracy.unwrap_or(default)
    }

    /// A sixth of the budget, at most 100, starts the search; generations are a fortieth of it,
    /// at most 15.
    fn settings(&self, objectives: &Objectives) -> Settings {
        let default = if objectives.is_slow() { 200 } else { 600 };
        let evaluations = self.evaluations.map_or(default, |given| given as usize);
        Settings {
            evaluations,
            initial: (evaluations / 6).clamp(1, 100),
            generation: (evaluations / 40).clamp(1, 15),
            seed: self.seed,
        }
    }

    /// The device in a word.
    fn device_name(&self) -> &'static str {
        match &self.latency_table {
            Some(_) => "table",
            None => self.device.name(),
        }
    }

    fn run_name(&self) -> String {
        let searcher = self.searcher.to_possible_value();
        let searcher = searcher.as_ref().map_or("search", clap::builder::PossibleValue::get_name);
        format!("{}-{}-{searcher}-seed{}", self.dataset, self.device_name(), self.seed)
    }

    /// What is needed to run it again.
    fn config(&self, objectives: &Objectives, settings: &Settings) -> Result<String, Failure> {
        #[derive(serde::Serialize)]
        struct Config<'a> {
            format_version: u32,
            nas_version: &'static str,
            space: &'a str,
            dataset: &'static str,
            device: &'a str,
            objectives: Vec<String>,
            searcher: String,
            partition: &'a str,
            evaluations: usize,
            initial: usize,
            generation: usize,
            seed: u64,
            #[serde(skip_serializing_if = "Option::is_none")]
            proxies: Option<toml::Table>,
        }
        let config = Config {
            format_version: 1,
            nas_version: env!("CARGO_PKG_VERSION"),
            space: &self.space,
            dataset: self.dataset.name(),
            device: self.device_name(),
            objectives: objectives.origins.clone(),
            searcher: format!("{:?}", self.searcher).to_lowercase(),
            partition: &self.partition.partition,
            evaluations: settings.evaluations,
            initial: settings.initial,
            generation: settings.generation,
            seed: settings.seed,
            proxies: (self.accuracy() == Accuracy::Proxies && self.accuracy_table.is_none())
                .then(|| self.proxy.config()),
        };
        toml::to_string(&config)
            .map_err(|error| Failure::work(format!("cannot write the configuration: {error}")))
    }
}

/// The one space that there is so far.
fn space() -> &'static Space {
    nasbench201::space()
}
