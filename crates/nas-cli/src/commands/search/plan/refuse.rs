//! Options that contradict each other or have no effect.

use nas_eval::Problem;
use nas_hw::Metric;
use nas_llm::{RANKED, Style};
use nas_partition::Allocation;
use nas_search::RandomChoice;

use super::{AccuracySource, Objectives};
use crate::{
    commands::{
        model::Prompts,
        search::arguments::{Accuracy, Arguments},
    },
    failure::Failure,
    searcher::Searcher,
    target::{Target, check_published},
};

/// The largest space in which every architecture is evaluated.
pub const LISTED: usize = 10_000_000;

/// Refuses options that contradict each other or have no effect, as far as the arguments alone show it.
pub fn refuse(arguments: &Arguments, problem: &Problem) -> Result<(), Failure> {
    refuse_about_model(arguments)?;
    let searcher = arguments.searcher();
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
    arguments.engine.check()?;
    let program = arguments.evaluate.is_given();
    arguments.evaluate.refuse(&arguments.engine, arguments.propose.is_some())?;
    let of_program = program && !arguments.names_accuracy();
    let elsewhere = of_program
        || arguments.accuracy_table.is_some()
        || matches!(arguments.accuracy, Some(Accuracy::Predictor | Accuracy::Benchmark));
    if elsewhere && let Some(option) = arguments.about_proxies() {
        return Err(without_effect(arguments, option).unwrap_or_else(|| {
            Failure::input(format!(
                "{option} has no effect unless accuracy comes from proxies: add --accuracy proxies"
            ))
        }));
    }
    let predicted = arguments.accuracy.is_none_or(|accuracy| accuracy == Accuracy::Predictor)
        && arguments.accuracy_table.is_none()
        && !of_program;
    if !predicted && let Some(option) = arguments.training() {
        return Err(without_effect(arguments, option).unwrap_or_else(|| unpredicted(option)));
    }
    let own = problem.dataset_name.is_none();
    let costs = arguments.latency_table.is_some() || !arguments.minimise.is_empty();
    if own && !program && !(arguments.accuracy_table.is_some() && costs) {
        return Err(Failure::input(format!(
            "{} has no known objectives: add --evaluate COMMAND, or --accuracy-table and --latency-table",
            problem.space.name()
        )));
    }
    for name in &arguments.minimise {
        check_counted(problem, name)?;
    }
    if !problem.has_networks() {
        let name = problem.space.name();
        let is_measured = match &arguments.device {
            None => !program && !costs,
            Some(target) => target.published().is_none(),
        };
        if is_measured {
            return Err(Failure::input(format!(
                "latency of {name} cannot be measured, since how its networks are built is not known: add --latency-table FILE"
            )));
        }
        if arguments.accuracy == Some(Accuracy::Proxies) {
            return Err(Failure::input(format!(
                "--accuracy proxies: how networks of {name} are built is not known: leave it out, or name your own --accuracy-table"
            )));
        }
    }
    let device = match &arguments.device {
        Some(Target::Published(device)) => Some(device),
        _ => None,
    };
    if let Some(device) = device {
        check_published(problem, device)?;
    }
    check_energy(arguments, problem, device)
}

/// Refuses options about a language model, operators and candidates that contradict each other or have no
/// effect.
fn refuse_about_model(arguments: &Arguments) -> Result<(), Failure> {
    let searcher = arguments.searcher();
    if !arguments.asks_model()
        && let Some(option) = arguments.model.given()
    {
        let without = if searcher == Some(Searcher::Operators) {
            "an operator that is a language model: add choose, edit or whole to --operators"
        } else {
            "--searcher llm"
        };
        return Err(Failure::input(format!("{option} has no effect without {without}")));
    }
    arguments.model.refuse()?;
    if searcher == Some(Searcher::Operators) && arguments.model.prompting != Prompts::default() {
        return Err(Failure::input(
            "--prompting has no effect with --searcher operators: name choose, edit or whole in --operators",
        ));
    }
    if let Some(candidates) = arguments.candidates.filter(|count| *count as usize > RANKED)
        && arguments.model.style() == Style::Rank
    {
        return Err(Failure::input(format!(
            "--candidates {candidates}: expected at most {RANKED} with --prompting rank, since servers give the probabilities of {RANKED} replies"
        )));
    }
    let operators = [
        ("--operators", !arguments.operators.is_empty()),
        ("--selection", arguments.selection.is_some()),
    ];
    if searcher != Some(Searcher::Operators)
        && let Some((option, _)) = operators.into_iter().find(|(_, given)| *given)
    {
        return Err(Failure::input(format!("{option} has no effect without --searcher operators")));
    }
    if let [one] = arguments.operators[..] {
        return Err(Failure::input(format!(
            "--operators {}: expected two or more, which share the search",
            one.name()
        )));
    }
    let again = (1..arguments.operators.len())
        .find(|at| arguments.operators[..*at].contains(&arguments.operators[*at]));
    if let Some(at) = again {
        let name = arguments.operators[at].name();
        return Err(Failure::input(format!("--operators: {name} is named twice")));
    }
    let chooses = searcher.is_some_and(|searcher| {
        searcher.name() == RandomChoice::NAME
            || searcher == Searcher::Llm && arguments.model.style().chooses()
            || searcher == Searcher::Operators
    });
    if arguments.candidates.is_some() && !chooses {
        return Err(Failure::input(
            "--candidates has no effect without a choice among them: --searcher llm --prompting choose, --searcher random-choice, or --searcher operators",
        ));
    }
    if searcher == Some(Searcher::Llm)
        && arguments.allocation.or(Allocation::Equal) == Allocation::Adaptive
    {
        return Err(Failure::input(
            "--allocation adaptive: a language model is asked for each niche separately: leave it out, or name another --searcher",
        ));
    }
    Ok(())
}

/// Refuses energy that nothing has.
fn check_energy(
    arguments: &Arguments,
    problem: &Problem,
    device: Option<&String>,
) -> Result<(), Failure> {
    let energy = arguments.energy || arguments.max_energy.is_some();
    match device {
        Some(device) if energy && !problem.has_cost(device, Metric::Energy)? => {
            Err(Failure::input(format!(
                "no energy was published for {device}: name one of {}",
                with_energy(problem)?
            )))
        }
        // A program may answer it: a limit on one that nothing has is refused with the objectives.
        None if energy && (arguments.energy || !arguments.evaluate.is_given()) => {
            Err(Failure::input(format!(
                "energy requires a device with published energy: name one of {} with --device, or have a program answer it: --evaluate, with energy_mj:min in --objectives",
                with_energy(problem)?
            )))
        }
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

/// An option about accuracy that a program or a table leaves nothing to do.
fn without_effect(arguments: &Arguments, option: &str) -> Option<Failure> {
    let why = if option == "--trained" && arguments.evaluate.is_given() {
        "--evaluate, where --evaluations is how many the program computes"
    } else if arguments.evaluate.is_given() {
        "--evaluate: the program computes accuracy"
    } else if arguments.accuracy_table.is_some() {
        "--accuracy-table, which contains the accuracies"
    } else {
        return None;
    };
    Some(Failure::input(format!("{option} has no effect with {why}: leave {option} out")))
}

fn unpredicted(option: &str) -> Failure {
    Failure::input(format!(
        "{option} has no effect unless accuracy is predicted: add --accuracy predictor"
    ))
}

/// Refuses options that have no effect with these objectives.
pub fn refuse_with(arguments: &Arguments, objectives: &Objectives) -> Result<(), Failure> {
    let Some(accuracy) = &objectives.accuracy else { return Ok(()) };
    if !matches!(accuracy, AccuracySource::Proxies(_))
        && let Some(option) = arguments.about_proxies()
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

/// Refuses a number that cannot be counted.
fn check_counted(problem: &Problem, name: &str) -> Result<(), Failure> {
    if problem.statistics.iter().any(|counted| counted.name == name) {
        return Ok(());
    }
    let known = problem.statistics.iter().map(|counted| counted.name.as_str());
    let unknown = nas_space::Error::unknown_name("counted number", name, known);
    Err(Failure::input(format!("--minimise: {unknown}")))
}

/// Architectures that are soon counted one by one.
const COUNTED: u64 = 100_000;

/// The number of architectures in a space; in a large one with those that constraints forbid.
pub fn size(problem: &Problem) -> usize {
    let size = problem.space.allowed(COUNTED).or_else(|| problem.space.size());
    size.and_then(|size| usize::try_from(size).ok()).unwrap_or(usize::MAX)
}
