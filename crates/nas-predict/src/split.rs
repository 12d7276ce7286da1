//! Splits of rows in which equal networks are never on both sides.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
};

use rand::{SeedableRng, seq::SliceRandom};

/// Rows to learn from, and rows to report on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// The rows whose trained accuracies may be learnt from, in the order drawn, each of another class.
    pub trained: Vec<usize>,
    /// The rows of all other classes, ascending.
    pub held_out: Vec<usize>,
}

/// Draws `count` rows at random, at most one of each class, and holds out the rows of all other
/// classes: a network that is the same as a trained one would count as predicted.
///
/// `classes` holds the class of each row. Fewer rows are drawn if there are fewer classes.
pub fn draw_trained<C: Hash + Eq>(classes: &[C], count: usize, seed: u64) -> Split {
    let mut order: Vec<usize> = (0..classes.len()).collect();
    order.shuffle(&mut rand_chacha::ChaCha8Rng::seed_from_u64(seed));
    let mut drawn = HashSet::new();
    let trained: Vec<usize> =
        order.into_iter().filter(|&row| drawn.insert(&classes[row])).take(count).collect();
    let known: HashSet<&C> = trained.iter().map(|&row| &classes[row]).collect();
    let held_out = (0..classes.len()).filter(|&row| !known.contains(&classes[row])).collect();
    Split { trained, held_out }
}

/// Divides the rows into `folds` parts at random, each class in one of them, and holds out one part
/// after the other.
///
/// `classes` holds the class of each row.
pub fn cross_validation<C: Hash + Eq>(classes: &[C], folds: usize, seed: u64) -> Vec<Split> {
    let distinct: HashSet<&C> = classes.iter().collect();
    let mut parts: Vec<usize> = (0..distinct.len()).map(|at| at % folds.max(1)).collect();
    parts.shuffle(&mut rand_chacha::ChaCha8Rng::seed_from_u64(seed));
    // Classes in the order of their first rows: a set has no order.
    let mut part_of = HashMap::new();
    let parts: Vec<usize> = classes
        .iter()
        .map(|class| {
            let next = part_of.len();
            *part_of.entry(class).or_insert_with(|| parts[next])
        })
        .collect();
    let split = |fold| {
        let (held_out, trained) = (0..classes.len()).partition(|&row| parts[row] == fold);
        Split { trained, held_out }
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
            let Split { trained, held_out } = draw_trained(&classes, count, seed);
            let known: HashSet<u8> = trained.iter().map(|&row| classes[row]).collect();
            let all: HashSet<u8> = classes.iter().copied().collect();
            prop_assert_eq!(known.len(), trained.len());
            prop_assert_eq!(trained.len(), count.min(all.len()));
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
            for Split { trained, held_out } in splits {
                let known: HashSet<u8> = trained.iter().map(|&row| classes[row]).collect();
                let new: HashSet<u8> = held_out.iter().map(|&row| classes[row]).collect();
                prop_assert!(known.is_disjoint(&new));
                prop_assert_eq!(trained.len() + held_out.len(), classes.len());
                sizes.push(new.len());
            }
            let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
            prop_assert!(most - least <= 1);
        }
    }
}
