#![doc = include_str!("../README.md")]

mod blocks;
mod device;
mod measurement;
mod table;
mod units;

pub use blocks::SumOfBlocks;
pub use device::{Device, Metric, Origin};
pub use measurement::{Measurement, Plan, measure, measure_fallible};
pub use table::CostTable;
pub use units::{Millijoules, Millis};

/// What can be wrong with a unit or a cost.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A duration or energy that cannot be read.
    #[error("`{text}` is not {expected}")]
    Quantity {
        /// The text as given.
        text: String,
        /// What was expected, with an example.
        expected: &'static str,
    },
    /// A cost that is not a finite number of at least 0.
    #[error("architecture {arch:?} costs {value}, expected a finite number of at least 0")]
    Cost {
        /// The architecture's choices.
        arch: Vec<u8>,
        /// The value as given.
        value: f64,
    },
    /// Two costs for one architecture.
    #[error("architecture {arch:?} occurs twice in a cost table")]
    Duplicate {
        /// The architecture's choices.
        arch: Vec<u8>,
    },
}
