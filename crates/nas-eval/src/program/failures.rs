//! What goes wrong with a user's program.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The failures of a user's program so far; shared with the evaluator.
#[derive(Debug, Clone, Default)]
pub struct Failures(Arc<Mutex<BTreeMap<Fault, (usize, String)>>>);

/// A way in which a user's program fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Fault {
    /// It could not be started.
    Start,
    /// It ended before it answered.
    Ended,
    /// It did not answer in time.
    TimedOut,
    /// Its output is no answer.
    NotAnAnswer,
    /// A value is missing or no finite number.
    Value,
    /// It answered with an error.
    Reported,
}

impl Fault {
    /// In a few words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "could not be started",
            Self::Ended => "ended before it answered",
            Self::TimedOut => "did not answer in time",
            Self::NotAnAnswer => "printed a line that is no answer",
            Self::Value => "gave an invalid value",
            Self::Reported => "answered with an error",
        }
    }
}

impl Failures {
    fn kinds(&self) -> MutexGuard<'_, BTreeMap<Fault, (usize, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Each kind with its count and the first message.
    pub fn list(&self) -> Vec<(Fault, usize, String)> {
        let kinds = self.kinds();
        kinds.iter().map(|(fault, (count, first))| (*fault, *count, first.clone())).collect()
    }

    pub(super) fn add(&self, Failure(fault, what): Failure) {
        self.kinds().entry(fault).or_insert((0, what)).0 += 1;
    }
}

/// One evaluation that failed.
pub(super) struct Failure(pub(super) Fault, pub(super) String);
