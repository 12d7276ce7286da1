//! MAP-Elites.

use std::collections::BTreeMap;

use nas_partition::Partition;
use nas_space::Arch;
use rand::{RngExt, seq::IndexedRandom};

use crate::{
    BoxError, Error, Evaluated, Objective, Proposal, Proposer, Random, Request, Role, SearchRng,
    Searcher, request::TRIES, searcher::Context,
};

/// MAP-Elites (Mouret & Clune 2015), the quality-diversity search that LLMatic (Nasir et al. 2024)
/// adds a language model to: in each cell of a grid of behaviours the most accurate architecture is
/// kept, and a random one of these elites is mutated, or crossed with another.
///
/// Where no objective is an accuracy, the best in the first objective is kept.
#[derive(Debug, Clone)]
pub struct MapElites {
    /// The grid, for example many narrow ranges of FLOPs. It is independent of the search's niches.
    pub cells: Partition,
    /// Probability of crossover of two elites.
    pub crossover: f64,
}

impl MapElites {
    /// The proposer's name in results.
    pub const NAME: &'static str = "map-elites";
}

pub(super) const SEARCHER: Searcher = Searcher {
    name: MapElites::NAME,
    summary: "MAP-Elites: the most accurate of each range of FLOPs mutates; in a space of your own, of each range of its last axis",
    make,
};

/// Ranges of the axis of which the best are kept, by name.
const CELLS: usize = 100;

fn make(context: &Context<'_>) -> Result<Box<dyn Proposer>, Error> {
    let no_axis =
        || Error::NoAxis { searcher: MapElites::NAME, space: context.space.name().to_owned() };
    let axis = context.axis.clone().ok_or_else(no_axis)?;
    let cells = Partition::by_quantiles(axis, &(context.sample)(), CELLS)?;
    Ok(Box::new(MapElites { cells, crossover: 0.5 }))
}

impl Proposer for MapElites {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn is_stateless(&self) -> bool {
        true
    }

    fn propose(
        &mut self,
        request: &Request<'_>,
        rng: &mut SearchRng,
    ) -> Result<Vec<Proposal>, BoxError> {
        let best = Objective::position(request.objectives, Role::Accuracy).unwrap_or_default();
        let Some(objective) = request.objectives.get(best) else { return Ok(Vec::new()) };
        let cost = |one: &Evaluated| Some(objective.cost(*one.complete()?.get(best)?));
        let mut elites: BTreeMap<usize, (f64, &Arch)> = BTreeMap::new();
        for one in request.pool() {
            let Some(cost) = cost(one) else { continue };
            let elite = elites.entry(self.cells.niche_of(&one.arch)).or_insert((cost, &one.arch));
            if cost < elite.0 {
                *elite = (cost, &one.arch);
            }
        }
        let elites: Vec<&Arch> = elites.into_values().map(|elite| elite.1).collect();
        if elites.is_empty() {
            return Random.propose(request, rng);
        }
        Ok(request.draw(TRIES, || {
            let pick = |rng: &mut SearchRng| elites.choose(rng).copied().unwrap_or(elites[0]);
            let one = pick(rng);
            if rng.random_bool(self.crossover) {
                request.space.crossover(one, pick(rng), rng)
            } else {
                request.space.mutate(one, rng)
            }
        }))
    }
}
