//! What can end a search.

/// An error of a proposer or an evaluator of any kind.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What can end a search.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The evaluator failed as a whole.
    #[error("evaluating a batch of {architectures} failed")]
    Evaluator {
        /// The number of architectures in the batch.
        architectures: usize,
        /// The evaluator's error.
        source: BoxError,
    },
    /// The proposer can never propose anything.
    #[error("the searcher {proposer} failed")]
    Proposer {
        /// Its name.
        proposer: String,
        /// Why.
        source: BoxError,
    },
    /// The evaluator returned too many or too few values.
    #[error("the evaluator returned {found} {what}, expected {expected}")]
    Count {
        /// What was counted.
        what: &'static str,
        /// The expected number.
        expected: usize,
        /// The number returned.
        found: usize,
    },
    /// The evaluator returned an architecture that it was not asked for.
    #[error("the evaluator returned {arch}, which is not being evaluated")]
    Unasked {
        /// The architecture as text.
        arch: String,
    },
    /// An objective's value that is NaN or infinite; absent values are `None`.
    #[error(
        "the evaluator returned {value} as {objective} of {arch}, expected a finite number or none"
    )]
    NotFinite {
        /// The objective's name.
        objective: String,
        /// The architecture as text.
        arch: String,
        /// The value.
        value: f64,
    },
    /// The state given to [`Search::resume`](crate::Search::resume) is not one of this search.
    #[error("this is not a state of this search: {0}")]
    State(String),
    /// A searcher that divides the space along an axis, in a space that has none.
    #[error(
        "{searcher} requires an axis of complexity, and {space} has none: add an [[axis]] to {space}, or choose another searcher"
    )]
    NoAxis {
        /// The searcher.
        searcher: &'static str,
        /// The space.
        space: String,
    },
    /// A searcher that this program was built without.
    #[error(
        "this program was built without the searcher {searcher}: choose another one, or build it with the feature {feature}"
    )]
    Feature {
        /// The searcher.
        searcher: &'static str,
        /// The feature of nas-search that has it.
        feature: &'static str,
    },
    /// The axis of a searcher could not be divided.
    #[error(transparent)]
    Partition(#[from] nas_partition::Error),
    /// An evaluator without objectives.
    #[error("an evaluator needs at least one objective")]
    NoObjectives,
}
