//! The file of a run's plan, `config.toml`.

use serde::{Deserialize, Serialize};

use super::plan::Plan;
use crate::{
    failure::Failure,
    inputs::Input,
    run_folder::{CONFIG, FORMAT_VERSION, RunFolder},
};

/// What the file contains.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    format_version: u32,
    nas_version: String,
    /// Each objective and where it comes from, in words; and which changes of inputs were accepted.
    pub origins: Vec<String>,
    pub plan: Plan,
    /// The files that the results depend on.
    #[serde(default)]
    pub inputs: Vec<Input>,
}

impl Config {
    /// A plan whose objectives come from these origins and depend on these inputs.
    pub fn new(plan: &Plan, origins: &[String], inputs: &[Input]) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            nas_version: env!("CARGO_PKG_VERSION").to_owned(),
            origins: origins.to_vec(),
            plan: plan.clone(),
            inputs: inputs.to_vec(),
        }
    }

    /// Reads the file of a run.
    pub fn read(folder: &RunFolder) -> Result<Self, Failure> {
        toml::from_str(&folder.config()?)
            .map_err(|error| Failure::input(format!("{}: {error}", folder.file(CONFIG).display())))
    }

    /// The file's text.
    pub fn text(&self) -> Result<String, Failure> {
        toml::to_string(self)
            .map_err(|error| Failure::work(format!("cannot write the plan: {error}")))
    }
}
