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
    /// An evaluator without objectives.
    #[error("an evaluator needs at least one objective")]
    NoObjectives,
}
