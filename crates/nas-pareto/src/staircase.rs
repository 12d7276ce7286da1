//! The growing boundary of a union of rectangles that share a corner, for a sweep over three
//! objectives.

/// A staircase over ranks: each step reaches from rank 0 to its own rank, and the steps grow
/// strictly taller towards higher ranks. A taller step nearer to rank 0 would be covered.
///
/// Rank `r` stands for the `r`-th widest rectangle, so a step covers all later ranks' rectangles
/// that are no taller.
#[derive(Debug, Default)]
pub(crate) struct Staircase {
    steps: RankSet,
    heights: Vec<f64>,
}

impl Staircase {
    /// Removes all steps and makes room for ranks below `ranks`.
    pub(crate) fn reset(&mut self, ranks: usize) {
        self.steps.reset(ranks);
        self.heights.resize(ranks, 0.0);
    }

    /// Adds a step unless one at its rank or before is at least as tall; returns whether it did.
    ///
    /// For each part of the added region, from the new step on, calls `exposed` with the rank at
    /// which it begins, the rank at which it ends (`None`: it goes on to the end), and its bottom;
    /// bottoms start at `ground` where no step comes before.
    pub(crate) fn add(
        &mut self,
        rank: usize,
        height: f64,
        ground: f64,
        mut exposed: impl FnMut(usize, Option<usize>, f64),
    ) -> bool {
        let mut bottom = match self.steps.last_up_to(rank) {
            Some(step) => self.heights[step],
            None => ground,
        };
        if bottom >= height {
            return false;
        }
        let mut begin = rank;
        loop {
            let next = self.steps.first_after(begin);
            exposed(begin, next, bottom);
            match next {
                Some(step) if self.heights[step] <= height => {
                    self.steps.remove(step);
                    bottom = self.heights[step];
                    begin = step;
                }
                _ => break,
            }
        }
        self.steps.insert(rank);
        self.heights[rank] = height;
        true
    }
}

/// A set of small integers with neighbour queries: a bit per integer, and above each 64 words
/// another word whose bits mark those that are not zero. Three levels hold 262,144 ranks in 33 KiB,
/// which a query crosses in a handful of instructions per level.
#[derive(Debug, Default)]
struct RankSet {
    /// From the bits of the ranks themselves up to a level of one word.
    levels: Vec<Vec<u64>>,
}

impl RankSet {
    fn reset(&mut self, ranks: usize) {
        let mut level = 0;
        let mut words = ranks;
        loop {
            words = words.div_ceil(64).max(1);
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            self.levels[level].clear();
            self.levels[level].resize(words, 0);
            level += 1;
            if words == 1 {
                break;
            }
        }
        self.levels.truncate(level);
    }

    fn insert(&mut self, rank: usize) {
        let mut at = rank;
        for level in &mut self.levels {
            level[at / 64] |= 1 << (at % 64);
            at /= 64;
        }
    }

    fn remove(&mut self, rank: usize) {
        let mut at = rank;
        for level in &mut self.levels {
            let word = &mut level[at / 64];
            *word &= !(1 << (at % 64));
            if *word != 0 {
                break;
            }
            at /= 64;
        }
    }

    /// The largest member that is at most `rank`.
    fn last_up_to(&self, rank: usize) -> Option<usize> {
        let mut at = rank;
        // The bits up to and including `at`, and one level up those strictly before it.
        let mut mask = u64::MAX >> (63 - at % 64);
        for (height, level) in self.levels.iter().enumerate() {
            let word = level[at / 64] & mask;
            if word != 0 {
                let mut found = at / 64 * 64 + 63 - word.leading_zeros() as usize;
                for below in self.levels[..height].iter().rev() {
                    found = found * 64 + 63 - below[found].leading_zeros() as usize;
                }
                return Some(found);
            }
            at /= 64;
            mask = (1 << (at % 64)) - 1;
        }
        None
    }

    /// The smallest member above `rank`.
    fn first_after(&self, rank: usize) -> Option<usize> {
        let mut at = rank;
        for (height, level) in self.levels.iter().enumerate() {
            let after = u64::MAX.checked_shl(at as u32 % 64 + 1).unwrap_or(0);
            let word = level[at / 64] & after;
            if word != 0 {
                let mut found = at / 64 * 64 + word.trailing_zeros() as usize;
                for below in self.levels[..height].iter().rev() {
                    found = found * 64 + below[found].trailing_zeros() as usize;
                }
                return Some(found);
            }
            at /= 64;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_rank_set_is_a_set(
            // One, two and three levels; sparse, so that queries climb.
            (ranks, changes) in prop::sample::select(vec![1_usize, 63, 64, 65, 4_096, 9_000])
                .prop_flat_map(|ranks| {
                    (Just(ranks), prop::collection::vec((0..ranks, any::<bool>()), 0..60))
                }),
            queries in prop::collection::vec(any::<prop::sample::Index>(), 20),
        ) {
            let mut set = RankSet::default();
            set.reset(5_000);
            set.insert(4_999);
            set.reset(ranks);
            let mut expected = BTreeSet::new();
            for (rank, add) in changes {
                if add {
                    set.insert(rank);
                    expected.insert(rank);
                } else {
                    set.remove(rank);
                    expected.remove(&rank);
                }
                for query in &queries {
                    let query = query.index(ranks);
                    prop_assert_eq!(
                        set.last_up_to(query),
                        expected.range(..=query).next_back().copied()
                    );
                    prop_assert_eq!(
                        set.first_after(query),
                        expected.range(query + 1..).next().copied()
                    );
                }
            }
        }
    }

    #[test]
    fn a_step_exposes_what_was_uncovered() {
        let mut stairs = Staircase::default();
        stairs.reset(10);
        let mut add = |rank, height| {
            let mut parts = Vec::new();
            let added = stairs.add(rank, height, 0.0, |from, to, bottom| {
                parts.push((from, to, bottom));
            });
            assert_eq!(added, !parts.is_empty());
            parts
        };
        assert_eq!(add(4, 2.0), [(4, None, 0.0)]);
        assert_eq!(add(7, 5.0), [(7, None, 2.0)]);
        assert_eq!(add(5, 2.0), []);
        assert_eq!(add(2, 3.0), [(2, Some(4), 0.0), (4, Some(7), 2.0)]);
        assert_eq!(add(0, 5.0), [(0, Some(2), 0.0), (2, Some(7), 3.0), (7, None, 5.0)]);
        assert_eq!(add(9, 5.0), []);
    }
}
