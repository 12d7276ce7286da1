#![doc = include_str!("../README.md")]
// The README shows a whole program.
#![allow(clippy::needless_doctest_main)]

mod arch;
mod asking;
mod commands;
mod engine;
mod evaluate;
mod failure;
mod figure;
mod inputs;
mod journal;
mod output;
mod paired;
mod partition;
mod progress;
mod propose;
mod report;
mod resume;
mod rules;
mod run_folder;
mod runtime;
mod score_file;
mod searcher;
mod space_arguments;
mod stop;
mod tables;
mod target;
mod terminal;
mod workers;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

#[derive(Parser)]
#[command(
    name = "nas",
    bin_name = "nas",
    version,
    about = "Finds neural networks that are accurate and fast on a given device",
    after_help = "Exit codes: 0 done, 1 the work failed, 2 bad input, 3 no architecture within\nthe limits, 4 nothing usable from the language model, 130 stopped by the user."
)]
struct Arguments {
    /// The folder with the benchmark tables; or set PEL_NAS_TABLES [default: see `nas doctor`]
    #[arg(long, global = true, value_name = "DIR", display_order = 900)]
    tables: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Finds networks that are accurate and fast on a device
    Search(Box<commands::search::Arguments>),
    /// Lists the runs in a folder, with the quality of their fronts
    Runs(commands::runs::Arguments),
    /// Writes an HTML page that shows one or several runs
    Report(commands::report::Arguments),
    /// Compares the fronts of runs and files, paired by their seeds
    Compare(commands::compare::Arguments),
    /// Compares searchers with equal budgets, over several seeds
    Benchmark(commands::benchmark::Arguments),
    /// Computes zero-cost proxies of given architectures, or of all
    Score(Box<commands::score::Arguments>),
    /// Merges files of scores that shards wrote
    ScoreMerge(commands::score_merge::Arguments),
    /// Computes a shard of a job (engines start this command)
    Worker(commands::worker::Arguments),
    /// Prints the latency of architectures: published or measured
    Latency(commands::latency::Arguments),
    /// Shows what a data set contains, and what is wrong with it
    Data(commands::data::Arguments),
    /// Trains a network on your data
    Train(Box<commands::train::Arguments>),
    /// Exports a network, for example as ONNX
    Export(commands::export::Arguments),
    /// Shows the niches that a partition divides the space into
    Niches(commands::niches::Arguments),
    /// Predicts accuracy from few trained networks
    Predict(commands::predict::Arguments),
    /// Finds the non-dominated rows of a CSV file
    Front(commands::front::Arguments),
    /// Scores your own fronts against the exact front of a benchmark
    FrontScore(commands::front_score::Arguments),
    /// Lists and describes search spaces, and their architectures
    Space(commands::space::Arguments),
    /// Prints the design rules of a run, with their evidence
    Knowledge(commands::knowledge::Arguments),
    /// Tests whether a language model answers, and how fast
    ChatTest(commands::chat_test::Arguments),
    /// Asks a language model for the best cells, to see whether it has memorised the benchmark
    MemoriseTest(commands::memorise_test::Arguments),
    /// Lets a language model choose among candidates, to see whether it is better than chance
    SkillTest(commands::skill_test::Arguments),
    /// Downloads the benchmark files and compiles their tables
    Download(commands::download::Arguments),
    /// Shows what is installed, what is missing, and what to type
    Doctor(commands::doctor::Arguments),
}

/// Runs the program on the process's arguments; returns its exit code.
pub fn main() -> ExitCode {
    let (matches, arguments) = match parsed() {
        Ok(parsed) => parsed,
        Err(error) if error.use_stderr() => {
            terminal::note(explained(&error.render().to_string()).trim_end());
            return ExitCode::from(2);
        }
        // Help and the version.
        Err(other) => other.exit(),
    };
    match run(arguments.command, arguments.tables.as_deref(), &matches) {
        Ok(code) => code,
        Err(failure) => {
            terminal::report(&failure);
            failure.code()
        }
    }
}

/// What was typed.
fn parsed() -> Result<(ArgMatches, Arguments), clap::Error> {
    let command = taking_negative_numbers(Arguments::command());
    let matches = command.try_get_matches_from(std::env::args_os().map(cell))?;
    let arguments = Arguments::from_arg_matches(&matches)?;
    Ok((matches, arguments))
}

/// A command whose options refuse a negative number as what it is, not as an unknown option.
fn taking_negative_numbers(command: clap::Command) -> clap::Command {
    command.allow_negative_numbers(true).mut_subcommands(taking_negative_numbers)
}

/// The errors of Rust's parsers of numbers, and what they mean.
const PARSERS: [(&str, &str); 6] = [
    ("invalid digit found in string", "expected a whole number, for example 600"),
    ("cannot parse integer from empty string", "expected a whole number, for example 600"),
    ("cannot parse float from empty string", "expected a number, for example 0.5"),
    ("invalid float literal", "expected a number, for example 0.5"),
    ("number too large to fit in target type", "the number is too large"),
    ("number too small to fit in target type", "the number is too small"),
];

/// An error of the parser in plain words.
fn explained(error: &str) -> String {
    PARSERS.iter().fold(error.to_owned(), |text, (from, to)| text.replace(from, to))
}

fn run(
    command: Command,
    tables: Option<&Path>,
    matches: &ArgMatches,
) -> Result<ExitCode, failure::Failure> {
    resume::refuse_beside_resume(matches)?;
    match command {
        Command::Search(arguments) => commands::search::run(&arguments, tables),
        Command::Train(arguments) => commands::train::run(&arguments),
        Command::Runs(arguments) => commands::runs::run(&arguments),
        Command::Report(arguments) => commands::report::run(&arguments),
        Command::Compare(arguments) => commands::compare::run(&arguments),
        Command::Benchmark(arguments) => commands::benchmark::run(&arguments, tables),
        Command::Score(arguments) => commands::score::run(&arguments),
        Command::ScoreMerge(arguments) => commands::score_merge::run(&arguments),
        Command::Worker(arguments) => commands::worker::run(&arguments),
        Command::Latency(arguments) => commands::latency::run(&arguments, tables),
        Command::Data(arguments) => commands::data::run(&arguments),
        Command::Export(arguments) => commands::export::run(&arguments),
        Command::Niches(arguments) => commands::niches::run(&arguments, tables),
        Command::Predict(arguments) => commands::predict::run(&arguments, tables),
        Command::Front(arguments) => commands::front::run(&arguments),
        Command::FrontScore(arguments) => commands::front_score::run(&arguments, tables),
        Command::Space(arguments) => commands::space::run(&arguments),
        Command::Knowledge(arguments) => commands::knowledge::run(&arguments),
        Command::ChatTest(arguments) => commands::chat_test::run(&arguments),
        Command::MemoriseTest(arguments) => commands::memorise_test::run(&arguments, tables),
        Command::SkillTest(arguments) => commands::skill_test::run(&arguments, tables),
        Command::Download(arguments) => commands::download::run(&arguments, tables),
        Command::Doctor(arguments) => commands::doctor::run(&arguments, tables),
    }
}

/// A cell whose first operation is `-` looks like an option: a space before it prevents that.
fn cell(argument: OsString) -> OsString {
    if argument.as_encoded_bytes().starts_with(b"- ") {
        let mut cell = OsString::from(" ");
        cell.push(argument);
        return cell;
    }
    argument
}

/// Entry points of fuzz targets; no part of the program's interface.
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing {
    /// Events of a run.
    pub fn events(bytes: &[u8]) {
        let _ = crate::journal::answers(bytes, nas_eval::spaces::ALL[0].space());
    }

    /// A page: a new page with the runs that were read from it has no additional elements.
    pub fn page(text: &str) {
        let Ok(runs) = crate::report::runs(text) else { return };
        let empty = crate::report::page(&[]).map(|page| page.matches("</").count());
        let page = crate::report::page(&runs.iter().collect::<Vec<_>>());
        let (Ok(empty), Ok(page)) = (empty, page) else { return };
        assert_eq!(page.matches("</").count(), empty);
        assert!(crate::report::runs(&page).is_ok());
    }
}
