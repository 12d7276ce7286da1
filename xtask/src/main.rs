//! `cargo xtask`: set-up, tests, demo, download, reproduction, tables and benchmarks of the workspace.
//!
//! It builds before libtorch exists and so depends on nothing that links to it; whatever needs the
//! library crates runs the program `nas`.

mod bench;
mod engines;
mod error;
mod nas;
mod process;
mod reproduce;
mod setup;
mod testing;
mod versions;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use error::Error;
use setup::libtorch::{self, Wanted};
use setup::onnxruntime;
use setup::pytorch;
use workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Chores of the pel-nas workspace")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Puts libtorch into `.libtorch/`, where every cargo command of this workspace finds it
    Setup {
        /// Link to the PyTorch of this interpreter instead of downloading
        #[arg(long, value_name = "PY")]
        python: Option<PathBuf>,
        /// Download the CUDA half as well, 2.5 GB in all, for NVIDIA GPUs
        #[arg(long, conflicts_with = "python")]
        cuda: bool,
        /// Put ONNX Runtime into `.onnxruntime/` instead, 26 MB, for `nas latency --runtime onnx`
        #[arg(long, conflicts_with_all = ["python", "cuda"])]
        onnxruntime: bool,
        /// Put PyTorch into `target/pytorch` instead, 2.5 GB to download, for the tests of exported Python
        #[arg(long, conflicts_with_all = ["python", "cuda", "onnxruntime"])]
        pytorch: bool,
    },
    /// Sets up libtorch and ONNX Runtime, runs the workspace's tests and lists those that are left out
    /// because their data is missing
    Test {
        /// Instead, the tests that need Slurm, Ray and Chromium, which are installed where they are
        /// missing: as superuser, on Debian or Ubuntu
        #[arg(long)]
        engines: bool,
        /// Arguments of `cargo test`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Sets up libtorch and searches NAS-Bench-201 for this very machine
    Demo,
    /// Computes bench-data/nb201-cifar10-proxies.bin again; takes some hours, and resumes after an
    /// interruption
    Proxies {
        /// 10,000 or more CIFAR-10 images in the binary format, such as the data set's own
        /// data_batch_1.bin
        #[arg(long, value_name = "FILE")]
        images: PathBuf,
    },
    /// Compares speed and results with other software
    Bench {
        #[command(subcommand)]
        bench: bench::Bench,
    },
    /// Writes the paper's tables and figures, and those that its readers asked for, to reports/
    Reproduce(reproduce::Arguments),
    /// Fetches the benchmark files; needs no libtorch
    Download {
        /// Arguments of `nas download`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
}

/// The arguments of `nas` in `cargo xtask demo`.
const DEMO: [&str; 10] = [
    "search",
    "--space",
    "nasbench201",
    "--device",
    "host",
    "--accuracy",
    "proxies",
    "--run",
    "runs/demo",
    "--force",
];

/// The arguments of `nas` in `cargo xtask proxies`, before the file of the images.
const PROXIES: [&str; 9] = [
    "score",
    "--space",
    "nasbench201",
    "--proxies",
    "all",
    "--out",
    "bench-data/nb201-cifar10-proxies.bin",
    "--force",
    "--images",
];

fn main() -> ExitCode {
    match run(Arguments::parse().chore) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(chore: Chore) -> Result<ExitCode, Error> {
    let workspace = Workspace::find()?;
    match chore {
        Chore::Setup { onnxruntime: true, .. } => {
            onnxruntime::set_up(&workspace)?;
            Ok(ExitCode::SUCCESS)
        }
        Chore::Setup { pytorch: true, .. } => {
            pytorch::set_up(&workspace)?;
            Ok(ExitCode::SUCCESS)
        }
        Chore::Setup { python, cuda, .. } => {
            let wanted = match python {
                Some(python) => Wanted::Python(python),
                None if cuda => Wanted::Cuda,
                None => Wanted::Any,
            };
            libtorch::set_up(&workspace, &wanted)?;
            Ok(ExitCode::SUCCESS)
        }
        Chore::Test { engines, args } => {
            libtorch::set_up(&workspace, &Wanted::Any)?;
            if engines { engines::test(&workspace) } else { testing::run(&workspace, &args) }
        }
        Chore::Demo => {
            libtorch::set_up(&workspace, &Wanted::Any)?;
            nas::run(&workspace, &DEMO)
        }
        Chore::Proxies { images } => {
            libtorch::set_up(&workspace, &Wanted::Any)?;
            let images = std::path::absolute(&images).map_err(Error::file(&images))?;
            let ended = process::status(nas::installed(&workspace)?.args(PROXIES).arg(images))?;
            Ok(process::exit_code(ended))
        }
        Chore::Bench { bench } => bench::run(&workspace, &bench),
        Chore::Reproduce(arguments) => reproduce::run(&workspace, &arguments),
        Chore::Download { args } => {
            let mut all = vec!["download"];
            all.extend(args.iter().map(String::as_str));
            nas::run(&workspace, &all)
        }
    }
}
