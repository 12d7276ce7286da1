//! What can be wrong with a partition.

/// What can be wrong with a partition.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A name that the space does not have.
    #[error(transparent)]
    Name(#[from] nas_space::Error),
    /// Thresholds that do not increase strictly or are not finite.
    #[error(
        "thresholds {thresholds:?} of axis {axis}: expected finite numbers, each greater than the one before"
    )]
    Thresholds {
        /// The axis's name.
        axis: String,
        /// The thresholds as given.
        thresholds: Vec<f64>,
    },
    /// A decision that cannot be an axis of niches.
    #[error("the choices of {decision} are {}: expected whole numbers, each greater than the one before", choices.join(", "))]
    Numbers {
        /// The decision.
        decision: String,
        /// Its choices.
        choices: Vec<String>,
    },
    /// Quantiles of no architectures, or for no niches.
    #[error(
        "quantiles of axis {axis}: expected at least one niche and one architecture, got {niches} and {sample}"
    )]
    Quantiles {
        /// The axis's name.
        axis: String,
        /// The number of niches.
        niches: usize,
        /// The number of architectures in the sample.
        sample: usize,
    },
}
