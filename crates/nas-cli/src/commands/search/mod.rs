use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::ValueEnum;
use nas_hw::{Millijoules, Millis};
use nas_llm::{Kind, LanguageModel, Prompting};
use nas_search::{
    Event, Evolution, Listed, Outcome, Proposer, Random, Search, Settings, Statistical,
};
use nas_space::{Space, nasbench201, nasbench201::Dataset};

use crate::{
    commands::{
        Target,
        live::ProxyArguments,
        model::{ModelArguments, Prompts},
        parse_dataset, parse_space,
    },
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

/// Architectures that a language model is asked for in each niche, where nothing else is said.
pub const CHILDREN: usize = 5;

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
    /// Published accuracy, or zero-cost proxies: for cifar10 as pel-nas computed them, else, and
    /// with --images, --batch or --compute, on the spot [default: proxies for host, else
    /// benchmark]
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
    /// What proposes architectures: what the search has measured (statistical), evolution, chance,
    /// or a language model
    #[arg(long, visible_alias = "proposer", value_enum, default_value_t)]
    searcher: Searcher,
    #[command(flatten)]
    partition: PartitionArguments,
    /// Architectures to evaluate [default: 600 from tables, 200 where they are measured]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    evaluations: Option<u32>,
    /// Generations after the random sample that starts the search, in place of a number of
    /// evaluations [default for a language model: 10]
    #[arg(long, value_name = "N", conflicts_with = "evaluations", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    generations: Option<u32>,
    /// Architectures that a generation proposes for each niche [default: 5 where generations are
    /// counted or a language model proposes, else 15 at most for all niches together]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    children: Option<u32>,
    /// The seed of all randomness: the same seed gives the same search, as far as what is measured
    /// on this machine comes out the same
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    proxy: ProxyArguments,
    /// Where proxies are computed: cpu, cuda or cuda:N [default: cpu]
    #[arg(long, value_name = "cpu|cuda:N")]
    compute: Option<String>,
    #[command(flatten)]
    model: ModelArguments,
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
    Statistical,
    Evolution,
    Random,
    Llm,
}

pub fn run(arguments: &Arguments, data: Option<&Path>) -> Result<ExitCode, Failure> {
    if arguments.searcher != Searcher::Llm
        && let Some(option) = arguments.model.given()
    {
        return Err(Failure::input(format!("{option} says nothing without --proposer llm")));
    }
    if !arguments.scores()
        && let Some(option) = arguments.proxy.given(arguments.compute.as_deref())
    {
        return Err(Failure::input(format!(
            "{option} says nothing where accuracy comes from a table: add --accuracy proxies"
        )));
    }
    let space = nasbench201::space();
    let partition =
        arguments.partition.build(space, arguments.dataset, arguments.default_partition())?;
    let mut objectives = Objectives::new(arguments, data)?;
    let mut folder =
        RunFolder::prepare(arguments.run.as_deref(), &arguments.run_name(), arguments.force)?;
    let niches = partition.niches().len();
    let settings = arguments.settings(&objectives, niches);
    let transcript = arguments.transcript(&folder)?;
    let mut model = arguments.language_model(&settings, niches, &transcript)?;

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
            let proposer: &mut dyn Proposer = match (&mut model, arguments.searcher) {
                (Some(model), _) => model,
                (None, Searcher::Evolution) => &mut Evolution::default(),
                (None, Searcher::Random) => &mut Random,
                (None, _) => &mut Statistical,
            };
            go(&search, proposer, &mut objectives)?
        }
    };

    let model = model.as_ref().map(LanguageModel::report);
    if model.as_ref().is_some_and(|model| model.failures.contains_key(&Kind::NotRecorded)) {
        return Err(Failure::input(format!(
            "{} does not hold the calls of this search: replay it with the options and the seed of the search that was recorded, or name a server with --llm-url to go on where it ends",
            transcript.display()
        )));
    }
    let report = Report::new(arguments, &objectives, &outcome, model)?;
    folder.write("config.toml", arguments.config(&objectives, &settings)?);
    folder.write("generations.csv", report.generations().csv()?);
    let knowledge = outcome.knowledge.markdown(space, &partition, &outcome.objectives);
    folder.write("knowledge.md", knowledge);
    if let Some(model) = report.model_json()? {
        folder.write("model.json", model);
    }
    if let Ok(calls) = std::fs::read_to_string(&transcript) {
        folder.write("transcript.jsonl", calls);
    }
    folder.write("evaluations.csv", report.evaluations().csv()?);
    folder.write("front.csv", report.front().csv()?);
    folder.write("front.svg", report.figure().svg()?);
    let path = folder.finish()?;
    // A file of the user's choice stays where it is.
    if arguments.model.record.is_none() && arguments.model.replay.is_none() {
        let _ = std::fs::remove_file(&transcript);
    }
    report.print(&path)
}

/// Runs the search with progress on standard error.
fn go(
    search: &Search<'_>,
    proposer: &mut dyn Proposer,
    objectives: &mut Objectives,
) -> Result<Outcome, Failure> {
    let mut progress = Progress::new("evaluating", search.settings().evaluations);
    let (mut front, mut said) = (0, HashSet::new());
    let outcome = search.run(proposer, &mut objectives.evaluator, &mut |event| match event {
        Event::Evaluated { done, front: now, .. } => {
            front = *now;
            progress.update(*done, &format!("{front} on the front"));
        }
        // What is wrong in all niches is told once.
        Event::ProposerFailed { niche, error, .. } if said.insert(error.to_string()) => {
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

    /// Whether the proxies' score stands for accuracy.
    fn scores(&self) -> bool {
        self.accuracy() == Accuracy::Proxies && self.accuracy_table.is_none()
    }

    /// The paper's niches for the language model: they are what cures its bias.
    fn default_partition(&self) -> &'static str {
        if self.searcher == Searcher::Llm && self.model.prompting == Prompts::CoEvolution {
            "pel-nas"
        } else {
            "whole"
        }
    }

    /// The file with the calls of a language model.
    fn transcript(&self, folder: &RunFolder) -> Result<PathBuf, Failure> {
        let beside = || folder.beside("transcript.jsonl");
        match (&self.model.replay, &self.model.record) {
            (None, Some(file)) if file.parent() == Some(folder.path()) => {
                Err(Failure::input(format!(
                    "--record {} lies in the run's folder, which is not there before the search ends; it gets a transcript.jsonl in any case: leave --record out",
                    file.display()
                )))
            }
            (replay, record) => {
                Ok(replay.clone().or_else(|| record.clone()).unwrap_or_else(beside))
            }
        }
    }

    fn language_model(
        &self,
        settings: &Settings,
        niches: usize,
        transcript: &Path,
    ) -> Result<Option<LanguageModel>, Failure> {
        if self.searcher != Searcher::Llm {
            return Ok(None);
        }
        let proposed = settings.evaluations.saturating_sub(settings.initial);
        let generations = proposed.div_ceil(settings.generation.max(1));
        let calls = self.model.calls(generations, niches);
        let model = self.model.open(calls, transcript)?;
        let style = self.model.prompting.style();
        let prompting = Prompting { style, crossover: 0.5, generations, calls: Some(calls) };
        Ok(Some(LanguageModel::new(model, prompting)?))
    }

    /// Where generations are counted or a model proposes, ten random architectures for each niche
    /// start the search. Else a sixth of the budget, at most 100, starts it, and generations are a
    /// fortieth of it, at most 15. A model that is asked for architectures alone is left alone: nothing starts the
    /// search, and nothing fills what it owes.
    fn settings(&self, objectives: &Objectives, niches: usize) -> Settings {
        let seed = self.seed;
        let model = self.searcher == Searcher::Llm;
        let fill = !model || self.model.prompting == Prompts::CoEvolution;
        let sample = if fill { 10 * niches } else { 0 };
        let children = self.children.map(|children| children as usize * niches);
        let counted = model && self.evaluations.is_none();
        if let Some(generations) = self.generations.or(counted.then_some(10)) {
            let generation = children.unwrap_or(CHILDREN * niches);
            let evaluations = sample + generations as usize * generation;
            return Settings { evaluations, initial: sample, generation, fill, seed };
        }
        let default = if objectives.is_slow() { 200 } else { 600 };
        let evaluations =
            self.evaluations.map_or(default, |given| given as usize).min(nasbench201::CELLS);
        let (initial, generation) = if model {
            (sample.min(evaluations / 2), CHILDREN * niches)
        } else {
            ((evaluations / 6).clamp(1, 100), (evaluations / 40).clamp(1, 15))
        };
        Settings { evaluations, initial, generation: children.unwrap_or(generation), fill, seed }
    }

    /// The device in a word.
    fn device_name(&self) -> &'static str {
        match &self.latency_table {
            Some(_) => "table",
            None => self.device.name(),
        }
    }

    fn run_name(&self) -> String {
        let searcher = value_name(&self.searcher);
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
            fill: bool,
            seed: u64,
            #[serde(skip_serializing_if = "Option::is_none")]
            prompting: Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            replay: Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            proxies: Option<toml::Table>,
            #[serde(skip_serializing_if = "Option::is_none")]
            endpoint: Option<nas_llm::Endpoint>,
        }
        let asks_model = self.searcher == Searcher::Llm;
        let live = asks_model && self.model.endpoint.is_given();
        let config = Config {
            format_version: 1,
            nas_version: env!("CARGO_PKG_VERSION"),
            space: &self.space,
            dataset: self.dataset.name(),
            device: self.device_name(),
            objectives: objectives.origins.clone(),
            searcher: value_name(&self.searcher),
            partition: self.partition.name(self.default_partition()),
            evaluations: settings.evaluations,
            initial: settings.initial,
            generation: settings.generation,
            fill: settings.fill,
            seed: settings.seed,
            proxies: self
                .scores()
                .then(|| self.proxy.config(self.dataset, self.compute.as_deref())),
            prompting: asks_model.then(|| value_name(&self.model.prompting)),
            replay: self.model.replay.as_ref().map(|file| file.display().to_string()),
            endpoint: live.then(|| self.model.endpoint.endpoint()).transpose()?,
        };
        toml::to_string(&config)
            .map_err(|error| Failure::work(format!("cannot write the configuration: {error}")))
    }
}

/// A value as it is typed on the command line.
fn value_name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

/// The one space that there is so far.
fn space() -> &'static Space {
    nasbench201::space()
}
