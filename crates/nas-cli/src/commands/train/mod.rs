//! `nas train`: trains a network on a user's data.

use std::{path::PathBuf, process::ExitCode};

use crate::{
    commands::data::HowRead,
    failure::Failure,
    output::Format,
    space_arguments::{default_space, space_help},
};

#[cfg(feature = "torch")]
mod answer;
#[cfg(feature = "torch")]
mod data;
#[cfg(feature = "torch")]
mod metrics;
#[cfg(feature = "torch")]
mod plan;
#[cfg(feature = "torch")]
mod recipe;
#[cfg(feature = "torch")]
mod report;
#[cfg(feature = "torch")]
mod session;

#[cfg(feature = "torch")]
pub use {
    data::problem_on,
    plan::Plan,
    session::{Trained, accuracy_in_onnx, complete, trained_network},
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Data are a folder with a folder of PNG or JPEG files for each class, CIFAR's
binary files, or an .npz file with arrays x and y (see nas data). Channels, size
and classes are those of the data.

Examples:
  nas train 6111 --data flowers --size 96 --epochs 50
  nas train 6111 --data cifar-10-batches-bin --width 8 --cells 2
  ARCH=$(nas space sample -n 1 --space fbnet --format arch)
  nas train \"$ARCH\" --space fbnet --data flowers --size 128
  nas train --resume runs/train-flowers
  nas export runs/train-flowers --format onnx")]
#[cfg_attr(not(feature = "torch"), allow(dead_code))]
pub struct Arguments {
    /// An arch string, an op tuple like "(4, 3, 3, 0, 0, 0)", a NAS-Bench-201 index, or operations
    /// like "3x3 skip - 3x3 pool 1x1"
    #[arg(value_name = "ARCH", required_unless_present_any = ["resume", "questions"], conflicts_with_all = ["resume", "questions"])]
    arch: Option<String>,
    #[arg(long, value_name = "NAME", default_value_t = default_space(), help = space_help(""))]
    space: String,
    /// A folder or file of labelled images
    #[arg(long, value_name = "WHERE", required_unless_present = "resume", help_heading = "Data")]
    data: Option<PathBuf>,
    #[command(flatten)]
    how: HowRead,
    #[command(flatten)]
    scale: ScaleArguments,
    #[cfg(feature = "torch")]
    #[command(flatten)]
    recipe: recipe::RecipeArguments,
    #[command(flatten)]
    machine: MachineArguments,
    /// The folder of the run [default: runs/train-<data>]
    #[arg(long, value_name = "DIR", help_heading = "Run")]
    run: Option<PathBuf>,
    /// Replace an earlier run in the folder
    #[arg(long, help_heading = "Run")]
    force: bool,
    /// Go on with a run that was stopped or killed, after its last whole epoch
    #[arg(long, value_name = "RUN", help_heading = "Run")]
    resume: Option<PathBuf>,
    /// Train what standard input asks for, as the program of a search with --accuracy train
    #[arg(long, hide = true)]
    questions: bool,
    /// A folder with the results of earlier trainings, for --questions
    #[arg(long, value_name = "DIR", requires = "questions", hide = true)]
    cache: Option<PathBuf>,
    /// The format of the results
    #[arg(long, value_enum, default_value_t, help_heading = "Run")]
    format: Format,
}

/// How large networks are, where a space leaves that open.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Size of networks of NAS-Bench-201")]
#[cfg_attr(not(feature = "torch"), allow(dead_code))]
pub struct ScaleArguments {
    /// Channels of the first stage; each of the next two has twice those before
    /// [default: 16, as published]
    #[arg(long, value_name = "CHANNELS")]
    pub width: Option<usize>,
    /// Copies of the cell in each of the three stages [default: 5, as published]
    #[arg(long, value_name = "N")]
    pub cells: Option<usize>,
}

/// What a network is trained on.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Machine")]
#[cfg_attr(not(feature = "torch"), allow(dead_code))]
pub struct MachineArguments {
    /// Where networks are trained: cpu, cuda or cuda:N
    #[arg(long, value_name = "cpu|cuda:N", default_value = "cpu")]
    compute: String,
    /// The type of convolutions and linear layers: float32 or bfloat16 [default: bfloat16 on a GPU, float32
    /// else]
    #[arg(long, value_name = "TYPE", value_parser = ["float32", "bfloat16"])]
    precision: Option<String>,
    /// Threads of the processor [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
}

#[cfg(not(feature = "torch"))]
pub fn run(_: &Arguments) -> Result<ExitCode, Failure> {
    Err(Failure::without_torch("train networks"))
}

#[cfg(feature = "torch")]
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    match &arguments.resume {
        Some(run) => session::resume(run, arguments.format),
        None if arguments.questions => answer::answer(arguments),
        None => session::begin(arguments),
    }
}
