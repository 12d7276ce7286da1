use std::path::Path;

use nas_bench::{Fidelity, NasBench201};
use nas_eval::{
    Failures, Labels, Predicted, Program, Source, Sources, Task, Truth, UserTable, benchmark,
};
use nas_hw::{Device, Metric};
use nas_search::{Evaluator, Limit, Objective};
use nas_space::{Arch, nasbench201::Dataset};

use super::{Accuracy, Arguments};
use crate::{
    commands::{Target, accuracies, latencies, live, tables, tables_if_there},
    failure::Failure,
};

/// Where a search's objectives come from, and what is known about the truth.
pub struct Objectives {
    pub evaluator: Box<dyn Evaluator>,
    /// Where accuracy comes from.
    pub accuracy: Accuracy,
    /// How labels are bought, where accuracy is predicted.
    pub labels: Labels,
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
    pub fn new(arguments: &Arguments, task: &Task, data: Option<&Path>) -> Result<Self, Failure> {
        if let Some((program, origin)) = arguments.evaluate.build(task.space)? {
            return Self::of_command(arguments, program, origin);
        }
        let Some(dataset) = task.published else { return Self::of_tables(arguments, task) };
        let published = match (arguments.device, &arguments.latency_table) {
            (Target::Table(device), None) => Some(device),
            _ => None,
        };
        let there = tables_if_there(data)?;
        let mut accuracy = arguments.accuracy(there.is_some());
        let needed =
            published.is_some() || matches!(accuracy, Accuracy::Predictor | Accuracy::Benchmark);
        let tables = match there {
            None if needed => Some(tables(data)?),
            there => there,
        };
        let mut origins = Vec::new();
        let mut user_tables = Vec::new();
        let mut costs = costs(
            arguments,
            task,
            dataset,
            tables.as_ref(),
            published,
            &mut origins,
            &mut user_tables,
        )?;

        let labels = arguments.labels();
        // What can all be labelled need not be predicted.
        let few = user_tables.iter().any(|table: &UserTable| table.len() <= labels.budget);
        let chosen = arguments.accuracy.is_some() || arguments.labels.is_some();
        if few && !chosen && accuracy == Accuracy::Predictor {
            accuracy = Accuracy::Benchmark;
        }
        let fidelity = benchmark::search_fidelity(dataset);
        let published_accuracy = || -> Result<Box<dyn Source>, Failure> {
            let tables = tables.as_ref().ok_or_else(no_tables)?;
            Ok(Box::new(benchmark::accuracy(tables, dataset, fidelity)?))
        };
        let (origin, first): (String, Box<dyn Source>) = match (accuracy, &arguments.accuracy_table)
        {
            (Accuracy::Table, Some(file)) => {
                let table = accuracies(file, |text| task.parse(text))?;
                user_tables.push(table.clone());
                let source = table.into_source(Objective::maximise("accuracy", "%"));
                (format!("accuracy from {}", file.display()), Box::new(source))
            }
            (Accuracy::Proxies, _) => {
                let compute = arguments.compute.as_deref();
                let origin = arguments.proxy.origin(dataset, compute);
                (origin, arguments.proxy.score(dataset, arguments.seed, compute)?)
            }
            (Accuracy::Predictor, _) => (
                format!("accuracy predicted from NAS-Bench-201 ({fidelity})"),
                published_accuracy()?,
            ),
            (Accuracy::Benchmark | Accuracy::Table | Accuracy::Command, _) => {
                (format!("accuracy from NAS-Bench-201 ({fidelity})"), published_accuracy()?)
            }
        };
        origins.insert(0, origin);
        let evaluator: Box<dyn Evaluator> = if accuracy == Accuracy::Predictor {
            let costs = Sources::new(costs);
            Box::new(Predicted::new(benchmark::domain(dataset)?, first, costs, labels))
        } else {
            costs.insert(0, first);
            Box::new(Sources::new(costs))
        };

        let metrics = &[Metric::Latency, Metric::Energy][..evaluator.objectives().len() - 1];
        let truth = match (published, &tables) {
            (Some(device), Some(tables)) => {
                Some(benchmark::truth(tables, dataset, device, metrics)?)
            }
            _ => None,
        };
        let test_accuracy = tables
            .map(|tables| tables.accuracy(dataset, Fidelity::TEST).map(<[f64]>::to_vec))
            .transpose()?;
        let latency = arguments.max_latency.map(|limit| Limit { objective: 1, at_most: limit.0 });
        let energy = arguments.max_energy.map(|limit| Limit { objective: 2, at_most: limit.0 });
        Ok(Self {
            evaluator,
            accuracy,
            labels,
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
        let latency = program.objectives().iter().position(|one| one.column() == "latency_ms");
        let limits = match (arguments.max_latency, latency) {
            (None, _) => Vec::new(),
            (Some(limit), Some(objective)) => vec![Limit { objective, at_most: limit.0 }],
            (Some(_), None) => {
                return Err(Failure::input(
                    "--max-latency: latency_ms is none of the --objectives",
                ));
            }
        };
        Ok(Self {
            evaluator: Box::new(program),
            accuracy: Accuracy::Command,
            labels: arguments.labels(),
            origins: vec![origin],
            limits,
            candidates: None,
            test_accuracy: None,
            truth: None,
            failures,
        })
    }

    /// Accuracy and latency from tables of the user's.
    fn of_tables(arguments: &Arguments, task: &Task) -> Result<Self, Failure> {
        let (Some(accuracy), Some(latency)) = (&arguments.accuracy_table, &arguments.latency_table)
        else {
            return Err(Failure::input(format!(
                "what architectures of {} are worth is yours to say: --evaluate COMMAND, or --accuracy-table and --latency-table",
                task.space.name()
            )));
        };
        if arguments.energy || arguments.max_energy.is_some() {
            return Err(Failure::input("energy is only published for NAS-Bench-201"));
        }
        let accuracies = accuracies(accuracy, |text| task.parse(text))?;
        let latencies = latencies(latency, |text| task.parse(text))?;
        let candidates = candidates(&[accuracies.clone(), latencies.clone()])?;
        let objective = Objective::maximise("accuracy", "%");
        let sources: Vec<Box<dyn Source>> = vec![
            Box::new(accuracies.into_source(objective)),
            Box::new(latencies.into_source(benchmark::cost_objective(Metric::Latency))),
        ];
        let limit = arguments.max_latency.map(|limit| Limit { objective: 1, at_most: limit.0 });
        Ok(Self {
            evaluator: Box::new(Sources::new(sources)),
            accuracy: Accuracy::Table,
            labels: arguments.labels(),
            origins: vec![
                format!("accuracy from {}", accuracy.display()),
                format!("latency from {}", latency.display()),
            ],
            limits: limit.into_iter().collect(),
            candidates,
            test_accuracy: None,
            truth: None,
            failures: Failures::default(),
        })
    }

    /// Whether an evaluation takes a noticeable time.
    pub fn is_slow(&self) -> bool {
        self.evaluator.batch() < usize::MAX
    }
}

/// Latency, and energy where it is asked for.
fn costs(
    arguments: &Arguments,
    task: &Task,
    dataset: Dataset,
    tables: Option<&NasBench201>,
    published: Option<Device>,
    origins: &mut Vec<String>,
    user_tables: &mut Vec<UserTable>,
) -> Result<Vec<Box<dyn Source>>, Failure> {
    let mut costs: Vec<Box<dyn Source>> = Vec::new();
    match (&arguments.latency_table, published) {
        (Some(file), _) => {
            let table = latencies(file, |text| task.parse(text))?;
            origins.push(format!("latency from {}", file.display()));
            user_tables.push(table.clone());
            costs.push(Box::new(table.into_source(benchmark::cost_objective(Metric::Latency))));
        }
        (None, None) => {
            origins.push("latency measured on this machine, one image on one thread".to_owned());
            costs.push(live::latency_source(dataset, arguments.seed)?);
        }
        (None, Some(device)) => {
            origins.push(format!("latency on {device} (HW-NAS-Bench)"));
            let tables = tables.ok_or_else(no_tables)?;
            costs.push(Box::new(benchmark::cost(tables, dataset, device, Metric::Latency)?));
        }
    }
    if arguments.energy || arguments.max_energy.is_some() {
        let Some(device) = published else {
            return Err(Failure::input(
                "energy is only published for the devices edgegpu, eyeriss and fpga: name one with --device",
            ));
        };
        origins.push(format!("energy on {device} (HW-NAS-Bench)"));
        let tables = tables.ok_or_else(no_tables)?;
        costs.push(Box::new(benchmark::cost(tables, dataset, device, Metric::Energy)?));
    }
    Ok(costs)
}

fn no_tables() -> Failure {
    Failure::work("the benchmark's tables are needed and were not opened")
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
