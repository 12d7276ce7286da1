//! From what was typed and what is there to a plan.

use std::path::Path;

use nas_eval::Problem;
use nas_partition::Allocation;
use nas_search::{Objective, Role, Settings};

use super::{
    Accuracies, AccuracySource, CHILDREN, Facts, LatencySource, Objectives, Plan,
    refuse::{LISTED, refuse, refuse_with, size},
};
use crate::{
    commands::search::arguments::{Accuracy, AcquisitionName, Arguments},
    failure::Failure,
    partition::PartitionArguments,
    searcher::{Searcher, schedule},
    target::Target,
};

/// Networks that are trained for the predictor by default.
const TRAINED: usize = 200;

/// Generations of a language model by default.
const GENERATIONS: usize = 10;

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
    Ok(if exhaustive { Searcher::Exhaustive } else { Searcher::DEFAULT })
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
