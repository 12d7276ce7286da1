//! The walk through a network that all it offers follows from, and a walk that writes it down for the
//! export formats.

use std::fmt;

use nas_proxy::{NetworkKind, Role};
use tch::{TchError, Tensor};

use crate::executor::Executor;

/// A network described by one walk through its layers. [`Built`](crate::build::Built) gives it all that a
/// [`BuiltNetwork`](crate::BuiltNetwork) offers.
pub trait Walk {
    /// What proxies apply to.
    const KIND: NetworkKind;

    /// All parameters, in the order in which they were made
    /// ([`Builder::into_parameters`](crate::build::Builder::into_parameters)).
    fn parameters(&self) -> &[(Role, Tensor)];

    /// Multiply-accumulate operations for one image, where the space has a convention of its own; else they
    /// are counted.
    fn operations(&self) -> Option<u64> {
        None
    }

    /// Leads an executor from the images, of shape (count, 3, height, width), through every layer to
    /// the logits, of shape (count, classes).
    ///
    /// # Errors
    /// Those of the executor, for example for images of another shape.
    fn walk<E: Executor + ?Sized>(
        &self,
        images: &E::Value,
        executor: &mut E,
    ) -> Result<E::Value, TchError>;
}

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
