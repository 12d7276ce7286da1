#![doc = include_str!("../README.md")]

mod allocation;
mod automatic;
mod axis;
mod effects;
mod error;
mod partition;

pub use allocation::{Allocation, Budget};
pub use automatic::{Automatic, Ranked};
pub use axis::Axis;
pub use effects::Effects;
pub use error::Error;
pub use partition::{Bound, Niche, Partition};
