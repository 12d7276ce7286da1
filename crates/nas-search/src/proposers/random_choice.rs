//! A random choice among the candidates that a language model chooses from.

use rand::seq::index;

use crate::{BoxError, Proposal, Proposer, Request, SearchRng, Searcher};

/// A uniform choice among the [slate](Request::slate), the control of a language model that chooses
/// from it.
#[derive(Debug, Clone, Copy)]
pub struct RandomChoice {
    /// How many candidates a slate has.
    pub candidates: usize,
}

impl RandomChoice {
    /// The proposer's name in results.
    pub const NAME: &'static str = "random-choice";
}

pub(super) const SEARCHER: Searcher = Searcher {
    name: RandomChoice::NAME,
    summary: "A random choice among the candidates that a language model chooses from: its control",
    make: |context| Ok(Box::new(RandomChoice { candidates: context.candidates })),
};

impl Proposer for RandomChoice {
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
        let slate = request.slate(self.candidates, rng);
        let chosen = index::sample(rng, slate.len(), request.count.min(slate.len()));
        Ok(chosen.into_iter().map(|at| slate[at].arch.clone().into()).collect())
    }
}
