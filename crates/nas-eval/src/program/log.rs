//! What a user's program prints besides answers.

use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The log lines of a user's program so far: lines on standard output that are no JSON object with an
/// `id`. Shared with the evaluator.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
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

impl Log {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many there were, and the first of them.
    pub fn logged(&self) -> Option<(usize, String)> {
        let kept = self.kept();
        (kept.logged.0 > 0).then(|| kept.logged.clone())
    }

    /// They are also added to this file, from now on.
    pub fn log_to(&self, file: PathBuf) {
        self.kept().file = Some(file);
    }

    /// Keeps a log line; returns whether it is the first.
    pub(super) fn add(&self, line: &str, shown: String) -> bool {
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
