//! The record of all calls.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

use crate::{
    ChatRequest, Endpoint, Error, Kind,
    call::{Outcome, ReplyText},
    usage::CallUsage,
};

/// The version of the format of a transcript's lines.
pub const TRANSCRIPT_VERSION: u32 = 1;

/// A file with one line of JSON for each call, written when the call ends.
///
/// A line contains the format's version, the hash and the content of the request, the model with its
/// URL and settings, the reply or the error's message, and what the call used. It contains neither a
/// secret key nor the user info or query of a URL.
#[derive(Debug)]
pub struct Transcript {
    path: PathBuf,
    file: Mutex<File>,
}

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    pub(crate) version: u32,
    pub(crate) key: String,
    pub(crate) asked: Asked,
    /// What was asked; it may be left out, since the key finds the reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) request: Option<ChatRequest>,
    pub(crate) reply: Option<ReplyText>,
    pub(crate) error: Option<RecordedError>,
    pub(crate) took: CallUsage,
}

/// The model that was asked, with the settings used where the request has none.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    url: String,
    model: String,
    max_tokens: u32,
    /// `None` where the request has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
}

/// An error with its message.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordedError {
    pub(crate) kind: Kind,
    pub(crate) message: String,
}

impl Asked {
    /// Model and temperature, for error messages.
    pub(crate) fn describe(&self) -> String {
        describe(&self.model, self.temperature)
    }

    /// The same of an endpoint: equal where it asks as here.
    pub(crate) fn describe_as_here(&self, endpoint: &Endpoint) -> String {
        describe(endpoint.model(), self.temperature.map(|_| endpoint.temperature))
    }
}

fn describe(model: &str, temperature: Option<f64>) -> String {
    let at = temperature.map(|temperature| format!(" at temperature {temperature}"));
    format!("model {model}{}", at.unwrap_or_default())
}

impl Record {
    pub(crate) fn new(endpoint: &Endpoint, request: &ChatRequest, outcome: &Outcome) -> Self {
        Self {
            version: TRANSCRIPT_VERSION,
            key: request.key(),
            asked: Asked {
                url: endpoint.shown_url(),
                model: endpoint.model().to_owned(),
                max_tokens: endpoint.reply_limit(request),
                temperature: request.temperature.is_none().then_some(endpoint.temperature),
            },
            request: Some(request.clone()),
            reply: outcome.result.as_ref().ok().cloned(),
            error: outcome
                .result
                .as_ref()
                .err()
                .map(|error| RecordedError { kind: error.kind(), message: error.to_string() }),
            took: outcome.usage.clone(),
        }
    }
}

impl Transcript {
    /// Creates a new file.
    ///
    /// # Errors
    ///
    /// [`Error::Transcript`] if the file exists, because its calls may have cost money, or cannot be
    /// created.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        Self::open(path, OpenOptions::new().write(true).create_new(true))
    }

    /// Continues a file, or creates it. A last line that a killed run left incomplete is removed.
    ///
    /// # Errors
    ///
    /// [`Error::Transcript`] if the file cannot be read or written.
    pub fn append(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let mut options = OpenOptions::new();
        let transcript = Self::open(path, options.read(true).write(true).create(true))?;
        transcript.to_the_end().map_err(|source| failed(path, source))?;
        Ok(transcript)
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn open(path: &Path, options: &OpenOptions) -> Result<Self, Error> {
        let opened = is_file(path).and_then(|()| options.open(path));
        let file = opened.map_err(|source| failed(path, source))?;
        Ok(Self { path: path.to_owned(), file: Mutex::new(file) })
    }

    fn to_the_end(&self) -> io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let mut content = Vec::new();
        file.read_to_end(&mut content)?;
        let whole = content.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64)?;
        file.seek(SeekFrom::End(0)).map(drop)
    }

    /// Writes a line. The file has no buffer: the line is there when this returns.
    pub(crate) fn write(&self, record: &Record) -> Result<(), Error> {
        let written = serde_json::to_string(record).map_err(io::Error::from).and_then(|line| {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.write_all((line + "\n").as_bytes())
        });
        written.map_err(|source| failed(&self.path, source))
    }
}

/// Refuses what has no end, as devices do.
pub(crate) fn is_file(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => Err(io::Error::other("this is not a file")),
        _ => Ok(()),
    }
}

pub(crate) fn failed(path: &Path, source: io::Error) -> Error {
    Error::Transcript { path: path.to_owned(), source }
}
