//! Replies from a transcript.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde::Deserialize;

use crate::{
    ChatRequest, Error, Reply, TRANSCRIPT_VERSION, Usage,
    budget::{Budget, Meter},
    call::{Outcome, ReplyText},
    excerpt::start,
    transcript::{Asked, Record, failed, is_file},
};

/// Replies from a transcript, without a network.
///
/// A request gets the reply that was recorded for its content, in whatever order requests come; equal
/// requests get their recorded replies in order. Recorded errors are returned as [`Error::Earlier`],
/// and a call uses what it used when it was recorded.
#[derive(Debug)]
pub struct Replay {
    path: PathBuf,
    lines: usize,
    incomplete: Option<usize>,
    /// The model of the last call.
    asked: Option<Asked>,
    calls: Mutex<HashMap<String, Calls>>,
    meter: Meter,
}

/// The recorded calls with one key.
#[derive(Debug, Default)]
struct Calls {
    /// `None` for a call that was replayed.
    recorded: Vec<Option<Outcome>>,
    asked: usize,
}

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// What happens to recorded calls that failed, where a transcript is continued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failed {
    /// They are repeated.
    Again,
    /// They fail again, because later requests depend on their failure.
    Kept,
}

impl Replay {
    /// Reads a transcript. A last line that a killed run left incomplete is ignored, with a warning.
    ///
    /// # Errors
    ///
    /// [`Error::Transcript`] for a file that cannot be read, and [`Error::Malformed`] for any other
    /// line that is not a recorded call of this format's version.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let content = is_file(path).and_then(|()| fs::read(path));
        let content = content.map_err(|source| failed(path, source))?;
        let mut replay = Self {
            path: path.to_owned(),
            lines: 0,
            incomplete: None,
            asked: None,
            calls: Mutex::default(),
            meter: Meter::new(Budget::default()),
        };
        let calls = replay.calls.get_mut().unwrap_or_else(PoisonError::into_inner);
        for (index, bytes) in content.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let line = index + 1;
            match read(bytes) {
                Ok((key, asked, outcome)) => {
                    replay.asked = Some(asked);
                    calls.entry(key).or_default().recorded.push(Some(outcome));
                    replay.lines += 1;
                }
                Err(_) if !bytes.ends_with(b"\n") => {
                    tracing::warn!("{}:{line}: incomplete last line ignored", path.display());
                    replay.incomplete = Some(line);
                }
                Err(reason) => {
                    let (path, expected) = (path.to_owned(), TRANSCRIPT_VERSION);
                    return Err(Error::Malformed { path, line, reason, expected });
                }
            }
        }
        Ok(replay)
    }

    /// The number of recorded calls.
    pub fn calls(&self) -> usize {
        self.lines
    }

    /// The model of the last recorded call.
    pub(crate) fn asked(&self) -> Option<&Asked> {
        self.asked.as_ref()
    }

    /// The number of an incomplete last line, which is ignored.
    pub fn incomplete_line(&self) -> Option<usize> {
        self.incomplete
    }

    /// The recorded reply to a request.
    ///
    /// # Errors
    ///
    /// The recorded error, or [`Error::NotRecorded`].
    pub fn chat(&self, request: &ChatRequest) -> Result<Reply, Error> {
        let outcome = self.take(request)?;
        // A call that was refused before its first attempt does not count.
        if outcome.usage.attempts > 0 {
            self.meter.begin()?;
        }
        self.meter.end(&outcome.usage, outcome.result.is_err());
        outcome.into_reply()
    }

    /// What the calls replayed so far used when they were recorded.
    pub fn usage(&self) -> Usage {
        self.meter.usage()
    }

    /// The next recorded outcome of a request, if there is one; failures that are to be repeated are
    /// skipped.
    pub(crate) fn next(&self, request: &ChatRequest, failed: Failed) -> Option<Outcome> {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = calls.get_mut(&request.key())?;
        while let Some(outcome) = calls.recorded.get_mut(calls.asked) {
            calls.asked += 1;
            let is_kept = |outcome: &mut Outcome| failed == Failed::Kept || outcome.result.is_ok();
            if let Some(outcome) = outcome.take_if(is_kept) {
                return Some(outcome);
            }
        }
        None
    }

    fn take(&self, request: &ChatRequest) -> Result<Outcome, Error> {
        let key = request.key();
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = calls.entry(key.clone()).or_default();
        calls.asked += 1;
        let recorded = calls.recorded.len();
        calls.recorded.get_mut(calls.asked - 1).and_then(Option::take).ok_or_else(|| {
            let last = request.messages.last();
            Error::NotRecorded {
                path: self.path.clone(),
                key,
                recorded,
                asked: calls.asked,
                lines: self.lines,
                start: start(last.map_or("", |message| &message.content), 80),
            }
        })
    }
}

/// A line's key, its model, and its outcome.
pub(crate) fn read(line: &[u8]) -> Result<(String, Asked, Outcome), String> {
    let wrong = |error: serde_json::Error| error.to_string();
    let Versioned { version } = serde_json::from_slice(line).map_err(wrong)?;
    if version != TRANSCRIPT_VERSION {
        return Err(format!("format {version}"));
    }
    let record: Record = serde_json::from_slice(line).map_err(wrong)?;
    let result: Result<ReplyText, Error> = match (record.reply, record.error) {
        (Some(answer), None) => Ok(answer),
        (None, Some(error)) => Err(Error::Earlier { kind: error.kind, message: error.message }),
        _ => return Err("neither a reply nor an error, or both".to_owned()),
    };
    Ok((record.key, record.asked, Outcome { usage: record.took, result }))
}
