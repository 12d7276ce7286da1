//! Opens the inputs of a plan, and builds its evaluator.

use std::{path::Path, rc::Rc};

use nas_eval::{
    Failures, LearntAccuracy, Lookup, Predicted, Problem, Published, PublishedAccuracies, Source,
    Sources, Truth, UserTable, cost_objective,
};
use nas_hw::Metric;
use nas_search::{Evaluator, Limit, Objective, Role};
use nas_space::Arch;

use super::plan::{Accuracies, AccuracySource, Facts, LatencySource, Objectives, Plan};
use crate::{
    commands::live,
    failure::Failure,
    tables::{accuracies, cost_of, lacking, latencies, published},
    workers::Workers,
};

/// The opened inputs of a search: published tables and the user's; none with a program.
#[derive(Default)]
pub struct Inputs {
    published: Option<Box<dyn Published>>,
    tables: Vec<UserTable>,
}

impl Inputs {
    /// Opens the published tables, which must be there if `needed`, and the user's.
    pub fn open(
        problem: &Problem,
        data: Option<&Path>,
        needed: bool,
        accuracy: Option<&Path>,
        latency: Option<&Path>,
    ) -> Result<Self, Failure> {
        let mut tables = Vec::new();
        if let Some(file) = latency {
            tables.push(latencies(file, problem)?);
        }
        if let Some(file) = accuracy {
            tables.push(accuracies(file, problem)?);
        }
        Ok(Self { published: published(problem, data, needed)?, tables })
    }

    /// The inputs of a plan.
    pub fn of(plan: &Plan, problem: &Problem, data: Option<&Path>) -> Result<Self, Failure> {
        let (accuracy, latency) = match &plan.objectives {
            Objectives::Program(_) => return Ok(Self::default()),
            Objectives::Sources { accuracy, latency, .. } => {
                let accuracy = match accuracy {
                    AccuracySource::Table { file } => Some(file.as_path()),
                    _ => None,
                };
                let latency = match latency {
                    LatencySource::Table { file } => Some(file.as_path()),
                    _ => None,
                };
                (accuracy, latency)
            }
        };
        Self::open(problem, data, plan.reads_published(), accuracy, latency)
    }

    /// The facts that a plan depends on.
    pub fn facts(&self) -> Result<Facts, Failure> {
        let accuracies = match &self.published {
            None => Accuracies::Nothing,
            Some(published) => match published.accuracies()? {
                PublishedAccuracies::None => Accuracies::Nothing,
                PublishedAccuracies::OfSome { .. } => Accuracies::OfSome,
                PublishedAccuracies::OfAll { .. } => Accuracies::OfAll,
            },
        };
        Ok(Facts {
            accuracies,
            smallest_table: self.tables.iter().map(UserTable::len).min(),
            candidates: self.candidates()?.map(|candidates| candidates.len()),
            folder: std::env::current_dir().unwrap_or_default(),
        })
    }

    /// The architectures with a value in each of the user's tables, if there are any.
    pub fn candidates(&self) -> Result<Option<Vec<Arch>>, Failure> {
        let Some((first, others)) = self.tables.split_first() else { return Ok(None) };
        let mut candidates = first.sorted();
        candidates.retain(|arch| others.iter().all(|table| table.value(arch).is_some()));
        if candidates.is_empty() {
            return Err(Failure::input("no architecture has a value in each of your tables"));
        }
        Ok(Some(candidates))
    }
}

/// A search's evaluator, and the true objectives if they are known.
pub struct Opened {
    pub evaluator: Box<dyn Evaluator>,
    /// Each objective and where it comes from, in words.
    pub origins: Vec<String>,
    pub limits: Vec<Limit>,
    /// Test accuracies by index, if they are published.
    pub test_accuracy: Option<Vec<f64>>,
    /// The true objectives of all architectures, if all but accuracy are the benchmark's.
    pub truth: Option<Truth>,
    /// Failures of the user's command.
    pub failures: Failures,
}

impl Opened {
    /// The evaluator of a plan.
    pub fn new(
        plan: &Plan,
        problem: &Problem,
        inputs: Inputs,
        workers: &Rc<Workers>,
    ) -> Result<Self, Failure> {
        let (accuracy, latency, energy) = match &plan.objectives {
            Objectives::Program(program) => {
                let (origin, program) = (program.origin(), program.build(problem.space));
                let failures = program.failures();
                let limits = limits(plan, program.objectives())?;
                return Ok(Self {
                    evaluator: Box::new(program),
                    origins: vec![origin],
                    limits,
                    test_accuracy: None,
                    truth: None,
                    failures,
                });
            }
            Objectives::Sources { accuracy, latency, energy } => (accuracy, latency, energy),
        };
        let Inputs { published, mut tables } = inputs;
        let mut origins = Vec::new();
        let mut costs: Vec<Box<dyn Source>> = Vec::new();
        let mut device = None;
        match latency {
            LatencySource::Table { file } => {
                origins.push(format!("latency from {}", file.display()));
                costs.push(Box::new(tables.remove(0).into_source(cost_objective(Metric::Latency))));
            }
            LatencySource::Measured { gpu } => {
                origins.push(live::latency_origin(*gpu));
                costs.push(live::latency_source(problem, *gpu, plan.seed)?);
            }
            LatencySource::Published { device: name } => {
                origins.push(format!("latency on {name}, published"));
                costs.push(cost_of(problem, published.as_deref(), name, Metric::Latency)?);
                device = Some(name);
            }
        }
        if let Some(device) = energy {
            origins.push(format!("energy on {device}, published"));
            costs.push(cost_of(problem, published.as_deref(), device, Metric::Energy)?);
        }
        let (origin, evaluator) =
            with_accuracy(plan, accuracy, problem, published.as_deref(), tables, costs, workers)?;
        origins.insert(0, origin);
        let metrics = &Metric::ALL[..=usize::from(energy.is_some())];
        let truth = match (device, &published) {
            (Some(device), Some(published)) => problem.truth(&**published, device, metrics)?,
            _ => None,
        };
        let test_accuracy = match &published {
            Some(published) => published.test_accuracies()?,
            None => None,
        };
        let limits = limits(plan, evaluator.objectives())?;
        let failures = Failures::default();
        Ok(Self { evaluator, origins, limits, test_accuracy, truth, failures })
    }
}

/// Accuracy beside the costs, and where it comes from, in words.
fn with_accuracy(
    plan: &Plan,
    accuracy: &AccuracySource,
    problem: &Problem,
    published: Option<&dyn Published>,
    tables: Vec<UserTable>,
    costs: Vec<Box<dyn Source>>,
    workers: &Rc<Workers>,
) -> Result<(String, Box<dyn Evaluator>), Failure> {
    let with = |accuracy: Box<dyn Source>, costs: Vec<Box<dyn Source>>| {
        let sources = std::iter::once(accuracy).chain(costs).collect();
        Box::new(Sources::new(sources)) as Box<dyn Evaluator>
    };
    let lacking = || lacking(problem, "accuracies");
    let known = || -> Result<PublishedAccuracies, Failure> {
        Ok(published.ok_or_else(lacking)?.accuracies()?)
    };
    Ok(match accuracy {
        AccuracySource::Table { file } => {
            let table = tables.into_iter().next_back().ok_or_else(lacking)?;
            let source = table.into_source(Objective::accuracy("accuracy"));
            (format!("accuracy from {}", file.display()), with(Box::new(source), costs))
        }
        AccuracySource::Proxies(proxies) => {
            let score = proxies.score(problem, plan.seed, workers)?;
            (proxies.origin(problem), with(score, costs))
        }
        AccuracySource::Published => {
            let PublishedAccuracies::OfSome { trained, from } = known()? else {
                return Err(lacking());
            };
            let learnt = LearntAccuracy::new(problem.domain()?.features, trained)?;
            (format!("accuracy predicted from {from}"), with(Box::new(learnt), costs))
        }
        AccuracySource::Trained { .. } | AccuracySource::Benchmark => {
            let PublishedAccuracies::OfAll { objective, accuracies, from } = known()? else {
                return Err(lacking());
            };
            let index = problem.numbering.ok_or_else(lacking)?.index;
            let value = move |arch: &Arch| accuracies.get(index(arch)).copied();
            let accuracy = Box::new(Lookup::new(Objective::accuracy(objective), value));
            match plan.training() {
                None => (format!("accuracy from {from}"), with(accuracy, costs)),
                Some(budget) => {
                    let (domain, costs) = (problem.domain()?, Sources::new(costs));
                    let predicted = Predicted::new(domain, accuracy, costs, budget);
                    (format!("accuracy predicted from {from}"), Box::new(predicted))
                }
            }
        }
    })
}

/// The limits of a plan, on objectives of their roles.
fn limits(plan: &Plan, objectives: &[Objective]) -> Result<Vec<Limit>, Failure> {
    let limits = [(Role::Latency, plan.max_latency_ms), (Role::Energy, plan.max_energy_mj)];
    let limits = limits.into_iter().filter_map(|(role, at_most)| Some((role, at_most?)));
    let limit = |(role, at_most)| {
        let objective = Objective::position(objectives, role);
        let objective = objective.ok_or_else(|| {
            Failure::input("the search has no objective for one of its limits".to_owned())
        })?;
        Ok(Limit { objective, at_most })
    };
    limits.map(limit).collect()
}
