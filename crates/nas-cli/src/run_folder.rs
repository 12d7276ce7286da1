use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::failure::Failure;

/// The files of a run; the first tells its folder from any other.
const FILES: [&str; 8] = [
    "config.toml",
    "evaluations.csv",
    "front.csv",
    "front.svg",
    "generations.csv",
    "knowledge.md",
    "model.json",
    "transcript.jsonl",
];

/// A run's folder in the making. Its files are kept until all are there, and then written to a
/// hidden folder beside it, which takes its place: a run is there as a whole or not at all.
pub struct RunFolder {
    path: PathBuf,
    files: Vec<(&'static str, String)>,
}

impl RunFolder {
    /// Makes sure, before any work, that the run can be written.
    ///
    /// Without a path the folder is `runs/<name>`, or `runs/<name>-2` and so on where that is
    /// taken. With one, an earlier run there is only replaced if `force` says so, and never a
    /// folder that holds anything else.
    pub fn prepare(path: Option<&Path>, name: &str, force: bool) -> Result<Self, Failure> {
        // Without a slash at its end.
        let path = path.map_or_else(|| free_name(name), |path| path.components().collect());
        let shown = path.display();
        if path.exists() {
            let entries = fs::read_dir(&path).map_err(|e| Failure::file("use", &path, &e))?;
            let names = entries
                .map(|entry| entry.map(|entry| entry.file_name()))
                .collect::<Result<Vec<_>, _>>()
                .map_err(|error| Failure::file("read", &path, &error))?;
            let other = names.iter().find(|name| !FILES.iter().any(|file| file == name));
            let is_run = names.iter().any(|name| name == FILES[0]);
            if let Some(other) = other.filter(|_| is_run) {
                return Err(Failure::input(format!(
                    "{shown} holds an earlier run and {}, which is no part of it: move that away, or choose another folder with --run",
                    other.display()
                )));
            }
            if !is_run && !names.is_empty() {
                return Err(Failure::input(format!(
                    "{shown} is there and is no run: choose another folder with --run"
                )));
            }
            if is_run && !force {
                return Err(Failure::input(format!(
                    "{shown} holds an earlier run: replace it with --force, or choose another folder with --run"
                )));
            }
        }
        let this = Self { path, files: Vec::new() };
        this.making().map(|_| this)
    }

    /// Where the run's folder will be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file beside the run's folder, for what must not be lost before the run is whole.
    pub fn beside(&self, name: &str) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(".");
        path.push(name);
        path.into()
    }

    /// A new hidden folder where the run's own will be.
    fn making(&self) -> Result<TempDir, Failure> {
        let parent = match self.path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(parent).map_err(|error| Failure::file("create", parent, &error))?;
        tempfile::Builder::new()
            .prefix(".nas-run-")
            .tempdir_in(parent)
            .map_err(|error| Failure::file("write to", parent, &error))
    }

    /// Adds one file to the run.
    pub fn write(&mut self, name: &'static str, content: String) {
        debug_assert!(FILES.contains(&name));
        self.files.push((name, content));
    }

    /// Puts the run in its place and returns that.
    pub fn finish(self) -> Result<PathBuf, Failure> {
        let making = self.making()?;
        let Self { path, files } = self;
        for (name, content) in files {
            let file = making.path().join(name);
            fs::write(&file, content).map_err(|error| Failure::file("write", &file, &error))?;
        }
        let cannot = |error: &std::io::Error| Failure::file("write", &path, error);
        // The old run goes where the new one was made, and away with that on success.
        if path.exists() {
            let aside = making.path().with_extension("old");
            fs::rename(&path, &aside).map_err(|error| cannot(&error))?;
            fs::rename(making.path(), &path).map_err(|error| cannot(&error))?;
            fs::remove_dir_all(&aside).map_err(|error| cannot(&error))?;
        } else {
            fs::rename(making.path(), &path).map_err(|error| cannot(&error))?;
        }
        // Folders made for temporary use are closed to others; a run is not.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
                .map_err(|error| cannot(&error))?;
        }
        Ok(path)
    }
}

fn free_name(name: &str) -> PathBuf {
    let runs = Path::new("runs");
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    std::iter::once(name.to_owned())
        .chain(numbered)
        .map(|name| runs.join(name))
        .find(|path| !path.exists())
        .unwrap_or_else(|| runs.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_appears_whole_and_is_replaced_only_by_force() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs/demo");
        let prepare = |force| RunFolder::prepare(Some(&path), "demo", force);
        let write = |force, content: &str| {
            let mut run = prepare(force).unwrap();
            run.write(FILES[0], content.to_owned());
            assert!(!path.join(FILES[0]).is_file() || content == "two");
            run.finish().unwrap();
        };
        write(false, "one");
        assert!(prepare(false).is_err());
        write(true, "two");
        assert_eq!(fs::read_to_string(path.join(FILES[0])).unwrap(), "two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        fs::write(path.join("notes.txt"), "mine").unwrap();
        assert!(prepare(true).is_err());
    }

    #[test]
    fn a_folder_that_is_no_run_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.tex"), "years of work").unwrap();
        assert!(RunFolder::prepare(Some(folder.path()), "x", true).is_err());
        assert!(folder.path().join("thesis.tex").is_file());
    }

    #[test]
    fn an_abandoned_run_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut run = RunFolder::prepare(Some(&folder.path().join("a")), "a", false).unwrap();
        run.write(FILES[0], String::new());
        drop(run);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
