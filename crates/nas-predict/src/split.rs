use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
};

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

/// Cuts the rows into `folds` parts at random, each class wholly in one, and holds out one part
/// after the other.
///
/// `classes` holds the class of each row.
pub fn cross_validation<C: Hash + Eq>(classes: &[C], folds: usize, seed: u64) -> Vec<Split> {
    let distinct: HashSet<&C> = classes.iter().collect();
    let mut parts: Vec<usize> = (0..distinct.len()).map(|at| at % folds.max(1)).collect();
    parts.shuffle(&mut rand_chacha::ChaCha8Rng::seed_from_u64(seed));
    // Classes in order of their first rows: a set has none.
    let mut part_of = HashMap::new();
    let parts: Vec<usize> = classes
        .iter()
        .map(|class| {
            let next = part_of.len();
            *part_of.entry(class).or_insert_with(|| parts[next])
        })
        .collect();
    let split = |fold| {
        let (held_out, labelled) = (0..classes.len()).partition(|&row| parts[row] == fold);
        Split { labelled, held_out }
    };
    (0..folds).map(split).collect()
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

        #[test]
        fn every_row_is_held_out_once_and_its_class_with_it(
            classes in prop::collection::vec(0..9u8, 0..60),
            folds in 1..7usize,
            seed: u64,
        ) {
            let splits = cross_validation(&classes, folds, seed);
            let mut all: Vec<usize> =
                splits.iter().flat_map(|split| split.held_out.iter().copied()).collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..classes.len()).collect::<Vec<_>>());
            let mut sizes = Vec::new();
            for Split { labelled, held_out } in splits {
                let known: HashSet<u8> = labelled.iter().map(|&row| classes[row]).collect();
                let new: HashSet<u8> = held_out.iter().map(|&row| classes[row]).collect();
                prop_assert!(known.is_disjoint(&new));
                prop_assert_eq!(labelled.len() + held_out.len(), classes.len());
                sizes.push(new.len());
            }
            let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
            prop_assert!(most - least <= 1);
        }
    }
}
