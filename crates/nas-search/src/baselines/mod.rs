//! Proposers from the literature, to compare with.

mod local;
mod map_elites;
mod nsga2;
mod regularised;
#[cfg(feature = "spea2")]
mod spea2;
#[cfg(test)]
mod tests;

pub use local::LocalSearch;
pub use map_elites::MapElites;
pub use nsga2::Nsga2;
pub use regularised::RegularisedEvolution;
#[cfg(feature = "spea2")]
pub use spea2::Spea2;
