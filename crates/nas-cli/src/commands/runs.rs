use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde_json::Value;

use crate::{
    failure::Failure,
    journal::{EVENTS, Journal},
    output::{Cell, Format, Records, counted, print},
    run_folder::{CONFIG, RESULT, RunFolder},
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The folder that holds the runs
    #[arg(value_name = "FOLDER", default_value = "runs")]
    folder: PathBuf,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How far a run came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Ended,
    /// By its user.
    Stopped,
    /// By something else.
    Killed,
    Running,
}

/// What the folder of a run tells.
pub struct Told {
    pub folder: RunFolder,
    /// The settings of its plan, by name.
    pub settings: Vec<(String, String)>,
    /// What the search came to, where it has come to anything.
    pub result: Option<Value>,
    pub state: State,
    pub evaluated: usize,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Stopped => "stopped",
            Self::Killed => "killed",
            Self::Running => "running",
        }
    }
}

impl Told {
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let folder = RunFolder::open(path)?;
        let wrong = |file: &'static str, error: &dyn std::fmt::Display| {
            Failure::input(format!("{}: {error}", folder.file(file).display()))
        };
        let settings = folder.settings()?;
        let result: Option<Value> = match fs::read(folder.file(RESULT)) {
            Ok(text) => Some(serde_json::from_slice(&text).map_err(|error| wrong(RESULT, &error))?),
            Err(_) => None,
        };
        let interrupted = result.as_ref().map(|result| result["interrupted"] != false);
        let state = match interrupted {
            Some(false) => State::Ended,
            _ if Journal::is_in_use(&folder.file(EVENTS)) => State::Running,
            Some(true) => State::Stopped,
            None => State::Killed,
        };
        let evaluated = match &result {
            Some(result) if state != State::Running => result["evaluated"].as_u64(),
            _ => None,
        };
        let evaluated = evaluated.map_or_else(
            || {
                let events = fs::read(folder.file(EVENTS)).unwrap_or_default();
                let lines = events.split(|byte| *byte == b'\n');
                lines.filter(|line| line.starts_with(br#"{"event":"evaluated""#)).count()
            },
            |evaluated| evaluated as usize,
        );
        Ok(Self { folder, settings, result, state, evaluated })
    }

    /// What a run without results tells of itself.
    pub fn without_results(&self) -> Failure {
        let (run, evaluated) = (self.folder.path().display(), self.evaluated);
        Failure::input(if self.state == State::Running {
            format!("{run} is still running, after {evaluated} evaluations")
        } else {
            format!(
                "{run} was killed after {evaluated} evaluations: nas search --resume {run} goes on with it, and Ctrl-C there ends it with what it has"
            )
        })
    }

    /// A setting in words, `-` where there is none.
    pub fn setting(&self, name: &str) -> &str {
        let found = self.settings.iter().find(|(known, _)| known == name);
        found.map_or("-", |(_, value)| value.as_str())
    }
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let folder = &arguments.folder;
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Failure::input(format!(
                "there is no folder {}: nas search makes runs in runs/, or where --run says",
                folder.display()
            )));
        }
        Err(error) => return Err(Failure::file("read", folder, &error)),
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.join(CONFIG).is_file());
    paths.sort();
    let mut records = Records::new([
        "run",
        "state",
        "evaluated",
        "of",
        "space",
        "dataset",
        "device",
        "searcher",
        "seed",
        "front",
        "hypervolume_ratio",
    ]);
    let mut unreadable = Vec::new();
    for path in &paths {
        let told = match Told::read(path) {
            Ok(told) => told,
            Err(failure) => {
                unreadable.push(failure);
                continue;
            }
        };
        let result = told.result.as_ref();
        let whole = |name: &str| told.setting(name).parse().map_or(Cell::Absent, Cell::Count);
        let front = result.and_then(|result| Some(result["front"].as_array()?.len()));
        records.push(vec![
            path.display().to_string().into(),
            told.state.name().into(),
            told.evaluated.into(),
            whole("evaluations"),
            told.setting("space").into(),
            told.setting("dataset").into(),
            told.setting("device").into(),
            told.setting("searcher").into(),
            whole("seed"),
            front.map_or(Cell::Absent, Cell::from),
            result.and_then(|result| result["scores"]["hypervolume_ratio"].as_f64()).into(),
        ]);
    }
    match arguments.format {
        Format::Table => {
            let shown = ["run", "state", "evaluated", "of", "front", "hypervolume_ratio"];
            let records = records.only(&shown).heading("hypervolume_ratio", "HV ratio");
            print(&format!("{}\n{}\n", records.table(), counted(paths.len(), "run")))?;
        }
        format => records.print(format)?,
    }
    for failure in &unreadable {
        failure.report();
    }
    Ok(ExitCode::SUCCESS)
}
