//! Architectures as a predictor sees them.

use std::collections::HashMap;

use nas_predict::Table;
use nas_search::BoxError;
use nas_space::Arch;

use super::KnownObjectives;
use crate::{Class, Domain};

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

impl Rows {
    pub(super) fn new(
        architectures: Vec<Arch>,
        domain: &Domain,
        known: Option<&mut KnownObjectives>,
    ) -> Result<Self, BoxError> {
        let known = match known {
            Some(known) => architectures.iter().map(|arch| (known.find)(arch)).collect(),
            None => Ok(vec![Vec::new(); architectures.len()]),
        };
        let table = (domain.features)(&architectures)?;
        let classes = architectures.iter().map(&domain.class).collect();
        let at = architectures.iter().cloned().enumerate().map(|(row, arch)| (arch, row));
        Ok(Self { known: known?, classes, table, at: at.collect(), architectures })
    }

    /// The row of an architecture.
    pub(super) fn row(&self, arch: &Arch) -> Option<usize> {
        self.at.get(arch).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.architectures.len()
    }
}
