//! The plan of a search: all options and defaults, resolved once.
//!
//! [`Plan::resolve`] is a pure function of the arguments and the [`Facts`] about available data. All
//! search, resumes it, or reports on it reads the plan; `config.toml` contains it.

use std::path::{Path, PathBuf};

use nas_eval::{Acquisition, Problem, TrainingBudget};
use nas_search::Settings;
use serde::{Deserialize, Serialize};

use super::{
    arguments::{AcquisitionName, FillName},
    limit::Limit,
    training::TrainPlan,
};
use crate::{
    commands::{live::ProxyPlan, model::ModelPlan},
    evaluate::{EVALUATE, ProgramPlan},
    failure::Failure,
    inputs::files_of,
    output::Format,
    partition::{AllocationName, PartitionArguments},
    propose::{PROPOSE, ProposePlan},
    searcher::{OperatorName, Searcher, SelectionName},
    space_arguments::file_of,
};

mod refuse;
mod resolve;
#[cfg(test)]
mod tests;

/// Architectures that a language model is asked for in each niche by default.
pub const CHILDREN: usize = 5;

/// The option with the space.
pub const SPACE: &str = "--space";

/// What the file with published tables is called; its folder may change.
pub const TABLES: &str = "published tables";

/// What a search does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// A known space, or a file with one.
    pub space: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// The device's name, for reading: `table` or `program` if costs come from these.
    pub device: String,
    /// The searcher.
    pub searcher: Searcher,
    pub allocation: AllocationName,
    /// A file with design rules to start with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<PathBuf>,
    /// Architectures evaluated in all.
    pub evaluations: usize,
    /// Budgets with which the search ended before it was extended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extended: Vec<usize>,
    /// Of these, the random sample that starts the search.
    pub initial: usize,
    /// Architectures of a generation, over all niches.
    pub generation: usize,
    /// Candidates that a choice is made from.
    pub candidates: usize,
    /// What adds the proposals that the proposer did not make.
    pub fill: FillName,
    pub seed: u64,
    /// Of the evaluations, those that are kept to confirm what is predicted.
    #[serde(default)]
    pub confirm: usize,
    /// A file with evaluations to start from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<PathBuf>,
    /// The probability with which an uncertain value may exceed its limit.
    pub limit_risk: f64,
    /// How results are printed.
    pub format: Format,
    /// The folder with the benchmarks' tables, where one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tables: Option<PathBuf>,
    /// The folder that files are named from.
    pub folder: PathBuf,
    pub partition: PartitionArguments,
    pub objectives: Objectives,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<Limit>,
    /// The user's own searcher.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub propose: Option<ProposePlan>,
    /// The operators that share the search.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operators: Option<OperatorsPlan>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelPlan>,
    /// The user's data, where the program trains on them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train: Option<TrainPlan>,
}

/// Operators that share a search, and how the one that proposes is chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatorsPlan {
    pub names: Vec<OperatorName>,
    pub selection: SelectionName,
}

/// Where objectives come from, each from its own place, in this order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Objectives {
    /// Accuracy, where it does not come from a program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<AccuracySource>,
    /// The user's program, with its objectives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<ProgramPlan>,
    /// Latency, where it does not come from a program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<LatencySource>,
    /// The device whose published energy is minimised too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy: Option<String>,
    /// Numbers that are counted, by name, and minimised.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counted: Vec<String>,
}

/// Where accuracy comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "from")]
pub enum AccuracySource {
    /// Predicted from few networks, which are chosen during the search.
    Trained { count: usize, acquisition: AcquisitionName },
    /// Predicted from all networks whose accuracies were published.
    Published,
    /// Published accuracies of all networks.
    Benchmark,
    /// A score of zero-cost proxies.
    Proxies(ProxyPlan),
    /// The user's file.
    Table { file: PathBuf },
}

/// Where latency comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "from")]
pub enum LatencySource {
    /// Measured on this machine's processor, or on its GPU of this number.
    Measured {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gpu: Option<usize>,
    },
    /// Published for a device.
    Published { device: String },
    /// The user's file.
    Table { file: PathBuf },
}

/// Which accuracies of a space were published and are downloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accuracies {
    /// None.
    Nothing,
    /// Of some networks.
    OfSome,
    /// Of all networks.
    OfAll,
}

/// What a plan depends on besides the arguments.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The published accuracies that are downloaded.
    pub accuracies: Accuracies,
    /// Architectures in the smallest of the user's tables.
    pub smallest_table: Option<usize>,
    /// Architectures that have a value in each of the user's tables.
    pub candidates: Option<usize>,
    /// The folder that files are named from.
    pub folder: PathBuf,
}

impl Objectives {
    /// Whether evaluations take a noticeable time.
    pub fn is_slow(&self) -> bool {
        let computed = match &self.accuracy {
            Some(AccuracySource::Proxies(proxies)) => !proxies.is_computed_before(),
            _ => false,
        };
        let measured = matches!(self.latency, Some(LatencySource::Measured { .. }));
        self.program.is_some() || computed || measured
    }
}

impl Plan {
    /// The budget, and how it is divided.
    pub fn settings(&self) -> Settings {
        Settings {
            evaluations: self.evaluations,
            initial: self.initial,
            generation: self.generation,
            allocation: self.allocation.into(),
            fill: self.fill.into(),
            seed: self.seed,
        }
    }

    /// Extends the search to more evaluations.
    pub fn extend(&mut self, evaluations: usize) -> Result<(), Failure> {
        let instead = "start a new run with --evaluations, from what was evaluated with --known and evaluations.csv of this one";
        let why = if self.searcher == Searcher::Exhaustive {
            "every architecture is evaluated already".to_owned()
        } else if self.training().is_some() {
            format!("which networks are trained depends on it: {instead}")
        } else if self.model.is_some() {
            format!("the prompts of the language model depend on it: {instead}")
        } else if evaluations <= self.evaluations {
            format!("expected more than the {} of the run", self.evaluations)
        } else {
            self.extended.push(std::mem::replace(&mut self.evaluations, evaluations));
            return Ok(());
        };
        Err(Failure::input(format!("--evaluations {evaluations}: {why}")))
    }

    /// How many networks may be trained, and which.
    pub fn training(&self) -> Option<TrainingBudget> {
        let Some(AccuracySource::Trained { count, acquisition }) = self.objectives.accuracy else {
            return None;
        };
        let acquisition = match acquisition {
            AcquisitionName::Active => Acquisition::Active,
            AcquisitionName::Random => Acquisition::Random,
        };
        Some(TrainingBudget { count, acquisition, seed: self.seed })
    }

    /// The files that the results depend on, with the option that names each.
    pub fn files(&self, problem: &Problem, tables: &Path) -> Vec<(&'static str, PathBuf)> {
        let mut files = Vec::new();
        files.extend(file_of(&self.space).map(|file| (SPACE, file.to_path_buf())));
        files.extend(self.rules.iter().map(|file| ("--rules", file.clone())));
        files.extend(self.known.iter().map(|file| ("--known", file.clone())));
        if let Some(own) = &self.propose {
            files.extend(files_of(&own.command).into_iter().map(|file| (PROPOSE, file)));
        }
        let Objectives { accuracy, program, latency, .. } = &self.objectives;
        if let Some(program) = program {
            let named = files_of(&program.command).into_iter();
            files.extend(named.map(|file| (EVALUATE, file)));
        }
        match accuracy {
            Some(AccuracySource::Table { file }) => files.push(("--accuracy-table", file.clone())),
            Some(AccuracySource::Proxies(proxies)) => {
                files.extend(proxies.images().map(|file| ("--images", file.to_path_buf())));
            }
            _ => {}
        }
        if let Some(LatencySource::Table { file }) = latency {
            files.push(("--latency-table", file.clone()));
        }
        if self.reads_published() {
            files.extend(problem.tables(tables).map(|file| (TABLES, file)));
        }
        files
    }

    /// Whether evaluations take a noticeable time.
    pub fn is_slow(&self) -> bool {
        self.objectives.is_slow()
    }

    /// Whether it needs published tables.
    pub fn reads_published(&self) -> bool {
        let Objectives { accuracy, latency, .. } = &self.objectives;
        matches!(
            accuracy,
            Some(
                AccuracySource::Trained { .. }
                    | AccuracySource::Published
                    | AccuracySource::Benchmark
            )
        ) || matches!(latency, Some(LatencySource::Published { .. }))
    }

    /// Whether an engine starts workers that run the user's program.
    pub fn has_tasks(&self) -> bool {
        self.objectives.program.as_ref().is_some_and(|program| program.engine.is_some())
    }

    /// Whether a score of zero-cost proxies takes the place of accuracy.
    pub fn scores_accuracy(&self) -> bool {
        matches!(self.objectives.accuracy, Some(AccuracySource::Proxies(_)))
    }

    /// The default name of the run's folder.
    pub fn run_name(&self, problem: &Problem) -> String {
        // A user's names may contain what a folder's may not.
        let is_plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
        let what = problem.name.replace(|c: char| !is_plain(c), "-");
        format!("{what}-{}-{}-seed{}", self.device, self.searcher.name(), self.seed)
    }
}
