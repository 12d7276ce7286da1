/// How a generation's evaluations are shared out over the niches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Allocation {
    /// As many for each, as in PEL-NAS.
    Equal,
    /// By what the niches yielded (probability matching, Thierens 2005): a niche's share grows
    /// with the recent fraction of its architectures that joined the front of all niches, and
    /// no niche falls below a fifth of an equal share.
    #[default]
    ByYield,
}

/// The niches' recent yields.
pub(crate) struct Yields {
    allocation: Allocation,
    yields: Vec<f64>,
}

/// No niche's share falls below this part of an equal share.
const FLOOR: f64 = 0.2;
/// The weight of the newest generation in the running mean of a niche's yield.
const ADAPTATION: f64 = 0.3;

impl Yields {
    /// At first every niche is taken to be as good as any can be.
    pub fn new(allocation: Allocation, niches: usize) -> Self {
        Self { allocation, yields: vec![1.0; niches] }
    }

    /// Learns that `joined` of `evaluated` new architectures of a niche joined the front.
    pub fn learn(&mut self, niche: usize, joined: usize, evaluated: usize) {
        if evaluated > 0 {
            let reward = joined as f64 / evaluated as f64;
            self.yields[niche] += ADAPTATION * (reward - self.yields[niche]);
        }
    }

    /// How many of `total` evaluations each niche gets; they sum to `total`.
    pub fn share(&self, total: usize) -> Vec<usize> {
        let niches = self.yields.len() as f64;
        let sum: f64 = self.yields.iter().sum();
        let proportion = |yielded: &f64| match self.allocation {
            Allocation::ByYield if sum > 0.0 => FLOOR / niches + (1.0 - FLOOR) * yielded / sum,
            _ => 1.0 / niches,
        };
        // Cumulative rounding: the shares sum to the total, and none is off by more than one.
        let mut cumulative = 0.0;
        let mut given = 0;
        self.yields
            .iter()
            .map(|yielded| {
                cumulative += proportion(yielded);
                let until = (cumulative * total as f64).round() as usize;
                let share = until.min(total) - given;
                given += share;
                share
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn shares_sum_to_the_total(
            rewards in prop::collection::vec((0usize..10, 0usize..10, 0usize..6), 0..40),
            total in 0usize..200,
        ) {
            let mut yields = Yields::new(Allocation::ByYield, 6);
            for (joined, more, niche) in rewards {
                yields.learn(niche, joined, joined + more);
            }
            prop_assert_eq!(yields.share(total).iter().sum::<usize>(), total);
        }
    }

    #[test]
    fn a_barren_niche_keeps_a_floor_and_a_fertile_one_gains() {
        let mut yields = Yields::new(Allocation::ByYield, 2);
        for _ in 0..50 {
            yields.learn(0, 0, 10);
            yields.learn(1, 5, 10);
        }
        assert_eq!(yields.share(100), [10, 90]);
    }

    #[test]
    fn equal_shares_do_not_learn() {
        let mut yields = Yields::new(Allocation::Equal, 3);
        yields.learn(0, 9, 9);
        yields.learn(1, 0, 9);
        assert_eq!(yields.share(9), [3, 3, 3]);
    }
}
