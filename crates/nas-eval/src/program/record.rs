//! The answers of a user's searcher, kept in a file, so that a search can be repeated without it.

use std::{
    collections::VecDeque,
    fs::{File, OpenOptions},
    io::{Read as _, Write as _},
    path::Path,
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::failures::Failure;
use crate::Error;

/// What is recorded of a request: as much as tells whether a repeated search makes the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Asked {
    pub(super) id: usize,
    pub(super) count: usize,
    pub(super) niche: usize,
    /// How many architectures were evaluated, and how many were being evaluated.
    pub(super) evaluated: usize,
    pub(super) pending: usize,
}

/// What a searcher answered, or how it failed.
pub(super) type Answered = Result<Map<String, Value>, Failure>;

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    #[serde(flatten)]
    asked: Asked,
    answered: Answered,
}

/// A file with a line for each request, which only grows.
///
/// A search that is repeated makes the same requests, whose answers are in the file. From the first that
/// differs on, the file is written anew.
#[derive(Debug)]
pub(super) struct Record {
    name: String,
    file: File,
    /// Answers that are not repeated yet, each with the place where its line begins.
    recorded: VecDeque<(u64, Line)>,
}

impl Record {
    /// Opens a file, or creates it. A last line that a killed process left incomplete is removed.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let name = path.display().to_string();
        let wrong = |problem: String| Error::Record { file: name.clone(), problem };
        let file = OpenOptions::new().read(true).append(true).create(true).open(path);
        let mut file = file.map_err(|error| wrong(error.to_string()))?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(|error| wrong(error.to_string()))?;
        let (mut recorded, mut end) = (VecDeque::new(), 0);
        for line in text.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"))
        {
            let read = serde_json::from_slice(line).map_err(|error| {
                wrong(format!(
                    "line {}: {error}; expected an answer of a searcher",
                    recorded.len() + 1
                ))
            })?;
            recorded.push_back((end, read));
            end += line.len() as u64;
        }
        file.set_len(end).map_err(|error| wrong(error.to_string()))?;
        Ok(Self { name, file, recorded })
    }

    /// The recorded answer to a request. `differs` is told where this one was not made then.
    pub(super) fn take(
        &mut self,
        asked: &Asked,
        differs: impl FnOnce(&str),
    ) -> Result<Option<Answered>, Error> {
        let Some((begins, line)) = self.recorded.pop_front() else { return Ok(None) };
        if line.asked == *asked {
            return Ok(Some(line.answered));
        }
        differs(&format!(
            "{}: from request {} on, the resumed search differs from the recorded one: its inputs or this program have changed",
            self.name, asked.id
        ));
        self.recorded.clear();
        self.file.set_len(begins).map_err(|error| self.wrong(&error))?;
        Ok(None)
    }

    /// Adds an answer.
    pub(super) fn add(&mut self, asked: Asked, answered: &Answered) -> Result<(), Error> {
        let line = serde_json::to_string(&Line { asked, answered: answered.clone() });
        let line = line.map_err(|error| self.wrong(&error))? + "\n";
        self.file.write_all(line.as_bytes()).map_err(|error| self.wrong(&error))
    }

    fn wrong(&self, problem: &dyn std::fmt::Display) -> Error {
        Error::Record { file: self.name.clone(), problem: problem.to_string() }
    }
}
