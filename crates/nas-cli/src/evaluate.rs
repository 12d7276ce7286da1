//! The options about a user's own program that computes objectives.

use std::time::Duration;

use nas_eval::{KnownCosts, Problem, Program};
use nas_hw::Millis;
use nas_pareto::Direction;
use nas_search::Objective;
use nas_space::Space;
use serde::{Deserialize, Serialize};

use crate::{
    engine::{EngineArguments, Evaluations, Job},
    failure::Failure,
    run_folder::EVALUATIONS,
    terminal::note,
    workers::Workers,
};

/// The option with the user's command.
pub const EVALUATE: &str = "--evaluate";

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
    /// Steps of a training, epochs for example: the command is asked `{"id": 7, …, "steps": 27}`, and may answer
    /// after each, `{"id": 7, "step": 3, "accuracy_percent": 41.0}`, before its last answer
    #[arg(long, value_name = "MAX", requires = "evaluate", value_parser = clap::value_parser!(u64).range(2..))]
    steps: Option<u64>,
    /// Stop trainings that cannot reach the front any more: the command receives `{"id": 7, "stop": true}`
    #[arg(long)]
    early_stop: bool,
    /// Time limit of one answer of a command [default: 600s]
    #[arg(id = "evaluate_timeout", long = "timeout", value_name = "TIME")]
    timeout: Option<Millis>,
}

/// The time limit of one answer by default.
pub const TIMEOUT: Millis = Millis(600_000.0);

/// A time limit of a plan.
pub fn time_limit(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

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
const RESERVED: [&str; 7] = ["id", "arch", "choices", "error", "step", "steps", "stop"];

/// A user's program, resolved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgramPlan {
    pub command: String,
    pub workers: u16,
    pub timeout_seconds: f64,
    /// The steps of a training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// Whether trainings are stopped early.
    #[serde(default)]
    pub early_stop: bool,
    /// Its objectives.
    pub objectives: Vec<Objective>,
    /// What starts workers that run it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<EngineArguments>,
}

impl EvaluateArguments {
    /// Lets a command of ours, which trains for so many steps, take the place of the user's.
    pub fn trains(
        &mut self,
        command: String,
        steps: u64,
        objective: Objective,
    ) -> Result<(), Failure> {
        let options = [
            (EVALUATE, self.evaluate.is_some()),
            ("--objectives", !self.objectives.is_empty()),
            ("--steps", self.steps.is_some()),
        ];
        if let Some((option, _)) = options.into_iter().find(|(_, given)| *given) {
            return Err(Failure::input(format!(
                "{option} has no effect with --accuracy train, which trains: leave one of them out"
            )));
        }
        self.evaluate = Some(command);
        self.objectives = vec![objective];
        self.steps = Some(steps).filter(|steps| *steps > 1);
        Ok(())
    }

    pub fn is_given(&self) -> bool {
        self.evaluate.is_some()
    }

    /// Refuses options that have no effect without a command, or with one. `proposes`: whether a command
    /// proposes.
    pub fn refuse(&self, engine: &EngineArguments, proposes: bool) -> Result<(), Failure> {
        if self.is_given() {
            return match engine.shards {
                None => Ok(()),
                Some(_) => Err(Failure::input(
                    "--shards has no effect with --evaluate, where a worker evaluates one architecture: leave --shards out; --workers is how many are evaluated at the same time",
                )),
            };
        }
        // The parser does not check these, which are also options of other groups.
        let options = [
            ("--objectives", !self.objectives.is_empty()),
            ("--early-stop", self.early_stop),
            ("--timeout", self.timeout.is_some() && !proposes),
            ("--workers", self.workers.is_some() && engine.engine.is_none()),
        ];
        match options.into_iter().find(|(_, given)| *given) {
            None => Ok(()),
            Some(("--workers", _)) => Err(Failure::input(
                "--workers has no effect without --evaluate COMMAND or --engine",
            )),
            Some(("--timeout", _)) => Err(Failure::input(
                "--timeout has no effect without --evaluate COMMAND or --propose COMMAND",
            )),
            Some((option, _)) => {
                Err(Failure::input(format!("{option} has no effect without --evaluate COMMAND")))
            }
        }
    }

    /// The program, where a command was given.
    ///
    /// By default its objectives are accuracy and latency, as far as these are not from elsewhere.
    /// `engine` starts workers that run it.
    pub fn plan(
        &self,
        accuracy: bool,
        latency: bool,
        engine: Option<EngineArguments>,
    ) -> Result<Option<ProgramPlan>, Failure> {
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
        if self.early_stop && self.steps.is_none() {
            return Err(Failure::input(
                "--early-stop: how many steps has a training? Add them, for example --steps 27",
            ));
        }
        if self.early_stop && engine.is_some() {
            return Err(Failure::input(
                "--early-stop: trainings in tasks of an engine cannot be compared while they run: leave --engine out, or --early-stop",
            ));
        }
        let workers = match &engine {
            Some(engine) => engine.workers(),
            None => self.workers.unwrap_or(1),
        };
        let timeout_seconds = self.timeout_seconds()?;
        let Self { steps, early_stop, .. } = *self;
        Ok(Some(ProgramPlan {
            command,
            workers,
            timeout_seconds,
            steps,
            early_stop,
            objectives,
            engine,
        }))
    }

    /// The time limit of one answer.
    pub fn timeout_seconds(&self) -> Result<f64, Failure> {
        let seconds = self.timeout.unwrap_or(TIMEOUT).0 / 1e3;
        if seconds <= 0.0 {
            return Err(Failure::input("--timeout: expected more than 0, for example 600s"));
        }
        Duration::try_from_secs_f64(seconds)
            .map_err(|error| Failure::input(format!("--timeout: {error}")))?;
        Ok(seconds)
    }
}

impl ProgramPlan {
    /// The objectives and where they come from, in words.
    pub fn origin(&self) -> String {
        let names: Vec<String> = self.objectives.iter().map(Objective::column).collect();
        format!("{} from `{}`", names.join(", "), self.command)
    }

    /// The evaluator of a search, in the folder of whose run its workers meet. `known` finds the costs of
    /// all objectives that are not the program's.
    pub fn open(
        &self,
        problem: &Problem,
        space: &str,
        known: Box<KnownCosts>,
        workers: &Workers,
    ) -> Program {
        let program = self.build(problem.space, Some(known));
        let Some((engine, kind)) = self.engine.as_ref().and_then(|one| Some((one, one.engine?)))
        else {
            return program;
        };
        let inputs = workers.inputs.iter().filter(|input| input.what == EVALUATE);
        let job = Job::of_questions(problem, space, self, inputs.cloned().collect());
        let folder = workers.run.join(EVALUATIONS);
        let tasks = Evaluations::new(problem, engine, kind, job, folder, &workers.stop);
        program.run_by(Box::new(tasks))
    }

    /// The evaluator, with processes of this machine. Trainings are stopped early only with `known`.
    pub fn build(&self, space: &'static Space, known: Option<Box<KnownCosts>>) -> Program {
        let timeout = time_limit(self.timeout_seconds);
        let (objectives, workers) = (self.objectives.clone(), usize::from(self.workers));
        let program = Program::new(self.command.clone(), space, objectives, workers, timeout, note);
        match self.steps {
            Some(steps) => program.with_steps(steps, known.filter(|_| self.early_stop)),
            None => program,
        }
    }
}
