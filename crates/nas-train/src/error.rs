//! The errors of the crate.

use std::io;
use std::path::PathBuf;

use tch::TchError;

/// What can go wrong when a network is trained.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The data cannot be read.
    #[error(transparent)]
    Data(#[from] nas_data::Error),

    /// The network takes other examples.
    #[error("the network takes {expected}, but the data are {found}")]
    Shape {
        /// What it takes.
        expected: String,
        /// What there is.
        found: String,
    },

    /// The loss is no number any more.
    #[error(
        "the loss is no number in epoch {epoch}, at a learning rate of {learning_rate:.2e}: try a lower one, \
         such as {:.1e}, or a longer warm-up", .peak / 10.0
    )]
    Diverged {
        /// The epoch, from 1.
        epoch: u32,
        /// The learning rate of the step.
        learning_rate: f64,
        /// The highest learning rate of the recipe.
        peak: f64,
    },

    /// A setting that no training can have.
    #[error("{setting} {value}: expected {expected}")]
    Recipe {
        /// Its name.
        setting: &'static str,
        /// Its value.
        value: f64,
        /// What it can be.
        expected: &'static str,
    },

    /// A checkpoint cannot be read.
    #[error("{}: {problem}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },

    /// Weights cannot be written as a file.
    #[error("weights cannot be written: {problem}")]
    Weights {
        /// What is wrong.
        problem: String,
    },

    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },

    /// The network cannot be run.
    #[error(transparent)]
    Network(#[from] nas_net::Error),

    /// libtorch refused an operation, for example for lack of memory.
    #[error(transparent)]
    Torch(#[from] TchError),
}
