//! Random edits of the parents: what a proposer without any judgement does.

use crate::{BoxError, Child, Proposal, Proposer, Request, SearchRng, Searcher};

/// One or two random edits of the niche's Pareto parents, the control of a language model that edits
/// them. Random architectures where there are no parents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RandomEdits {
    /// Other choices, drawn uniformly.
    Mutation,
    /// Choices of another parent.
    Crossover,
}

pub(super) const MUTATION: Searcher = Searcher {
    name: "random-edits",
    summary: "One or two random edits of members of the niche's front: the control of a language model \
              that edits",
    make: |_| Ok(Box::new(RandomEdits::Mutation)),
};

pub(super) const CROSSOVER: Searcher = Searcher {
    name: "random-crossover",
    summary: "A member of the niche's front with one or two choices of another one",
    make: |_| Ok(Box::new(RandomEdits::Crossover)),
};

impl Proposer for RandomEdits {
    fn name(&self) -> &'static str {
        match self {
            Self::Mutation => MUTATION.name,
            Self::Crossover => CROSSOVER.name,
        }
    }

    fn is_stateless(&self) -> bool {
        true
    }

    fn propose(
        &mut self,
        request: &Request<'_>,
        rng: &mut SearchRng,
    ) -> Result<Vec<Proposal>, BoxError> {
        let crossover = if *self == Self::Crossover { 1.0 } else { 0.0 };
        let children = request.children(request.count, crossover, rng).into_iter();
        Ok(children.map(|Child { arch, .. }| arch.into()).collect())
    }
}
