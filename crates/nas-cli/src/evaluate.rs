//! The options about a user's own program that computes objectives.

use std::time::Duration;

use nas_eval::Program;
use nas_hw::Millis;
use nas_pareto::Direction;
use nas_search::Objective;
use nas_space::Space;
use serde::{Deserialize, Serialize};

use crate::{failure::Failure, terminal::note};

/// A program that computes the objectives of architectures.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "A program of your own")]
pub struct EvaluateArguments {
    /// Your own command, which computes objectives of architectures. It reads a line of JSON for each,
    /// `{"id": 7, "arch": "…", "choices": {…}}`, and answers with a line of the same id, `{"id": 7,
    /// "accuracy_percent": 71.3, "latency_ms": 2.4}` or `{"id": 7, "error": "…"}`
    #[arg(long, value_name = "COMMAND", value_parser = command)]
    evaluate: Option<String>,
    /// Its objectives, each with max or min. Automatic niches follow the first in ms, else the first min
    /// [default: accuracy_percent:max and latency_ms:min, but not what another option is the source of]
    #[arg(
        long,
        value_name = "NAME:max|min,…",
        requires = "evaluate",
        value_delimiter = ',',
        value_parser = objective
    )]
    objectives: Vec<Objective>,
    /// Processes of the command that run in parallel [default: 1], or workers of --engine [default: 2]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub workers: Option<u16>,
    /// Time limit of one answer [default: 600s]
    #[arg(id = "evaluate_timeout", long = "timeout", value_name = "TIME", requires = "evaluate")]
    timeout: Option<Millis>,
}

const TIMEOUT: Millis = Millis(600_000.0);

fn command(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("the command is empty: expected one as a shell reads it, for example \"python3 train.py\"".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

fn objective(text: &str) -> Result<Objective, String> {
    let (column, direction) = text.rsplit_once(':').unwrap_or((text, ""));
    let direction = match direction {
        "max" => Direction::Maximise,
        "min" => Direction::Minimise,
        _ => return Err("expected a name and max or min, for example latency_ms:min".to_owned()),
    };
    if column.is_empty() {
        return Err("expected a name before the colon, for example latency_ms:min".to_owned());
    }
    if RESERVED.contains(&column) {
        return Err(format!(
            "`{column}` has another meaning in questions and answers: name it otherwise"
        ));
    }
    Ok(Objective::from_column(column, direction))
}

/// What questions and answers contain besides objectives.
const RESERVED: [&str; 6] = ["id", "arch", "choices", "error", "step", "stop"];

/// A user's program, resolved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgramPlan {
    pub command: String,
    pub workers: u16,
    pub timeout_seconds: f64,
    /// Its objectives.
    pub objectives: Vec<Objective>,
}

impl EvaluateArguments {
    pub fn is_given(&self) -> bool {
        self.evaluate.is_some()
    }

    /// Refuses options that have no effect without a command. `by_workers`: whether an engine
    /// has workers.
    pub fn refuse(&self, by_workers: bool) -> Result<(), Failure> {
        if self.is_given() {
            return Ok(());
        }
        // The parser does not check these, which are also options of other groups.
        let options = [
            ("--objectives", !self.objectives.is_empty()),
            ("--timeout", self.timeout.is_some()),
            ("--workers", self.workers.is_some() && !by_workers),
        ];
        match options.into_iter().find(|(_, given)| *given) {
            None => Ok(()),
            Some(("--workers", _)) => Err(Failure::input(
                "--workers has no effect without --evaluate COMMAND or --engine",
            )),
            Some((option, _)) => {
                Err(Failure::input(format!("{option} has no effect without --evaluate COMMAND")))
            }
        }
    }

    /// The program, where a command was given.
    ///
    /// By default its objectives are accuracy and latency, as far as these are not from elsewhere.
    pub fn plan(&self, accuracy: bool, latency: bool) -> Result<Option<ProgramPlan>, Failure> {
        let Some(command) = self.evaluate.clone() else { return Ok(None) };
        let mut objectives = self.objectives.clone();
        if objectives.is_empty() {
            objectives.extend(accuracy.then(|| Objective::accuracy("accuracy")));
            objectives.extend(latency.then(Objective::latency));
        }
        if objectives.is_empty() {
            return Err(Failure::input(
                "--evaluate: other options are the sources of accuracy and costs: name with --objectives what the program computes, or leave one of them out",
            ));
        }
        for (at, one) in objectives.iter().enumerate() {
            if objectives[..at].iter().any(|other| other.column() == one.column()) {
                return Err(Failure::input(format!(
                    "--objectives: {} is named twice",
                    one.column()
                )));
            }
        }
        let timeout_seconds = self.timeout.unwrap_or(TIMEOUT).0 / 1e3;
        if timeout_seconds <= 0.0 {
            return Err(Failure::input("--timeout: expected more than 0, for example 600s"));
        }
        Duration::try_from_secs_f64(timeout_seconds)
            .map_err(|error| Failure::input(format!("--timeout: {error}")))?;
        let workers = self.workers.unwrap_or(1);
        Ok(Some(ProgramPlan { command, workers, timeout_seconds, objectives }))
    }
}

impl ProgramPlan {
    /// The objectives and where they come from, in words.
    pub fn origin(&self) -> String {
        let names: Vec<String> = self.objectives.iter().map(Objective::column).collect();
        format!("{} from `{}`", names.join(", "), self.command)
    }

    /// The evaluator.
    pub fn build(&self, space: &'static Space) -> Program {
        let timeout = Duration::try_from_secs_f64(self.timeout_seconds);
        let timeout = timeout.unwrap_or(Duration::MAX);
        let (objectives, workers) = (self.objectives.clone(), usize::from(self.workers));
        Program::new(self.command.clone(), space, objectives, workers, timeout, note)
    }
}
