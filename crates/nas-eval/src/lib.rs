#![doc = include_str!("../README.md")]
// The README shows a whole build.rs.
#![allow(clippy::needless_doctest_main)]

mod csv_file;
mod joined;
mod known_space;
mod learnt_accuracy;
mod line;
#[cfg(feature = "torch")]
pub mod live;
#[cfg(feature = "torch")]
pub mod onnx;
mod predicted;
mod predictive;
mod problem;
mod program;
mod proposals;
mod published;
mod simulated_choice;
mod source;
pub mod spaces;
mod text_file;
mod truth;
mod user_front;
mod user_table;

pub use csv_file::{CsvFile, CsvRow};
pub use joined::Joined;
pub use known_space::{Class, Features, Form, KnownSpace, Numbering, Statistic};
pub use learnt_accuracy::LearntAccuracy;
pub use predicted::{Acquisition, Domain, Predicted, TRAINED_ACCURACY, TrainingBudget};
pub use predictive::{Find, KnownObjectives, PredictedMember, Predictive};
pub use problem::{Problem, TEST_ACCURACY, Trained};
pub use program::{
    Answer, Failure as ProgramFailure, Fault, KnownCosts, Log, Program, SearcherProgram, Tasks,
};
pub use proposals::ProposalScores;
pub use published::{Published, PublishedAccuracies, cost_objective};
pub use simulated_choice::SimulatedChoice;
pub use source::{Lookup, Pace, Source, SourceValue, Sources};
pub use text_file::{check_header, csv_place, csv_problem, read_text, text_of};
pub use truth::{Covered, Scores, Truth};
pub use user_front::UserFront;
pub use user_table::{UserScores, UserTable, interval_ends};

/// What can be wrong with a source of objectives.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A user's program that never gave an answer.
    #[error("`{command}` gave no answer to any of {count} {asked}: {problems}")]
    Program {
        /// The command line.
        command: String,
        /// How often it was asked.
        count: usize,
        /// What it was asked for.
        asked: &'static str,
        /// What went wrong, by kind.
        problems: String,
    },
    /// The file with the answers of a user's searcher.
    #[error("{file}: {problem}")]
    Record {
        /// The file.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A benchmark's tables.
    #[error(transparent)]
    Benchmark(#[from] nas_bench::Error),
    /// A file that cannot be read as CSV at all.
    #[error("{}", csv_place(file, error))]
    Csv {
        /// The file.
        file: String,
        /// Why.
        error: csv::Error,
    },
    /// A value in a user's table.
    #[error("{file}, row {row}, column {column}: {problem}")]
    Value {
        /// The file.
        file: String,
        /// The line in the file; the header is line 1.
        row: u64,
        /// The column's title.
        column: String,
        /// What is wrong and what was expected.
        problem: String,
    },
    /// A column that a user's table lacks.
    #[error("{file}: no column {expected}; the header is: {found}")]
    Column {
        /// The file.
        file: String,
        /// The titles that are possible.
        expected: String,
        /// The header of the file.
        found: String,
    },
    /// The exact front of a set without a complete architecture.
    #[error("no architecture has all objectives: {objectives}")]
    NothingComplete {
        /// The objectives' names.
        objectives: String,
    },
    /// A source of an objective.
    #[error(transparent)]
    Source(nas_search::BoxError),
    /// Hypervolume and distances.
    #[error(transparent)]
    Pareto(#[from] nas_pareto::Error),
    /// Niches.
    #[error(transparent)]
    Partition(#[from] nas_partition::Error),
    /// Predicted accuracy.
    #[error(transparent)]
    Predict(#[from] nas_predict::Error),
    /// Proxies.
    #[cfg(feature = "torch")]
    #[error(transparent)]
    Proxy(#[from] nas_proxy::Error),
    /// Networks.
    #[cfg(feature = "torch")]
    #[error(transparent)]
    Network(#[from] nas_net::Error),
    /// The library that runs networks in the ONNX format.
    #[cfg(feature = "torch")]
    #[error(
        "ONNX Runtime: {problem}; type `cargo xtask setup --onnxruntime` in pel-nas's folder, or set ORT_DYLIB_PATH to the libonnxruntime.so of version 1.22 or later"
    )]
    NoOnnxRuntime {
        /// Why it cannot be loaded.
        problem: String,
    },
    /// An error of ONNX Runtime.
    #[cfg(feature = "torch")]
    #[error("ONNX Runtime: {problem}")]
    OnnxRuntime {
        /// Its message.
        problem: String,
    },
}
