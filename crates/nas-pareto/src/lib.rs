#![doc = include_str!("../README.md")]

mod archive;
mod bounds;
mod crowding;
mod distance;
mod dominance;
mod error;
mod front;
mod hypervolume;
mod points;
mod skyband;
mod sorting;
mod staircase;
#[cfg(feature = "statistics")]
pub mod statistics;

pub use archive::{Archive, Insertion, Member};
pub use bounds::Bounds;
pub use crowding::crowding_distance;
pub use distance::{igd, igd_plus};
pub use dominance::{Direction, Dominance, compare, compare_with, dominates};
pub use error::{Error, Result};
pub use front::{non_dominated, non_dominated_distinct};
pub use hypervolume::{hypervolume, hypervolume_contributions, hypervolume_gain};
pub use points::{IntoPoints, PointSet, Points};
pub use skyband::Skyband;
pub use sorting::non_dominated_sort;
