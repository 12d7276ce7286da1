//! The catalogue of known search spaces: a file for each, and this list.

mod autoformer;
mod fbnet;
mod nasbench201;
mod pit;

use nas_space::Error;

use crate::{KnownSpace, Problem};

/// Every known space. The first is the default of `--space`.
pub static ALL: [&dyn KnownSpace; 6] = [
    &nasbench201::NasBench201,
    &fbnet::Fbnet,
    &autoformer::TINY,
    &autoformer::SMALL,
    &autoformer::BASE,
    &pit::Pit,
];

/// The names of the known spaces.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|known| known.space().name())
}

/// The known space of a name or alias.
///
/// # Errors
/// [`Error::UnknownName`] with the nearest name and all names.
pub fn named(name: &str) -> Result<&'static dyn KnownSpace, Error> {
    let is_named = |known: &&&'static dyn KnownSpace| {
        known.space().name() == name || known.aliases().contains(&name)
    };
    let found = ALL.iter().find(is_named).copied();
    found.ok_or_else(|| Error::unknown_name("space", name, names()))
}

/// The known space of a name on a data set, or on its default one.
///
/// # Errors
/// [`Error::UnknownName`] for a space or a data set that is not known.
pub fn problem(name: &str, dataset: Option<&str>) -> Result<Problem, Error> {
    Problem::new(named(name)?, dataset)
}

/// The default space on a data set, or on its default one.
///
/// # Errors
/// [`Error::UnknownName`] for a data set that is not known.
pub fn default_problem(dataset: Option<&str>) -> Result<Problem, Error> {
    Problem::new(ALL[0], dataset)
}

#[cfg(test)]
mod tests;
