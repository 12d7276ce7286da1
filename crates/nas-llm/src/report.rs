use std::collections::BTreeMap;

use serde::Serialize;

use crate::{Fault, Kind, Usage};

/// What the model contributed to a search, and what that took.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct ModelReport {
    /// Calls, tokens, seconds, money and failures of all calls.
    pub usage: Usage,
    /// Calls of stage 1, which states rules.
    pub reflections: u64,
    /// Calls of stage 2, which proposes.
    pub proposals: u64,
    /// Calls that asked once more for what was owed after refusals.
    pub asked_again: u64,
    /// Proposals made as edits of a parent.
    pub edits: Tally,
    /// Proposals made as whole architectures.
    pub whole: Tally,
    /// Rules stated, and those that were none.
    pub rules: Tally,
    /// The proposals of each generation, both forms together.
    pub generations: Vec<Generation>,
    /// Failed calls by kind, with the first message of each.
    pub failures: BTreeMap<Kind, Failures>,
    /// Why no further call was made: the budget is spent, or every later one would have failed.
    pub ended: Option<String>,
}

/// The proposals of one generation.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Generation {
    /// Its number.
    pub generation: usize,
    /// Its proposals.
    pub proposals: Tally,
}

/// How many were made, how many were taken, and what was wrong with the others.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Tally {
    /// Made; a reply that held none counts as one that is not JSON or of the wrong form.
    pub made: u64,
    /// Taken.
    pub taken: u64,
    /// Refused, by kind.
    pub faults: BTreeMap<Fault, u64>,
}

/// Failures of one kind.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Failures {
    /// How many.
    pub count: u64,
    /// What the first one said.
    pub first: String,
}

impl ModelReport {
    /// The proposals of both forms.
    pub fn all(&self) -> Tally {
        let mut all = self.edits.clone();
        all.add(&self.whole);
        all
    }
}

impl Tally {
    /// The share that was taken, between 0 and 1 also where nothing was made yet (Laplace).
    pub(crate) fn rate(&self) -> f64 {
        (self.taken as f64 + 1.0) / (self.made as f64 + 2.0)
    }

    pub(crate) fn taken(&mut self) {
        self.made += 1;
        self.taken += 1;
    }

    pub(crate) fn refused(&mut self, fault: Fault) {
        self.made += 1;
        *self.faults.entry(fault).or_default() += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.made += other.made;
        self.taken += other.taken;
        for (fault, count) in &other.faults {
            *self.faults.entry(*fault).or_default() += count;
        }
    }
}
