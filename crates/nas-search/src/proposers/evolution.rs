//! Evolution by random weights.

use super::mating::breed;
use crate::{BoxError, Proposal, Proposer, Request, SearchRng, Searcher};

/// Evolution by random weights: uniform crossover of two good architectures, or mutation of one.
///
/// For each child the objectives, scaled by the front's range, are weighted at random, and the
/// parents are drawn from the few architectures of the niche that are best by the weighted sum
/// (Ishibuchi & Murata 1998). So both parents come from one region of the front, and architectures
/// near the front are parents too, because measured accuracy is noisy. Most weights lie near a single
/// objective: this extends the ends of the front, which no architecture beyond them points to.
///
/// A child is dropped with a probability that grows with the share of architectures with its choices
/// that could not be evaluated so far, and nearly always where no path leads from input to output.
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

impl Evolution {
    /// The proposer's name in results.
    pub const NAME: &'static str = "evolution";
}

pub(super) const SEARCHER: Searcher = Searcher {
    name: Evolution::NAME,
    summary: "Crossover and mutation of parents that are best by random weights",
    make: |_| Ok(Box::new(Evolution::default())),
};

impl Proposer for Evolution {
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
        breed(request, rng, |mating, rng| {
            let parents = mating.parents(&mating.weights(rng));
            mating.child(&parents, self.crossover, rng)
        })
    }
}
