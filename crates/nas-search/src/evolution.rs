use rand::RngExt;

use crate::{BoxError, Proposal, Proposer, Random, Request, SearchRng, feasibility::Feasibility};

/// Evolution on the niche's Pareto archive: uniform crossover of two good architectures, or mutation
/// of one.
///
/// Parents win a binary tournament on crowding distance (NSGA-II, Deb et al. 2002, section III.B):
/// where the front has gaps, more is tried. The population is the niche's whole archive, as in
/// PAES (Knowles & Corne 2000). A child is dropped with a probability that grows with
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

/// How often a parent comes from the second front: measured accuracy is noisy, and the way to a
/// better architecture may start from one that is only nearly as good.
const SECOND_FRONT: f64 = 0.2;

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
        if request.parents.is_empty() {
            return Random.propose(request, rng);
        }
        let space = request.space;
        let crowding = request.crowding()?;
        let second = request.second_front()?;
        let parent = |rng: &mut SearchRng| {
            if !second.is_empty() && rng.random_bool(SECOND_FRONT) {
                return &second[rng.random_range(0..second.len())].arch;
            }
            let mut drawn = || rng.random_range(0..request.parents.len());
            let (one, other) = (drawn(), drawn());
            let winner = if crowding[other] > crowding[one] { other } else { one };
            &request.parents[winner].arch
        };
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
