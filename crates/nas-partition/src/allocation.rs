//! How a budget of evaluations is shared among niches.

use serde::{Deserialize, Serialize};

/// How a search's budget is shared among the niches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Allocation {
    /// The same for each niche, as in PEL-NAS.
    #[default]
    Equal,
    /// Half of the budget belongs to no niche. The other half follows what the niches yield, by
    /// probability matching (Goldberg 1990; Thierens 2005): three tenths of it evenly, so that every
    /// niche keeps a share, and the rest in proportion to their yields.
    Adaptive,
}

/// The share of an adaptive budget that belongs to no niche.
const OPEN: f64 = 0.5;

/// The share of the niches' part that they get evenly.
const EVEN: f64 = 0.3;

impl Allocation {
    /// The share of each niche, and last the share of the whole space; together 1. `yields` holds
    /// what an evaluation in each niche has yielded, in any unit, at least 0.
    ///
    /// A single niche has all of it.
    pub fn shares(self, yields: &[f64]) -> Vec<f64> {
        let niches = yields.len().max(1) as f64;
        let all: f64 = yields.iter().sum();
        let share = |&yielded: &f64| match self {
            Self::Adaptive if niches > 1.0 && all > 0.0 => {
                (1.0 - OPEN) * (EVEN / niches + (1.0 - EVEN) * yielded / all)
            }
            Self::Adaptive if niches > 1.0 => (1.0 - OPEN) / niches,
            _ => 1.0 / niches,
        };
        let mut shares: Vec<f64> = yields.iter().map(share).collect();
        shares.push(1.0 - shares.iter().sum::<f64>());
        shares
    }
}

/// Turns shares into whole numbers. Remainders are carried over, so that in the long run each part
/// gets its share.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Budget {
    owed: Vec<f64>,
}

impl Budget {
    /// Whether it belongs to this number of parts, or has not been used yet.
    pub fn is_of(&self, parts: usize) -> bool {
        (self.owed.is_empty() || self.owed.len() == parts)
            && self.owed.iter().all(|owed| owed.is_finite())
    }

    /// Shares `total` among the parts, whose shares sum to 1. Of parts that are owed the same, the
    /// first comes first.
    pub fn share_out(&mut self, total: usize, shares: &[f64]) -> Vec<usize> {
        self.owed.resize(shares.len(), 0.0);
        for (owed, share) in self.owed.iter_mut().zip(shares) {
            *owed += share * total as f64;
        }
        let mut parts = vec![0; shares.len()];
        for _ in 0..total {
            // Rounding errors must not decide.
            let claim = |at: &usize| (self.owed[*at] * 1e9).round();
            let first = (0..shares.len()).rev().max_by(|a, b| claim(a).total_cmp(&claim(b)));
            if let Some(first) = first {
                parts[first] += 1;
                self.owed[first] -= 1.0;
            }
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equal_shares_are_equal_and_remainders_are_carried_over() {
        let mut budget = Budget::default();
        let shares = Allocation::Equal.shares(&[9.0, 0.0, 0.0, 0.0]);
        assert_eq!(budget.share_out(6, &shares), [2, 2, 1, 1, 0]);
        assert_eq!(budget.share_out(6, &shares), [1, 1, 2, 2, 0]);
        assert_eq!(budget.share_out(8, &shares), [2, 2, 2, 2, 0]);
    }

    #[test]
    fn adaptive_shares_follow_yields_and_every_niche_keeps_one() {
        let shares = Allocation::Adaptive.shares(&[0.6, 0.3, 0.0]);
        assert!(shares[0] > shares[1] && shares[1] > shares[2] && shares[2] > 0.04);
        approx::assert_relative_eq!(shares[3], 0.5, epsilon = 1e-12);
        for yields in [&[0.0, 0.0][..], &[4.0, 4.0]] {
            let shares = Allocation::Adaptive.shares(yields);
            approx::assert_relative_eq!(shares[0], 0.25);
            approx::assert_relative_eq!(shares[1], 0.25);
        }
        assert_eq!(Allocation::Adaptive.shares(&[7.0]), [1.0, 0.0]);
    }

    proptest! {
        #[test]
        fn everything_is_shared_and_every_part_gets_its_share(
            yields in prop::collection::vec(0.0..20.0_f64, 1..12),
            totals in prop::collection::vec(0..40_usize, 1..20),
        ) {
            let mut budget = Budget::default();
            let shares = Allocation::Adaptive.shares(&yields);
            prop_assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            let mut had = vec![0; shares.len()];
            for &total in &totals {
                let parts = budget.share_out(total, &shares);
                prop_assert_eq!(parts.iter().sum::<usize>(), total);
                for (had, part) in had.iter_mut().zip(parts) {
                    *had += part;
                }
            }
            let all = totals.iter().sum::<usize>() as f64;
            for (had, share) in had.into_iter().zip(shares) {
                // Each evaluation goes to the part that is owed most, so that no part lags behind by
                // more than their number.
                prop_assert!((had as f64 - share * all).abs() <= 12.0);
            }
        }
    }
}
