//! The errors of the crate.

use std::{io, path::PathBuf};

use tch::TchError;
use thiserror::Error;

use crate::nasbench201::Scale;

/// What can go wrong when a network is built, run or exported.
#[derive(Debug, Error)]
pub enum Error {
    /// The architecture is not one of the network's space.
    #[error(transparent)]
    Arch(#[from] nas_space::Error),

    /// Images are not a whole number of patches wide.
    #[error(
        "images of {side}×{side} pixels are no whole number of patches of {patch}×{patch}: expected a multiple of {patch}, for example 224"
    )]
    Side {
        /// Pixels along a side of an image.
        side: u64,
        /// Pixels along a side of a patch.
        patch: u64,
    },

    /// A network that is too small for its images, or has no layers.
    #[error(
        "a width of {} and {} cells for images of {side}×{side} pixels: expected a width and cells of at least 1, and images of at least 4×4",
        scale.width, scale.cells
    )]
    Size {
        /// The network's size.
        scale: Scale,
        /// Pixels along a side of an image.
        side: usize,
    },

    /// A file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },

    /// libtorch refused an operation, for example for lack of memory.
    #[error("libtorch: {}", first_line(.0))]
    Torch(#[from] TchError),
}

/// The message of libtorch, without the C++ back-trace below it.
fn first_line(error: &TchError) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}
