//! Random sampling.

use crate::{BoxError, Proposal, Proposer, Request, SearchRng, Searcher};

/// Uniform random sampling within the niche: the baseline of every comparison.
#[derive(Debug, Clone, Copy, Default)]
pub struct Random;

/// A niche may be a small part of the space; after this many draws without a new
/// architecture it counts as exhausted.
const TRIES: usize = 20_000;

impl Random {
    /// The proposer's name in results.
    pub const NAME: &'static str = "random";
}

pub(super) const SEARCHER: Searcher =
    Searcher { name: Random::NAME, summary: "Uniform sampling", make: |_| Ok(Box::new(Random)) };

impl Proposer for Random {
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
        Ok(request.draw(TRIES, || request.sample(rng)))
    }
}
