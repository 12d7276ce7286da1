//! The catalogue of proposers. Each has a file, and those that are chosen by name a line of
//! [`SEARCHERS`].

mod evolution;
mod fixed_list;
mod local;
mod map_elites;
mod mating;
mod nsga2;
mod operators;
mod random;
mod random_choice;
mod random_edits;
mod regularised_evolution;
mod spea2;
mod statistical;
#[cfg(test)]
mod tests;

use crate::Searcher;

pub use evolution::Evolution;
pub use fixed_list::FixedList;
pub use local::LocalSearch;
pub use map_elites::MapElites;
pub use nsga2::Nsga2;
pub use operators::{Operator, Operators, Selection, Share};
pub use random::Random;
pub use random_choice::RandomChoice;
pub use random_edits::RandomEdits;
pub use regularised_evolution::RegularisedEvolution;
#[cfg(feature = "spea2")]
pub use spea2::Spea2;
pub use statistical::Statistical;

/// The searchers that are chosen by name. The first is the best without a language model.
pub static SEARCHERS: [Searcher; 11] = [
    statistical::SEARCHER,
    evolution::SEARCHER,
    random::SEARCHER,
    local::SEARCHER,
    regularised_evolution::SEARCHER,
    nsga2::SEARCHER,
    map_elites::SEARCHER,
    spea2::SEARCHER,
    random_edits::MUTATION,
    random_edits::CROSSOVER,
    random_choice::SEARCHER,
];
