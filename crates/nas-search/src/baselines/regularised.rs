use nas_pareto::dominates;
use nas_space::Arch;
use rand::seq::{IndexedRandom, index};

use super::{children, costs};
use crate::{BoxError, Proposal, Proposer, Random, Request, SearchRng};

/// Regularised evolution (Real, Aggarwal, Huang & Le 2019): of a random sample of the youngest
/// architectures of a niche the best mutates; the oldest die however good they are.
///
/// With several objectives the best is a random one of those that no other of the sample dominates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegularisedEvolution {
    /// How many live.
    pub population: usize,
    /// How many of them compete to be a parent.
    pub sample: usize,
}

impl Default for RegularisedEvolution {
    fn default() -> Self {
        Self { population: 100, sample: 25 }
    }
}

impl Proposer for RegularisedEvolution {
    fn name(&self) -> &'static str {
        "regularised-evolution"
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
        let costs = costs(request.objectives, &values)?;
        let costs: Vec<&[f64]> = costs.as_points().iter().collect();
        Ok(children(request, || {
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
