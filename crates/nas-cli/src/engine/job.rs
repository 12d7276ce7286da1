//! A job: what workers compute, in a folder that all of them see.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use nas_bench::{ScoreTable, container};
use nas_space::Arch;

use super::{EngineArguments, Kind};
use crate::{
    commands::score::ScorePlan,
    failure::Failure,
    inputs::{Input, changes, in_words},
    progress::Progress,
    run_folder::flatten,
    terminal::note,
};

/// The file of a job's folder that workers read.
const JOB: &str = "job.toml";

/// A job's format.
const FORMAT_VERSION: u32 = 3;

/// What `nas score` does, of which each worker computes a part.
#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    format_version: u32,
    /// Parts that the work is cut into.
    pub shards: usize,
    /// The folder that files are named from.
    pub folder: PathBuf,
    pub score: ScorePlan,
    /// The files that the scores depend on.
    pub inputs: Vec<Input>,
}

/// The part of a job that is the same in all formats.
#[derive(serde::Deserialize)]
struct Versioned {
    format_version: u32,
}

impl Job {
    pub fn new(score: ScorePlan, shards: usize) -> Result<Self, Failure> {
        let folder = std::env::current_dir().unwrap_or_default();
        let inputs = score.files().map(|(what, file)| Input::of(what, file));
        let inputs = inputs.collect::<Result<_, _>>()?;
        Ok(Self { format_version: FORMAT_VERSION, shards, folder, score, inputs })
    }

    /// Reads the job of a folder.
    pub fn read(folder: &Path) -> Result<Self, Failure> {
        let file = folder.join(JOB);
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

    /// The file of a part's scores.
    pub fn result(folder: &Path, part: usize) -> PathBuf {
        folder.join(format!("shard-{part}.bin"))
    }

    /// Lets workers compute the scores of these architectures in a folder, as far as they are not there,
    /// and merges their files.
    pub fn compute(
        &self,
        engine: &EngineArguments,
        kind: Kind,
        folder: &Path,
        architectures: &[Arch],
        stop: &AtomicBool,
        progress: Progress,
    ) -> Result<ScoreTable, Failure> {
        let file = folder.join(JOB);
        if file.exists() {
            let begun = Self::read(folder)?;
            let changes = changes(&begun.inputs)?;
            if !changes.is_empty() {
                return Err(Failure::input(format!(
                    "inputs of the job in {} have changed since it began:{}\nrestore them, or remove that folder to start again",
                    folder.display(),
                    in_words(&changes)
                )));
            }
            if begun != *self {
                return Err(Failure::input(format!(
                    "{} contains another job{}: repeat the command that began it, name another file with --out, or remove that folder",
                    folder.display(),
                    differences(&begun, self)
                )));
            }
        } else {
            fs::create_dir_all(folder).map_err(|error| Failure::file("create", folder, &error))?;
            let text = toml::to_string(self)
                .map_err(|error| Failure::work(format!("cannot write a job: {error}")))?;
            container::replace(&file, text.as_bytes())
                .map_err(|error| Failure::file("write", &file, &error))?;
        }
        // Locked until this command ends: another one would remove the folder.
        let lock = fs::File::open(&file).map_err(|error| Failure::file("read", &file, &error))?;
        if let Err(fs4::TryLockError::WouldBlock) = fs4::FileExt::try_lock(&lock) {
            return Err(Failure::input(format!(
                "{}: another command runs this job: wait for it, or name another file with --out",
                folder.display()
            )));
        }
        for part in 1..=self.shards {
            let result = Self::result(folder, part);
            if result.exists() && ScoreTable::read(&result).is_err() {
                note(&format!("shard {part} is damaged and is computed again"));
                fs::remove_file(&result)
                    .map_err(|error| Failure::file("remove", &result, &error))?;
            }
        }
        let is_done = |part: usize| Self::result(folder, part).exists();
        engine.run(kind, folder, self.shards, &is_done, stop, progress)?;
        let read = |part| {
            let path = Self::result(folder, part);
            Ok((path.clone(), ScoreTable::read(&path)?))
        };
        let tables = (1..=self.shards).map(read).collect::<Result<Vec<_>, nas_bench::Error>>()?;
        let anew = format!("remove {} to start again", folder.display());
        let table = ScoreTable::merge(tables).map_err(|error| Failure::from(error).and(&anew))?;
        if architectures.iter().any(|arch| table.values(arch).is_none()) {
            return Err(Failure::input(format!(
                "the scores in {} are of other architectures: was the list changed since the job began?\n{anew}",
                folder.display()
            )));
        }
        Ok(table)
    }
}

/// The settings in which a job differs from one that was begun, in words.
fn differences(begun: &Job, now: &Job) -> String {
    let settings = |job| {
        let mut settings = Vec::new();
        if let Ok(mut table) = toml::Table::try_from(job) {
            table.remove("inputs");
            flatten("", table, &mut settings);
        }
        settings.into_iter().collect::<BTreeMap<String, String>>()
    };
    let (begun, now) = (settings(begun), settings(now));
    let names: BTreeSet<&String> = begun.keys().chain(now.keys()).collect();
    let shown = |settings: &BTreeMap<String, String>, name| {
        settings.get(name).cloned().unwrap_or_else(|| "nothing".to_owned())
    };
    let differ = names.into_iter().filter(|name| begun.get(*name) != now.get(*name));
    let differ: Vec<String> = differ
        .map(|name| format!("{name} was {}, now {}", shown(&begun, name), shown(&now, name)))
        .collect();
    if differ.is_empty() { String::new() } else { format!(" ({})", differ.join("; ")) }
}
