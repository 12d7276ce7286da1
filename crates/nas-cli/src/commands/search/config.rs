//! The file of a run's plan, `config.toml`.

use serde::{Deserialize, Serialize};

use super::plan::Plan;
use crate::{
    failure::Failure,
    run_folder::{CONFIG, FORMAT_VERSION, RunFolder},
};

/// What the file contains.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    format_version: u32,
    nas_version: String,
    /// Each objective and where it comes from, in words.
    origins: Vec<String>,
    plan: Plan,
}

/// The file's text for a plan whose objectives come from these origins.
pub fn write(plan: &Plan, origins: &[String]) -> Result<String, Failure> {
    let config = Config {
        format_version: FORMAT_VERSION,
        nas_version: env!("CARGO_PKG_VERSION").to_owned(),
        origins: origins.to_vec(),
        plan: plan.clone(),
    };
    toml::to_string(&config)
        .map_err(|error| Failure::work(format!("cannot write the plan: {error}")))
}

/// The plan of a run.
pub fn read(folder: &RunFolder) -> Result<Plan, Failure> {
    let Config { plan, .. } = toml::from_str(&folder.config()?)
        .map_err(|error| Failure::input(format!("{}: {error}", folder.file(CONFIG).display())))?;
    Ok(plan)
}
