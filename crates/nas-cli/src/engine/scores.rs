//! Scores that workers compute, each a part of the architectures.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use nas_bench::ScoreTable;
use nas_space::Arch;

use super::{Drive, Ended, EngineArguments, Job, Kind, Work};
use crate::{
    commands::score::ScorePlan,
    failure::Failure,
    inputs::{Input, changes, in_words},
    progress::Progress,
    run_folder::flatten,
    terminal::note,
};

impl Job {
    /// The scores of a plan, in so many parts.
    pub fn of_scores(plan: ScorePlan, shards: usize) -> Result<Self, Failure> {
        let inputs = plan.files().map(|(what, file)| Input::of(what, file));
        let inputs = inputs.collect::<Result<_, _>>()?;
        Ok(Self::new(Work::Score(plan), Some(shards), inputs))
    }

    /// The file of a part's scores.
    pub fn scores(folder: &Path, part: usize) -> PathBuf {
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
        stop: &Arc<AtomicBool>,
        progress: Progress,
    ) -> Result<ScoreTable, Failure> {
        let file = Self::file(folder);
        if file.exists() {
            self.check_begun(folder)?;
        } else {
            self.begin(folder)?;
        }
        // Locked until this command ends: another one would remove the folder.
        let lock = fs::File::open(&file).map_err(|error| Failure::file("read", &file, &error))?;
        if let Err(fs4::TryLockError::WouldBlock) = fs4::FileExt::try_lock(&lock) {
            return Err(Failure::input(format!(
                "{}: another command runs this job: wait for it, or name another file with --out",
                folder.display()
            )));
        }
        let shards = self.shards.unwrap_or(0);
        for part in 1..=shards {
            let result = Self::scores(folder, part);
            if result.exists() && ScoreTable::read(&result).is_err() {
                note(&format!("shard {part} is damaged and is computed again"));
                fs::remove_file(&result)
                    .map_err(|error| Failure::file("remove", &result, &error))?;
            }
        }
        let results = folder.to_path_buf();
        let is_done = move |part: usize| Self::scores(&results, part).exists();
        let mut drive = Drive::new(engine, kind, folder, is_done, stop)?;
        run(&mut drive, folder, shards, stop, progress).map_err(|failure| {
            if drive.goes_on() {
                failure.and("what is under way goes on; the same command takes up its results")
            } else {
                failure
            }
        })?;
        let read = |part| {
            let path = Self::scores(folder, part);
            Ok((path.clone(), ScoreTable::read(&path)?))
        };
        let tables = (1..=shards).map(read).collect::<Result<Vec<_>, nas_bench::Error>>()?;
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

    /// Checks that the job that was begun in a folder is this one.
    fn check_begun(&self, folder: &Path) -> Result<(), Failure> {
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
        Ok(())
    }
}

/// Runs the parts whose results are not there.
fn run(
    drive: &mut Drive,
    folder: &Path,
    all: usize,
    stop: &AtomicBool,
    mut progress: Progress,
) -> Result<(), Failure> {
    let open = (1..=all).filter(|part| !Job::scores(folder, *part).exists());
    let open: Vec<usize> = open.collect();
    let mut done = all - open.len();
    for part in open {
        drive.add(part);
    }
    if done > 0 {
        note(&format!("resuming after {done} of {all} shards"));
        progress.start_at(done);
    }
    while done < all {
        if stop.load(Ordering::Relaxed) {
            return Err(Failure::stopped(format!(
                "stopped after {done} of {all} shards: the same command resumes"
            )));
        }
        for ended in drive.step()? {
            match ended {
                Ended::Done(_) => done += 1,
                Ended::Lost { part, times } => {
                    return Err(Failure::work(format!(
                        "shard {part} was lost {times} times: its messages are in {}",
                        drive.log(part).display()
                    )));
                }
            }
        }
        progress.update(done, &format!("{} running", drive.under_way()));
    }
    progress.finish();
    Ok(())
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
