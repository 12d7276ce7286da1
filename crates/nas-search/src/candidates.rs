//! Which architectures of a space may be evaluated.

use std::{collections::HashSet, fmt};

use nas_space::{Arch, Space};
use rand::RngExt;

use crate::SearchRng;

/// The architectures that a search may evaluate, where it may not evaluate all of the space: those of a
/// list, those that a condition accepts, or both.
///
/// Nothing else is evaluated, whoever proposes it.
#[derive(Default)]
pub struct Candidates<'a> {
    list: Option<List>,
    accepts: Option<Box<Condition<'a>>>,
}

/// Whether an architecture may be evaluated.
type Condition<'a> = dyn Fn(&Arch) -> bool + 'a;

struct List {
    ordered: Vec<Arch>,
    members: HashSet<Arch>,
}

impl<'a> Candidates<'a> {
    /// All architectures of the space.
    pub fn all() -> Self {
        Self::default()
    }

    /// Only these.
    #[must_use]
    pub fn listed(self, list: impl IntoIterator<Item = Arch>) -> Self {
        let ordered: Vec<Arch> = list.into_iter().collect();
        let members = ordered.iter().cloned().collect();
        Self { list: Some(List { ordered, members }), ..self }
    }

    /// Only those that the condition accepts.
    #[must_use]
    pub fn that(self, accepts: impl Fn(&Arch) -> bool + 'a) -> Self {
        Self { accepts: Some(Box::new(accepts)), ..self }
    }

    /// Whether an architecture may be evaluated.
    pub fn contains(&self, arch: &Arch) -> bool {
        self.list.as_ref().is_none_or(|list| list.members.contains(arch))
            && self.accepts.as_ref().is_none_or(|accepts| accepts(arch))
    }

    /// The list, in its order, if there is one; the condition may accept fewer.
    pub fn list(&self) -> Option<&[Arch]> {
        self.list.as_ref().map(|list| &list.ordered[..])
    }

    /// A random architecture of the list, or of the space; the condition may not accept it.
    pub(crate) fn sample(&self, space: &Space, rng: &mut SearchRng) -> Arch {
        match self.list().filter(|list| !list.is_empty()) {
            Some(list) => list[rng.random_range(0..list.len())].clone(),
            None => space.sample(rng),
        }
    }
}

impl fmt::Debug for Candidates<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Candidates")
            .field("list", &self.list().map(<[Arch]>::len))
            .field("has_condition", &self.accepts.is_some())
            .finish()
    }
}
