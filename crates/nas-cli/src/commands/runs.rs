//! `nas runs`: the runs of a folder, and what each shows of itself.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde_json::Value;

use crate::{
    failure::Failure,
    journal::{EVENTS, Journal, evaluations},
    output::{Cell, Format, Records, counted},
    run_folder::{CONFIG, ERROR, Kind, METRICS, RunFolder, STOPPED_BY_USER},
    terminal::{print, report, typed},
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The folder with the runs, or the folder of a run
    #[arg(value_name = "FOLDER", default_value = "runs")]
    folder: PathBuf,
    /// The format of the results
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// The state of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Ended,
    /// Stopped by the user.
    Stopped,
    /// It ended with an error.
    Failed,
    /// Its process ended before the search did.
    Killed,
    Running,
}

/// A run, as its folder shows it.
pub struct RunSummary {
    pub folder: RunFolder,
    /// The settings of its plan, by name.
    pub settings: Vec<(String, String)>,
    /// The content of `front.json` or `trained.json`, once there are results.
    pub result: Option<Value>,
    pub state: State,
    /// Of a search: architectures that have values. Of a training: epochs.
    pub done: usize,
    /// Architectures whose evaluation failed.
    pub failed: usize,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Killed => "killed",
            Self::Running => "running",
        }
    }
}

impl RunSummary {
    /// A search.
    pub fn search(path: &Path) -> Result<Self, Failure> {
        Self::of(RunFolder::open(path)?.of(Kind::Search)?)
    }

    fn of(folder: RunFolder) -> Result<Self, Failure> {
        let kind = folder.kind();
        let wrong = |file: &'static str, error: &dyn std::fmt::Display| {
            Failure::input(format!("{}: {error}", folder.file(file).display()))
        };
        let settings = folder.settings()?;
        let result: Option<Value> = match fs::read(folder.file(kind.result())) {
            Ok(text) => {
                Some(serde_json::from_slice(&text).map_err(|error| wrong(kind.result(), &error))?)
            }
            Err(_) => None,
        };
        let interrupted = result.as_ref().map(|result| result["interrupted"] != false);
        let state = match interrupted {
            Some(false) => State::Ended,
            _ if Journal::is_in_use(&folder.file(kind.journal())) => State::Running,
            Some(true) => State::Stopped,
            None => match fs::read_to_string(folder.file(ERROR)) {
                Ok(text) if text == STOPPED_BY_USER => State::Stopped,
                Ok(_) => State::Failed,
                Err(_) => State::Killed,
            },
        };
        let (all, failed) = match kind {
            Kind::Search => evaluations(&folder.file(EVENTS)),
            Kind::Training => (epochs(&folder.file(METRICS)), 0),
        };
        Ok(Self { folder, settings, result, state, done: all - failed, failed })
    }

    /// The error of a command that needs the results of a run that has none.
    pub fn without_results(&self) -> Failure {
        let (run, typed) = (self.folder.path().display(), typed(self.folder.path()));
        let evaluated = counted(self.done, "evaluation");
        let resume = format!(
            "resume it with nas search --resume {typed}; Ctrl-C then stops it and writes its results"
        );
        Failure::input(match self.state {
            State::Running => format!("{run} is still running, after {evaluated}"),
            State::Failed => {
                let error = fs::read_to_string(self.folder.file(ERROR)).unwrap_or_default();
                format!(
                    "{run} failed after {evaluated}: {resume}\n  its error: {}",
                    error.trim_end()
                )
            }
            State::Stopped => format!("{run} was stopped after {evaluated}: {resume}"),
            _ => format!("{run} was killed after {evaluated}: {resume}"),
        })
    }

    /// The value of a setting, or `-` without one.
    pub fn setting(&self, name: &str) -> &str {
        let found = self.settings.iter().find(|(known, _)| known == name);
        found.map_or("-", |(_, value)| value.as_str())
    }
}

/// The epochs in a file of them: whole lines below the heading.
fn epochs(file: &Path) -> usize {
    fs::read_to_string(file).map_or(0, |text| text.matches('\n').count().saturating_sub(1))
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let folder = &arguments.folder;
    let mut paths: Vec<PathBuf> = match fs::read_dir(folder) {
        // The folder of a run.
        Ok(_) if folder.join(CONFIG).is_file() => vec![folder.clone()],
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Failure::input(format!(
                "there is no folder {}: nas search writes runs into runs/, or into the folder of --run",
                folder.display()
            )));
        }
        Err(error) => return Err(Failure::file("read", folder, &error)),
    };
    paths.retain(|path| path.join(CONFIG).is_file());
    paths.sort();
    let mut records = Records::new([
        "run",
        "state",
        "evaluated",
        "failed",
        "of",
        "space",
        "dataset",
        "device",
        "searcher",
        "seed",
        "front",
        "hypervolume_ratio",
        "epochs",
        "accuracy",
    ]);
    let mut unreadable = Vec::new();
    let mut any_failed = false;
    let (mut searches, mut trainings) = (false, false);
    for path in &paths {
        let run = match RunFolder::open(path).and_then(RunSummary::of) {
            Ok(run) => run,
            Err(failure) => {
                unreadable.push(failure);
                continue;
            }
        };
        let of_search = run.folder.kind() == Kind::Search;
        any_failed |= run.failed > 0;
        (searches, trainings) = (searches || of_search, trainings || !of_search);
        let result = run.result.as_ref();
        let whole = |name: &str| run.setting(name).parse().map_or(Cell::Absent, Cell::Count);
        // Of what was evaluated: predicted members are on it as well.
        let is_evaluated = |member: &&Value| member["value"] != "predicted";
        let front = result.and_then(|result| {
            Some(result["front"].as_array()?.iter().filter(is_evaluated).count())
        });
        records.push(vec![
            path.display().to_string().into(),
            run.state.name().into(),
            of_search.then_some(run.done).map_or(Cell::Absent, Cell::from),
            of_search.then_some(run.failed).map_or(Cell::Absent, Cell::from),
            whole("evaluations"),
            run.setting("space").into(),
            run.setting("dataset").into(),
            run.setting("device").into(),
            run.setting("searcher").into(),
            whole("seed"),
            front.map_or(Cell::Absent, Cell::from),
            result.and_then(|result| result["scores"]["hypervolume_ratio"].as_f64()).into(),
            (!of_search).then_some(run.done).map_or(Cell::Absent, Cell::from),
            result.and_then(|result| result["validation"]["accuracy"].as_f64()).into(),
        ]);
    }
    match arguments.format {
        Format::Table => {
            let mut shown = vec!["run", "state"];
            if searches || !trainings {
                shown.extend(["evaluated", "failed", "of", "front", "hypervolume_ratio"]);
            }
            if trainings {
                shown.extend(["epochs", "accuracy"]);
            }
            shown.retain(|name| any_failed || *name != "failed");
            let records = records.only(&shown).heading("hypervolume_ratio", "HV ratio");
            let (records, _) =
                records.fitting(&["run", "state", "evaluated", "hypervolume_ratio", "accuracy"]);
            print(&format!("{}\n{}\n", records.table(), counted(paths.len(), "run")))?;
        }
        format => records.print(format)?,
    }
    for failure in &unreadable {
        report(failure);
    }
    Ok(ExitCode::SUCCESS)
}
