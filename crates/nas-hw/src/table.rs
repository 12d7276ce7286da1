//! Costs of architectures, of which some do not exist.

use std::collections::HashMap;

use nas_space::Arch;

use crate::Error;

/// Costs by architecture, in one unit. An architecture that is not there, or that the device
/// cannot run, has no cost.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CostTable {
    costs: HashMap<Arch, Option<f64>>,
}

impl CostTable {
    /// A table from architectures and their costs; `None` means that the device cannot run it.
    ///
    /// # Errors
    /// [`Error::Cost`] for a cost that is negative or not finite, [`Error::Duplicate`] for an
    /// architecture that occurs twice.
    pub fn new(costs: impl IntoIterator<Item = (Arch, Option<f64>)>) -> Result<Self, Error> {
        let mut table = Self::default();
        for (arch, cost) in costs {
            if let Some(value) = cost.filter(|cost| !(cost.is_finite() && *cost >= 0.0)) {
                return Err(Error::Cost { arch: arch.choices().to_vec(), value });
            }
            if table.costs.insert(arch.clone(), cost).is_some() {
                return Err(Error::Duplicate { arch: arch.choices().to_vec() });
            }
        }
        Ok(table)
    }

    /// The cost of an architecture, if the table holds one.
    pub fn cost(&self, arch: &Arch) -> Option<f64> {
        self.costs.get(arch).copied().flatten()
    }

    /// The number of architectures in the table, those without a cost included.
    pub fn len(&self) -> usize {
        self.costs.len()
    }

    /// Whether the table is empty.
    pub fn is_empty(&self) -> bool {
        self.costs.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_device_cannot_run_has_no_cost() {
        let (a, b, c) = (Arch::new([0]), Arch::new([1]), Arch::new([2]));
        let table = CostTable::new([(a.clone(), Some(1.5)), (b.clone(), None)]).unwrap();
        assert_eq!(table.cost(&a), Some(1.5));
        assert_eq!(table.cost(&b), None);
        assert_eq!(table.cost(&c), None);
    }

    #[test]
    fn senseless_costs_and_duplicates_are_refused() {
        let arch = Arch::new([0]);
        for value in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(CostTable::new([(arch.clone(), Some(value))]).is_err());
        }
        let twice = [(arch.clone(), Some(1.0)), (arch, Some(1.0))];
        assert!(matches!(CostTable::new(twice), Err(Error::Duplicate { .. })));
    }
}
