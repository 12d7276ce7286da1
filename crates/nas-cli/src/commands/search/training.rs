//! Accuracy by training on the user's data: the program `nas train --questions` in the place of a user's own.

use std::path::PathBuf;

#[cfg(feature = "torch")]
use nas_data::Options;
use nas_eval::Problem;
use nas_pareto::Direction;
use nas_search::Objective;
use serde::{Deserialize, Serialize};

use super::arguments::{Accuracy, Arguments};
#[cfg(feature = "torch")]
use crate::commands::train::problem_on;
use crate::{
    commands::data::HowRead,
    failure::Failure,
    target::Target,
    terminal::{note, typed},
};

/// Epochs of a training by default.
const EPOCHS: u32 = 3;

/// Networks that are trained by default.
const TRAINED: u32 = 30;

/// Epochs of a network that is trained at the end by default.
const FINISH_EPOCHS: u32 = 100;

/// The size of networks of NAS-Bench-201 in these trainings: small, for a processor.
const WIDTH: usize = 8;
const CELLS: usize = 1;

/// Training on the user's data.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Training (--accuracy train)")]
pub struct TrainingArguments {
    /// A folder or file of labelled images to train on (see nas data)
    #[arg(long, value_name = "WHERE")]
    data: Option<PathBuf>,
    /// Epochs of each training [default: 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    epochs: Option<u32>,
    /// Channels of the first stage in these trainings, of networks of NAS-Bench-201 [default: 8; as published:
    /// 16]
    #[arg(long, value_name = "CHANNELS")]
    width: Option<usize>,
    /// Copies of the cell in each stage in these trainings, of networks of NAS-Bench-201 [default: 1; as
    /// published: 5]
    #[arg(long, value_name = "N")]
    cells: Option<usize>,
    /// A folder with the results of trainings, which no search that names it does twice
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Train so many of the front in the end, the most accurate within the limits, as nas train does, and export
    /// them as ONNX
    #[arg(long, value_name = "K")]
    finish: Option<usize>,
    /// Epochs of these [default: 100]
    #[arg(long, value_name = "N", requires = "finish", value_parser = clap::value_parser!(u32).range(1..))]
    finish_epochs: Option<u32>,
    #[command(flatten)]
    how: HowRead,
}

/// Training on the user's data, resolved; how the trainings of the search are done is in its program's command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainPlan {
    pub data: PathBuf,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<usize>,
    pub holdout: f64,
    pub holdout_seed: u64,
    /// Networks that are trained at the end, and their epochs.
    pub finish: usize,
    pub finish_epochs: u32,
}

impl TrainPlan {
    /// How the data are read.
    #[cfg(feature = "torch")]
    pub fn options(&self) -> Options {
        Options { hold_out: self.holdout, seed: self.holdout_seed, size: self.size }
    }

    /// The problem on these data.
    #[cfg(feature = "torch")]
    pub fn problem(&self, problem: Problem) -> Result<Problem, Failure> {
        problem_on(problem, &self.data, &self.options())
    }

    #[cfg(not(feature = "torch"))]
    pub fn problem(&self, _: Problem) -> Result<Problem, Failure> {
        Err(Failure::without_torch("train networks"))
    }
}

impl TrainingArguments {
    /// The first of these options that is given.
    fn given(&self) -> Option<&'static str> {
        let options = [
            ("--data", self.data.is_some()),
            ("--epochs", self.epochs.is_some()),
            ("--width", self.width.is_some()),
            ("--cells", self.cells.is_some()),
            ("--cache", self.cache.is_some()),
            ("--finish", self.finish.is_some()),
        ];
        options.into_iter().find_map(|(option, given)| given.then_some(option))
    }
}

/// The arguments with a program that trains in the place of `--accuracy train`, the problem on the user's data,
/// and the data.
pub fn with_training(
    mut arguments: Arguments,
    problem: Problem,
) -> Result<(Arguments, Problem, Option<TrainPlan>), Failure> {
    let training = &arguments.train;
    if arguments.accuracy != Some(Accuracy::Train) {
        return match training.given() {
            None => Ok((arguments, problem, None)),
            Some(option) => Err(Failure::input(format!(
                "{option} has no effect without --accuracy train: add it, or leave {option} out"
            ))),
        };
    }
    let Some(data) = training.data.clone() else {
        return Err(Failure::input(
            "--accuracy train: what are networks trained on? Name it, for example --data flowers (see nas data)",
        ));
    };
    if arguments.trained.is_some() && arguments.evaluations.is_some() {
        return Err(Failure::input(
            "--trained and --evaluations: with --accuracy train each evaluation is a training: leave one of them out",
        ));
    }
    let options = training.how.options();
    let plan = TrainPlan {
        data,
        size: options.size,
        holdout: options.hold_out,
        holdout_seed: options.seed,
        finish: training.finish.unwrap_or(0),
        finish_epochs: training.finish_epochs.unwrap_or(FINISH_EPOCHS),
    };
    let command = command(&arguments, &problem, &plan)?;
    let published = problem.task;
    let problem = plan.problem(problem)?;
    if let (Target::Published(device), Some(published), Some(own)) =
        (arguments.target(), published, problem.task)
        && published.side != own.side
    {
        note(&format!(
            "warning: latency on {device} was published for images of {0}×{0} pixels, yours have {1}×{1}: it compares networks, but limits in ms mean nothing. Leave --device out to measure here, or use --latency-table",
            published.side, own.side
        ));
    }
    let epochs = u64::from(training.epochs.unwrap_or(EPOCHS));
    let accuracy = Objective::from_column("accuracy_percent", Direction::Maximise);
    arguments.evaluate.trains(command, epochs, accuracy)?;
    let evaluations = arguments.trained.take().or(arguments.evaluations);
    arguments.evaluations = evaluations.or(Some(TRAINED));
    arguments.accuracy = None;
    if !arguments.names_latency() && arguments.minimise.is_empty() {
        arguments.device = Some(Target::Host);
    }
    Ok((arguments, problem, Some(plan)))
}

/// The command that trains what it is asked.
fn command(arguments: &Arguments, problem: &Problem, plan: &TrainPlan) -> Result<String, Failure> {
    let training = &arguments.train;
    let program = std::env::current_exe().map_err(|error| {
        Failure::work(format!("where this program is cannot be found: {error}"))
    })?;
    let workers = usize::from(arguments.evaluate.workers.unwrap_or(1)).max(1);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = if arguments.engine().is_some() { 1 } else { (cores / workers).max(1) };
    let mut words = vec![typed(&program), "train --questions".to_owned()];
    let mut add = |option: &str, value: String| words.push(format!("{option} {value}"));
    add("--space", arguments.space.space.clone());
    add("--data", typed(&plan.data));
    if let Some(size) = plan.size {
        add("--size", size.to_string());
    }
    add("--holdout", plan.holdout.to_string());
    add("--holdout-seed", plan.holdout_seed.to_string());
    #[cfg(feature = "torch")]
    let has_sizes = problem.scale().is_some();
    #[cfg(not(feature = "torch"))]
    let has_sizes = problem.has_networks();
    for (option, given, default) in
        [("--width", training.width, WIDTH), ("--cells", training.cells, CELLS)]
    {
        if let Some(value) = given.or(has_sizes.then_some(default)) {
            add(option, value.to_string());
        }
    }
    add("--epochs", training.epochs.unwrap_or(EPOCHS).to_string());
    add("--seed", arguments.seed.to_string());
    add("--threads", threads.to_string());
    if let Some(folder) = &training.cache {
        add("--cache", typed(folder));
    }
    Ok(words.join(" "))
}
