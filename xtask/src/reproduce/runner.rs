//! Runs the experiments of tables and keeps what comes out in `reports/data/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::experiment::{Experiment, Kept};
use super::part::Part;
use super::replay::{self, REPLAYED, Replayed};
use crate::error::Error;
use crate::nas::{Program, hash};
use crate::workspace::Workspace;

/// Runs experiments and keeps what comes out in files.
pub struct Runner<'a> {
    workspace: &'a Workspace,
    program: &'a Program,
    data: PathBuf,
    /// Records of each file which program has made it; not kept with it.
    stamps: PathBuf,
    seeds: u64,
}

impl<'a> Runner<'a> {
    pub fn new(workspace: &'a Workspace, program: &'a Program, reports: &Path, seeds: u64) -> Self {
        let stamps = workspace.root().join(format!("target/reproduce/{seeds}-seeds"));
        Self { workspace, program, data: reports.join("data"), stamps, seeds }
    }

    /// Runs what this program has not run yet, and what is measured where `measure` is set or its file
    /// is missing. Each experiment writes its file when it ends: an interrupted reproduction resumes.
    pub fn run(&self, parts: &[&Part], measure: bool) -> Result<(), Error> {
        for folder in [&self.data, &self.stamps] {
            fs::create_dir_all(folder).map_err(Error::file(folder))?;
        }
        let mut wanted = wanted(parts);
        wanted.retain(|experiment| {
            experiment.kept != Kept::Measured || measure || !self.path(&experiment.name).exists()
        });
        let (root, program) = (self.workspace.root(), self.program.path());
        for (number, experiment) in wanted.iter().enumerate() {
            let command = experiment.command(self.seeds);
            let make = || experiment.run(root, program, &self.stamps, &command);
            let read = experiment.reads(root)?;
            let step = format!("[{}/{}]", number + 1, wanted.len());
            self.keep(&experiment.name, &command, &read, &step, make)?;
        }
        if parts.iter().any(|part| part.replays) {
            let calls = replay::calls(self.workspace)?;
            for Replayed { name, command, make } in &REPLAYED {
                self.keep(name, command, &calls, "[model]", || make(self.workspace, program))?;
            }
        }
        Ok(())
    }

    /// Makes a file again, unless this program has made it with this command from the same `read`:
    /// what the command reads besides the benchmark.
    fn keep(
        &self,
        name: &str,
        command: &str,
        read: &[u8],
        step: &str,
        make: impl FnOnce() -> Result<String, Error>,
    ) -> Result<(), Error> {
        let (path, stamp) = (self.path(name), self.stamps.join(format!("{name}.stamp")));
        let record = |text: &str| {
            let hashes = [self.program.hash(), hash(read), hash(text.as_bytes())];
            format!("{command}\n{hashes:?}\n")
        };
        let known = fs::read_to_string(&path).ok();
        if let (Some(known), Ok(stamp)) = (known, fs::read_to_string(&stamp))
            && stamp == record(&known)
        {
            return Ok(());
        }
        let begun = Instant::now();
        let text = format!("# {command}\n{}", make()?);
        let beside = self.stamps.join(format!("{name}.csv"));
        fs::write(&beside, &text).map_err(Error::file(&beside))?;
        fs::rename(&beside, &path).map_err(Error::file(&path))?;
        fs::write(&stamp, record(&text)).map_err(Error::file(&stamp))?;
        println!("{step} {name}: {:.1} s", begun.elapsed().as_secs_f64());
        Ok(())
    }

    /// Runs the first seed of everything again, and returns what differs from the kept files.
    pub fn check(&self, parts: &[&Part]) -> Result<Vec<String>, Error> {
        fs::create_dir_all(&self.stamps).map_err(Error::file(&self.stamps))?;
        let mut stale = Vec::new();
        let mut compare = |name: &str, command: &str, found: &str, kept: &dyn Fn(&str) -> bool| {
            let path = self.path(name);
            let text = fs::read_to_string(&path).map_err(Error::file(&path))?;
            let kept: Vec<&str> = text.lines().skip(1).filter(|line| kept(line)).collect();
            let made = text.lines().next() == Some(&format!("# {command}"));
            if !made || !kept.into_iter().eq(found.lines()) {
                stale.push(format!(
                    "reports/data/{name}.csv differs from the output of its command"
                ));
            }
            Ok::<(), Error>(())
        };
        for experiment in wanted(parts) {
            if experiment.kept == Kept::Measured {
                continue;
            }
            let (root, command) = (self.workspace.root(), experiment.command(1));
            let program = self.program.path();
            let found = experiment.run(root, program, &self.stamps, &command)?;
            // The header, and rows of the first seed: it is the fourth column.
            let seeded = experiment.kept != Kept::Ranks;
            let first = |line: &str| matches!(line.split(',').nth(3), Some("seed" | "1"));
            let kept = |line: &str| !seeded || first(line);
            compare(&experiment.name, &experiment.command(self.seeds), &found, &kept)?;
        }
        if parts.iter().any(|part| part.replays) {
            for Replayed { name, command, make } in &REPLAYED {
                let found = make(self.workspace, self.program.path())?;
                compare(name, command, &found, &|_| true)?;
            }
        }
        Ok(stale)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.data.join(format!("{name}.csv"))
    }
}

/// The experiments of some parts, each once.
fn wanted(parts: &[&Part]) -> Vec<Experiment> {
    let mut wanted: Vec<Experiment> = Vec::new();
    for experiment in parts.iter().flat_map(|part| (part.experiments)()) {
        if !wanted.contains(&experiment) {
            wanted.push(experiment);
        }
    }
    wanted
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::reproduce::parts::ALL;

    #[test]
    fn each_file_of_data_has_one_experiment() {
        let all = wanted(ALL);
        let names = all.iter().map(|experiment| experiment.name.clone());
        let mut names: Vec<String> = names.collect();
        names.extend(REPLAYED.iter().map(|replayed| replayed.name.to_owned()));
        let distinct: BTreeSet<String> = names.iter().cloned().collect();
        assert_eq!(distinct.len(), names.len(), "a name with two commands");
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../reports/data");
        let files = fs::read_dir(data).unwrap().map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            name.trim_end_matches(".csv").to_owned()
        });
        assert_eq!(files.collect::<BTreeSet<_>>(), distinct);
    }
}
