//! What the model contributed to a search.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{Calibration, Fault, Kind, Usage};

/// What the model contributed to a search, and what its calls used.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Contribution {
    /// Calls, tokens, seconds, money and failures.
    pub usage: Usage,
    /// Calls of a navigator, which asks what to try in all niches.
    pub navigations: u64,
    /// Calls of stage 1, which asks for rules.
    pub reflections: u64,
    /// Calls of stage 2, which asks for architectures.
    pub proposals: u64,
    /// Calls that asked again for missing architectures after rejections.
    pub asked_again: u64,
    /// Proposals made as edits of a parent.
    pub edits: Tally,
    /// Proposals made as whole architectures.
    pub whole: Tally,
    /// Choices among candidates.
    pub choices: Tally,
    /// How near the values were that the model expected: one for each objective, where it is asked for
    /// them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expected: Vec<Calibration>,
    /// Rules: valid ones are accepted.
    pub rules: Tally,
    /// The proposals of each generation, in all forms.
    pub generations: Vec<Generation>,
    /// Failed calls by kind, with the first message of each.
    pub failures: BTreeMap<Kind, Failures>,
    /// Why no further call was made: the budget is spent, or every later call would fail.
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

/// How many were made and accepted, and why the others were rejected.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Tally {
    /// Made; a reply without any counts as one that is not JSON or has the wrong form.
    pub made: u64,
    /// Accepted.
    pub accepted: u64,
    /// Rejected, by kind.
    pub faults: BTreeMap<Fault, u64>,
}

/// Failures of one kind.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Failures {
    /// How many.
    pub count: u64,
    /// The message of the first.
    pub first: String,
}

impl Contribution {
    /// The proposals of all forms.
    pub fn all(&self) -> Tally {
        let mut all = self.edits.clone();
        all.add(&self.whole);
        all.add(&self.choices);
        all
    }
}

impl Tally {
    /// The accepted share, by the rule of succession (Laplace): between 0 and 1, also before anything
    /// was made.
    pub(crate) fn rate(&self) -> f64 {
        (self.accepted as f64 + 1.0) / (self.made as f64 + 2.0)
    }

    pub(crate) fn accept(&mut self) {
        self.made += 1;
        self.accepted += 1;
    }

    pub(crate) fn reject(&mut self, fault: Fault) {
        self.made += 1;
        *self.faults.entry(fault).or_default() += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.made += other.made;
        self.accepted += other.accepted;
        for (fault, count) in &other.faults {
            *self.faults.entry(*fault).or_default() += count;
        }
    }
}
