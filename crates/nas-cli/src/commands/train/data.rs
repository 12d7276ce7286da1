//! The data that a network is trained on.

use std::{path::Path, sync::Arc};

use nas_data::{Dataset, Options, PartName, Shape, Survey, divisor};
use nas_eval::Problem;
use nas_net::Task;
use serde::{Deserialize, Serialize};

use crate::{
    commands::data::{read_all, remarks},
    failure::Failure,
    terminal::note,
};

/// What a run found in its data when it began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Found {
    /// The names of the classes, by label.
    pub classes: Vec<String>,
    pub channels: usize,
    /// Height and width of an image, in pixels.
    pub side: usize,
    /// Examples to train on, to choose the best epoch by, and to report.
    pub examples: [usize; 3],
    /// Of each channel, over the training part; bytes from 0 to 255, or an array's own numbers.
    pub means: Vec<f64>,
    pub deviations: Vec<f64>,
    /// Files that were left out, since they cannot be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<std::path::PathBuf>,
    pub checksum: u32,
}

/// A user's data with what was found in them.
pub struct Data {
    pub set: Arc<Dataset>,
    pub survey: Survey,
    pub found: Found,
}

impl Data {
    /// Opens data for a new run, reads them once, and prints what is wrong with them.
    pub fn open(path: &Path, options: &Options) -> Result<Self, Failure> {
        let opened = Self::read(path, options, read_all)?;
        for remark in remarks(&opened.set, &opened.survey) {
            note(&remark);
        }
        Ok(opened)
    }

    /// The same without remarks.
    pub fn open_quietly(path: &Path, options: &Options) -> Result<Self, Failure> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self::read(path, options, |data| data.survey(threads, |_| {}))
    }

    fn read(
        path: &Path,
        options: &Options,
        survey: impl FnOnce(&Dataset) -> Survey,
    ) -> Result<Self, Failure> {
        let mut data = Dataset::open(path, options)?;
        let Task { channels, side, .. } = task_of(&data)?;
        let survey = survey(&data);
        data.without(&survey.unreadable)?;
        let found = Found {
            classes: data.classes().to_vec(),
            channels,
            side,
            examples: PartName::ALL.map(|part| data.count(part)),
            means: survey.means.clone(),
            deviations: survey.deviations.clone(),
            unreadable: survey.unreadable.iter().map(|(file, _)| file.clone()).collect(),
            checksum: data.checksum(),
        };
        Ok(Self { set: Arc::new(data), survey, found })
    }

    /// Opens the data of an earlier run, which must be as they were.
    pub fn again(path: &Path, options: &Options, found: &Found) -> Result<Self, Failure> {
        let mut data = Dataset::open(path, options)?;
        let unreadable = found.unreadable.iter();
        let unreadable: Vec<_> = unreadable.map(|file| (file.clone(), String::new())).collect();
        data.without(&unreadable)?;
        if data.checksum() != found.checksum {
            return Err(Failure::input(format!(
                "{} has changed since the run began: restore it, or start a new run",
                path.display()
            )));
        }
        let survey = Survey {
            means: found.means.clone(),
            deviations: found.deviations.clone(),
            ..Survey::default()
        };
        Ok(Self { set: Arc::new(data), survey, found: found.clone() })
    }
}

/// A problem on a user's data.
pub fn problem_on(problem: Problem, data: &Path, options: &Options) -> Result<Problem, Failure> {
    let task = task_of(&Dataset::open(data, options)?)?;
    let name = data.file_stem().and_then(|name| name.to_str()).unwrap_or("data");
    let space = problem.space.name();
    problem.for_task(task, name).ok_or_else(|| {
        Failure::input(format!(
            "networks of {space} cannot be built for your images: name another --space"
        ))
    })
}

/// What networks are built for on data, which must be images.
fn task_of(data: &Dataset) -> Result<Task, Failure> {
    let shape = data.shape()?;
    let Shape::Image { channels, height: side, .. } = shape else {
        return Err(Failure::input(format!(
            "{} contains {shape}: networks of these spaces take images",
            data.path().display()
        )));
    };
    Ok(Task { channels, side, classes: data.classes().len() })
}

impl Found {
    /// What networks are built for.
    pub fn task(&self) -> Task {
        Task { channels: self.channels, side: self.side, classes: self.classes.len() }
    }

    /// Means, and what is divided by, as texts.
    pub fn normalisation(&self) -> [String; 2] {
        let list = |values: &mut dyn Iterator<Item = f64>| {
            values.map(|value| value.to_string()).collect::<Vec<_>>().join(", ")
        };
        let deviations = &mut self.deviations.iter().copied().map(divisor);
        [list(&mut self.means.iter().copied()), list(deviations)]
    }

    /// The examples of a part.
    pub fn count(&self, part: PartName) -> usize {
        self.examples[part as usize]
    }
}
