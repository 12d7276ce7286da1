use std::collections::BTreeMap;

use nas_partition::Partition;
use nas_space::Arch;
use rand::{RngExt, seq::IndexedRandom};

use super::children;
use crate::{BoxError, Evaluated, Proposal, Proposer, Random, Request, SearchRng};

/// MAP-Elites (Mouret & Clune 2015), the quality-diversity search that LLMatic (Nasir et al. 2024)
/// puts a language model in: of each cell of a grid of behaviours the architecture that is best in
/// the first objective is kept, and a random one of these elites is mutated, or crossed with another.
#[derive(Debug, Clone)]
pub struct MapElites {
    /// The grid, for example many narrow ranges of FLOPs; beside the niches of the search.
    pub cells: Partition,
    /// Probability of crossover of two elites.
    pub crossover: f64,
}

impl Proposer for MapElites {
    fn name(&self) -> &'static str {
        "map-elites"
    }

    fn is_stateless(&self) -> bool {
        true
    }

    fn propose(
        &mut self,
        request: &Request<'_>,
        rng: &mut SearchRng,
    ) -> Result<Vec<Proposal>, BoxError> {
        let Some(first) = request.objectives.first() else { return Ok(Vec::new()) };
        let cost = |one: &Evaluated| {
            one.complete().and_then(|values| values.first().copied()).map(|value| first.cost(value))
        };
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
        Ok(children(request, || {
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
