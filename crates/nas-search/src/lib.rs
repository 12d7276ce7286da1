//! Partitioned multi-objective architecture search.
//!
//! The loop ([`Search`]) has two seams, both object-safe traits. A [`Proposer`] suggests
//! architectures for a niche, given the niche's Pareto parents; an [`Evaluator`] gives their
//! objectives. Between them the loop validates (legal, new, inside the niche), keeps one Pareto
//! archive per niche, and shares the budget out over the niches, evenly or by what they yield. With
//! [`Partition::whole`](nas_partition::Partition::whole) it is an ordinary unpartitioned search.
//!
//! The structure is PEL-NAS's (arXiv 2510.01472). Every searcher that is compared differs only
//! in what it plugs into the seams. All randomness comes from one seed.

mod baselines;
mod evaluator;
mod evolution;
mod feasibility;
mod knowledge;
mod listed;
mod mating;
mod objective;
mod outcome;
mod proposer;
mod random;
mod search;
mod state;
mod statistical;

#[cfg(feature = "spea2")]
pub use baselines::Spea2;
pub use baselines::{LocalSearch, MapElites, Nsga2, RegularisedEvolution};
pub use evaluator::{Detail, Evaluation, Evaluator, Recorded};
pub use evolution::Evolution;
pub use knowledge::{Author, Condition, Dropped, Evidence, KnowledgeBase, Polarity, Rule};
pub use listed::Listed;
pub use objective::Objective;
pub use outcome::{Evaluated, Limit, Outcome, Within};
pub use proposer::{Answer, Proposal, Proposer, Refusal, Request};
pub use random::Random;
pub use search::{Event, Refusals, Search, Settings};
pub use state::State;
pub use statistical::Statistical;

/// The generator of all randomness in a search: portable, so that a seed means the same
/// everywhere.
pub type SearchRng = rand_chacha::ChaCha8Rng;

/// What a proposer or evaluator of any kind can fail with.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What can end a search.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The evaluator failed as a whole.
    #[error("evaluating a batch of {architectures} failed")]
    Evaluator {
        /// How many were asked for.
        architectures: usize,
        /// Why.
        source: BoxError,
    },
    /// The evaluator broke its contract.
    #[error("the evaluator answered {found} {what}, expected {expected}")]
    Answer {
        /// What was counted.
        what: &'static str,
        /// How many were due.
        expected: usize,
        /// How many came.
        found: usize,
    },
    /// An objective's value that is NaN or infinite; absent values are `None`.
    #[error(
        "the evaluator gave {value} as {objective} of {arch}, expected a finite number or none"
    )]
    NotFinite {
        /// The objective's name.
        objective: String,
        /// The architecture's text.
        arch: String,
        /// The value.
        value: f64,
    },
    /// What a search was to go on from is no state of it.
    #[error("this is no state of this search: {0}")]
    State(String),
    /// Objectives that no search can run on.
    #[error("an evaluator needs at least one objective")]
    NoObjectives,
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
