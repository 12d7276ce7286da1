//! What proposes architectures, by name.

use clap::ValueEnum;
use nas_eval::Problem;
use nas_partition::{Axis, Partition};
use nas_search::{
    Evolution, LocalSearch, MapElites, Nsga2, Proposer, Random, RegularisedEvolution, Settings,
    Statistical,
};

use serde::{Deserialize, Serialize};

use crate::{failure::Failure, partition::population};

/// How many survive in NSGA-II and SPEA2: with a few hundred evaluations the usual 100 hardly evolve.
const POPULATION: usize = 50;

/// Ranges of FLOPs of which MAP-Elites keeps the best.
const CELLS: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Searcher {
    /// Evolution that chooses among children by what the search has measured
    Statistical,
    /// Crossover and mutation of the best by random weights
    Evolution,
    /// Uniform sampling
    Random,
    /// Pareto local search: all neighbours of members of the front
    Local,
    /// The youngest compete, the best mutate
    RegularisedEvolution,
    /// Non-dominated sorting and crowding
    Nsga2,
    /// Quality-diversity: the most accurate of each range of FLOPs, or of the last axis of a space of
    /// your own, mutate
    MapElites,
    /// SPEA2, by the library moors; only in a program that is built with --features spea2
    Spea2,
    /// A language model
    Llm,
    /// Evaluates every architecture
    Exhaustive,
}

impl Searcher {
    /// The name as it is typed.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// The searcher, where it needs nothing else: neither a model nor a list.
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
                        "{} measures nothing of its architectures: give it an [[axis]], or name another --searcher",
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

/// A sixth of the budget, at most 100, starts a search at random; generations are a fortieth of it,
/// at most 15.
pub fn schedule(evaluations: usize, seed: u64) -> Settings {
    let (initial, generation) = ((evaluations / 6).clamp(1, 100), (evaluations / 40).clamp(1, 15));
    Settings { evaluations, initial, generation, seed, ..Settings::default() }
}

/// A list of so many, evaluated in one generation.
pub fn scan(count: usize, settings: Settings) -> Settings {
    Settings { evaluations: count, initial: 0, generation: count, ..settings }
}
