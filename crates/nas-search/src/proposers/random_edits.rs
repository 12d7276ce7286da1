//! Random edits of the parents: what a proposer without any judgement does.

use crate::{BoxError, Child, Proposal, Proposer, Request, SearchRng, Searcher};

/// One or two random edits of the niche's Pareto parents, the control of a language model that edits
/// them. Random architectures where there are no parents.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomEdits;

impl RandomEdits {
    /// The proposer's name in results.
    pub const NAME: &'static str = "random-edits";
}

pub(super) const SEARCHER: Searcher = Searcher {
    name: RandomEdits::NAME,
    summary: "One or two random edits of members of the niche's front: the control of a language model \
              that edits",
    make: |_| Ok(Box::new(RandomEdits)),
};

/// Random choices of other members, the crossover that belongs to [`RandomEdits`].
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomCrossover;

impl RandomCrossover {
    /// The proposer's name in results.
    pub const NAME: &'static str = "random-crossover";
}

pub(super) const CROSSOVER: Searcher = Searcher {
    name: RandomCrossover::NAME,
    summary: "A member of the niche's front with one or two choices of another one",
    make: |_| Ok(Box::new(RandomCrossover)),
};

impl Proposer for RandomCrossover {
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
        let children = request.children(request.count, 1.0, rng).into_iter();
        Ok(children.map(|Child { arch, .. }| arch.into()).collect())
    }
}

impl Proposer for RandomEdits {
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
        let children = request.children(request.count, 0.0, rng).into_iter();
        Ok(children.map(|Child { arch, .. }| arch.into()).collect())
    }
}
