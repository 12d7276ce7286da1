//! What is written down of an export format.

use std::fs;
use std::path::Path;

use super::description::Description;
use crate::{BuiltNetwork, Error};

/// A file format that networks are exported to.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// Its name in arguments.
    pub name: &'static str,
    /// Its name in sentences.
    pub title: &'static str,
    /// The extension of its files, without the dot.
    pub extension: &'static str,
    /// What a file contains and what reads it.
    pub description: &'static str,
    /// Whether a file contains the weights.
    pub has_weights: bool,
    pub(super) write: Write,
}

/// Writes a network into a file, for square images of so many pixels along a side.
pub(super) type Write = fn(&dyn BuiltNetwork, usize, &Description, &Path) -> Result<(), Error>;

impl Format {
    /// Writes a network into a file, for square images of `side` pixels.
    ///
    /// # Errors
    /// [`Error::Torch`] for a side that the network does not take; [`Error::Write`], or
    /// [`Error::Torch`], where the file cannot be written.
    pub fn write(
        &self,
        network: &dyn BuiltNetwork,
        side: usize,
        description: &Description,
        file: &Path,
    ) -> Result<(), Error> {
        (self.write)(network, side, description, file)
    }
}

/// The whole content of a file.
pub(super) fn write_bytes(file: &Path, bytes: impl AsRef<[u8]>) -> Result<(), Error> {
    fs::write(file, bytes).map_err(|source| Error::Write { path: file.to_owned(), source })
}
