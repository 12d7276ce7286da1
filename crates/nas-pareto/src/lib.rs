//! Pareto dominance, archives, skybands, non-dominated sorting, crowding distance, exact hypervolume, IGD and
//! IGD+.
//!
//! **Everything inside is minimised.** [`Direction`] turns a maximised objective into a minimised one
//! by negating it; [`Archive`] and [`PointSet::from_rows`] do so for their caller, the other
//! functions take minimised points.
//!
//! **Points are flat.** [`Points`] is a checked view of a row-major `&[f64]`; functions take
//! [`IntoPoints`], so `&Vec<[f64; 2]>`, `&[[f64; 3]]`, a [`PointSet`] and an [`Archive`] do as well.
//! NaN and infinities are refused with their row and column, once, when the view is made.
//!
//! | what | time, `n` points of `d` objectives | source |
//! | --- | --- | --- |
//! | [`non_dominated`] | O(n log n) for d <= 3, else O(d · n · front) | Kung, Luccio and Preparata 1975 |
//! | [`non_dominated_sort`] | O(n log n) for d <= 2, else O(d · n²) at worst | Deb et al. 2002; Zhang et al. 2015 |
//! | [`crowding_distance`] | O(d · n log n) | Deb et al. 2002 |
//! | [`hypervolume`], d <= 3 | O(n log n) | Fonseca, Paquete and López-Ibáñez 2006; Beume et al. 2009 |
//! | [`hypervolume`], d = 4 | O(n² log n) | While et al. 2012 over the above |
//! | [`hypervolume`], d > 4 | exponential in d at worst | While et al. 2012 |
//! | [`hypervolume_contributions`] | O(n log n) for d = 2, else n hypervolumes | |
//! | [`igd`], [`igd_plus`] | O(d · n · front) | Ishibuchi et al. 2015 |
//!
//! Full references are in the README.
//!
//! The feature `statistics` adds means with their intervals and paired tests, to compare such
//! indicators over seeds.

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

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
