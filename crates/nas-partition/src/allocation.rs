use serde::{Deserialize, Serialize};

/// How a search's budget is shared out over niches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Allocation {
    /// The same for each niche, as in PEL-NAS.
    #[default]
    Equal,
    /// Half of the budget is open: bound to no niche. The other half follows what the niches yield,
    /// by probability matching (Goldberg 1990; Thierens 2005): three tenths of it evenly, that no
    /// niche is given up, and the rest in proportion to their yields.
    Adaptive,
}

/// The share of an adaptive budget that is bound to no niche.
const OPEN: f64 = 0.5;

/// The share of what is bound to niches that they get evenly.
const EVEN: f64 = 0.3;

impl Allocation {
    /// The share of each niche, and last that of no niche in particular; together 1. `yields` tells
    /// what an evaluation in each niche has yielded, in any unit, at least 0.
    ///
    /// What is a single niche is not shared out.
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

/// Whole numbers out of shares: what is left over is owed, so that in the long run each part gets
/// its share.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Budget {
    owed: Vec<f64>,
}

impl Budget {
    /// Whether it can be one of so many parts, or of none yet.
    pub fn is_of(&self, parts: usize) -> bool {
        (self.owed.is_empty() || self.owed.len() == parts)
            && self.owed.iter().all(|owed| owed.is_finite())
    }

    /// `total` shared out; of equal claims the first is served first. The shares' sum is 1.
    pub fn share_out(&mut self, total: usize, shares: &[f64]) -> Vec<usize> {
        self.owed.resize(shares.len(), 0.0);
        for (owed, share) in self.owed.iter_mut().zip(shares) {
            *owed += share * total as f64;
        }
        let mut parts = vec![0; shares.len()];
        for _ in 0..total {
            // Rounding must not favour anyone.
            let claims = |at: &usize| (self.owed[*at] * 1e9).round();
            let first = (0..shares.len()).rev().max_by(|a, b| claims(a).total_cmp(&claims(b)));
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
    fn equal_shares_are_equal_and_what_is_left_over_goes_round() {
        let mut budget = Budget::default();
        let shares = Allocation::Equal.shares(&[9.0, 0.0, 0.0, 0.0]);
        assert_eq!(budget.share_out(6, &shares), [2, 2, 1, 1, 0]);
        assert_eq!(budget.share_out(6, &shares), [1, 1, 2, 2, 0]);
        assert_eq!(budget.share_out(8, &shares), [2, 2, 2, 2, 0]);
    }

    #[test]
    fn adaptive_shares_follow_yields_and_none_is_given_up() {
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
        fn all_is_shared_out_and_no_part_is_owed_more_than_one(
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
                // One at a time to whoever is owed most: none falls behind by as much as the parts.
                prop_assert!((had as f64 - share * all).abs() <= 12.0);
            }
        }
    }
}
