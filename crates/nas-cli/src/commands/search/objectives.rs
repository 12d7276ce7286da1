use std::{path::Path, rc::Rc};

use nas_eval::{
    Failures, LearntAccuracy, Lookup, Predicted, Problem, Program, Published, PublishedAccuracies,
    Source, Sources, TrainingBudget, Truth, UserTable, cost_objective,
};
use nas_hw::Metric;
use nas_search::{Evaluator, Limit, Objective, Role};
use nas_space::Arch;

use super::{Accuracy, Arguments};
use crate::{
    commands::{Workers, live},
    failure::Failure,
    tables::{accuracies, cost_of, latencies, published},
};

/// Where a search's objectives come from, and what is known about the truth.
pub struct Objectives {
    pub evaluator: Box<dyn Evaluator>,
    /// Where accuracy comes from.
    pub accuracy: Accuracy,
    /// How many networks may be trained and which, where any may.
    pub budget: Option<TrainingBudget>,
    /// Each objective and where it comes from, in words.
    pub origins: Vec<String>,
    pub limits: Vec<Limit>,
    /// Where tables of the user's say so: the architectures that have all of their values.
    pub candidates: Option<Vec<Arch>>,
    /// Test accuracies by index, where the benchmark's tables are there.
    pub test_accuracy: Option<Vec<f64>>,
    /// The whole truth, where all objectives but accuracy are the benchmark's.
    pub truth: Option<Truth>,
    /// What goes wrong with a user's command.
    pub failures: Failures,
}

impl Objectives {
    /// Those that the arguments ask for; `workers` are told of the run later.
    pub fn new(
        arguments: &Arguments,
        problem: &Problem,
        data: Option<&Path>,
        workers: &Rc<Workers>,
    ) -> Result<Self, Failure> {
        if let Some((program, origin)) =
            arguments.evaluate.build(problem.space, arguments.proxy.by_workers())?
        {
            return Self::of_command(arguments, program, origin);
        }
        let own = problem.dataset_name.is_none();
        if own && (arguments.accuracy_table.is_none() || arguments.latency_table.is_none()) {
            return Err(Failure::input(format!(
                "what architectures of {} are worth is yours to say: --evaluate COMMAND, or --accuracy-table and --latency-table",
                problem.space.name()
            )));
        }
        let device = match &arguments.latency_table {
            None => arguments.device.published(),
            Some(_) => None,
        };
        let asked = matches!(arguments.accuracy, Some(Accuracy::Predictor | Accuracy::Benchmark));
        let published = published(problem, data, device.is_some() || asked)?;
        // A predictor that is not asked for need not learn.
        let elsewhere =
            arguments.accuracy_table.is_some() || arguments.accuracy == Some(Accuracy::Proxies);
        let known = match &published {
            Some(published) if !elsewhere => published.accuracies()?,
            _ => PublishedAccuracies::None,
        };
        let mut accuracy = arguments.accuracy(!matches!(known, PublishedAccuracies::None));
        let mut origins = Vec::new();
        let mut user_tables = Vec::new();
        let costs = costs(
            arguments,
            problem,
            published.as_deref(),
            device,
            &mut origins,
            &mut user_tables,
        )?;

        let budget = arguments.training_budget();
        // What can all be trained need not be predicted.
        let few = user_tables.iter().any(|table: &UserTable| table.len() <= budget.count);
        let chosen = arguments.accuracy.is_some() || arguments.trained.is_some();
        let all = matches!(known, PublishedAccuracies::OfAll { .. });
        if few && all && !chosen && accuracy == Accuracy::Predictor {
            accuracy = Accuracy::Benchmark;
        }
        let mut chosen_budget = None;
        let with = |first: Box<dyn Source>, costs: Vec<Box<dyn Source>>| {
            let sources = std::iter::once(first).chain(costs).collect();
            Box::new(Sources::new(sources)) as Box<dyn Evaluator>
        };
        let (origin, evaluator) = match (accuracy, known) {
            (Accuracy::Table | Accuracy::Command, _) => {
                let file = arguments.accuracy_table.as_deref().unwrap_or(Path::new(""));
                let table = accuracies(file, problem)?;
                user_tables.push(table.clone());
                let source = table.into_source(Objective::accuracy("accuracy"));
                (format!("accuracy from {}", file.display()), with(Box::new(source), costs))
            }
            (Accuracy::Proxies, _) => {
                let origin = arguments.proxy.origin(problem);
                (origin, with(arguments.proxy.score(problem, arguments.seed, workers)?, costs))
            }
            (Accuracy::Predictor, PublishedAccuracies::OfAll { objective, accuracies, from }) => {
                chosen_budget = Some(budget);
                let accuracy = of_all(problem, objective, accuracies);
                let predicted =
                    Predicted::new(problem.domain()?, accuracy, Sources::new(costs), budget);
                (format!("accuracy predicted from {from}"), Box::new(predicted) as _)
            }
            (Accuracy::Predictor, PublishedAccuracies::OfSome { trained, from }) => {
                let learnt = LearntAccuracy::new(problem.domain()?.features, trained)?;
                (format!("accuracy predicted from {from}"), with(Box::new(learnt), costs))
            }
            (Accuracy::Benchmark, PublishedAccuracies::OfAll { objective, accuracies, from }) => {
                let accuracy = of_all(problem, objective, accuracies);
                (format!("accuracy from {from}"), with(accuracy, costs))
            }
            (Accuracy::Benchmark, PublishedAccuracies::OfSome { from, .. }) => {
                return Err(Failure::input(format!(
                    "--accuracy benchmark: only that of {from} was published: try --accuracy predictor"
                )));
            }
            (Accuracy::Predictor | Accuracy::Benchmark, PublishedAccuracies::None) => {
                return Err(Failure::input(format!(
                    "no accuracy was published of {}: try --accuracy proxies, or --accuracy-table with your own",
                    problem.title
                )));
            }
        };
        origins.insert(0, origin);

        let metrics = &[Metric::Latency, Metric::Energy][..evaluator.objectives().len() - 1];
        let truth = match (device, &published) {
            (Some(device), Some(published)) => problem.truth(&**published, device, metrics)?,
            _ => None,
        };
        let test_accuracy = match &published {
            Some(published) => published.test_accuracies()?,
            None => None,
        };
        let limit = |role: Role, at_most: Option<f64>| {
            let objective = Objective::position(evaluator.objectives(), role)?;
            Some(Limit { objective, at_most: at_most? })
        };
        let latency = limit(Role::Latency, arguments.max_latency.map(|limit| limit.0));
        let energy = limit(Role::Energy, arguments.max_energy.map(|limit| limit.0));
        Ok(Self {
            evaluator,
            accuracy,
            budget: chosen_budget,
            origins,
            limits: latency.into_iter().chain(energy).collect(),
            candidates: candidates(&user_tables)?,
            test_accuracy,
            truth,
            failures: Failures::default(),
        })
    }

    /// All objectives from a command of the user's.
    fn of_command(
        arguments: &Arguments,
        program: Program,
        origin: String,
    ) -> Result<Self, Failure> {
        let failures = program.failures();
        let latency = Objective::position(program.objectives(), Role::Latency);
        let limits = match (arguments.max_latency, latency) {
            (None, _) => Vec::new(),
            (Some(limit), Some(objective)) => vec![Limit { objective, at_most: limit.0 }],
            (Some(_), None) => {
                return Err(Failure::input(
                    "--max-latency: none of the --objectives is a latency in ms",
                ));
            }
        };
        Ok(Self {
            evaluator: Box::new(program),
            accuracy: Accuracy::Command,
            budget: None,
            origins: vec![origin],
            limits,
            candidates: None,
            test_accuracy: None,
            truth: None,
            failures,
        })
    }
}

/// Published accuracies of all architectures, as a source.
fn of_all(problem: &Problem, objective: &str, accuracies: Vec<f64>) -> Box<dyn Source> {
    let index = problem.numbering.map(|numbering| numbering.index);
    let accuracy = move |arch: &Arch| accuracies.get(index?(arch)).copied();
    Box::new(Lookup::new(Objective::accuracy(objective), accuracy))
}

/// Latency, and energy where it is asked for.
fn costs(
    arguments: &Arguments,
    problem: &Problem,
    published: Option<&dyn Published>,
    device: Option<&str>,
    origins: &mut Vec<String>,
    user_tables: &mut Vec<UserTable>,
) -> Result<Vec<Box<dyn Source>>, Failure> {
    let mut costs: Vec<Box<dyn Source>> = Vec::new();
    match (&arguments.latency_table, device) {
        (Some(file), _) => {
            let table = latencies(file, problem)?;
            origins.push(format!("latency from {}", file.display()));
            user_tables.push(table.clone());
            costs.push(Box::new(table.into_source(cost_objective(Metric::Latency))));
        }
        (None, None) => {
            origins.push(live::latency_origin(&arguments.device));
            costs.push(live::latency_source(problem, &arguments.device, arguments.seed)?);
        }
        (None, Some(device)) => {
            origins.push(format!("latency on {device} (HW-NAS-Bench)"));
            costs.push(cost_of(problem, published, device, Metric::Latency)?);
        }
    }
    if arguments.energy || arguments.max_energy.is_some() {
        let Some(device) = device else {
            return Err(Failure::input(
                "energy is only published for the devices edgegpu, eyeriss and fpga: name one with --device",
            ));
        };
        origins.push(format!("energy on {device} (HW-NAS-Bench)"));
        costs.push(cost_of(problem, published, device, Metric::Energy)?);
    }
    Ok(costs)
}

/// The architectures that have a value in each of the user's tables.
fn candidates(tables: &[UserTable]) -> Result<Option<Vec<Arch>>, Failure> {
    let Some((first, others)) = tables.split_first() else { return Ok(None) };
    let mut candidates: Vec<Arch> = first
        .architectures()
        .filter(|arch| others.iter().all(|table| table.value(arch).is_some()))
        .cloned()
        .collect();
    candidates.sort();
    if candidates.is_empty() {
        return Err(Failure::input("no architecture has a value in each of your tables"));
    }
    Ok(Some(candidates))
}
