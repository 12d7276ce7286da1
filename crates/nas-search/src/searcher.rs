//! Searchers that are chosen by name.

use std::fmt;

use nas_partition::Axis;
use nas_space::{Arch, Space};

use crate::{Error, Proposer};

/// A searcher that is chosen by name ([`SEARCHERS`](crate::SEARCHERS)): what it is called, and how its
/// proposer is made.
pub struct Searcher {
    /// Its name in arguments and results.
    pub name: &'static str,
    /// What it does, in a line for help.
    pub summary: &'static str,
    /// Makes its proposer.
    pub make: fn(&Context<'_>) -> Result<Box<dyn Proposer>, Error>,
}

/// What a searcher may need to know about the space before it starts.
pub struct Context<'a> {
    /// The space.
    pub space: &'a Space,
    /// The axis of complexity that costs follow most, if the space has any.
    pub axis: Option<Axis>,
    /// All architectures of the space, or a random sample of a large one.
    pub sample: &'a dyn Fn() -> Vec<Arch>,
    /// How many candidates a choice is made from.
    pub candidates: usize,
}

impl PartialEq for Searcher {
    /// By name, which no two have in common.
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Searcher {}

impl fmt::Debug for Searcher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Searcher").field(&self.name).finish()
    }
}
