//! A user's own evaluator.

use std::time::Duration;

use nas_eval::Program;
use nas_hw::Millis;
use nas_pareto::Direction;
use nas_search::Objective;
use nas_space::Space;

use crate::failure::Failure;

/// A program that says what architectures are worth.
#[derive(Debug, clap::Args)]
pub struct EvaluateArguments {
    /// A command of your own that says what architectures are worth. It reads lines of JSON, `{"id":
    /// 7, "arch": "…", "choices": {…}}`, and answers each with one of the same id, `{"id": 7,
    /// "accuracy_percent": 71.3, "latency_ms": 2.4}`, or with an "error"
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["accuracy", "accuracy_table", "latency_table", "device", "energy", "max_energy"])]
    evaluate: Option<String>,
    /// What it answers: two objectives or more, each with max or min. Niches follow the first in ms, or
    /// else the first min [default: accuracy_percent:max,latency_ms:min]
    #[arg(
        long,
        value_name = "NAME:max|min,…",
        requires = "evaluate",
        value_delimiter = ',',
        value_parser = objective
    )]
    objectives: Vec<Objective>,
    /// Processes of it that run side by side, or workers of --engine [default: 1, of --engine 2]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub workers: Option<u16>,
    /// How long an answer may take [default: 600s]
    #[arg(id = "evaluate_timeout", long = "timeout", value_name = "TIME", requires = "evaluate")]
    timeout: Option<Millis>,
}

const TIMEOUT: Millis = Millis(600_000.0);

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
    Ok(Objective::from_column(column, direction))
}

impl EvaluateArguments {
    pub fn command(&self) -> Option<&str> {
        self.evaluate.as_deref()
    }

    /// The evaluator, and where objectives come from, in words, where a command was given.
    /// `by_workers` says whether there are others to be so many.
    pub fn build(
        &self,
        space: &'static Space,
        by_workers: bool,
    ) -> Result<Option<(Program, String)>, Failure> {
        let Some(command) = self.command() else {
            // The parser does not tell where an option stands that is not for a command.
            let options = [
                ("--objectives", !self.objectives.is_empty()),
                ("--timeout", self.timeout.is_some()),
                ("--workers", self.workers.is_some() && !by_workers),
            ];
            return match options.into_iter().find(|(_, given)| *given) {
                None => Ok(None),
                Some(("--workers", _)) => Err(Failure::input(
                    "--workers says nothing without --evaluate COMMAND or --engine",
                )),
                Some((option, _)) => {
                    Err(Failure::input(format!("{option} says nothing without --evaluate COMMAND")))
                }
            };
        };
        let mut objectives = self.objectives.clone();
        if objectives.is_empty() {
            objectives = vec![Objective::accuracy("accuracy"), Objective::latency()];
        }
        if objectives.len() < 2 {
            return Err(Failure::input(
                "--objectives: a front needs two or more, for example accuracy_percent:max,latency_ms:min",
            ));
        }
        for (at, one) in objectives.iter().enumerate() {
            if objectives[..at].iter().any(|other| other.column() == one.column()) {
                return Err(Failure::input(format!("--objectives: {} twice", one.column())));
            }
        }
        let timeout = self.timeout.unwrap_or(TIMEOUT).0.max(1.0) / 1e3;
        let timeout = Duration::try_from_secs_f64(timeout)
            .map_err(|error| Failure::input(format!("--timeout: {error}")))?;
        let workers = usize::from(self.workers.unwrap_or(1));
        let names: Vec<String> = objectives.iter().map(Objective::column).collect();
        let origin = format!("{} from `{command}`", names.join(", "));
        let program = Program::new(command, space, objectives, workers, timeout);
        Ok(Some((program, origin)))
    }
}
