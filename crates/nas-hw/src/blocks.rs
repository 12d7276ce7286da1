//! Costs as sums of the costs of blocks.

use nas_space::Arch;

/// Costs as sums: what is the same in all architectures, and what each choice of each decision
/// adds, in one unit.
///
/// Right where a device runs one block after the other, as HW-NAS-Bench assumes of FBNet.
#[derive(Debug, Clone, PartialEq)]
pub struct SumOfBlocks {
    /// What is the same in all.
    pub fixed: f64,
    /// For each decision what each of its choices adds.
    pub blocks: Vec<Vec<f64>>,
}

impl SumOfBlocks {
    /// The architecture's cost; `None` where it has another number of decisions, or a choice that
    /// is not known.
    pub fn cost(&self, arch: &Arch) -> Option<f64> {
        let choices = arch.choices();
        if choices.len() != self.blocks.len() {
            return None;
        }
        let add = |sum: f64, (costs, &choice): (&Vec<f64>, &u8)| {
            Some(sum + costs.get(usize::from(choice))?)
        };
        self.blocks.iter().zip(choices).try_fold(self.fixed, add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_add_up_and_what_is_unknown_has_none() {
        let costs = SumOfBlocks { fixed: 1.0, blocks: vec![vec![0.5, 2.0], vec![4.0]] };
        assert_eq!(costs.cost(&Arch::new([1, 0])), Some(7.0));
        assert_eq!(costs.cost(&Arch::new([1, 1])), None);
        assert_eq!(costs.cost(&Arch::new([1])), None);
    }
}
