//! Opens the inputs of a plan, and builds its evaluator.

use std::{cell::RefCell, path::Path, rc::Rc};

use nas_eval::{
    Joined, KnownCosts, LearntAccuracy, Log, Lookup, Pace, Predicted, Problem, Published,
    PublishedAccuracies, Source, SourceValue, Sources, Truth, UserTable, cost_objective,
};
use nas_hw::Metric;
use nas_search::{BoxError, Detail, Evaluator, Objective};
use nas_space::Arch;

use super::{
    limit::{KnownValue, Limited, counted, ends},
    plan::{Accuracies, AccuracySource, Facts, LatencySource, Objectives, Plan},
};
use crate::{
    commands::live,
    evaluate::ProgramPlan,
    failure::Failure,
    searcher::Searcher,
    tables::{accuracies, cost_of, lacking, latencies, published},
    workers::Workers,
};

/// The opened inputs of a search: published tables and the user's.
#[derive(Default)]
pub struct Inputs {
    published: Option<Box<dyn Published>>,
    accuracies: Option<UserTable>,
    latencies: Option<UserTable>,
}

impl Inputs {
    /// Opens the published tables, which must be there if `needed`, and the user's.
    pub fn open(
        problem: &Problem,
        tables: Option<&Path>,
        needed: bool,
        accuracy: Option<&Path>,
        latency: Option<&Path>,
    ) -> Result<Self, Failure> {
        Ok(Self {
            latencies: latency.map(|file| latencies(file, problem)).transpose()?,
            accuracies: accuracy.map(|file| accuracies(file, problem)).transpose()?,
            published: published(problem, tables, needed)?,
        })
    }

    /// The inputs of a plan.
    pub fn of(plan: &Plan, problem: &Problem, tables: Option<&Path>) -> Result<Self, Failure> {
        let accuracy = match &plan.objectives.accuracy {
            Some(AccuracySource::Table { file }) => Some(file.as_path()),
            _ => None,
        };
        let latency = match &plan.objectives.latency {
            Some(LatencySource::Table { file }) => Some(file.as_path()),
            _ => None,
        };
        Self::open(problem, tables, plan.reads_published(), accuracy, latency)
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
            smallest_table: self.tables().map(UserTable::len).min(),
            candidates: self.candidates()?.map(|candidates| candidates.len()),
            folder: std::env::current_dir().unwrap_or_default(),
        })
    }

    fn tables(&self) -> impl Iterator<Item = &UserTable> {
        self.latencies.iter().chain(&self.accuracies)
    }

    /// The architectures with a value in each of the user's tables, if there are any: nothing else can
    /// be evaluated.
    pub fn candidates(&self) -> Result<Option<Vec<Arch>>, Failure> {
        let mut tables = self.tables();
        let Some(first) = tables.next() else { return Ok(None) };
        let mut candidates = first.sorted();
        for table in tables {
            candidates.retain(|arch| table.value(arch).is_some());
        }
        if candidates.is_empty() {
            return Err(Failure::input("no architecture has a value in each of your tables"));
        }
        Ok(Some(candidates))
    }
}

/// Sources of objectives that are known of every architecture before it is evaluated.
pub type Known = Rc<RefCell<Vec<KnownSource>>>;

pub struct KnownSource {
    /// The objective's position.
    pub at: usize,
    source: Box<dyn Source>,
    /// The positions of the details that are the ends of its interval.
    ends: Option<[usize; 2]>,
}

/// Sources, and where they come from, in words.
type Described = (Vec<Box<dyn Source>>, Vec<String>);

/// What is known of a search's evaluator, and the true objectives if they are known.
pub struct Opened {
    pub objectives: Vec<Objective>,
    pub details: Vec<Detail>,
    /// Each objective and where it comes from, in words.
    pub origins: Vec<String>,
    pub limits: Rc<[Limited]>,
    pub known: Known,
    /// Test accuracies by index, if they are published.
    pub test_accuracy: Option<Vec<f64>>,
    /// The true objectives of all architectures, if all but accuracy are the benchmark's.
    pub truth: Option<Truth>,
    /// Log lines of the user's command.
    pub log: Log,
}

impl Opened {
    /// The evaluator of a plan, and what is known of it.
    pub fn new(
        plan: &Plan,
        problem: &Problem,
        inputs: &Inputs,
        workers: &Rc<Workers>,
    ) -> Result<(Self, Box<dyn Evaluator>), Failure> {
        let Objectives { accuracy, program, latency, energy, .. } = &plan.objectives;
        let known = Known::default();
        let mut parts: Vec<Box<dyn Evaluator>> = Vec::new();
        let mut origins = Vec::new();
        let (mut costs, cost_origins) = costs(plan, problem, inputs)?;
        if let Some(accuracy) = accuracy {
            // What predicts accuracy has the costs that guide it.
            let beside = if program.is_none() { std::mem::take(&mut costs) } else { Vec::new() };
            let (origin, part) = with_accuracy(plan, accuracy, problem, inputs, beside, workers)?;
            origins.push(origin);
            parts.push(part);
        }
        let mut log = Log::default();
        if let Some(program) = program {
            origins.push(program.origin());
            let program = program.open(problem, &plan.space, costs_of(&known), workers);
            log = program.log();
            parts.push(Box::new(program));
        }
        origins.extend(cost_origins);
        if !costs.is_empty() {
            parts.push(Box::new(Sources::new(costs)));
        }
        let evaluator = match parts.len() {
            1 => parts.remove(0),
            _ => Box::new(Joined::new(parts)),
        };
        let published = inputs.published.as_deref();
        let metrics = &Metric::ALL[..=usize::from(energy.is_some())];
        let truth = match (latency, published) {
            (Some(LatencySource::Published { device }), Some(published))
                if plan.objectives.counted.is_empty() && plan.train.is_none() =>
            {
                problem.truth(published, device, metrics)?
            }
            _ => None,
        };
        // What was published is not of the user's data.
        let published = published.filter(|_| plan.train.is_none());
        let test_accuracy = published.map(Published::test_accuracies).transpose()?.flatten();
        let objectives = evaluator.objectives().to_vec();
        let details = evaluator.details().to_vec();
        let limits =
            Limited::of(&plan.limits, plan.limit_risk, problem, &objectives, &details)?.into();
        // Elsewhere nobody asks: an evaluation takes no longer.
        let is_asked = plan.is_slow() || plan.searcher == Searcher::Predictor;
        if is_asked {
            *known.borrow_mut() = self::known(plan, problem, inputs, &objectives)?;
        }
        if let Some(program) = program.as_ref().filter(|program| program.early_stop) {
            check_early_stop(program, &known, &objectives)?;
        }
        let opened =
            Self { objectives, details, origins, limits, known, test_accuracy, truth, log };
        Ok((opened, evaluator))
    }
}

/// The values of known objectives of an architecture.
pub fn values_of(known: &Known, arch: &Arch) -> Result<Vec<KnownValue>, BoxError> {
    let mut known = known.borrow_mut();
    let value = |known: &mut KnownSource| {
        let SourceValue { value, details } = known.source.value(arch)?;
        let ends = known.ends.map_or([None; 2], |ends| ends.map(|end| details[end]));
        Ok(KnownValue { at: known.at, value, ends })
    };
    known.iter_mut().map(value).collect()
}

/// Finds the costs of known objectives of an architecture, less being better.
fn costs_of(known: &Known) -> Box<KnownCosts> {
    let known = Rc::clone(known);
    Box::new(move |arch| {
        let mut known = known.borrow_mut();
        let cost = |KnownSource { source, .. }: &mut KnownSource| {
            let value = source.value(arch).ok()?.value?;
            Some(source.objective().cost(value))
        };
        known.iter_mut().filter_map(cost).collect()
    })
}

/// Refuses to stop trainings early where an objective is not known before they end.
fn check_early_stop(
    program: &ProgramPlan,
    known: &Known,
    objectives: &[Objective],
) -> Result<(), Failure> {
    let known = known.borrow();
    let is_known = |at: usize, one| {
        known.iter().any(|known| known.at == at) || program.objectives.contains(one)
    };
    match objectives.iter().enumerate().find(|(at, one)| !is_known(*at, one)) {
        None => Ok(()),
        Some((_, unknown)) => Err(Failure::input(format!(
            "--early-stop: {} is not known before a training ends, so trainings cannot be compared: let the program answer it with each step, or use a table",
            unknown.column()
        ))),
    }
}

/// The sources of costs, and where they come from, in words.
fn costs(plan: &Plan, problem: &Problem, inputs: &Inputs) -> Result<Described, Failure> {
    let Objectives { latency, energy, counted: names, .. } = &plan.objectives;
    let published = inputs.published.as_deref();
    let (mut costs, mut origins) = (Vec::<Box<dyn Source>>::new(), Vec::new());
    match latency {
        Some(LatencySource::Table { file }) => {
            origins.push(format!("latency from {}", file.display()));
            let table = inputs.latencies.clone().ok_or_else(|| lacking(problem, "latencies"))?;
            costs.push(Box::new(table.into_source(cost_objective(Metric::Latency))));
        }
        Some(LatencySource::Measured { gpu }) => {
            origins.push(live::latency_origin(*gpu));
            costs.push(live::latency_source(problem, *gpu, plan.seed)?);
        }
        Some(LatencySource::Published { device }) => {
            origins.push(format!("latency on {device}, published"));
            costs.push(cost_of(problem, published, device, Metric::Latency)?);
        }
        None => {}
    }
    if let Some(device) = energy {
        origins.push(format!("energy on {device}, published"));
        costs.push(cost_of(problem, published, device, Metric::Energy)?);
    }
    for name in names {
        let statistic = counted(problem, name).cloned();
        let statistic = statistic.ok_or_else(|| lacking(problem, name))?;
        origins.push(format!("{name}, counted"));
        let direction = nas_pareto::Direction::Minimise;
        let objective = Objective::from_column(name, direction);
        costs.push(Box::new(Lookup::new(objective, move |arch: &Arch| Some(statistic.of(arch)))));
    }
    Ok((costs, origins))
}

/// The sources of objectives that are known of every architecture before it is evaluated: looked up or
/// counted.
fn known(
    plan: &Plan,
    problem: &Problem,
    inputs: &Inputs,
    objectives: &[Objective],
) -> Result<Vec<KnownSource>, Failure> {
    let mut sources: Vec<Box<dyn Source>> = Vec::new();
    match (&plan.objectives.accuracy, &inputs.accuracies) {
        (Some(AccuracySource::Table { .. }), Some(table)) => {
            sources.push(Box::new(table.clone().into_source(Objective::accuracy("accuracy"))));
        }
        (Some(AccuracySource::Benchmark), _) => {
            sources.push(published_accuracy(problem, inputs)?.0);
        }
        _ => {}
    }
    if !matches!(plan.objectives.latency, Some(LatencySource::Measured { .. })) {
        sources.extend(costs(plan, problem, inputs)?.0);
    }
    let known = sources.into_iter().filter(|source| source.pace() == Pace::AtOnce);
    let placed = known.filter_map(|source| {
        let at = objectives.iter().position(|one| one == source.objective())?;
        let ends = ends(source.objective(), source.details());
        Some(KnownSource { at, source, ends })
    });
    Ok(placed.collect())
}

/// The published accuracies of all networks as a source, and what they are, in words.
fn published_accuracy(
    problem: &Problem,
    inputs: &Inputs,
) -> Result<(Box<dyn Source>, String), Failure> {
    let lacking = || lacking(problem, "accuracies");
    let known = inputs.published.as_deref().ok_or_else(lacking)?.accuracies()?;
    let PublishedAccuracies::OfAll { objective, accuracies, from } = known else {
        return Err(lacking());
    };
    let index = problem.numbering.ok_or_else(lacking)?.index;
    let value = move |arch: &Arch| accuracies.get(index(arch)).copied();
    Ok((Box::new(Lookup::new(Objective::accuracy(objective), value)), from))
}

/// Accuracy beside the costs, and where it comes from, in words.
fn with_accuracy(
    plan: &Plan,
    accuracy: &AccuracySource,
    problem: &Problem,
    inputs: &Inputs,
    costs: Vec<Box<dyn Source>>,
    workers: &Rc<Workers>,
) -> Result<(String, Box<dyn Evaluator>), Failure> {
    let with = |accuracy: Box<dyn Source>, costs: Vec<Box<dyn Source>>| {
        let sources = std::iter::once(accuracy).chain(costs).collect();
        Box::new(Sources::new(sources)) as Box<dyn Evaluator>
    };
    let lacking = || lacking(problem, "accuracies");
    Ok(match accuracy {
        AccuracySource::Table { file } => {
            let table = inputs.accuracies.clone().ok_or_else(lacking)?;
            let source = table.into_source(Objective::accuracy("accuracy"));
            (format!("accuracy from {}", file.display()), with(Box::new(source), costs))
        }
        AccuracySource::Proxies(proxies) => {
            let score = proxies.score(problem, plan.seed, workers)?;
            (proxies.origin(problem), with(score, costs))
        }
        AccuracySource::Published => {
            let known = inputs.published.as_deref().ok_or_else(lacking)?.accuracies()?;
            let PublishedAccuracies::OfSome { trained, from } = known else {
                return Err(lacking());
            };
            let learnt = LearntAccuracy::new(problem.domain()?.features, trained)?;
            (format!("accuracy predicted from {from}"), with(Box::new(learnt), costs))
        }
        AccuracySource::Trained { .. } | AccuracySource::Benchmark => {
            let (accuracy, from) = published_accuracy(problem, inputs)?;
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
