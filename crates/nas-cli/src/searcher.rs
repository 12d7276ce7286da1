//! The searchers by name, and how a budget is divided into generations.

use clap::ValueEnum;
use nas_eval::Problem;
use nas_partition::{Axis, Partition};
use nas_search::{
    Evolution, LocalSearch, MapElites, Nsga2, Proposer, Random, RegularisedEvolution, Settings,
    Statistical,
};

use serde::{Deserialize, Serialize};

use crate::{failure::Failure, partition::population};

/// Population of NSGA-II and SPEA2: with a few hundred evaluations the usual 100 hardly evolve.
const POPULATION: usize = 50;

/// Ranges of FLOPs of which MAP-Elites keeps the best.
const CELLS: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Searcher {
    /// Evolution that ranks children by statistics of what the search has evaluated
    Statistical,
    /// Crossover and mutation of parents that are best by random weights
    Evolution,
    /// Uniform sampling
    Random,
    /// Pareto local search: all neighbours of members of the front
    Local,
    /// Regularised evolution: the oldest die, the best of a sample mutates
    RegularisedEvolution,
    /// NSGA-II: non-dominated sorting and crowding distance
    Nsga2,
    /// MAP-Elites: the most accurate of each range of FLOPs mutates; in a space of your own, of each
    /// range of its last axis
    MapElites,
    /// SPEA2 (library moors); requires a build with --features spea2
    Spea2,
    /// A language model, only in nas search, with --llm-url or --replay
    Llm,
    /// Evaluates every architecture
    Exhaustive,
}

impl Searcher {
    /// The name as it is typed.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// The searcher, or nothing if it requires a model or a list.
    pub fn proposer(self, problem: &Problem) -> Result<Option<Box<dyn Proposer>>, Failure> {
        Ok(Some(match self {
            Self::Statistical => Box::new(Statistical),
            Self::Evolution => Box::new(Evolution::default()),
            Self::Random => Box::new(Random),
            Self::Local => Box::new(LocalSearch::default()),
            Self::RegularisedEvolution => Box::new(RegularisedEvolution::default()),
            Self::Nsga2 => Box::new(Nsga2::new(POPULATION)),
            Self::MapElites => {
                // The last statistic is the one that costs follow most.
                let Some(statistic) = problem.statistics.last().cloned() else {
                    return Err(Failure::input(format!(
                        "{} has no statistic that map-elites can use: add an [[axis]] to it, or name another --searcher",
                        problem.space.name()
                    )));
                };
                let axis = Axis::new(statistic.title(), move |arch| statistic.of(arch));
                let cells = Partition::by_quantiles(axis, &population(problem.space), CELLS)?;
                Box::new(MapElites { cells, crossover: 0.5 })
            }
            #[cfg(feature = "spea2")]
            Self::Spea2 => Box::new(nas_search::Spea2::new(POPULATION)),
            #[cfg(not(feature = "spea2"))]
            Self::Spea2 => {
                return Err(Failure::input(
                    "this nas was built without the searcher spea2: build one that has it with \
                     `cargo install --path crates/nas-cli --features spea2`",
                ));
            }
            Self::Llm | Self::Exhaustive => return Ok(None),
        }))
    }
}

/// A search starts with a random sample of a sixth of the budget, at most 100; a generation is a
/// fortieth of the budget, at most 15.
pub fn schedule(evaluations: usize, seed: u64) -> Settings {
    let (initial, generation) = ((evaluations / 6).clamp(1, 100), (evaluations / 40).clamp(1, 15));
    Settings { evaluations, initial, generation, seed, ..Settings::default() }
}

/// Settings that evaluate a list of so many in one generation.
pub fn scan(count: usize, settings: Settings) -> Settings {
    Settings { evaluations: count, initial: 0, generation: count, ..settings }
}
