//! Regularised evolution.

use nas_pareto::{PointSet, dominates};
use nas_space::Arch;
use rand::seq::{IndexedRandom, index};

use crate::{
    BoxError, Objective, Proposal, Proposer, Random, Request, SearchRng, Searcher, request::TRIES,
};

/// Regularised evolution (Real, Aggarwal, Huang & Le 2019): the best of a random sample of the youngest
/// architectures of a niche is mutated; older ones are never parents, however good they are.
///
/// With several objectives the best is a random one of those that no other of the sample dominates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegularisedEvolution {
    /// The number of youngest architectures that may be parents.
    pub population: usize,
    /// The size of the random sample.
    pub sample: usize,
}

impl Default for RegularisedEvolution {
    fn default() -> Self {
        Self { population: 100, sample: 25 }
    }
}

impl RegularisedEvolution {
    /// The proposer's name in results.
    pub const NAME: &'static str = "regularised-evolution";
}

pub(super) const SEARCHER: Searcher = Searcher {
    name: RegularisedEvolution::NAME,
    summary: "Regularised evolution: the oldest die, the best of a sample mutates",
    make: |_| Ok(Box::new(RegularisedEvolution::default())),
};

impl Proposer for RegularisedEvolution {
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
        let alive = request.pool().rev().filter_map(|one| Some((&one.arch, one.complete()?)));
        let (alive, values): (Vec<&Arch>, Vec<Vec<f64>>) = alive.take(self.population).unzip();
        if alive.is_empty() {
            return Random.propose(request, rng);
        }
        let costs = PointSet::from_rows(&values, &Objective::directions(request.objectives))?;
        let costs: Vec<&[f64]> = costs.as_points().iter().collect();
        Ok(request.draw(TRIES, || {
            let sample = index::sample(rng, alive.len(), self.sample.clamp(1, alive.len()));
            let best: Vec<usize> = sample
                .iter()
                .filter(|&one| !sample.iter().any(|other| dominates(costs[other], costs[one])))
                .collect();
            let parent = best.choose(rng).copied().unwrap_or_default();
            request.space.mutate(alive[parent], rng)
        }))
    }
}
