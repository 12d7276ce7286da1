//! What a user's program does besides answering: failures, and lines that are no answers.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::Write as _,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The failures of a user's program so far, and its log lines; shared with the evaluator.
#[derive(Debug, Clone, Default)]
pub struct Failures(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    faults: BTreeMap<Fault, (usize, String)>,
    /// Log lines, and the first of them.
    logged: (usize, String),
    /// Where log lines are written.
    file: Option<PathBuf>,
    open: Option<File>,
    /// The size of what was written there.
    written: usize,
}

/// The size up to which log lines are written, in bytes: 64 MiB.
const WRITTEN: usize = 64 << 20;

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
    /// It printed a JSON object that answers no question.
    NotAnAnswer,
    /// A value is missing, or outside its range.
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
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Each kind with its count and the first message.
    pub fn list(&self) -> Vec<(Fault, usize, String)> {
        let kept = self.kept();
        kept.faults.iter().map(|(fault, (count, first))| (*fault, *count, first.clone())).collect()
    }

    /// How many log lines there were, and the first of them: lines on standard output that are no
    /// JSON object with an `id`.
    pub fn logged(&self) -> Option<(usize, String)> {
        let kept = self.kept();
        (kept.logged.0 > 0).then(|| kept.logged.clone())
    }

    /// Log lines are also added to this file, from now on.
    pub fn log_to(&self, file: PathBuf) {
        self.kept().file = Some(file);
    }

    pub(super) fn add(&self, Failure(fault, what): Failure) {
        self.kept().faults.entry(fault).or_insert((0, what)).0 += 1;
    }

    /// Keeps a log line; returns whether it is the first.
    pub(super) fn log(&self, line: &str, shown: String) -> bool {
        let mut kept = self.kept();
        kept.logged.0 += 1;
        let is_first = kept.logged.0 == 1;
        if is_first {
            kept.logged.1 = shown;
        }
        if kept.open.is_none()
            && let Some(file) = &kept.file
        {
            kept.open = OpenOptions::new().create(true).append(true).open(file).ok();
        }
        let before = kept.written;
        kept.written = before.saturating_add(line.len() + 1);
        let is_within = kept.written <= WRITTEN;
        if let Some(file) = kept.open.as_mut().filter(|_| before <= WRITTEN) {
            // A log that cannot be written is no reason to end a search.
            let line = if is_within { line } else { "no more is written: the log is too long" };
            let _ = writeln!(file, "{line}");
        }
        is_first
    }
}

/// One evaluation that failed.
pub(super) struct Failure(pub(super) Fault, pub(super) String);
