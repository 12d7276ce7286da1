//! A search: its space, niches and settings.

use std::sync::atomic::AtomicBool;

use nas_partition::{Automatic, Partition};
use nas_space::{Arch, Space};

use crate::{Candidates, Rule, Settings};

/// A search of a space that is cut into niches.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    pub(crate) space: &'a Space,
    pub(crate) niches: Niches<'a>,
    pub(crate) rules: &'a [Rule],
    pub(crate) stop: Option<&'a AtomicBool>,
    pub(crate) candidates: Option<&'a Candidates<'a>>,
    pub(crate) known: &'a [Arch],
    pub(crate) extended: &'a [usize],
    pub(crate) settings: Settings,
}

/// How the space is cut.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Niches<'a> {
    /// Before the search.
    Fixed(&'a Partition),
    /// By what the search has evaluated.
    Automatic(&'a Automatic),
}

impl<'a> Search<'a> {
    /// A search of `space` in the niches of `partition`.
    pub fn new(space: &'a Space, partition: &'a Partition, settings: Settings) -> Self {
        Self::of(space, Niches::Fixed(partition), settings)
    }

    /// A search of `space` in the niches that explain most of the latency, or of the
    /// [main cost](crate::Objective::main_cost) where no objective is a latency.
    ///
    /// The niches are chosen after the initial sample, which is drawn from the whole space, and again
    /// whenever twice as much was evaluated.
    pub fn automatic(space: &'a Space, partitions: &'a Automatic, settings: Settings) -> Self {
        Self::of(space, Niches::Automatic(partitions), settings)
    }

    fn of(space: &'a Space, niches: Niches<'a>, settings: Settings) -> Self {
        Self {
            space,
            niches,
            rules: &[],
            stop: None,
            candidates: None,
            known: &[],
            extended: &[],
            settings,
        }
    }

    /// With rules that hold until the evidence refutes them.
    #[must_use]
    pub fn with_rules(self, rules: &'a [Rule]) -> Self {
        Self { rules, ..self }
    }

    /// With a flag that stops the search: once it is set, the search ends after the batch that is
    /// being evaluated, with what it has. An evaluator that sees the flag too may fail then; the
    /// search ends all the same.
    #[must_use]
    pub fn with_stop_flag(self, stop: &'a AtomicBool) -> Self {
        Self { stop: Some(stop), ..self }
    }

    /// Only these architectures are evaluated.
    #[must_use]
    pub fn with_candidates(self, candidates: &'a Candidates<'a>) -> Self {
        Self { candidates: Some(candidates), ..self }
    }

    /// Starting with these architectures, which the evaluator knows: they come before the random sample,
    /// are part of it, and count as evaluations.
    #[must_use]
    pub fn with_known(self, known: &'a [Arch]) -> Self {
        Self { known, ..self }
    }

    /// Which ended with these numbers of evaluations before, and goes on: it begins as it did then.
    #[must_use]
    pub fn with_earlier_ends(self, extended: &'a [usize]) -> Self {
        Self { extended, ..self }
    }

    /// The space that is searched.
    pub fn space(&self) -> &'a Space {
        self.space
    }

    /// How much is evaluated, and how it is shared among the niches.
    pub fn settings(&self) -> Settings {
        self.settings
    }
}
