//! Random sampling.

use crate::{BoxError, Proposal, Proposer, Request, SearchRng, Searcher, request::SAMPLES};

/// Uniform random sampling within the niche: the baseline of every comparison.
#[derive(Debug, Clone, Copy, Default)]
pub struct Random;

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
        Ok(request.draw(SAMPLES, || request.sample(rng)))
    }
}
