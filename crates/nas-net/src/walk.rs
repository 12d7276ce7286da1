//! A walk through any network that writes it down, for the export formats.

use std::fmt;

use tch::TchError;

use crate::executor::Executor;
use crate::network::Walk;

/// A value in a network that is written down.
#[derive(Clone, Debug)]
pub(crate) struct Symbol {
    /// Its name in the file.
    pub name: String,
    /// Its shape for one image, in formats that need it.
    pub shape: Vec<i64>,
}

impl Symbol {
    /// A value whose shape is not needed.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), shape: Vec::new() }
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

/// A network that leads a writer of a file from its images to its logits.
pub(crate) trait Write {
    fn write(
        &self,
        images: &Symbol,
        writer: &mut dyn Executor<Value = Symbol>,
    ) -> Result<Symbol, TchError>;
}

impl<N: Walk> Write for N {
    fn write(
        &self,
        images: &Symbol,
        writer: &mut dyn Executor<Value = Symbol>,
    ) -> Result<Symbol, TchError> {
        self.walk(images, writer)
    }
}

/// A network as the export formats of this crate read it.
pub struct Walkable<'a>(pub(crate) &'a dyn Write);

impl fmt::Debug for Walkable<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Walkable").finish_non_exhaustive()
    }
}
