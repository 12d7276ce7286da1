//! From what was typed and what is there to a plan.

use std::path::Path;

use nas_eval::{Problem, cost_objective};
use nas_hw::Metric;
use nas_partition::Allocation;
use nas_search::{Objective, Role, Settings};

use super::{
    Accuracies, AccuracySource, CHILDREN, Facts, LatencySource, Objectives, OperatorsPlan, Plan,
    refuse::{LISTED, refuse, refuse_with, size},
};
use crate::{
    commands::search::arguments::{Accuracy, AcquisitionName, Arguments, FillName},
    failure::Failure,
    partition::PartitionArguments,
    propose::ProposePlan,
    searcher::{CANDIDATES, OperatorName, Searcher, schedule},
    target::Target,
};

/// Networks that are trained for the predictor by default.
const TRAINED: usize = 200;

/// The probability with which an uncertain value may exceed its limit by default.
const RISK: f64 = 0.1;

/// By default one in so many evaluations confirms what is predicted, but at least so many.
const CONFIRMED: usize = 20;
const CONFIRMED_AT_LEAST: usize = 3;

/// Generations of a language model by default.
const GENERATIONS: usize = 10;

impl Plan {
    /// Resolves the arguments. `facts` is only called after every check that does not need it.
    ///
    /// # Errors
    /// Options that contradict each other or have no effect, each with what to type instead.
    pub fn resolve(
        arguments: &Arguments,
        tables: Option<&Path>,
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
            // From then on a predictor chooses better than chance.
            Searcher::Predictor
                if arguments.generations.is_none() && arguments.initial.is_none() =>
            {
                let initial = (settings.evaluations / 8).clamp(5, 16).min(settings.evaluations);
                Settings { initial, ..settings }
            }
            _ => settings,
        };
        let partition =
            if searcher == Searcher::Exhaustive { PartitionArguments::whole() } else { partition };
        let model = arguments.asks_model().then(|| {
            // Known evaluations take the place of the random sample.
            let initial = if arguments.known.is_some() { 0 } else { settings.initial };
            let planned = settings.evaluations.saturating_sub(initial);
            let generations = planned.div_ceil(settings.generation.max(1));
            arguments.model.plan(generations, niches)
        });
        let propose = arguments.propose.as_ref().map(|own| {
            let timeout_seconds = arguments.evaluate.timeout_seconds()?;
            Ok::<_, Failure>(ProposePlan { command: own.command.clone(), timeout_seconds })
        });
        Ok(Self {
            space: arguments.space.space.clone(),
            dataset: problem.dataset_name.map(str::to_owned),
            device: match (&objectives.latency, &objectives.program) {
                (Some(LatencySource::Table { .. }), _) => "table".to_owned(),
                (Some(_), _) => arguments.target().name(),
                (None, Some(_)) => "program".to_owned(),
                (None, None) => "counted".to_owned(),
            },
            searcher,
            allocation: settings.allocation.into(),
            rules: arguments.rules.file().map(Path::to_path_buf),
            evaluations: settings.evaluations,
            extended: Vec::new(),
            initial: settings.initial,
            generation: settings.generation,
            candidates: arguments.candidates.map_or(CANDIDATES, |count| count as usize),
            fill: settings.fill.into(),
            seed: settings.seed,
            confirm: confirm(arguments, searcher, &settings)?,
            known: arguments.known.clone(),
            limit_risk: arguments.limit_risk.unwrap_or(RISK),
            format: arguments.format,
            tables: tables.map(Path::to_path_buf),
            folder: facts.folder,
            partition,
            objectives,
            limits: arguments.limits(),
            propose: propose.transpose()?,
            operators: operators(arguments, searcher),
            model: model.transpose()?,
            train: None,
        })
    }
}

/// The operators that share a search, with their default.
fn operators(arguments: &Arguments, searcher: Searcher) -> Option<OperatorsPlan> {
    let default: &[&str] = if arguments.asks_model() {
        &["choose", "statistical"]
    } else {
        &["random-edits", "random-crossover", "statistical"]
    };
    let operator = |name: &&str| OperatorName::try_from((*name).to_owned()).ok();
    let names = match arguments.operators[..] {
        [] => default.iter().filter_map(operator).collect(),
        _ => arguments.operators.clone(),
    };
    let selection = arguments.selection.unwrap_or_default();
    (searcher == Searcher::Operators).then_some(OperatorsPlan { names, selection })
}

/// Where objectives come from: by default it depends on the available data.
fn objectives(
    arguments: &Arguments,
    problem: &Problem,
    facts: &Facts,
) -> Result<Objectives, Failure> {
    let program = arguments.evaluate.plan(
        !arguments.names_accuracy(),
        !arguments.names_latency() && arguments.minimise.is_empty(),
        arguments.engine(),
    )?;
    let target = arguments.target();
    let latency = match (&arguments.latency_table, &target) {
        (Some(file), _) => LatencySource::Table { file: file.clone() },
        (None, Target::Published(device)) => LatencySource::Published { device: device.clone() },
        (None, Target::Host) => LatencySource::Measured { gpu: None },
        (None, Target::Cuda(number)) => LatencySource::Measured { gpu: Some(*number) },
    };
    // This machine's latency, unless other costs are named.
    let has_others = program.is_some() || !arguments.minimise.is_empty();
    let latency = Some(latency).filter(|_| arguments.names_latency() || !has_others);
    let device = target.published().map(str::to_owned);
    let energy = device.filter(|_| arguments.energy || arguments.max_energy.is_some());
    let has_accuracy = arguments.names_accuracy() || program.is_none();
    let accuracy = has_accuracy.then(|| accuracy(arguments, problem, facts)).transpose()?;
    let counted = arguments.minimise.clone();
    let objectives = Objectives { accuracy, program, latency, energy, counted };
    check_roles(&objectives)?;
    check_names(problem, &objectives)?;
    Ok(objectives)
}

/// Columns of a search's results beside objectives and counted numbers.
const COLUMNS: [&str; 8] =
    ["arch", "index", "steps", "connected", "niche", "generation", "proposer", "failure"];

/// Refuses a counted number with the name of another column of the results.
fn check_names(problem: &Problem, objectives: &Objectives) -> Result<(), Failure> {
    let Objectives { program, latency, energy, counted, .. } = objectives;
    let of_program = program.iter().flat_map(|program| &program.objectives);
    let others = [
        latency.as_ref().map(|_| Objective::latency()),
        energy.as_ref().map(|_| cost_objective(Metric::Energy)),
    ];
    let columns: Vec<String> =
        of_program.chain(others.iter().flatten()).map(Objective::column).collect();
    let free = problem.statistics.iter().filter(|one| !counted.contains(&one.name));
    let is_taken = |name: &str| COLUMNS.contains(&name) || columns.iter().any(|one| one == name);
    match free.map(|one| &one.name).chain(counted).find(|name| is_taken(name)) {
        None => Ok(()),
        Some(name) => Err(Failure::input(format!(
            "`{name}` is a number of the space, and another column of the results: give its axis another name in the space's file"
        ))),
    }
}

/// Refuses two sources of one objective, and fewer than two objectives.
fn check_roles(objectives: &Objectives) -> Result<(), Failure> {
    let Objectives { accuracy, program, latency, energy, counted } = objectives;
    let of_program: &[Objective] = program.as_ref().map_or(&[], |program| &program.objectives);
    if program.is_some() && matches!(accuracy, Some(AccuracySource::Trained { .. })) {
        return Err(Failure::input(
            "--accuracy predictor: with --evaluate the published accuracies are not predicted: use --accuracy benchmark",
        ));
    }
    let others = [
        (Role::Accuracy, accuracy.is_some(), "--accuracy or --accuracy-table"),
        (Role::Latency, latency.is_some(), "--device or --latency-table"),
        (Role::Energy, energy.is_some(), "--energy"),
    ];
    for (role, is_there, options) in others {
        if let Some(at) = Objective::position(of_program, role).filter(|_| is_there) {
            return Err(Failure::input(format!(
                "{} comes from the program and from {options}: leave it out of --objectives, or leave {options} out",
                of_program[at].column()
            )));
        }
    }
    let twice = counted.iter().find(|name| of_program.iter().any(|one| one.column() == **name));
    if let Some(name) = twice {
        return Err(Failure::input(format!(
            "{name} comes from the program and from --minimise: leave it out of one"
        )));
    }
    let again = (1..counted.len()).find(|at| counted[..*at].contains(&counted[*at]));
    if let Some(at) = again {
        return Err(Failure::input(format!("--minimise: {} is named twice", counted[at])));
    }
    let count = others.iter().filter(|other| other.1).count() + of_program.len() + counted.len();
    if count < 2 {
        return Err(Failure::input(
            "expected two or more objectives: name more of the program's, as in --objectives accuracy_percent:max,latency_ms:min; others come with --device, --latency-table or --minimise",
        ));
    }
    Ok(())
}

/// How many evaluations are kept to confirm what is predicted.
fn confirm(
    arguments: &Arguments,
    searcher: Searcher,
    settings: &Settings,
) -> Result<usize, Failure> {
    let all = settings.evaluations;
    match (searcher, arguments.confirm) {
        (Searcher::Predictor, None) => Ok((all / CONFIRMED).max(CONFIRMED_AT_LEAST).min(all / 2)),
        (Searcher::Predictor, Some(count)) if (count as usize) < all => Ok(count as usize),
        (Searcher::Predictor, Some(count)) => Err(Failure::input(format!(
            "--confirm {count}: expected fewer than the {all} evaluations"
        ))),
        (_, None) => Ok(0),
        (_, Some(_)) => Err(Failure::input("--confirm has no effect without --searcher predictor")),
    }
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
    let default = match arguments.about_proxies() {
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
            Ok(AccuracySource::Proxies(arguments.proxy.plan(problem, arguments.engine())))
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
        // A program takes its place.
        (Accuracy::Train, _) | (Accuracy::Predictor | Accuracy::Benchmark, Accuracies::Nothing) => {
            Err(Failure::input(format!(
                "no accuracies of {} were published: use --accuracy proxies, or --accuracy-table with your own",
                problem.title
            )))
        }
    }
}

/// A language model searches in the paper's niches, which reduce its bias.
fn default_partition(arguments: &Arguments, problem: &Problem) -> &'static str {
    let niches =
        arguments.searcher() == Some(Searcher::Llm) && arguments.model.style().has_parents();
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
    let model = arguments.searcher() == Some(Searcher::Llm);
    let allocation =
        arguments.allocation.or(if model { Allocation::Equal } else { Allocation::Adaptive });
    let has_parents = !model || arguments.model.style().has_parents();
    let fill = if has_parents { FillName::Statistical } else { FillName::Nothing };
    let fill = arguments.fill.unwrap_or(fill).into();
    let sample = if has_parents { 10 * niches } else { 0 };
    let initial = arguments.initial.map(|initial| initial as usize);
    let children = arguments.children.map(|children| children as usize * niches);
    let counted = model && arguments.evaluations.is_none();
    let generations = arguments.generations.map(|generations| generations as usize);
    if let Some(generations) = generations.or(counted.then_some(GENERATIONS)) {
        let generation = children.unwrap_or(CHILDREN * niches);
        let initial = initial.unwrap_or(sample);
        let evaluations = initial + generations * generation;
        return Settings { evaluations, initial, generation, allocation, fill, seed };
    }
    let default = if objectives.is_slow() { 200 } else { 600 };
    let evaluations =
        arguments.evaluations.map_or(default, |given| given as usize).min(size(problem));
    let schedule = schedule(evaluations, seed);
    let (initial, generation) = if model {
        (sample.min(evaluations / 2), CHILDREN * niches)
    } else {
        (schedule.initial, schedule.generation)
    };
    let generation = children.unwrap_or(generation);
    let initial = arguments.initial.map_or(initial, |given| (given as usize).min(evaluations));
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
    match (arguments.searcher(), few) {
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
        objectives.accuracy,
        Some(AccuracySource::Trained { .. } | AccuracySource::Published)
    );
    let all = match arguments.evaluations {
        Some(evaluations) => evaluations as usize >= size(problem),
        None if objectives.program.is_some() => settings.evaluations >= size(problem),
        None => predicted && !objectives.is_slow() && size(problem) <= LISTED,
    };
    let exhaustive = all && arguments.guides().is_none();
    Ok(match exhaustive {
        true => Searcher::Exhaustive,
        // Rules guide other searchers.
        false if objectives.program.is_some() && arguments.rules.file().is_none() => {
            Searcher::Predictor
        }
        false => Searcher::DEFAULT,
    })
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
