use std::{collections::HashSet, hash::Hash};

use rand::{SeedableRng, seq::SliceRandom};

/// Rows to learn from, and rows to report on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// The rows whose labels may be learnt from, in the order drawn, each of another class.
    pub labelled: Vec<usize>,
    /// The rows of which no twin is labelled, ascending.
    pub held_out: Vec<usize>,
}

/// Draws `count` rows at random, at most one of each class, and holds out every row whose class
/// none of them has: twins of a labelled row would be counted as predicted.
///
/// `classes` holds the class of each row. There are fewer labels if there are fewer classes.
pub fn draw_labels<C: Hash + Eq>(classes: &[C], count: usize, seed: u64) -> Split {
    let mut order: Vec<usize> = (0..classes.len()).collect();
    order.shuffle(&mut rand_chacha::ChaCha8Rng::seed_from_u64(seed));
    let mut taken = HashSet::new();
    let labelled: Vec<usize> =
        order.into_iter().filter(|&row| taken.insert(&classes[row])).take(count).collect();
    let known: HashSet<&C> = labelled.iter().map(|&row| &classes[row]).collect();
    let held_out = (0..classes.len()).filter(|&row| !known.contains(&classes[row])).collect();
    Split { labelled, held_out }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_class_is_on_both_sides(
            classes in prop::collection::vec(0..9u8, 0..60),
            count in 0..12usize,
            seed: u64,
        ) {
            let Split { labelled, held_out } = draw_labels(&classes, count, seed);
            let known: HashSet<u8> = labelled.iter().map(|&row| classes[row]).collect();
            let all: HashSet<u8> = classes.iter().copied().collect();
            prop_assert_eq!(known.len(), labelled.len());
            prop_assert_eq!(labelled.len(), count.min(all.len()));
            prop_assert!(held_out.iter().all(|&row| !known.contains(&classes[row])));
            let on_neither = classes.len() - held_out.len();
            let of_known = classes.iter().filter(|class| known.contains(class)).count();
            prop_assert_eq!(on_neither, of_known);
        }
    }
}
