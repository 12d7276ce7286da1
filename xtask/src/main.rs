//! `cargo xtask`: set-up, tests, demo, download, reproduction and benchmarks of the workspace.
//!
//! It builds before libtorch exists and so depends on nothing that links it; whatever needs the
//! library crates runs the program `nas`.

mod bench;
mod cargo;
mod error;
mod libtorch;
mod reproduce;
mod testing;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use error::Error;
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
    },
    /// Sets up libtorch, runs the workspace's tests and lists those left out for lack of data
    Test {
        /// Arguments of `cargo test`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Sets up libtorch and searches NAS-Bench-201 for this very machine
    Demo,
    /// Compares speed and results with other software
    Bench {
        #[command(subcommand)]
        bench: bench::Bench,
    },
    /// The paper's figures, from recorded calls of a language model or a live one
    Reproduce {
        #[command(subcommand)]
        what: reproduce::Reproduce,
    },
    /// Fetches the benchmark files; needs no libtorch
    Download {
        /// Arguments of `nas download`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
}

/// What `cargo xtask demo` asks of the program `nas`.
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
        Chore::Setup { python } => {
            libtorch::set_up(&workspace, python.as_deref())?;
            Ok(ExitCode::SUCCESS)
        }
        Chore::Test { args } => {
            libtorch::set_up(&workspace, None)?;
            testing::run(&workspace, &args)
        }
        Chore::Demo => {
            libtorch::set_up(&workspace, None)?;
            cargo::run_nas(&workspace, &[], &DEMO)
        }
        Chore::Bench { bench } => bench::run(&workspace, &bench),
        Chore::Reproduce { what } => reproduce::run(&workspace, &what),
        Chore::Download { args } => {
            let mut nas = vec!["download"];
            nas.extend(args.iter().map(String::as_str));
            cargo::run_nas(&workspace, &["--no-default-features"], &nas)
        }
    }
}
