//! The exact hypervolume indicator.

mod contribution;
mod depth;
mod slices;
mod sum;
mod sweep;
mod volume;

pub use contribution::{hypervolume_contributions, hypervolume_gain};
pub use volume::hypervolume;
