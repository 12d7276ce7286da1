//! The settings of a search.

use nas_partition::Allocation;

/// How much is evaluated, and how it is shared among the niches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Architectures evaluated in all.
    pub evaluations: usize,
    /// Of these, the random sample that starts the search, spread evenly over the niches. With 0 the
    /// proposer starts the search.
    pub initial: usize,
    /// Architectures proposed between two updates of the archives, over all niches together.
    pub generation: usize,
    /// How the budget is shared among the niches. With [`Allocation::Adaptive`] the initial sample
    /// is drawn from the whole space, a niche's share follows what its evaluations added to the
    /// front, and architectures of all niches are parents in each.
    pub allocation: Allocation,
    /// What adds the proposals that the proposer did not make.
    pub fill: Fill,
    /// The seed of all randomness.
    pub seed: u64,
}

/// What adds the proposals that a proposer did not make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// Nothing: the proposer is asked as often, and less is evaluated where it makes too few.
    Nothing,
    /// The statistical proposer, then random sampling.
    Statistical,
    /// Random edits of the parents, then random sampling.
    RandomEdits,
}

impl Default for Settings {
    fn default() -> Self {
        let allocation = Allocation::Equal;
        Self {
            evaluations: 600,
            initial: 100,
            generation: 15,
            allocation,
            fill: Fill::Statistical,
            seed: 0,
        }
    }
}
