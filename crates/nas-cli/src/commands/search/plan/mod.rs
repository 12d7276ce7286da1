//! The plan of a search: everything that was asked for, resolved once.
//!
//! [`Plan::resolve`] is a pure function from what was typed and what is there. Whoever runs the
//! search, resumes it, or reports on it reads the plan; `config.toml` contains it.

use std::path::PathBuf;

use nas_eval::{Acquisition, Problem, TrainingBudget};
use nas_search::Settings;
use serde::{Deserialize, Serialize};

use super::arguments::AcquisitionName;
use crate::{
    commands::{live::ProxyPlan, model::ModelPlan},
    evaluate::ProgramPlan,
    output::Format,
    partition::{AllocationName, PartitionArguments},
    searcher::Searcher,
};

mod refuse;
mod resolve;
#[cfg(test)]
mod tests;

/// Architectures that a language model is asked for in each niche, where nothing else is asked for.
pub const CHILDREN: usize = 5;

/// What a search does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// A known space, or a file with one.
    pub space: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// The device in a word, for people: `table` and `program` where costs come from these.
    pub device: String,
    /// What proposes.
    pub searcher: Searcher,
    pub allocation: AllocationName,
    /// A file with design rules to begin with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<PathBuf>,
    /// Architectures evaluated in all.
    pub evaluations: usize,
    /// Of these, the random sample that starts the search.
    pub initial: usize,
    /// Architectures of a generation, over all niches.
    pub generation: usize,
    /// Whether statistics, then chance, add the proposals that the proposer did not make.
    pub fill: bool,
    pub seed: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_latency_ms: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_energy_mj: Option<f64>,
    /// How results are printed.
    pub format: Format,
    /// The folder with the benchmarks' tables, where one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    /// The folder that files are named from.
    pub folder: PathBuf,
    pub partition: PartitionArguments,
    pub objectives: Objectives,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelPlan>,
}

/// Where objectives come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "from")]
pub enum Objectives {
    /// All of them from a program of the user's.
    Program(ProgramPlan),
    /// Accuracy from one place, costs from others.
    Sources {
        accuracy: AccuracySource,
        latency: LatencySource,
        /// The device whose published energy is minimised too.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        energy: Option<String>,
    },
}

/// Where accuracy comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "from")]
pub enum AccuracySource {
    /// Predicted from few networks that are chosen as the search goes.
    Trained { count: usize, acquisition: AcquisitionName },
    /// Predicted from all networks whose accuracies were published.
    Published,
    /// Published accuracies of all networks.
    Benchmark,
    /// A score of zero-cost proxies.
    Proxies(ProxyPlan),
    /// A file of the user's.
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
    /// A file of the user's.
    Table { file: PathBuf },
}

/// The accuracies that were published of a space and are at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// None, or none at hand.
    Nothing,
    /// Of some networks.
    OfSome,
    /// Of all networks.
    OfAll,
}

/// What is there: what a plan depends on beside what was typed.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The accuracies that were published and are at hand.
    pub accuracies: Known,
    /// Architectures in the smallest of the user's tables.
    pub smallest_table: Option<usize>,
    /// Architectures that have a value in each of the user's tables.
    pub candidates: Option<usize>,
    /// The folder that files are named from.
    pub folder: PathBuf,
}

impl Plan {
    /// How much is evaluated, and how it is shared out.
    pub fn settings(&self) -> Settings {
        Settings {
            evaluations: self.evaluations,
            initial: self.initial,
            generation: self.generation,
            allocation: self.allocation.into(),
            fill: self.fill,
            seed: self.seed,
        }
    }

    /// How many networks may be trained, and which.
    pub fn training(&self) -> Option<TrainingBudget> {
        match &self.objectives {
            Objectives::Sources {
                accuracy: AccuracySource::Trained { count, acquisition },
                ..
            } => Some(TrainingBudget {
                count: *count,
                acquisition: match acquisition {
                    AcquisitionName::Active => Acquisition::Active,
                    AcquisitionName::Random => Acquisition::Random,
                },
                seed: self.seed,
            }),
            _ => None,
        }
    }

    /// Workers of an engine at a time, where asked for.
    pub fn workers(&self) -> Option<u16> {
        match &self.objectives {
            Objectives::Sources { accuracy: AccuracySource::Proxies(proxies), .. } => {
                proxies.workers()
            }
            _ => None,
        }
    }

    /// The name of the run's folder, where none is asked for.
    pub fn run_name(&self, problem: &Problem) -> String {
        // A user's names may contain what a folder's may not.
        let is_plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
        let what = problem.name.replace(|c: char| !is_plain(c), "-");
        format!("{what}-{}-{}-seed{}", self.device, self.searcher.name(), self.seed)
    }
}
