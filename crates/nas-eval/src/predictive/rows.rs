//! Architectures as a predictor sees them.

use std::collections::HashMap;

use nas_predict::Table;
use nas_search::BoxError;
use nas_space::Arch;

use super::model::Learner;
use crate::Class;

/// Architectures with their features and known objectives.
pub(super) struct Rows {
    pub(super) architectures: Vec<Arch>,
    pub(super) table: Table,
    /// The known objectives of each, in their order.
    pub(super) known: Vec<Vec<Option<f64>>>,
    /// Rows of one class are equal networks.
    pub(super) classes: Vec<Class>,
    at: HashMap<Arch, usize>,
}

impl Learner {
    /// The rows of these architectures.
    pub(super) fn rows(&mut self, architectures: Vec<Arch>) -> Result<Rows, BoxError> {
        let known = architectures.iter().map(|arch| (self.known.find)(arch));
        let known = known.collect::<Result<_, _>>()?;
        let table = (self.domain.features)(&architectures)?;
        let classes = architectures.iter().map(&self.domain.class).collect();
        let at = architectures.iter().cloned().enumerate().map(|(row, arch)| (arch, row)).collect();
        Ok(Rows { architectures, table, known, classes, at })
    }
}

impl Rows {
    /// The row of an architecture.
    pub(super) fn row(&self, arch: &Arch) -> Option<usize> {
        self.at.get(arch).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.architectures.len()
    }
}
