//! Niches: a search space cut into disjoint parts by architectural complexity.
//!
//! An [`Axis`] maps an architecture to a number; a [`Partition`] cuts one or more axes into
//! niches, so that every architecture lies in exactly one. Searching each niche on its own keeps
//! a proposer that favours one kind of architecture from missing the others (PEL-NAS, arXiv
//! 2510.01472, section 3.1).

mod allocation;
mod automatic;
mod axis;
mod effects;
mod partition;

pub use allocation::{Allocation, Budget};
pub use automatic::{Automatic, Ranked};
pub use axis::Axis;
pub use effects::Effects;
pub use partition::{Bound, Niche, Partition};

/// What can be wrong with a partition.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A choice's name that the space does not know.
    #[error(transparent)]
    Name(#[from] nas_space::Error),
    /// Thresholds that do not rise strictly or are not finite.
    #[error("thresholds {thresholds:?} of axis {axis}: expected finite numbers that rise strictly")]
    Thresholds {
        /// The axis's name.
        axis: String,
        /// The thresholds as given.
        thresholds: Vec<f64>,
    },
    /// A decision that niches cannot be cut along.
    #[error("{decision} chooses from {}: expected whole numbers that rise", choices.join(", "))]
    Numbers {
        /// The decision.
        decision: String,
        /// Its choices.
        choices: Vec<String>,
    },
    /// No architecture to take quantiles of, or no niche asked for.
    #[error(
        "quantiles of axis {axis}: expected at least one niche and one architecture, got {niches} and {sample}"
    )]
    Quantiles {
        /// The axis's name.
        axis: String,
        /// Niches asked for.
        niches: usize,
        /// Architectures in the sample.
        sample: usize,
    },
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
