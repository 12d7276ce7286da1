use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use clap::ValueEnum;
use nas_eval::{Acquisition, Problem, TrainingBudget};
use nas_hw::{Millijoules, Millis};
use nas_llm::{Kind, LanguageModel, Prompting};
use nas_partition::{Allocation, Partition};
use nas_search::{
    Event, FixedList, Outcome, Proposer, ReplayedEvaluator, Search, Settings, Statistical,
};
use nas_space::{Arch, Space};

use crate::{
    commands::{Workers, live::ComputedProxies, model::ModelArguments},
    evaluate::EvaluateArguments,
    failure::{Failure, STOPPED},
    journal::{self, EVENTS, Journal, Kept},
    output::Format,
    partition::{AllocationArgument, PartitionArguments, allocation_name},
    report::page,
    rules::RulesArgument,
    run_folder::{FORMAT_VERSION, RESULT, RunFolder, WORK},
    searcher::{Searcher, scan, schedule},
    space_arguments::SpaceArguments,
    stop::stop_signal,
    target::{Target, device_help},
    typed,
};

mod objectives;
mod report;
mod view;

use objectives::Objectives;
use report::Report;
pub use report::{BINS, TOLERANCE};
use view::View;

/// Architectures that a language model is asked for in each niche, where nothing else is said.
pub const CHILDREN: usize = 5;

/// Architectures that are listed at most.
const LISTED: usize = 10_000_000;

/// Networks that are trained for the predictor, where nothing else is asked for.
const TRAINED: u32 = 200;

#[derive(Debug, clap::Args)]
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
    #[command(flatten)]
    space: SpaceArguments,
    #[arg(long, value_name = "NAME", default_value = "host", value_parser = Target::parse, help = device_help())]
    device: Target,
    /// Accuracy predicted from labels; published accuracy of all; or zero-cost proxies: for
    /// cifar10 as pel-nas computed them, else, and with --images, --batch, --compute or --engine, on
    /// the spot [default: predictor where the benchmark's tables are there and none of these is
    /// given, but benchmark where your table of latencies holds no more than the labels; else
    /// proxies]
    #[arg(long, value_enum)]
    accuracy: Option<Accuracy>,
    /// Trained networks whose accuracies the predictor may use, one of a class of equal networks; each
    /// accuracy is a training run [default: 200]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    trained: Option<u32>,
    /// How they are chosen. active: three in ten at random (16 at least), the others where the
    /// front is expected to gain most. random: all at random [default: active]
    #[arg(long, value_enum)]
    acquisition: Option<AcquisitionName>,
    /// Your own accuracies: CSV with the columns arch and accuracy_percent
    #[arg(long, value_name = "FILE", conflicts_with = "accuracy")]
    accuracy_table: Option<PathBuf>,
    /// Your own latencies: CSV with the columns arch and latency_ms
    #[arg(long, value_name = "FILE", conflicts_with = "device")]
    latency_table: Option<PathBuf>,
    #[command(flatten)]
    evaluate: EvaluateArguments,
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
    /// a language model, or nothing: all are evaluated (exhaustive) [default: exhaustive where
    /// accuracy is predicted, latency looked up and nothing said of evaluations, generations, niches
    /// or rules, or as many evaluations as there are architectures, else statistical]
    #[arg(long, visible_alias = "proposer", value_enum)]
    searcher: Option<Searcher>,
    #[command(flatten)]
    partition: PartitionArguments,
    #[command(flatten)]
    allocation: AllocationArgument,
    #[command(flatten)]
    rules: RulesArgument,
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
    proxy: ComputedProxies,
    #[command(flatten)]
    model: ModelArguments,
    /// The run's folder [default: runs/<what is searched>]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Replace an earlier run in that folder, if it holds nothing else
    #[arg(long)]
    force: bool,
    /// Go on with a search that was stopped or killed, from what its folder keeps, with the arguments
    /// that it was started with: it ends as if nothing had happened
    #[arg(long, value_name = "RUN", exclusive = true)]
    resume: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Accuracy {
    Predictor,
    Benchmark,
    Proxies,
    /// A file of the user's, named by another option.
    #[value(skip)]
    Table,
    /// A command of the user's.
    #[value(skip)]
    Command,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AcquisitionName {
    Active,
    Random,
}

pub fn run(arguments: &Arguments, data: Option<&Path>) -> Result<ExitCode, Failure> {
    match &arguments.resume {
        Some(run) => resume(run, data),
        None => search(arguments, data, None),
    }
}

/// Takes an earlier run up, by the arguments that it was asked for with.
fn resume(run: &Path, data: Option<&Path>) -> Result<ExitCode, Failure> {
    let mut folder = RunFolder::open(run)?;
    if folder.ended()? {
        eprintln!("{} ended: there is nothing to go on with", run.display());
        return Ok(ExitCode::SUCCESS);
    }
    let (from, typed) = folder.asked()?;
    let crate::Arguments { data: typed_data, command } = typed::again(&typed)?;
    let crate::Command::Search(arguments) = command else {
        return Err(Failure::input(format!("{} keeps no arguments of a search", run.display())));
    };
    let data = data.map(Path::to_path_buf).or(typed_data);
    // Files are named as seen from where the search was started.
    if from.is_dir() && std::env::current_dir().ok().as_ref() != Some(&from) {
        let unreadable = |error: std::io::Error| Failure::file("find", run, &error);
        folder = RunFolder::open(&std::path::absolute(run).map_err(unreadable)?)?;
        std::env::set_current_dir(&from).map_err(|error| Failure::file("go to", &from, &error))?;
    }
    search(&arguments, data.as_deref(), Some(folder))
}

/// A search, in a folder of its own or in that of an earlier run, which it takes up.
fn search(
    arguments: &Arguments,
    data: Option<&Path>,
    earlier: Option<RunFolder>,
) -> Result<ExitCode, Failure> {
    if arguments.searcher != Some(Searcher::Llm)
        && let Some(option) = arguments.model.given()
    {
        return Err(Failure::input(format!("{option} says nothing without --proposer llm")));
    }
    let problem = arguments.space.problem()?;
    let space = problem.space;
    let cut = arguments.partition.build(&problem, arguments.default_partition(&problem))?;
    let rules = arguments.rules.read(space, &cut)?;
    let workers = Rc::new(Workers {
        stop: stop_signal()?,
        count: arguments.evaluate.workers,
        ..Workers::default()
    });
    let mut objectives = Objectives::new(arguments, &problem, data, &workers)?;
    arguments.check(&objectives)?;
    let searcher = arguments.searcher(&objectives, &problem);
    let resumed = earlier.is_some();
    let mut folder = match earlier {
        Some(folder) => folder,
        None => RunFolder::prepare(
            arguments.run.as_deref(),
            &arguments.run_name(searcher, &problem),
            arguments.force,
        )?,
    };
    let _ = workers.folder.set(folder.file(WORK));
    let niches = cut.niches();
    let mut settings = arguments.settings(&objectives, niches, &problem);
    let list = arguments.list(&mut objectives, searcher, &settings, space)?;
    if let Some(list) = &list {
        settings = scan(list.len(), settings);
    }
    // What it cannot be is told before an earlier run is replaced.
    let own = if list.is_none() { searcher.proposer(&problem)? } else { None };
    let (mut journal, kept) = if resumed {
        folder.resume(space)?
    } else {
        let mut calls = None;
        if searcher == Searcher::Llm {
            let model = &arguments.model;
            model.check(arguments.calls(&settings, niches), &folder)?;
            if let Some(file) = model.replay.as_ref().filter(|_| model.is_replayed()) {
                let read = std::fs::read(file);
                calls = Some(read.map_err(|error| Failure::file("read", file, &error))?);
            }
        }
        let config = arguments.config(&objectives, searcher, &settings, &problem)?;
        (folder.begin(&config, calls.as_deref())?, Kept::default())
    };
    let stop = &workers.stop;
    let model = arguments.language_model(&settings, niches, &folder, resumed, stop);
    let mut model = model.inspect_err(|_| folder.abandon())?;
    let whole = Partition::whole();
    let (search, mut proposer): (Search<'_>, Box<dyn Proposer>) = if let Some(list) = list {
        let name = Searcher::Exhaustive.name();
        (Search::new(space, &whole, settings), Box::new(FixedList::new(name, list)))
    } else {
        let proposer = own.unwrap_or_else(|| Box::new(Statistical));
        (cut.search(space, settings).with_rules(&rules), proposer)
    };
    let asked = model.as_ref().map(LanguageModel::model);
    let labels = objectives.budget.map(|budget| budget.count);
    let mut view = View::new(&settings, objectives.evaluator.objectives(), labels, asked);
    let proposer = match &mut model {
        Some(model) => model as &mut dyn Proposer,
        None => &mut *proposer,
    };
    let shown = folder.path().display();
    let goes_on = format!("what was evaluated is kept: nas search --resume {shown} goes on");
    let (search, journal) = (search.with_stop_flag(stop), &mut journal);
    let outcome = go(&search, proposer, &mut objectives, journal, kept, &mut view, stop).map_err(
        |failure| {
            folder.keep();
            failure.and(&goes_on)
        },
    )?;

    let model = model.as_ref().map(LanguageModel::contribution);
    if model.as_ref().is_some_and(|model| model.failures.contains_key(&Kind::NotRecorded)) {
        folder.abandon();
        return Err(arguments.not_recorded(&folder));
    }
    folder.keep();
    let stopped = || {
        let (done, all) = (outcome.evaluated.len(), settings.evaluations);
        eprintln!("stopped after {done} of {all} evaluations: nas search --resume {shown} goes on");
        Ok(ExitCode::from(STOPPED))
    };
    if outcome.interrupted && outcome.evaluated.is_empty() {
        return stopped();
    }
    let report =
        Report::new(arguments, &problem, &objectives, &outcome, model, settings.evaluations)?;
    let code = results(arguments, &folder, &report).map_err(|failure| failure.and(&goes_on))?;
    if outcome.interrupted {
        return stopped();
    }
    journal.forget();
    Ok(code)
}

/// Writes what a search came to into its folder, and prints it.
fn results(
    arguments: &Arguments,
    folder: &RunFolder,
    report: &Report<'_>,
) -> Result<ExitCode, Failure> {
    folder.write("generations.csv", &report.generations().csv()?)?;
    folder.write("knowledge.md", &report.knowledge())?;
    if let Some(model) = report.model_json()? {
        folder.write("model.json", &model)?;
    }
    let transcript = arguments.model.transcript(folder);
    if transcript != folder.file("transcript.jsonl")
        && let Ok(calls) = std::fs::read_to_string(&transcript)
    {
        folder.write("transcript.jsonl", &calls)?;
    }
    folder.write("evaluations.csv", &report.evaluations().csv()?)?;
    folder.write("front.csv", &report.front().csv()?)?;
    folder.write("front.svg", &report.figure().svg()?)?;
    let config = folder.config()?;
    let refused = journal::refusals(&folder.file(EVENTS));
    folder.write("report.html", &page(&[&report.page(folder.path(), &config, refused)?])?)?;
    // What tells that all is there.
    folder.write(RESULT, &format!("{:#}\n", report.json()))?;
    report.print(folder.path())
}

/// Runs the search, or the rest of it, in view of its user, and takes down what happens.
fn go(
    search: &Search<'_>,
    proposer: &mut dyn Proposer,
    objectives: &mut Objectives,
    journal: &mut Journal,
    kept: Kept,
    view: &mut View,
    stop: &AtomicBool,
) -> Result<Outcome, Failure> {
    let mut on_event = |event: &Event<'_>| {
        // What cannot be taken down is not to be evaluated.
        if !journal.take(event, search.space()) {
            stop.store(true, Ordering::Relaxed);
        }
        view.show(event);
    };
    let Kept { state, answers } = kept;
    let mut evaluator = ReplayedEvaluator::new(answers, &mut *objectives.evaluator);
    let outcome = match state {
        Some(state) => search.resume(state, proposer, &mut evaluator, &mut on_event),
        None => search.run(proposer, &mut evaluator, &mut on_event),
    };
    view.finish();
    journal.finish()?;
    Ok(outcome?)
}

impl Arguments {
    /// Where accuracy comes from: what is there decides where nothing is said.
    fn accuracy(&self, published: bool) -> Accuracy {
        if self.evaluate.command().is_some() {
            return Accuracy::Command;
        }
        if self.accuracy_table.is_some() {
            return Accuracy::Table;
        }
        let computed = self.proxy.given().is_some();
        let default = if published && !computed { Accuracy::Predictor } else { Accuracy::Proxies };
        self.accuracy.unwrap_or(default)
    }

    /// How many networks may be trained, and which.
    fn training_budget(&self) -> TrainingBudget {
        let acquisition = match self.acquisition {
            Some(AcquisitionName::Random) => Acquisition::Random,
            _ => Acquisition::Active,
        };
        let count = self.trained.unwrap_or(TRAINED) as usize;
        TrainingBudget { count, acquisition, seed: self.seed }
    }

    /// Refuses options that say nothing here.
    fn check(&self, objectives: &Objectives) -> Result<(), Failure> {
        let says_nothing = |option: &str, why: &str, add: &str| {
            Err(Failure::input(format!("{option} says nothing where {why}: add {add}")))
        };
        if self.searcher == Some(Searcher::Llm) && self.allocation() == Allocation::Adaptive {
            return Err(Failure::input(
                "--allocation adaptive: each niche has calls of a language model of its own; leave it out, or name another --searcher",
            ));
        }
        if objectives.accuracy != Accuracy::Proxies
            && let Some(option) = self.proxy.given()
        {
            if objectives.accuracy == Accuracy::Command {
                return Err(Failure::input(format!(
                    "{option} says nothing here: --evaluate says what architectures are worth"
                )));
            }
            let why = "accuracy comes from elsewhere";
            return says_nothing(option, why, "--accuracy proxies");
        }
        let training =
            self.trained.map(|_| "--trained").or(self.acquisition.map(|_| "--acquisition"));
        if let (None, Some(option)) = (objectives.budget, training) {
            if objectives.accuracy == Accuracy::Predictor {
                return Err(Failure::input(format!(
                    "{option} says nothing here: the predictor learns from all that was published"
                )));
            }
            return says_nothing(option, "accuracy is not predicted", "--accuracy predictor");
        }
        match self.guides().or(self.evaluations.map(|_| "--evaluations")) {
            Some(option) if self.searcher == Some(Searcher::Exhaustive) => {
                says_nothing(option, "all are evaluated", "another --searcher")
            }
            _ => Ok(()),
        }
    }

    /// The first option that says how to search.
    fn guides(&self) -> Option<&'static str> {
        let options = [
            ("--generations", self.generations.is_some()),
            ("--children", self.children.is_some()),
            ("--partition", self.partition.is_given()),
            ("--allocation", self.allocation.is_given()),
            ("--rules", self.rules.file().is_some()),
        ];
        options.into_iter().find_map(|(option, given)| given.then_some(option))
    }

    /// Whether an evaluation takes a noticeable time.
    fn is_slow(&self, objectives: &Objectives) -> bool {
        objectives.evaluator.batch() < usize::MAX || self.proxy.by_workers()
    }

    /// What proposes: nothing where all can be predicted, or are to be evaluated.
    fn searcher(&self, objectives: &Objectives, problem: &Problem) -> Searcher {
        let all = match self.evaluations {
            Some(evaluations) => evaluations as usize >= size(problem.space),
            None => objectives.accuracy == Accuracy::Predictor && !self.is_slow(objectives),
        };
        let default = if all && self.guides().is_none() {
            Searcher::Exhaustive
        } else {
            Searcher::Statistical
        };
        self.searcher.unwrap_or(default)
    }

    /// The paper's niches for the language model: they are what cures its bias.
    fn default_partition(&self, problem: &Problem) -> &'static str {
        let cut =
            self.searcher == Some(Searcher::Llm) && self.model.prompting.style().has_parents();
        match (cut, &problem.niches) {
            (true, Some(_)) => "pel-nas",
            (true, None) => "automatic",
            (false, _) => "whole",
        }
    }

    /// The architectures to evaluate, where they are known before.
    fn list(
        &self,
        objectives: &mut Objectives,
        searcher: Searcher,
        settings: &Settings,
        space: &Space,
    ) -> Result<Option<Vec<Arch>>, Failure> {
        Ok(match objectives.candidates.take() {
            Some(candidates) if candidates.len() <= settings.evaluations => {
                eprintln!("your table holds {} architectures: all are evaluated", candidates.len());
                Some(candidates)
            }
            candidates if searcher == Searcher::Exhaustive => {
                let all = match candidates {
                    Some(candidates) => candidates,
                    None if is_countable(space) => space.enumerate().collect(),
                    None => {
                        return Err(Failure::input(format!(
                            "{} holds too many architectures to evaluate all: name another --searcher",
                            space.name()
                        )));
                    }
                };
                if self.evaluations.is_some() {
                    let count = all.len();
                    eprintln!("{} holds {count} architectures: all are evaluated", space.name());
                }
                Some(all)
            }
            _ => None,
        })
    }

    /// Generations after the initial sample.
    fn planned(settings: &Settings) -> usize {
        let proposed = settings.evaluations.saturating_sub(settings.initial);
        proposed.div_ceil(settings.generation.max(1))
    }

    /// Calls that a language model may take.
    fn calls(&self, settings: &Settings, niches: usize) -> u64 {
        self.model.calls(Self::planned(settings), niches)
    }

    fn language_model(
        &self,
        settings: &Settings,
        niches: usize,
        folder: &RunFolder,
        resumed: bool,
        stop: &Arc<AtomicBool>,
    ) -> Result<Option<LanguageModel>, Failure> {
        if self.searcher != Some(Searcher::Llm) {
            return Ok(None);
        }
        let (generations, calls) = (Self::planned(settings), self.calls(settings, niches));
        let model = self.model.open(calls, folder, resumed)?;
        let style = self.model.prompting.style();
        let prompting = Prompting { style, crossover: 0.5, generations, calls: Some(calls) };
        Ok(Some(LanguageModel::new(model, prompting)?.with_stop_flag(Arc::clone(stop))))
    }

    /// What is to be told where a record is of another search.
    fn not_recorded(&self, folder: &RunFolder) -> Failure {
        let transcript = self.model.transcript(folder);
        let transcript = self.model.replay.as_ref().unwrap_or(&transcript);
        Failure::input(format!(
            "{} does not hold the calls of this search: replay it with the options and the seed of the search that was recorded, or name a server with --llm-url to go on where it ends",
            transcript.display()
        ))
    }

    /// A model's niches have calls of their own.
    fn allocation(&self) -> Allocation {
        let model = self.searcher == Some(Searcher::Llm);
        self.allocation.or(if model { Allocation::Equal } else { Allocation::Adaptive })
    }

    /// Where generations are counted or a model proposes, ten random architectures for each niche
    /// start the search. Else a sixth of the budget, at most 100, starts it, and generations are a
    /// fortieth of it, at most 15. A model that is asked for architectures alone is left alone: nothing starts the
    /// search, and nothing fills what it owes.
    fn settings(&self, objectives: &Objectives, niches: usize, problem: &Problem) -> Settings {
        let (seed, allocation) = (self.seed, self.allocation());
        let model = self.searcher == Some(Searcher::Llm);
        let fill = !model || self.model.prompting.style().has_parents();
        let sample = if fill { 10 * niches } else { 0 };
        let children = self.children.map(|children| children as usize * niches);
        let counted = model && self.evaluations.is_none();
        if let Some(generations) = self.generations.or(counted.then_some(10)) {
            let generation = children.unwrap_or(CHILDREN * niches);
            let evaluations = sample + generations as usize * generation;
            return Settings { evaluations, initial: sample, generation, allocation, fill, seed };
        }
        let default = if self.is_slow(objectives) { 200 } else { 600 };
        let evaluations =
            self.evaluations.map_or(default, |given| given as usize).min(size(problem.space));
        let schedule = schedule(evaluations, seed);
        let (initial, generation) = if model {
            (sample.min(evaluations / 2), CHILDREN * niches)
        } else {
            (schedule.initial, schedule.generation)
        };
        let generation = children.unwrap_or(generation);
        Settings { initial, generation, allocation, fill, ..schedule }
    }

    /// The device in a word.
    fn device_name(&self) -> String {
        match (&self.latency_table, self.evaluate.command()) {
            (_, Some(_)) => "command".to_owned(),
            (Some(_), None) => "table".to_owned(),
            (None, None) => self.device.name(),
        }
    }

    fn run_name(&self, searcher: Searcher, problem: &Problem) -> String {
        let searcher = searcher.name();
        // A user's names may hold what a folder's may not.
        let what = problem.name.replace(|c: char| !(c.is_alphanumeric() || "-_.".contains(c)), "-");
        format!("{what}-{}-{searcher}-seed{}", self.device_name(), self.seed)
    }

    /// The program's arguments as they were typed, but for where the run's folder is and what a URL
    /// hides.
    fn typed(&self) -> Vec<String> {
        let mut typed = typed::without(&["--run", "--llm-url"], &["--force"]);
        if let Some(url) = self.model.endpoint.shown_url() {
            typed.extend(["--llm-url".to_owned(), url]);
        }
        typed
    }

    /// What is needed to run it again.
    fn config(
        &self,
        objectives: &Objectives,
        searcher: Searcher,
        settings: &Settings,
        problem: &Problem,
    ) -> Result<String, Failure> {
        #[derive(serde::Serialize)]
        struct Config<'a> {
            format_version: u32,
            nas_version: &'static str,
            space: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            dataset: Option<&'static str>,
            device: String,
            objectives: Vec<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            trained: Option<usize>,
            #[serde(skip_serializing_if = "Option::is_none")]
            acquisition: Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            max_latency_ms: Option<f64>,
            #[serde(skip_serializing_if = "Option::is_none")]
            max_energy_mj: Option<f64>,
            searcher: String,
            partition: &'a str,
            allocation: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            rules: Option<String>,
            evaluations: usize,
            initial: usize,
            generation: usize,
            fill: bool,
            seed: u64,
            #[serde(skip_serializing_if = "Option::is_none")]
            prompting: Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            replay: Option<String>,
            folder: PathBuf,
            arguments: Vec<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            proxies: Option<toml::Table>,
            #[serde(skip_serializing_if = "Option::is_none")]
            endpoint: Option<nas_llm::Endpoint>,
        }
        let asks_model = searcher == Searcher::Llm;
        let live = asks_model && self.model.endpoint.is_given();
        let config = Config {
            format_version: FORMAT_VERSION,
            nas_version: env!("CARGO_PKG_VERSION"),
            space: &self.space.space,
            dataset: problem.dataset_name,
            device: self.device_name(),
            objectives: objectives.origins.clone(),
            trained: objectives.budget.map(|budget| budget.count),
            acquisition: objectives
                .budget
                .map(|_| value_name(&self.acquisition.unwrap_or(AcquisitionName::Active))),
            max_latency_ms: self.max_latency.map(|limit| limit.0),
            max_energy_mj: self.max_energy.map(|limit| limit.0),
            searcher: searcher.name(),
            partition: self.partition.name(self.default_partition(problem)),
            allocation: allocation_name(settings.allocation),
            rules: self.rules.file().map(|file| file.display().to_string()),
            evaluations: settings.evaluations,
            initial: settings.initial,
            generation: settings.generation,
            fill: settings.fill,
            seed: settings.seed,
            folder: std::env::current_dir().unwrap_or_default(),
            arguments: self.typed(),
            proxies: (objectives.accuracy == Accuracy::Proxies).then(|| self.proxy.config(problem)),
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

/// How many architectures a space holds at most.
fn size(space: &Space) -> usize {
    space.size().and_then(|size| usize::try_from(size).ok()).unwrap_or(usize::MAX)
}

/// Whether all architectures of a space can be listed.
fn is_countable(space: &Space) -> bool {
    size(space) <= LISTED
}
