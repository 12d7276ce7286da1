//! The folder of a run: which files it contains, and when.

use std::{
    ffi::{OsStr, OsString},
    fs, io,
    path::{Path, PathBuf},
};

use nas_bench::container;
use nas_space::Space;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    failure::Failure,
    journal::{CHECKPOINT, EVENTS, Journal, Kept},
    terminal::typed,
};

/// The plan of the run. A folder that contains it is a run.
pub const CONFIG: &str = "config.toml";

/// The page.
pub const PAGE: &str = "report.html";

/// The results of a search, written last: a run with this file has ended, or was stopped by the user.
pub const RESULT: &str = "front.json";

/// The results of a training, written last.
pub const TRAINED: &str = "trained.json";

/// The epochs of a training, a row each.
pub const METRICS: &str = "metrics.csv";

/// All that the next epoch of a training depends on.
pub const STATE: &str = "checkpoint.safetensors";

/// The weights of a training's best epoch.
pub const WEIGHTS: &str = "weights.safetensors";

/// The error that ended a search; it can be resumed.
pub const ERROR: &str = "error.txt";

/// What stands there in place of an error where the user stopped the search before there were
/// results.
pub const STOPPED_BY_USER: &str = "stopped by the user\n";

/// The job of workers that compute a generation.
#[cfg_attr(not(feature = "torch"), allow(dead_code))]
pub const SCORES: &str = "proxies.job";

/// The job of workers that evaluate architectures by the user's program.
pub const EVALUATIONS: &str = "program.job";

/// The log lines of the user's programs.
pub const PROGRAM_LOG: &str = "program.log";

/// What the user's searcher answered.
pub const PROPOSALS: &str = "proposals.jsonl";

/// The files of a run.
const FILES: [&str; 24] = [
    CONFIG,
    EVENTS,
    CHECKPOINT,
    STATE,
    "transcript.jsonl",
    "curve.svg",
    ERROR,
    "evaluations.csv",
    "front.csv",
    "front.svg",
    "generations.csv",
    "knowledge.md",
    METRICS,
    "model.json",
    "network.onnx",
    "operators.csv",
    EVALUATIONS,
    PROGRAM_LOG,
    PROPOSALS,
    PAGE,
    RESULT,
    SCORES,
    TRAINED,
    WEIGHTS,
];

/// The version of the folder's format, which its configuration names.
pub const FORMAT_VERSION: u32 = 7;

/// What a run is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    #[default]
    Search,
    Training,
}

impl Kind {
    /// The command that makes such runs.
    pub fn command(self) -> &'static str {
        match self {
            Self::Search => "nas search",
            Self::Training => "nas train",
        }
    }

    /// The file that grows as long as the run goes on, which is locked meanwhile.
    pub fn journal(self) -> &'static str {
        match self {
            Self::Search => EVENTS,
            Self::Training => METRICS,
        }
    }

    /// The file with the results.
    pub fn result(self) -> &'static str {
        match self {
            Self::Search => RESULT,
            Self::Training => TRAINED,
        }
    }
}

/// A run's folder. It exists from the first evaluation on, and keeps all evaluations even if the search
/// is killed. The results are written when the search ends, each file as a whole.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    kind: Kind,
    /// Whether this process created the run.
    is_new: bool,
    /// An earlier run, which is restored if this one is abandoned.
    earlier: Option<PathBuf>,
}

/// The part of a configuration that is the same in all formats.
#[derive(Deserialize)]
struct Versioned {
    format_version: u32,
    #[serde(default)]
    kind: Kind,
}

/// What a run's settings are read from.
#[derive(Deserialize)]
struct Planned {
    plan: toml::Table,
}

impl RunFolder {
    /// Makes sure, before any work, that the run can be written.
    ///
    /// Without a path the folder is `runs/<name>`, or `runs/<name>-2` and so on where that is
    /// taken. With one, an earlier run there is only replaced with `force`, and a folder with anything
    /// else never.
    pub fn prepare(
        kind: Kind,
        path: Option<&Path>,
        name: &str,
        force: bool,
    ) -> Result<Self, Failure> {
        // Without a slash at its end.
        let path = path.map_or_else(|| free_name(name), |path| path.components().collect());
        let shown = path.display();
        if path.is_file() {
            return Err(Failure::input(format!(
                "--run {shown} is a file: choose another folder with --run"
            )));
        }
        if path.exists() {
            let entries = fs::read_dir(&path).map_err(|e| Failure::file("use", &path, &e))?;
            let names = entries
                .map(|entry| entry.map(|entry| entry.file_name()))
                .collect::<Result<Vec<_>, _>>()
                .map_err(|error| Failure::file("read", &path, &error))?;
            let own = |name: &&OsString| is_part(name) || FILES.iter().any(|file| file == *name);
            let other = names.iter().find(|name| !own(name));
            let is_run = names.iter().any(|name| name == CONFIG);
            if let Some(other) = other.filter(|_| is_run) {
                return Err(Failure::input(format!(
                    "{shown} contains an earlier run and {}, which is not part of it: move that away, or choose another folder with --run",
                    other.display()
                )));
            }
            if !is_run && !names.is_empty() {
                return Err(Failure::input(format!(
                    "{shown} exists and is no run: choose another folder with --run"
                )));
            }
            let earlier = Self::open(&path).map_or(kind, |earlier| earlier.kind);
            if is_run && !force {
                let on = if path.join(earlier.result()).exists() {
                    ""
                } else {
                    &format!("resume it with {} --resume {}, ", earlier.command(), typed(&path))
                };
                return Err(Failure::input(format!(
                    "{shown} contains an earlier run: {on}replace it with --force, or choose another folder with --run"
                )));
            }
            let journal = path.join(earlier.journal());
            if is_run && journal.exists() {
                // Not while it goes on.
                Journal::lock(&journal)?;
            }
        }
        let this = Self { path, kind, is_new: false, earlier: None };
        this.making().map(|_| this)
    }

    /// The folder of an earlier run.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let (path, kind) = (path.components().collect::<PathBuf>(), Kind::default());
        let mut this = Self { path, kind, is_new: false, earlier: None };
        let config = this.path.join(CONFIG);
        let text = match fs::read_to_string(&config) {
            Ok(text) => text,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                return Err(Failure::input(format!(
                    "{} is no run: it has no {CONFIG}; nas runs lists those of a folder",
                    this.path.display()
                )));
            }
            Err(error) => return Err(Failure::file("read", &config, &error)),
        };
        let Versioned { format_version, kind } = toml::from_str(&text)
            .map_err(|error| Failure::input(format!("{}: {error}", config.display())))?;
        if format_version != FORMAT_VERSION {
            return Err(Failure::input(format!(
                "{}: format {format_version}, but this program reads {FORMAT_VERSION}: use the version of nas that wrote it",
                config.display()
            )));
        }
        this.kind = kind;
        Ok(this)
    }

    /// The same, for a command that takes up runs of this kind.
    pub fn of(self, kind: Kind) -> Result<Self, Failure> {
        if self.kind == kind {
            return Ok(self);
        }
        Err(Failure::input(format!(
            "{} is a run of {}: expected one of {}",
            self.path.display(),
            self.kind.command(),
            kind.command()
        )))
    }

    /// What the run is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether the run has ended.
    pub fn ended(&self) -> Result<bool, Failure> {
        #[derive(Deserialize)]
        struct Interrupted {
            interrupted: bool,
        }
        let file = self.file(self.kind.result());
        match fs::read(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Failure::file("read", &file, &error)),
            // A damaged file is written again, from the events.
            Ok(text) => {
                Ok(serde_json::from_slice(&text)
                    .is_ok_and(|Interrupted { interrupted }| !interrupted))
            }
        }
    }

    /// The content of the run's `config.toml`.
    fn config(&self) -> Result<String, Failure> {
        let file = self.file(CONFIG);
        fs::read_to_string(&file).map_err(|error| Failure::file("read", &file, &error))
    }

    /// What the run's `config.toml` contains.
    pub fn read_config<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        toml::from_str(&self.config()?)
            .map_err(|error| Failure::input(format!("{}: {error}", self.file(CONFIG).display())))
    }

    /// The settings of the plan by their names, in order; nested ones as `a.b`.
    pub fn settings(&self) -> Result<Vec<(String, String)>, Failure> {
        let Planned { plan } = self.read_config()?;
        let mut settings = Vec::new();
        flatten("", plan, &mut settings);
        Ok(settings)
    }

    /// Where the run's folder is, or will be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where one of its files is, or will be.
    pub fn file(&self, name: &'static str) -> PathBuf {
        debug_assert!(FILES.contains(&name));
        self.path.join(name)
    }

    /// A new hidden folder beside the run's.
    fn making(&self) -> Result<tempfile::TempDir, Failure> {
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

    /// Creates the run of a search, with no events yet.
    pub fn begin(&mut self, config: &str, calls: Option<&[u8]>) -> Result<Journal, Failure> {
        let create = |folder: &Path| Journal::create(folder.join(EVENTS));
        let mut journal = self.create(config, calls, create)?;
        journal.moved(self.path.join(EVENTS));
        Ok(journal)
    }

    /// Creates a run, and replaces an earlier one: its configuration, the calls that it replays, and what
    /// `journal` creates. A replay may fail: until it is [kept](Self::keep) or [abandoned](Self::abandon), the
    /// run that it replaces is kept in a hidden folder.
    pub fn create<T>(
        &mut self,
        config: &str,
        calls: Option<&[u8]>,
        journal: impl FnOnce(&Path) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let making = self.making()?;
        let put = |name: &str, content: &[u8]| {
            let file = making.path().join(name);
            container::replace(&file, content)
                .map_err(|error| Failure::file("write", &file, &error))
        };
        put(CONFIG, config.as_bytes())?;
        if let Some(calls) = calls {
            put("transcript.jsonl", calls)?;
        }
        let journal = journal(making.path())?;
        // Folders made for temporary use are closed to others; a run is not.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(making.path(), fs::Permissions::from_mode(0o755))
                .map_err(|error| Failure::file("write to", making.path(), &error))?;
        }
        let cannot = |error: &io::Error| Failure::file("write", &self.path, error);
        // The old run is moved aside, and removed on success.
        let aside = making.path().with_extension("old");
        let replaces = self.path.exists();
        if replaces {
            fs::rename(&self.path, &aside).map_err(|error| cannot(&error))?;
        }
        fs::rename(making.path(), &self.path).map_err(|error| cannot(&error))?;
        if replaces && calls.is_some() {
            self.earlier = Some(aside);
        } else if replaces {
            fs::remove_dir_all(&aside).map_err(|error| cannot(&error))?;
        }
        self.is_new = true;
        Ok(journal)
    }

    /// Opens the run to resume it: its events, and what the search is resumed from.
    pub fn resume(&self, space: &Space) -> Result<(Journal, Kept), Failure> {
        let resumed = Journal::open(self.path.join(EVENTS), space)?;
        self.clear()?;
        Ok(resumed)
    }

    /// Removes what is outdated once the run goes on; its journal is locked.
    pub fn clear(&self) -> Result<(), Failure> {
        for outdated in [self.kind.result(), ERROR].map(|name| self.file(name)) {
            match fs::remove_file(&outdated) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Failure::file("remove", &outdated, &error));
                }
                _ => {}
            }
        }
        // No other process writes here: half-written files are from a process that was killed.
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten();
        for part in entries.filter(|entry| is_part(&entry.file_name())) {
            let _ = fs::remove_file(part.path());
        }
        Ok(())
    }

    /// Writes one file of the results, as a whole.
    pub fn write(&self, name: &'static str, content: impl AsRef<[u8]>) -> Result<(), Failure> {
        let file = self.file(name);
        container::replace(&file, content.as_ref())
            .map_err(|error| Failure::file("write", &file, &error))
    }

    /// Removes a run, unless this process only resumed it, and restores the one that it replaced.
    pub fn abandon(&self) {
        if !self.is_new {
            return;
        }
        // If that fails, the folder can be replaced with --force.
        let _ = fs::remove_dir_all(&self.path);
        if let Some(earlier) = &self.earlier {
            let _ = fs::rename(earlier, &self.path);
        }
    }

    /// Removes the run that this one replaced.
    pub fn keep(&self) {
        if let Some(earlier) = &self.earlier {
            let _ = fs::remove_dir_all(earlier);
        }
    }
}

/// A configuration as the text of `config.toml`.
pub fn config_text(config: &impl Serialize) -> Result<String, Failure> {
    toml::to_string(config)
        .map_err(|error| Failure::work(format!("cannot write the plan: {error}")))
}

/// Whether a file of that name was being written when its process was killed.
fn is_part(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(container::PART.as_bytes())
}

/// The values of a table by their names, as text.
pub fn flatten(before: &str, table: toml::Table, settings: &mut Vec<(String, String)>) {
    for (name, value) in table {
        let name = format!("{before}{name}");
        match value {
            toml::Value::Table(table) => flatten(&format!("{name}."), table, settings),
            toml::Value::String(text) => settings.push((name, text)),
            other => settings.push((name, other.to_string())),
        }
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

    const EMPTY: &str = "format_version = 7\n";

    #[test]
    fn a_run_is_created_whole_and_replaced_only_by_force_and_not_while_it_runs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs/demo");
        let prepare = |force| RunFolder::prepare(Kind::Search, Some(&path), "demo", force);
        let journal = prepare(false).unwrap().begin(EMPTY, None).unwrap();
        assert!(prepare(false).is_err());
        let busy = prepare(true).unwrap_err().to_string();
        assert!(busy.contains("is in use"), "{busy}");
        drop(journal);
        let mut run = prepare(true).unwrap();
        run.begin(&format!("{EMPTY}seed = 1\n"), Some(b"calls")).unwrap();
        run.abandon();
        assert_eq!(fs::read_to_string(path.join(CONFIG)).unwrap(), EMPTY);
        let mut run = prepare(true).unwrap();
        run.begin(&format!("{EMPTY}seed = 2\n"), Some(b"calls")).unwrap();
        run.keep();
        assert!(fs::read_to_string(path.join(CONFIG)).unwrap().contains("seed = 2"));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        fs::write(path.join("notes.txt"), "mine").unwrap();
        assert!(prepare(true).is_err());
    }

    #[test]
    fn a_folder_that_is_no_run_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.tex"), "years of work").unwrap();
        assert!(RunFolder::prepare(Kind::Search, Some(folder.path()), "x", true).is_err());
        assert!(folder.path().join("thesis.tex").is_file());
    }

    #[test]
    fn a_run_that_was_only_prepared_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        RunFolder::prepare(Kind::Search, Some(&folder.path().join("a")), "a", false).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_run_of_another_format_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let open = || RunFolder::open(folder.path()).map(|_| ()).map_err(|e| e.to_string());
        assert!(open().unwrap_err().contains("is no run"));
        for (config, expected) in [
            ("format_version = 9", "format 9, but this program reads 7"),
            ("format_version = 99999999999", "invalid value"),
            ("seed = 2", "missing field"),
            ("= =", "expected"),
        ] {
            fs::write(folder.path().join(CONFIG), config).unwrap();
            let error = open().unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        fs::write(folder.path().join(CONFIG), EMPTY).unwrap();
        open().unwrap();
    }
}
