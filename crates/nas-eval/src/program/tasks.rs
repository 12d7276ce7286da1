//! The seam behind which a user's program runs.

use nas_search::{BoxError, Evaluation};
use nas_space::Arch;

use super::{failures::Failure, pool::Pool};

/// An evaluation by the program, or why there is none.
pub type Answer = Result<Evaluation, Failure>;

/// Runs a user's program for several architectures at the same time, here or elsewhere.
pub trait Tasks {
    /// Begins with an architecture, and returns at once. `known` are the costs of other objectives that are
    /// known before.
    ///
    /// # Errors
    /// Only where nothing can be begun.
    fn begin(&mut self, arch: &Arch, known: Vec<f64>) -> Result<(), BoxError>;

    /// Waits for the first answer about an architecture that was begun. `log` is called with each line
    /// that the program printed elsewhere and that is no answer.
    ///
    /// # Errors
    /// Only where no answer can come any more.
    fn wait(&mut self, log: &mut dyn FnMut(&str)) -> Result<(Arch, Answer), BoxError>;
}

impl Tasks for Pool {
    fn begin(&mut self, arch: &Arch, known: Vec<f64>) -> Result<(), BoxError> {
        Self::begin(self, arch, known);
        Ok(())
    }

    fn wait(&mut self, _: &mut dyn FnMut(&str)) -> Result<(Arch, Answer), BoxError> {
        Self::wait(self).ok_or_else(|| "no worker is left".into())
    }
}
