use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde::Deserialize;

use crate::{
    ChatRequest, Error, Failed, Reply, TRANSCRIPT_VERSION, Usage,
    attempt::start,
    budget::{Budget, Meter, Tally},
    client::{Answer, Outcome},
    transcript::{Record, failed},
};

/// Answers from a transcript, with no network.
///
/// A request is answered by its content, in whatever order requests come; equal requests get the
/// recorded answers in their order. Errors are answered as they were recorded, as
/// [`Error::Earlier`], and what a call took is what was recorded.
#[derive(Debug)]
pub struct Replay {
    path: PathBuf,
    lines: usize,
    incomplete: Option<usize>,
    /// Model and temperature of the last call, in words.
    asked: Option<String>,
    calls: Mutex<HashMap<String, Calls>>,
    meter: Meter,
}

/// The recorded calls with one key.
#[derive(Debug, Default)]
struct Calls {
    /// A call that was answered is `None`.
    recorded: Vec<Option<Outcome>>,
    asked: usize,
}

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

impl Replay {
    /// Reads a transcript. A last line that a killed run left incomplete is left out, with a
    /// warning.
    ///
    /// # Errors
    ///
    /// [`Error::Transcript`] for a file that can not be read and [`Error::Malformed`] for any
    /// other line that is no recorded call of this format's version.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let content = fs::read(path).map_err(|source| failed(path, source))?;
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
                    tracing::warn!(path = %path.display(), line, "incomplete last line left out");
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

    /// Recorded calls.
    pub fn calls(&self) -> usize {
        self.lines
    }

    /// Model and temperature of the last recorded call, in words.
    pub(crate) fn asked(&self) -> Option<&str> {
        self.asked.as_deref()
    }

    /// The number of an incomplete last line, which was left out.
    pub fn incomplete_line(&self) -> Option<usize> {
        self.incomplete
    }

    /// Answers a request.
    ///
    /// # Errors
    ///
    /// The recorded error, or [`Error::NotRecorded`].
    pub fn chat(&self, request: &ChatRequest) -> Result<Reply, Error> {
        let outcome = self.take(request)?;
        // A call that was refused before its first attempt was not counted as one.
        if outcome.tally.attempts > 0 {
            self.meter.begin()?;
        }
        self.meter.end(&outcome.tally, outcome.result.is_err());
        outcome.into_reply()
    }

    /// What the calls that were answered so far took when they were recorded.
    pub fn usage(&self) -> Usage {
        self.meter.usage()
    }

    /// What next became of a request, if that is recorded; failures that are to be made again are
    /// passed over.
    pub(crate) fn next(&self, request: &ChatRequest, failed: Failed) -> Option<Outcome> {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = calls.get_mut(&request.key())?;
        while let Some(outcome) = calls.recorded.get_mut(calls.asked) {
            calls.asked += 1;
            let counts = |outcome: &mut Outcome| failed == Failed::Kept || outcome.result.is_ok();
            if let Some(outcome) = outcome.take_if(counts) {
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

/// The key that a line holds, who was asked, and the outcome.
pub(crate) fn read(line: &[u8]) -> Result<(String, String, Outcome), String> {
    let wrong = |error: serde_json::Error| error.to_string();
    let Versioned { version } = serde_json::from_slice(line).map_err(wrong)?;
    if version != TRANSCRIPT_VERSION {
        return Err(format!("format {version}"));
    }
    let record: Record = serde_json::from_slice(line).map_err(wrong)?;
    let result: Result<Answer, Error> = match (record.reply, record.error) {
        (Some(answer), None) => Ok(answer),
        (None, Some(error)) => Err(Error::Earlier { kind: error.kind, message: error.message }),
        _ => return Err("neither a reply nor an error, or both".to_owned()),
    };
    let tally: Tally = record.took;
    Ok((record.key, record.asked.in_words(), Outcome { tally, result }))
}
