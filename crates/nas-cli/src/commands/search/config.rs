//! The file of a run's plan, `config.toml`.

use serde::{Deserialize, Serialize};

use super::plan::{Plan, SPACE};
use crate::{
    failure::Failure,
    inputs::{Change, Input, in_words},
    journal::{EVENTS, evaluations},
    output::counted,
    run_folder::{CONFIG, FORMAT_VERSION, RunFolder, config_text},
    terminal::typed,
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

    /// The file's text.
    pub fn text(&self) -> Result<String, Failure> {
        config_text(self)
    }

    /// Takes up changed inputs, which the user has to accept, and writes the file.
    pub fn take_up(
        &mut self,
        changes: &[Change],
        folder: &RunFolder,
        accept: bool,
    ) -> Result<(), Failure> {
        let run = folder.path().display();
        let shown = in_words(changes);
        if changes.iter().any(|change| change.then.what == SPACE) {
            return Err(Failure::input(format!(
                "the space of {run} has changed since the run began, and what was evaluated is of the old one:{shown}\nrestore the file, or start a new run"
            )));
        }
        if !accept {
            return Err(Failure::input(format!(
                "inputs of {run} have changed since the run began:{shown}\nrestore them, start a new run, or resume with nas search --resume {} --accept-changes: what was evaluated stays as it is",
                typed(folder.path())
            )));
        }
        let (evaluated, _) = evaluations(&folder.file(EVENTS));
        for Change { now, .. } in changes {
            self.origins.push(format!(
                "{} changed after {}, which was accepted",
                now.file.display(),
                counted(evaluated, "evaluation")
            ));
            self.inputs
                .iter_mut()
                .filter(|input| input.what == now.what && input.file == now.file)
                .for_each(|input| input.clone_from(now));
        }
        folder.write(CONFIG, &self.text()?)
    }
}
