use rand::{RngExt, seq::IndexedRandom};

use crate::{BoxError, Proposal, Proposer, Random, Request, SearchRng, feasibility::Feasibility};

/// Evolution on the niche's Pareto archive: parents drawn uniformly from the non-dominated
/// architectures; uniform crossover of two, or mutation of one.
///
/// An elitist archive-based strategy in the manner of PAES (Knowles & Corne 2000), with the
/// niche's whole archive as the population. A child is dropped with a probability that grows with
/// the share of architectures of its kind that could not be evaluated so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evolution {
    /// Probability of crossover; else the child is a mutant. 0.5 as in PEL-NAS.
    pub crossover: f64,
}

impl Default for Evolution {
    fn default() -> Self {
        Self { crossover: 0.5 }
    }
}

/// Where the neighbourhood of the parents is exhausted, a child that is new is soon not found.
const TRIES: usize = 50;

impl Proposer for Evolution {
    fn name(&self) -> &'static str {
        "evolution"
    }

    fn propose(
        &mut self,
        request: &Request<'_>,
        rng: &mut SearchRng,
    ) -> Result<Vec<Proposal>, BoxError> {
        let Some(_) = request.parents.first() else { return Random.propose(request, rng) };
        let space = request.space;
        let parent =
            |rng: &mut SearchRng| &request.parents.choose(rng).unwrap_or(&request.parents[0]).arch;
        let feasibility = Feasibility::learn(space, request.evaluated);
        let child = |rng: &mut SearchRng| {
            let one = parent(rng);
            if rng.random_bool(self.crossover) {
                let other = parent(rng);
                space.crossover(one, other, rng)
            } else {
                space.mutate(one, rng)
            }
        };
        // The share is above 0, so that the loop ends.
        let children = request.draw(TRIES, || {
            loop {
                let child = child(rng);
                if rng.random_bool(feasibility.of(&child).powi(2)) {
                    break child;
                }
            }
        });
        Ok(children.into_iter().map(|arch| Proposal { arch, rationale: None }).collect())
    }
}
