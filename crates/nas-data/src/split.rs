//! Examples that are held out of the training.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::dataset::Example;

/// Moves a share of each class, drawn by a seed, out of `examples`; what stays keeps its order.
///
/// Of a class with two examples or more at least one is moved and at least one stays; of a class with one
/// none is moved.
pub(crate) fn hold_out(
    examples: &mut Vec<Example>,
    classes: usize,
    share: f64,
    seed: u64,
) -> Vec<Example> {
    let mut of_class: Vec<Vec<usize>> = vec![Vec::new(); classes];
    for (position, example) in examples.iter().enumerate() {
        of_class[example.label as usize].push(position);
    }
    let mut is_held_out = vec![false; examples.len()];
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    for positions in &mut of_class {
        positions.shuffle(&mut random);
        let most = positions.len().saturating_sub(1);
        let count = ((positions.len() as f64 * share).round() as usize).clamp(1.min(most), most);
        for position in &positions[..count] {
            is_held_out[*position] = true;
        }
    }
    let mut marks = is_held_out.into_iter();
    let (held_out, kept) = examples.drain(..).partition(|_| marks.next() == Some(true));
    *examples = kept;
    held_out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_class_gives_its_share_and_nothing_is_lost(
            counts in prop::collection::vec(1_usize..40, 2..6),
            share in 0.01..0.99_f64,
            seed: u64,
        ) {
            let labels = counts.iter().enumerate().flat_map(|(label, count)| vec![label as u32; *count]);
            let all: Vec<Example> =
                labels.enumerate().map(|(at, label)| Example { at: at as u32, label }).collect();
            let mut kept = all.clone();
            let held_out = hold_out(&mut kept, counts.len(), share, seed);
            for (label, count) in counts.iter().enumerate() {
                let of = |examples: &[Example]| {
                    examples.iter().filter(|one| one.label as usize == label).count()
                };
                prop_assert_eq!(of(&kept) + of(&held_out), *count);
                prop_assert!(of(&kept) >= 1);
                prop_assert!(*count < 2 || of(&held_out) >= 1);
                prop_assert!((of(&held_out) as f64 - *count as f64 * share).abs() <= 1.0);
            }
            prop_assert!(kept.is_sorted_by_key(|one| one.at));
            let mut again = all.clone();
            prop_assert_eq!(held_out, hold_out(&mut again, counts.len(), share, seed));
        }
    }

    #[test]
    fn another_seed_holds_out_others() {
        let all: Vec<Example> = (0..100).map(|at| Example { at, label: at % 2 }).collect();
        let held_out = |seed| hold_out(&mut all.clone(), 2, 0.2, seed);
        assert_eq!(held_out(1).len(), 20);
        assert_ne!(held_out(1), held_out(2));
    }
}
