//! Reports how a download is going.

use std::{path::Path, time::Duration};

use crate::{Entry, Error};

/// Receives reports on a download. All methods do nothing unless overridden; `()` ignores all
/// reports.
pub trait Progress: Send + Sync {
    /// Another process downloads into the same folder; this one waits until it has ended.
    fn waiting(&self, _folder: &Path) {}
    /// A download of a file begins; `already` of its bytes are there from an earlier attempt.
    fn started(&self, _entry: &Entry, _already: u64) {}
    /// `done` of the file's bytes are there. The number falls where a server starts over.
    fn advanced(&self, _entry: &Entry, _done: u64) {}
    /// An attempt failed; the next one begins after `wait`.
    fn retrying(&self, _entry: &Entry, _reason: &Error, _wait: Duration) {}
    /// A file is there and verified. Also called, alone, for a file that was there before.
    fn finished(&self, _entry: &Entry) {}
}

impl Progress for () {}
