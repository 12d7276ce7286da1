//! An architecture: one choice for each decision of a space.

use serde::{Deserialize, Serialize};

/// An architecture: the index of the choice taken at each decision of its space.
///
/// It carries no reference to the space; [`Space::check`](crate::Space::check) tests whether it
/// belongs to one. Ordering is lexicographic over the choices.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Arch(Box<[u8]>);

impl Arch {
    /// An architecture from its choice indices, one for each decision.
    pub fn new(choices: impl Into<Box<[u8]>>) -> Self {
        Self(choices.into())
    }

    /// The choice index at each decision.
    pub fn choices(&self) -> &[u8] {
        &self.0
    }

    /// The same architecture with another choice at one decision.
    ///
    /// A `decision` beyond the last leaves the architecture as it is.
    #[must_use]
    pub fn with(&self, decision: usize, choice: u8) -> Self {
        let mut choices = self.0.clone();
        if let Some(slot) = choices.get_mut(decision) {
            *slot = choice;
        }
        Self(choices)
    }
}
