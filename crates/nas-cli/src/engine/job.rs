//! A job: what workers do, in a folder that all of them see.

use std::{
    fs,
    path::{Path, PathBuf},
};

use nas_bench::container;

use super::evaluations::Questions;
use crate::{failure::Failure, inputs::Input};

#[cfg(feature = "torch")]
use crate::commands::score::ScorePlan;

/// Not read without libtorch.
#[cfg(not(feature = "torch"))]
type ScorePlan = toml::Table;

/// The file of a job's folder that workers read.
const JOB: &str = "job.toml";

/// A job's format.
const FORMAT_VERSION: u32 = 4;

/// What workers do, part by part.
#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Job {
    format_version: u32,
    /// The folder that files are named from.
    pub folder: PathBuf,
    /// Parts that the work is cut into, where that is known when it begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shards: Option<usize>,
    #[serde(flatten)]
    pub work: Work,
    /// The files that the results depend on.
    pub inputs: Vec<Input>,
}

/// What a job computes.
#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// What `nas score` does, of which each worker computes a part.
    Score(ScorePlan),
    /// What a user's program answers, to a worker for each question.
    Evaluate(Questions),
}

/// The part of a job that is the same in all formats.
#[derive(serde::Deserialize)]
struct Versioned {
    format_version: u32,
}

impl Job {
    pub fn new(work: Work, shards: Option<usize>, inputs: Vec<Input>) -> Self {
        let folder = std::env::current_dir().unwrap_or_default();
        Self { format_version: FORMAT_VERSION, folder, shards, work, inputs }
    }

    /// Where the job of a folder is, or will be.
    pub fn file(folder: &Path) -> PathBuf {
        folder.join(JOB)
    }

    /// Reads the job of a folder.
    pub fn read(folder: &Path) -> Result<Self, Failure> {
        let file = Self::file(folder);
        let text =
            fs::read_to_string(&file).map_err(|error| Failure::file("read", &file, &error))?;
        let wrong = |error: toml::de::Error| Failure::input(format!("{}: {error}", file.display()));
        let Versioned { format_version } = toml::from_str(&text).map_err(wrong)?;
        if format_version != FORMAT_VERSION {
            return Err(Failure::input(format!(
                "{}: format {format_version}, but this program reads {FORMAT_VERSION}: workers need the version of nas that made the job",
                file.display()
            )));
        }
        toml::from_str(&text).map_err(wrong)
    }

    /// Begins the job in a folder, which may be new.
    pub fn begin(&self, folder: &Path) -> Result<(), Failure> {
        let file = Self::file(folder);
        fs::create_dir_all(folder).map_err(|error| Failure::file("create", folder, &error))?;
        let text = toml::to_string(self)
            .map_err(|error| Failure::work(format!("cannot write a job: {error}")))?;
        container::replace(&file, text.as_bytes())
            .map_err(|error| Failure::file("write", &file, &error))
    }
}
