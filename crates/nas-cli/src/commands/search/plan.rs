//! The plan of a search: all options and defaults, resolved once.
//!
//! [`Plan::resolve`] is a pure function of the arguments and the [`Facts`] about available data. All
//! code that runs, resumes or reports on the search reads the plan; `config.toml` contains it.

use std::path::{Path, PathBuf};

use nas_eval::{Acquisition, Problem, TrainingBudget};
use nas_hw::Metric;
use nas_partition::Allocation;
use nas_search::{Objective, Role, Settings};
use serde::{Deserialize, Serialize};

use super::arguments::{Accuracy, AcquisitionName, Arguments};
use crate::{
    commands::{live::ProxyPlan, model::ModelPlan},
    evaluate::ProgramPlan,
    failure::Failure,
    output::Format,
    partition::{AllocationName, PartitionArguments},
    searcher::{Searcher, schedule},
    target::{Target, check_published},
};

#[cfg(test)]
pub mod tests;

/// Architectures that a language model is asked for in each niche by default.
pub const CHILDREN: usize = 5;

/// Networks that are trained for the predictor by default.
const TRAINED: usize = 200;

/// The largest space in which every architecture is evaluated.
const LISTED: usize = 10_000_000;

/// Generations of a language model by default.
const GENERATIONS: usize = 10;

/// What a search does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// A known space, or a file with one.
    pub space: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// The device's name, for reading: `table` or `program` if costs come from these.
    pub device: String,
    /// The searcher.
    pub searcher: Searcher,
    pub allocation: AllocationName,
    /// A file with design rules to start with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<PathBuf>,
    /// Architectures evaluated in all.
    pub evaluations: usize,
    /// Of these, the random sample that starts the search.
    pub initial: usize,
    /// Architectures of a generation, over all niches.
    pub generation: usize,
    /// Whether statistics, then chance, add the proposals that the proposer did not make.
    pub fill: bool,
    pub seed: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_latency_ms: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_energy_mj: Option<f64>,
    /// How results are printed.
    pub format: Format,
    /// The folder with the benchmarks' tables, where one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    /// The folder that files are named from.
    pub folder: PathBuf,
    pub partition: PartitionArguments,
    pub objectives: Objectives,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelPlan>,
}

/// Where objectives come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "from")]
pub enum Objectives {
    /// All of them from the user's program.
    Program(ProgramPlan),
    /// Accuracy from one place, costs from others.
    Sources {
        accuracy: AccuracySource,
        latency: LatencySource,
        /// The device whose published energy is minimised too.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        energy: Option<String>,
    },
}

/// Where accuracy comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "from")]
pub enum AccuracySource {
    /// Predicted from few networks, which are chosen during the search.
    Trained { count: usize, acquisition: AcquisitionName },
    /// Predicted from all networks whose accuracies were published.
    Published,
    /// Published accuracies of all networks.
    Benchmark,
    /// A score of zero-cost proxies.
    Proxies(ProxyPlan),
    /// The user's file.
    Table { file: PathBuf },
}

/// Where latency comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "from")]
pub enum LatencySource {
    /// Measured on this machine's processor, or on its GPU of this number.
    Measured {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gpu: Option<usize>,
    },
    /// Published for a device.
    Published { device: String },
    /// The user's file.
    Table { file: PathBuf },
}

/// Which accuracies of a space were published and are downloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accuracies {
    /// None.
    Nothing,
    /// Of some networks.
    OfSome,
    /// Of all networks.
    OfAll,
}

/// What a plan depends on besides the arguments.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The published accuracies that are downloaded.
    pub accuracies: Accuracies,
    /// Architectures in the smallest of the user's tables.
    pub smallest_table: Option<usize>,
    /// Architectures that have a value in each of the user's tables.
    pub candidates: Option<usize>,
    /// The folder that files are named from.
    pub folder: PathBuf,
}

impl Plan {
    /// Resolves the arguments. `facts` is only called after every check that does not need it.
    ///
    /// # Errors
    /// Options that contradict each other or have no effect, each with what to type instead.
    pub fn resolve(
        arguments: &Arguments,
        data: Option<&Path>,
        problem: &Problem,
        facts: impl FnOnce() -> Result<Facts, Failure>,
    ) -> Result<Self, Failure> {
        refuse(arguments, problem)?;
        let facts = facts()?;
        let objectives = objectives(arguments, problem, &facts)?;
        refuse_with(arguments, &objectives)?;
        let default = default_partition(arguments, problem);
        let partition = arguments.partition.resolved(default);
        let niches = partition.build(problem, default)?.niches();
        let settings = settings(arguments, &objectives, niches, problem);
        let searcher = searcher(arguments, &objectives, &settings, problem, &facts)?;
        let settings = match searcher {
            Searcher::Exhaustive => all_of(problem, settings, &facts)?,
            _ => settings,
        };
        let partition =
            if searcher == Searcher::Exhaustive { PartitionArguments::whole() } else { partition };
        let model = (searcher == Searcher::Llm).then(|| {
            let planned = settings.evaluations.saturating_sub(settings.initial);
            arguments.model.plan(planned.div_ceil(settings.generation.max(1)), niches)
        });
        Ok(Self {
            space: arguments.space.space.clone(),
            dataset: problem.dataset_name.map(str::to_owned),
            device: match &objectives {
                Objectives::Program(_) => "program".to_owned(),
                Objectives::Sources { latency: LatencySource::Table { .. }, .. } => {
                    "table".to_owned()
                }
                Objectives::Sources { .. } => arguments.device.name(),
            },
            searcher,
            allocation: settings.allocation.into(),
            rules: arguments.rules.file().map(Path::to_path_buf),
            evaluations: settings.evaluations,
            initial: settings.initial,
            generation: settings.generation,
            fill: settings.fill,
            seed: settings.seed,
            max_latency_ms: arguments.max_latency.map(|limit| limit.0),
            max_energy_mj: arguments.max_energy.map(|limit| limit.0),
            format: arguments.format,
            data: data.map(Path::to_path_buf),
            folder: facts.folder,
            partition,
            objectives,
            model: model.transpose()?,
        })
    }

    /// The budget, and how it is divided.
    pub fn settings(&self) -> Settings {
        Settings {
            evaluations: self.evaluations,
            initial: self.initial,
            generation: self.generation,
            allocation: self.allocation.into(),
            fill: self.fill,
            seed: self.seed,
        }
    }

    /// How many networks may be trained, and which.
    pub fn training(&self) -> Option<TrainingBudget> {
        match &self.objectives {
            Objectives::Sources {
                accuracy: AccuracySource::Trained { count, acquisition },
                ..
            } => Some(TrainingBudget {
                count: *count,
                acquisition: match acquisition {
                    AcquisitionName::Active => Acquisition::Active,
                    AcquisitionName::Random => Acquisition::Random,
                },
                seed: self.seed,
            }),
            _ => None,
        }
    }

    /// Workers of an engine in parallel, if asked for.
    pub fn workers(&self) -> Option<u16> {
        match &self.objectives {
            Objectives::Sources { accuracy: AccuracySource::Proxies(proxies), .. } => {
                proxies.workers()
            }
            _ => None,
        }
    }

    /// The default name of the run's folder.
    pub fn run_name(&self, problem: &Problem) -> String {
        // A user's names may contain what a folder's may not.
        let is_plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
        let what = problem.name.replace(|c: char| !is_plain(c), "-");
        format!("{what}-{}-{}-seed{}", self.device, self.searcher.name(), self.seed)
    }
}

/// Refuses options that contradict each other or have no effect, as far as the arguments alone show it.
fn refuse(arguments: &Arguments, problem: &Problem) -> Result<(), Failure> {
    let searcher = arguments.searcher;
    if searcher != Some(Searcher::Llm)
        && let Some(option) = arguments.model.given()
    {
        return Err(Failure::input(format!("{option} has no effect without --searcher llm")));
    }
    if searcher == Some(Searcher::Llm)
        && arguments.allocation.or(Allocation::Equal) == Allocation::Adaptive
    {
        return Err(Failure::input(
            "--allocation adaptive: a language model is asked for each niche separately: leave it out, or name another --searcher",
        ));
    }
    if searcher == Some(Searcher::Exhaustive)
        && let Some(option) = arguments.guides().or(arguments.evaluations.map(|_| "--evaluations"))
    {
        return Err(Failure::input(format!(
            "{option} has no effect with --searcher exhaustive, which evaluates every architecture: name another --searcher"
        )));
    }
    if searcher == Some(Searcher::Exhaustive)
        && arguments.latency_table.is_none()
        && arguments.accuracy_table.is_none()
        && size(problem) > LISTED
    {
        return Err(Failure::input(format!(
            "{} has too many architectures to evaluate every one: name another --searcher",
            problem.space.name()
        )));
    }
    let program = arguments.evaluate.is_given();
    arguments.evaluate.refuse(arguments.proxy.by_workers())?;
    let elsewhere = program
        || arguments.accuracy_table.is_some()
        || matches!(arguments.accuracy, Some(Accuracy::Predictor | Accuracy::Benchmark));
    if elsewhere && let Some(option) = arguments.proxy.given() {
        return Err(Failure::input(if program {
            format!("{option} has no effect with --evaluate: the program computes all objectives")
        } else {
            format!(
                "{option} has no effect unless accuracy comes from proxies: add --accuracy proxies"
            )
        }));
    }
    let predicted = arguments.accuracy.is_none_or(|accuracy| accuracy == Accuracy::Predictor)
        && arguments.accuracy_table.is_none()
        && !program;
    if !predicted && let Some(option) = arguments.training() {
        return Err(unpredicted(option));
    }
    let own = problem.dataset_name.is_none();
    let tables = arguments.accuracy_table.is_some() && arguments.latency_table.is_some();
    if own && !program && !tables {
        return Err(Failure::input(format!(
            "{} has no known objectives: add --evaluate COMMAND, or --accuracy-table and --latency-table",
            problem.space.name()
        )));
    }
    let device = match (&arguments.latency_table, &arguments.device) {
        (None, Target::Published(device)) if !program => Some(device),
        _ => None,
    };
    if let Some(device) = device {
        check_published(problem, device)?;
    }
    let energy = arguments.energy || arguments.max_energy.is_some();
    match device {
        Some(device) if energy && !problem.has_cost(device, Metric::Energy)? => {
            Err(Failure::input(format!(
                "no energy was published for {device}: name one of {}",
                with_energy(problem)?
            )))
        }
        None if energy => Err(Failure::input(format!(
            "energy requires a device with published energy: name one of {} with --device",
            with_energy(problem)?
        ))),
        _ => Ok(()),
    }
}

/// The devices whose energy was published, by name.
fn with_energy(problem: &Problem) -> Result<String, Failure> {
    let mut names = Vec::new();
    for device in problem.devices()? {
        if problem.has_cost(&device.name, Metric::Energy)? {
            names.push(device.name.as_str());
        }
    }
    Ok(if names.is_empty() { "none".to_owned() } else { names.join(", ") })
}

fn unpredicted(option: &str) -> Failure {
    Failure::input(format!(
        "{option} has no effect unless accuracy is predicted: add --accuracy predictor"
    ))
}

/// Refuses options that have no effect with these objectives.
fn refuse_with(arguments: &Arguments, objectives: &Objectives) -> Result<(), Failure> {
    let Objectives::Sources { accuracy, .. } = objectives else {
        return Ok(());
    };
    if !matches!(accuracy, AccuracySource::Proxies(_))
        && let Some(option) = arguments.proxy.given()
    {
        return Err(Failure::input(format!(
            "{option} has no effect unless accuracy comes from proxies: add --accuracy proxies"
        )));
    }
    match (accuracy, arguments.training()) {
        (AccuracySource::Trained { .. }, _) | (_, None) => Ok(()),
        (AccuracySource::Published, Some(option)) => Err(Failure::input(format!(
            "{option} has no effect here: the predictor learns from all published accuracies"
        ))),
        (_, Some(option)) => Err(unpredicted(option)),
    }
}

/// Where objectives come from: by default it depends on the available data.
fn objectives(
    arguments: &Arguments,
    problem: &Problem,
    facts: &Facts,
) -> Result<Objectives, Failure> {
    if let Some(program) = arguments.evaluate.plan()? {
        let latency = Objective::position(&program.objectives, Role::Latency);
        if arguments.max_latency.is_some() && latency.is_none() {
            return Err(Failure::input(
                "--max-latency: none of the --objectives is a latency in ms, such as latency_ms:min",
            ));
        }
        return Ok(Objectives::Program(program));
    }
    let device = match (&arguments.latency_table, &arguments.device) {
        (None, Target::Published(device)) => Some(device.clone()),
        _ => None,
    };
    let latency = match (&arguments.latency_table, &arguments.device) {
        (Some(file), _) => LatencySource::Table { file: file.clone() },
        (None, Target::Published(device)) => LatencySource::Published { device: device.clone() },
        (None, Target::Host) => LatencySource::Measured { gpu: None },
        (None, Target::Cuda(number)) => LatencySource::Measured { gpu: Some(*number) },
    };
    let energy = device.filter(|_| arguments.energy || arguments.max_energy.is_some());
    Ok(Objectives::Sources { accuracy: accuracy(arguments, problem, facts)?, latency, energy })
}

fn accuracy(
    arguments: &Arguments,
    problem: &Problem,
    facts: &Facts,
) -> Result<AccuracySource, Failure> {
    if let Some(file) = &arguments.accuracy_table {
        return Ok(AccuracySource::Table { file: file.clone() });
    }
    let count = arguments.trained.map_or(TRAINED, |count| count as usize);
    let is_known = facts.accuracies != Accuracies::Nothing;
    let default = match arguments.proxy.given() {
        None if is_known => {
            // If all can be trained, none need be predicted.
            let few = facts.smallest_table.is_some_and(|rows| rows <= count);
            let all = facts.accuracies == Accuracies::OfAll && arguments.trained.is_none();
            if few && all { Accuracy::Benchmark } else { Accuracy::Predictor }
        }
        _ => Accuracy::Proxies,
    };
    let accuracy = arguments.accuracy.unwrap_or(default);
    match (accuracy, facts.accuracies) {
        (Accuracy::Proxies, _) => {
            Ok(AccuracySource::Proxies(arguments.proxy.plan(problem, arguments.evaluate.workers)))
        }
        (Accuracy::Predictor, Accuracies::OfAll) => {
            let acquisition = arguments.acquisition.unwrap_or(AcquisitionName::Active);
            Ok(AccuracySource::Trained { count, acquisition })
        }
        (Accuracy::Predictor, Accuracies::OfSome) => Ok(AccuracySource::Published),
        (Accuracy::Benchmark, Accuracies::OfAll) => Ok(AccuracySource::Benchmark),
        (Accuracy::Benchmark, Accuracies::OfSome) => Err(Failure::input(format!(
            "--accuracy benchmark: only some accuracies of {} were published: use --accuracy predictor",
            problem.title
        ))),
        (Accuracy::Predictor | Accuracy::Benchmark, Accuracies::Nothing) => {
            Err(Failure::input(format!(
                "no accuracies of {} were published: use --accuracy proxies, or --accuracy-table with your own",
                problem.title
            )))
        }
    }
}

/// Whether evaluations take a noticeable time.
fn is_slow(objectives: &Objectives) -> bool {
    match objectives {
        Objectives::Program(_) => true,
        Objectives::Sources { accuracy, latency, .. } => {
            let computed = match accuracy {
                AccuracySource::Proxies(proxies) => !proxies.is_computed_before(),
                _ => false,
            };
            computed || matches!(latency, LatencySource::Measured { .. })
        }
    }
}

/// A language model searches in the paper's niches, which reduce its bias.
fn default_partition(arguments: &Arguments, problem: &Problem) -> &'static str {
    let niches = arguments.searcher == Some(Searcher::Llm) && arguments.model.style().has_parents();
    match (niches, &problem.niches) {
        (true, Some(_)) => "pel-nas",
        (true, None) => "automatic",
        (false, _) => "whole",
    }
}

/// With a number of generations, or a language model, the search starts with ten random architectures
/// for each niche. Otherwise it starts with a sixth of the budget, at most 100, and a generation is a
/// fortieth of it, at most 15. A model that is asked for architectures only has no initial sample, and
/// nothing is added to its proposals.
fn settings(
    arguments: &Arguments,
    objectives: &Objectives,
    niches: usize,
    problem: &Problem,
) -> Settings {
    let seed = arguments.seed;
    let model = arguments.searcher == Some(Searcher::Llm);
    let allocation =
        arguments.allocation.or(if model { Allocation::Equal } else { Allocation::Adaptive });
    let fill = !model || arguments.model.style().has_parents();
    let sample = if fill { 10 * niches } else { 0 };
    let children = arguments.children.map(|children| children as usize * niches);
    let counted = model && arguments.evaluations.is_none();
    let generations = arguments.generations.map(|generations| generations as usize);
    if let Some(generations) = generations.or(counted.then_some(GENERATIONS)) {
        let generation = children.unwrap_or(CHILDREN * niches);
        let evaluations = sample + generations * generation;
        return Settings { evaluations, initial: sample, generation, allocation, fill, seed };
    }
    let default = if is_slow(objectives) { 200 } else { 600 };
    let evaluations =
        arguments.evaluations.map_or(default, |given| given as usize).min(size(problem));
    let schedule = schedule(evaluations, seed);
    let (initial, generation) = if model {
        (sample.min(evaluations / 2), CHILDREN * niches)
    } else {
        (schedule.initial, schedule.generation)
    };
    let generation = children.unwrap_or(generation);
    Settings { initial, generation, allocation, fill, ..schedule }
}

/// The searcher: exhaustive if every architecture can be predicted or is in the budget.
fn searcher(
    arguments: &Arguments,
    objectives: &Objectives,
    settings: &Settings,
    problem: &Problem,
    facts: &Facts,
) -> Result<Searcher, Failure> {
    let few = facts.candidates.filter(|candidates| *candidates <= settings.evaluations);
    match (arguments.searcher, few) {
        (Some(Searcher::Exhaustive), _) => return Ok(Searcher::Exhaustive),
        (Some(named), Some(candidates)) => {
            return Err(Failure::input(format!(
                "--searcher {}: your tables contain only {candidates} architectures for {} evaluations: leave --searcher out to evaluate every one, or ask for fewer --evaluations",
                named.name(),
                settings.evaluations
            )));
        }
        (Some(named), None) => return Ok(named),
        (None, Some(candidates)) => {
            return match arguments.guides() {
                None => Ok(Searcher::Exhaustive),
                Some(option) => Err(Failure::input(format!(
                    "{option} has no effect here: your tables contain only {candidates} architectures, and every one is evaluated: leave it out, or ask for fewer --evaluations"
                ))),
            };
        }
        (None, None) => {}
    }
    let predicted = matches!(
        objectives,
        Objectives::Sources {
            accuracy: AccuracySource::Trained { .. } | AccuracySource::Published,
            ..
        }
    );
    let all = match arguments.evaluations {
        Some(evaluations) => evaluations as usize >= size(problem),
        None => predicted && !is_slow(objectives) && size(problem) <= LISTED,
    };
    let exhaustive = all && arguments.guides().is_none();
    Ok(if exhaustive { Searcher::Exhaustive } else { Searcher::Statistical })
}

/// The settings to evaluate every architecture, in one generation.
fn all_of(problem: &Problem, settings: Settings, facts: &Facts) -> Result<Settings, Failure> {
    let count = match facts.candidates {
        Some(candidates) => candidates,
        None if size(problem) <= LISTED => size(problem),
        None => {
            return Err(Failure::input(format!(
                "{} has too many architectures to evaluate every one: name another --searcher",
                problem.space.name()
            )));
        }
    };
    Ok(crate::searcher::scan(count, settings))
}

/// The number of architectures in a space, without regard to constraints.
fn size(problem: &Problem) -> usize {
    problem.space.size().and_then(|size| usize::try_from(size).ok()).unwrap_or(usize::MAX)
}
