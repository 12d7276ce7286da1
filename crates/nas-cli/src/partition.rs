//! The options that divide a space into niches, and share a budget out over them.

use clap::ValueEnum;
use nas_eval::Problem;
use nas_partition::{Allocation, Automatic, Axis, Partition};
use nas_search::{Search, SearchRng, Settings};
use nas_space::{Arch, Space};
use rand::SeedableRng;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// How the space is divided into niches.
#[derive(Debug, Clone, Default, PartialEq, clap::Args, Serialize, Deserialize)]
#[command(next_help_heading = "Niches")]
#[serde(deny_unknown_fields)]
pub struct PartitionArguments {
    /// How the space is divided into niches. whole: not at all. pel-nas: the niches of the paper. An
    /// axis: flops, parameters, operations (without none), layers (without none and skips), a choice to
    /// count, for example nor_conv_3x3, or an [[axis]] or numeric decision of your own space.
    /// automatic: pel-nas or the axis that explains most of the latencies evaluated so far.
    /// predicted-latency: by the latency that the search predicts. random: a control experiment
    /// [default: whole; for a language model pel-nas, or automatic without it]
    #[arg(long, value_name = "NAME")]
    #[serde(rename = "name", skip_serializing_if = "Option::is_none")]
    partition: Option<String>,
    /// Divide an axis into this many niches of about equal size [default: 6]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    #[serde(skip_serializing_if = "Option::is_none")]
    niches: Option<u16>,
    /// Divide an axis at these values instead
    #[arg(long, value_name = "X,Y,…", value_delimiter = ',', conflicts_with = "niches")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    thresholds: Vec<f64>,
}

/// How a budget is divided among the niches.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Niches")]
pub struct AllocationArgument {
    /// How evaluations are divided among niches [default: adaptive; for a language model equal]
    #[arg(long, value_enum)]
    allocation: Option<AllocationName>,
}

/// How evaluations are divided among niches, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AllocationName {
    /// Half in any niche, the others by what each niche has added to the front; parents from all niches
    Adaptive,
    /// The same number for each niche; parents from the same niche
    Equal,
}

/// How the space is divided: before the search, or by its evaluations.
#[derive(Debug, Clone)]
pub enum Cut {
    Fixed(Partition),
    /// With the number of niches that is planned for.
    Automatic(Box<Automatic>, usize),
}

impl Cut {
    /// How many niches are planned for.
    pub fn niches(&self) -> usize {
        match self {
            Self::Fixed(partition) => partition.niches().len(),
            Self::Automatic(_, niches) => *niches,
        }
    }

    /// A search in these niches.
    pub fn search<'a>(&'a self, space: &'a Space, settings: Settings) -> Search<'a> {
        match self {
            Self::Fixed(partition) => Search::new(space, partition, settings),
            Self::Automatic(automatic, _) => Search::automatic(space, automatic, settings),
        }
    }
}

/// Names of partitions that are no axes.
const WHOLE: &str = "whole";
const PEL_NAS: &str = "pel-nas";
const AUTOMATIC: &str = "automatic";
const PREDICTED_LATENCY: &str = "predicted-latency";
const RANDOM: &str = "random";

/// Of a large space, a sample of at most `SAMPLE` architectures represents all where it is divided into
/// equal parts; at most `DRAWN` choices are drawn for it. A space is large from `LARGE` architectures on.
const SAMPLE: usize = 20_000;
const DRAWN: usize = 20_000_000;
const LARGE: u64 = 100_000;

/// Niches of an axis by default.
const NICHES: u16 = 6;

impl AllocationArgument {
    pub fn is_given(&self) -> bool {
        self.allocation.is_some()
    }

    /// The allocation, or this default.
    pub fn or(&self, default: Allocation) -> Allocation {
        self.allocation.map_or(default, Allocation::from)
    }
}

impl From<AllocationName> for Allocation {
    fn from(name: AllocationName) -> Self {
        match name {
            AllocationName::Adaptive => Self::Adaptive,
            AllocationName::Equal => Self::Equal,
        }
    }
}

impl From<Allocation> for AllocationName {
    fn from(allocation: Allocation) -> Self {
        match allocation {
            Allocation::Adaptive => Self::Adaptive,
            Allocation::Equal => Self::Equal,
        }
    }
}

impl PartitionArguments {
    /// No niches.
    pub fn whole() -> Self {
        Self { partition: Some(WHOLE.to_owned()), ..Self::default() }
    }

    pub fn is_given(&self) -> bool {
        self.partition.is_some()
    }

    /// The same with this name unless one is given.
    #[must_use]
    pub fn resolved(&self, default: &str) -> Self {
        Self { partition: Some(self.name(default).to_owned()), ..self.clone() }
    }

    /// The partition's name, or this default.
    pub fn name<'a>(&'a self, default: &'a str) -> &'a str {
        self.partition.as_deref().unwrap_or(default)
    }

    /// A partition that is known before any search.
    pub fn fixed(&self, problem: &Problem, default: &str) -> Result<Partition, Failure> {
        match self.build(problem, default)? {
            Cut::Fixed(partition) => Ok(partition),
            Cut::Automatic(..) => Err(Failure::input(format!(
                "--partition {} requires a search: use --rank with --device instead",
                self.name(default)
            ))),
        }
    }

    pub fn build(&self, problem: &Problem, default: &str) -> Result<Cut, Failure> {
        let space = problem.space;
        let name = self.name(default);
        let thresholds = !self.thresholds.is_empty();
        let cut = match name {
            WHOLE | PEL_NAS => thresholds || self.niches.is_some(),
            AUTOMATIC | PREDICTED_LATENCY => thresholds,
            _ => false,
        };
        if cut {
            let option = if thresholds { "--thresholds" } else { "--niches" };
            let axis = axes(problem).into_iter().next();
            let instead = axis.map_or_else(
                || format!("leave {option} out"),
                |(axis, _)| format!("use for example --partition {axis}"),
            );
            return Err(Failure::input(format!(
                "{option} divides an axis, and --partition {name} is none: {instead}"
            )));
        }
        match name {
            WHOLE => Ok(Cut::Fixed(Partition::whole())),
            PEL_NAS if problem.niches.is_some() => {
                Ok(Cut::Fixed(problem.niches.clone().unwrap_or_else(Partition::whole)))
            }
            AUTOMATIC => Ok(Cut::Automatic(Box::new(self.automatic(problem)?), self.niches())),
            PREDICTED_LATENCY => {
                Ok(Cut::Automatic(Box::new(self.by_latency(space)?), self.niches()))
            }
            _ => {
                let axis = axis(problem, name)?;
                if thresholds {
                    return Ok(Cut::Fixed(Partition::by_thresholds(axis, &self.thresholds)?));
                }
                self.by_quantiles(space, axis).map(Cut::Fixed)
            }
        }
    }

    /// The candidates of an automatic partition: the paper's niches, and each axis.
    pub fn automatic(&self, problem: &Problem) -> Result<Automatic, Failure> {
        let mut given = Vec::new();
        given.extend(problem.niches.clone().map(|niches| (PEL_NAS.to_owned(), niches)));
        let all = population(problem.space);
        for (name, axis) in axes(problem) {
            given.push((name, Partition::by_quantiles(axis, &all, self.niches())?));
        }
        Ok(Automatic::new(given))
    }

    fn by_quantiles(&self, space: &Space, axis: Axis) -> Result<Partition, Failure> {
        Ok(Partition::by_quantiles(axis, &population(space), self.niches())?)
    }

    /// Niches by latency, as predicted from the search's evaluations.
    fn by_latency(&self, space: &Space) -> Result<Automatic, Failure> {
        let (name, all) = ("predicted latency [ms]", population(space));
        Ok(Automatic::default().with_predicted(space, name, self.niches(), all)?)
    }

    fn niches(&self) -> usize {
        usize::from(self.niches.unwrap_or(NICHES))
    }
}

/// The name as it is typed.
pub fn allocation_name(allocation: Allocation) -> &'static str {
    match allocation {
        Allocation::Adaptive => "adaptive",
        Allocation::Equal => "equal",
    }
}

/// All architectures of a space, or a random sample of a large one.
pub fn population(space: &Space) -> Vec<Arch> {
    if space.size().is_some_and(|size| size <= LARGE) {
        return space.enumerate().collect();
    }
    let rng = &mut SearchRng::seed_from_u64(0);
    let sample = (DRAWN / space.decisions().len().max(1)).clamp(100, SAMPLE);
    (0..sample).map(|_| space.sample(rng)).collect()
}

/// The axes that a space can be divided along, by name: its statistics, its numeric decisions, and how
/// many decisions take each choice.
fn axes(problem: &Problem) -> Vec<(String, Axis)> {
    let space = problem.space;
    let mut axes = Vec::new();
    for statistic in problem.statistics.iter().cloned() {
        let title = statistic.title();
        axes.push((statistic.name.clone(), Axis::new(title, move |arch| statistic.in_unit(arch))));
    }
    if let Some(cell) = space.cell() {
        let others = [
            ("operations", vec![cell.none.as_str()]),
            ("layers", vec![&cell.none, &cell.identity]),
        ];
        for (name, others) in others {
            axes.extend(
                Axis::count_others(space, &others).ok().map(|axis| (name.to_owned(), axis)),
            );
        }
    }
    for (at, decision) in space.decisions().iter().enumerate() {
        let numbers: Option<Vec<f64>> =
            decision.choices.iter().map(|choice| choice.parse().ok()).collect();
        if let Some(numbers) = numbers {
            let value = move |arch: &Arch| {
                if space.active(arch)[at] { numbers[usize::from(arch.choices()[at])] } else { 0.0 }
            };
            axes.push((decision.name.clone(), Axis::new(decision.name.clone(), value)));
        }
    }
    for name in space.all_choice_names() {
        axes.extend(Axis::count(space, name).ok().map(|axis| (name.to_owned(), axis)));
    }
    axes
}

fn axis(problem: &Problem, name: &str) -> Result<Axis, Failure> {
    if name.eq_ignore_ascii_case(RANDOM) {
        return Ok(Axis::random(0));
    }
    let mut axes = axes(problem);
    if let Some(at) = axes.iter().position(|(known, _)| known.eq_ignore_ascii_case(name)) {
        return Ok(axes.swap_remove(at).1);
    }
    let mut known = vec![WHOLE, AUTOMATIC, PREDICTED_LATENCY, RANDOM];
    known.extend(problem.niches.as_ref().map(|_| PEL_NAS));
    known.extend(axes.iter().map(|(known, _)| known.as_str()));
    Err(nas_space::Error::unknown_name("partition", name, known).into())
}
