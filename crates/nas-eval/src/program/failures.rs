//! How a user's program fails.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::Error;

/// This many failures, if nothing succeeded, end a search: the program does not work. What may have taken
/// long counts for several.
pub(super) const HOPELESS: usize = 10;
const LONG: usize = 4;

/// A way in which a user's program fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// It could not be started.
    Start,
    /// It ended before it answered.
    Ended,
    /// It did not answer in time.
    TimedOut,
    /// It printed a JSON object that answers no question.
    NotAnAnswer,
    /// A value is missing, or outside its range; nothing that it proposes is an architecture.
    Value,
    /// It answered with an error.
    Reported,
    /// The task that ran it was lost, as often as it was started.
    Lost,
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
            Self::Lost => "was lost",
        }
    }
}

/// One question that was not answered: how, and what happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure(pub Fault, pub String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.name(), self.1)
    }
}

/// Failures by kind, with their number and the first message, and whether anything succeeded.
#[derive(Debug, Default)]
pub(super) struct Tally {
    succeeded: bool,
    failed: BTreeMap<Fault, (usize, String)>,
}

impl Tally {
    pub(super) fn succeed(&mut self) {
        self.succeeded = true;
    }

    pub(super) fn fail(&mut self, Failure(fault, message): &Failure) {
        self.failed.entry(*fault).or_insert_with(|| (0, message.clone())).0 += 1;
    }

    /// Each kind in words, with its number and the first message.
    pub(super) fn kinds(&self) -> impl Iterator<Item = (&'static str, usize, &str)> {
        self.failed.iter().map(|(fault, (count, first))| (fault.name(), *count, first.as_str()))
    }

    /// Ends a search with a program that does not work. `asked`: what it was asked for.
    pub(super) fn check_hopeless(&self, command: &str, asked: &'static str) -> Result<(), Error> {
        let weight = |fault| if matches!(fault, Fault::TimedOut | Fault::Lost) { LONG } else { 1 };
        let weighed: usize =
            self.failed.iter().map(|(fault, (count, _))| count * weight(*fault)).sum();
        if self.succeeded || weighed < HOPELESS {
            return Ok(());
        }
        let problems =
            self.kinds().map(|(kind, count, first)| format!("{count} × {kind}: {first}"));
        Err(Error::Program {
            command: command.to_owned(),
            count: self.failed.values().map(|(count, _)| count).sum(),
            asked,
            problems: problems.collect::<Vec<_>>().join("; "),
        })
    }
}
