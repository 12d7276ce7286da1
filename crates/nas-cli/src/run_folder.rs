use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::failure::Failure;

/// The file that tells a run's folder from any other.
const CONFIG: &str = "config.toml";

/// A run's folder in the making. Its files are written to a hidden folder beside it, which takes
/// its place when all are there: a run is there as a whole or not at all.
pub struct RunFolder {
    path: PathBuf,
    making: TempDir,
    replace: bool,
}

impl RunFolder {
    /// Makes sure, before any work, that the run can be written.
    ///
    /// Without a path the folder is `runs/<name>`, or `runs/<name>-2` and so on where that is
    /// taken. With one, an earlier run there is only replaced if `force` says so.
    pub fn prepare(path: Option<&Path>, name: &str, force: bool) -> Result<Self, Failure> {
        let path = path.map_or_else(|| free_name(name), Path::to_path_buf);
        let replace = path.exists();
        if replace {
            let empty = fs::read_dir(&path)
                .map_err(|error| Failure::file("use", &path, &error))?
                .next()
                .is_none();
            let is_run = path.join(CONFIG).is_file();
            let shown = path.display();
            if !empty && !is_run {
                return Err(Failure::input(format!(
                    "{shown} is there and is no run: choose another folder with --run"
                )));
            }
            if !empty && !force {
                return Err(Failure::input(format!(
                    "{shown} holds an earlier run: replace it with --force, or choose another folder with --run"
                )));
            }
        }
        let parent = match path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(parent).map_err(|error| Failure::file("create", parent, &error))?;
        let making = tempfile::Builder::new()
            .prefix(".nas-run-")
            .tempdir_in(parent)
            .map_err(|error| Failure::file("write to", parent, &error))?;
        Ok(Self { path, making, replace })
    }

    /// Writes one file of the run.
    pub fn write(&self, name: &str, content: &str) -> Result<(), Failure> {
        let path = self.making.path().join(name);
        fs::write(&path, content).map_err(|error| Failure::file("write", &path, &error))
    }

    /// Puts the run in its place and returns that.
    pub fn finish(self) -> Result<PathBuf, Failure> {
        let Self { path, making, replace } = self;
        let cannot = |error: &std::io::Error| Failure::file("write", &path, error);
        // The old run goes where the new one was made, and away with that on success.
        if replace {
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
        let write = |force, content| {
            let run = prepare(force).unwrap();
            run.write(CONFIG, content).unwrap();
            assert!(!path.join(CONFIG).is_file() || content == "two");
            run.finish().unwrap();
        };
        write(false, "one");
        assert!(prepare(false).is_err());
        write(true, "two");
        assert_eq!(fs::read_to_string(path.join(CONFIG)).unwrap(), "two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
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
        let run = RunFolder::prepare(Some(&folder.path().join("a")), "a", false).unwrap();
        run.write(CONFIG, "").unwrap();
        drop(run);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
