use crate::{BoxError, Proposal, Proposer, Request, SearchRng, mating::breed};

/// Evolution by random weights: uniform crossover of two good architectures, or mutation of one.
///
/// For each child the objectives, scaled by the front's range, are weighted at random, and the
/// parents are drawn from the few architectures of the niche that are best by the weighted sum
/// (Ishibuchi & Murata 1998). So both parents come from one region of the front, and what is only
/// nearly on it, as measured accuracy is noisy, is a parent as well. Most weights lie near a single
/// objective: the ends of a front decide how far it reaches, and nothing beyond points to them.
///
/// A child is dropped with a probability that grows with the share of architectures of its kind
/// that could not be evaluated so far, and nearly always if no path leads through it.
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

impl Proposer for Evolution {
    fn name(&self) -> &'static str {
        "evolution"
    }

    fn is_stateless(&self) -> bool {
        true
    }

    fn propose(
        &mut self,
        request: &Request<'_>,
        rng: &mut SearchRng,
    ) -> Result<Vec<Proposal>, BoxError> {
        breed(request, rng, |mating, rng| {
            let parents = mating.parents(&mating.weights(rng));
            mating.child(&parents, self.crossover, rng)
        })
    }
}
