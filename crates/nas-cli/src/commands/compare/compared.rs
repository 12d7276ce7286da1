//! What is compared: runs, and fronts from files.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use nas_eval::{CsvFile, Error, UserFront};
use nas_search::Objective;

use crate::{
    commands::{
        benchmark::{EXACT, only_exact},
        runs::{RunSummary, State},
    },
    failure::Failure,
    output::counted,
    run_folder::CONFIG,
    terminal::{note, typed},
};

/// A run, or a front from a file.
pub struct Compared {
    /// The run's folder, or the file.
    pub name: String,
    /// `-` where it is not known.
    pub seed: String,
    /// What distinguishes it from others.
    pub settings: BTreeMap<String, String>,
    /// The objectives of architectures that have all of them.
    pub rows: Vec<Vec<f64>>,
    pub run: Option<RunSummary>,
    /// The data set and the device that values are of, where they are known.
    pub pair: [Option<String>; 2],
}

/// Settings in which runs of one group may differ: the seed, and where and how they ran.
const IGNORED: [&str; 6] = ["seed", "folder", "format", "data", "model.replay", "model.record"];

/// Of a language model's server, all settings but these are where and how it ran.
const SERVER: &str = "model.endpoint.";
const OF_MODEL: [&str; 3] =
    ["model.endpoint.model", "model.endpoint.temperature", "model.endpoint.reply_tokens"];

/// Whether runs of one group may differ in a setting.
fn is_ignored(name: &str) -> bool {
    IGNORED.contains(&name) || name.starts_with(SERVER) && !OF_MODEL.contains(&name)
}

/// The settings of a front from a file.
pub const FILE: &str = "file";
pub const SEARCHER: &str = "searcher";

/// A seed or setting that is not known.
const UNKNOWN: &str = "-";

/// What values must be of to be compared.
const PAIR: [&str; 2] = ["dataset", "device"];

/// Whether a path names a file of fronts, not a run.
pub fn is_file(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"))
}

impl Compared {
    pub fn is_run(&self) -> bool {
        self.run.is_some()
    }

    /// A run with these objectives, from what it evaluated.
    pub fn of_run(run: RunSummary, objectives: &[Objective]) -> Result<Self, Failure> {
        let settings = run.settings.iter().cloned();
        let setting =
            |title: &str| Some(run.setting(title).to_owned()).filter(|value| value != UNKNOWN);
        Ok(Self {
            pair: PAIR.map(setting),
            name: run.folder.path().display().to_string(),
            seed: run.setting("seed").to_owned(),
            settings: settings.filter(|(name, _)| !is_ignored(name)).collect(),
            rows: evaluated(&run, objectives)?,
            run: Some(run),
        })
    }

    /// The fronts of a file.
    pub fn of_file(file: &Path, objectives: &[Objective]) -> Result<Vec<Self>, Failure> {
        let name = file.display().to_string();
        if let Some(folder) = file.parent().filter(|folder| folder.join(CONFIG).is_file()) {
            return Err(Failure::input(format!(
                "{name} is a file of a run: name its folder, {}",
                typed(folder)
            )));
        }
        let fronts = UserFront::read_values(file, objectives).map_err(|error| match error {
            Error::Column { .. } => Failure::from(error)
                .and("nas front-score needs no objectives: it scores architectures on true values"),
            error => error.into(),
        })?;
        if fronts.is_empty() {
            return Err(Failure::input(format!(
                "{name}: no row has all objectives; expected a row for each architecture of a front"
            )));
        }
        let found = fronts.into_iter().filter(|front| front.searcher.as_deref() != Some(EXACT));
        let fronts: Vec<_> = found.collect();
        if fronts.is_empty() {
            return Err(only_exact(&name));
        }
        let compared = fronts.into_iter().map(|front| {
            let searcher = front.searcher.map(|searcher| (SEARCHER.to_owned(), searcher));
            Self {
                pair: [front.dataset, front.device],
                name: name.clone(),
                seed: front.seed.map_or_else(|| UNKNOWN.to_owned(), |seed| seed.to_string()),
                settings: [(FILE.to_owned(), name.clone())].into_iter().chain(searcher).collect(),
                rows: front.rows.into_iter().map(|(_, values)| values).collect(),
                run: None,
            }
        });
        Ok(compared.collect())
    }

    /// Warns of a search that has not ended.
    pub fn warn(&self) {
        if let Some(run) = self.run.as_ref().filter(|run| run.state != State::Ended) {
            let evaluated = counted(run.done, "evaluation");
            note(&format!(
                "warning: the search of {} has not ended: {evaluated} so far",
                self.name
            ));
        }
    }
}

/// Refuses values of several data sets or devices.
pub fn of_one_pair(all: &[Compared]) -> Result<(), Failure> {
    for (at, title) in PAIR.into_iter().enumerate() {
        let mut known = all.iter().filter_map(|one| Some((&one.name, one.pair[at].as_ref()?)));
        let Some((first, of_first)) = known.next() else { continue };
        if let Some((other, of)) = known.find(|(_, of)| !of.eq_ignore_ascii_case(of_first)) {
            return Err(Failure::input(format!(
                "{other} is of {title} {of}, {first} of {of_first}: their values cannot be compared; keep those of one {title}"
            )));
        }
    }
    Ok(())
}

/// The runs of these folders, and the objectives that all of them have.
pub fn runs(paths: Vec<&PathBuf>) -> Result<(Vec<RunSummary>, Vec<Objective>), Failure> {
    let (mut runs, mut objectives) = (Vec::<RunSummary>::new(), Vec::new());
    for path in paths {
        let run = RunSummary::search(path)?;
        let own = objectives_of(&run)?;
        let Some(first) = runs.first() else {
            objectives = own;
            runs.push(run);
            continue;
        };
        let (path, other) = (path.display(), first.folder.path().display());
        if objectives != own {
            let columns = |all: &[Objective]| {
                all.iter().map(Objective::column).collect::<Vec<_>>().join(", ")
            };
            return Err(Failure::input(format!(
                "{path} has the objectives {}, but {other} has {}: fronts of different objectives cannot be compared",
                columns(&own),
                columns(&objectives)
            )));
        }
        for name in PAIR {
            let (own, first) = (run.setting(name), first.setting(name));
            if own != first {
                return Err(Failure::input(format!(
                    "{path} is of {name} {own}, {other} of {first}: their values cannot be compared"
                )));
            }
        }
        runs.push(run);
    }
    Ok((runs, objectives))
}

fn objectives_of(run: &RunSummary) -> Result<Vec<Objective>, Failure> {
    let path = run.folder.path().display();
    let Some(result) = &run.result else { return Err(run.without_results()) };
    let objectives: Option<Vec<Objective>> =
        serde_json::from_value(result["objectives"].clone()).ok();
    objectives.filter(|all| !all.is_empty()).ok_or_else(|| {
        Failure::input(format!("{path}: its front.json does not list the objectives"))
    })
}

/// The objectives of what a run evaluated, of architectures that have all of them.
fn evaluated(run: &RunSummary, objectives: &[Objective]) -> Result<Vec<Vec<f64>>, Failure> {
    let file = CsvFile::read(&run.folder.file("evaluations.csv"))?;
    let columns = objectives.iter().map(|objective| file.first_of(&[&objective.column()]));
    let columns = columns.collect::<Result<Vec<usize>, _>>()?;
    let mut rows = Vec::new();
    for row in file.rows() {
        let texts = columns.iter().map(|&column| (column, row.field(column)));
        let values = texts.take_while(|(_, text)| !text.is_empty()).map(|(column, text)| {
            let value = text.parse::<f64>().ok().filter(|value| value.is_finite());
            value.ok_or_else(|| {
                file.wrong(row, column, format!("`{text}`; expected a finite number"))
            })
        });
        let values = values.collect::<Result<Vec<f64>, _>>()?;
        if values.len() == columns.len() {
            rows.push(values);
        }
    }
    Ok(rows)
}
