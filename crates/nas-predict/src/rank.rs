//! Rank correlations and regret: how well predictions order architectures.

use std::cmp::Ordering;

/// Spearman's rank correlation; ties have their mean rank. `None` where either side is constant or
/// contains a NaN, which has no rank, for fewer than two values, and for slices of different lengths.
pub fn spearman(predicted: &[f64], truth: &[f64]) -> Option<f64> {
    if !comparable(predicted, truth) {
        return None;
    }
    correlation(&ranks(predicted), &ranks(truth))
}

/// Whether both sides have a rank for every row.
fn comparable(predicted: &[f64], truth: &[f64]) -> bool {
    let ranked = |values: &[f64]| !values.iter().any(|value| value.is_nan());
    predicted.len() == truth.len() && ranked(predicted) && ranked(truth)
}

/// Kendall's τ-b, which allows for ties; `None` as for [`spearman`]. Takes O(n log n).
pub fn kendall(predicted: &[f64], truth: &[f64]) -> Option<f64> {
    if !comparable(predicted, truth) {
        return None;
    }
    let mut order: Vec<usize> = (0..predicted.len()).collect();
    order.sort_by(|&a, &b| {
        predicted[a].total_cmp(&predicted[b]).then(truth[a].total_cmp(&truth[b]))
    });
    let pairs = |count: usize| (count * count.saturating_sub(1) / 2) as f64;
    let tied = |equal: &dyn Fn(usize, usize) -> bool, order: &[usize]| -> f64 {
        order.chunk_by(|&a, &b| equal(a, b)).map(|run| pairs(run.len())).sum()
    };
    let same = |values: &[f64], a: usize, b: usize| values[a].total_cmp(&values[b]).is_eq();
    let in_first = tied(&|a, b| same(predicted, a, b), &order);
    let in_both = tied(&|a, b| same(predicted, a, b) && same(truth, a, b), &order);
    let mut second: Vec<f64> = order.iter().map(|&row| truth[row]).collect();
    let swaps = inversions(&mut second) as f64;
    // They are sorted now.
    let in_second: f64 =
        second.chunk_by(|a, b| a.total_cmp(b).is_eq()).map(|run| pairs(run.len())).sum();
    let all = pairs(order.len());
    let scale = ((all - in_first) * (all - in_second)).sqrt();
    (scale > 0.0).then(|| (all - in_first - in_second + in_both - 2.0 * swaps) / scale)
}

/// Spearman's rank correlation among those whose truth is in the best `share` of all, ties with
/// the last of them included; more is better. `None` as for [`spearman`].
pub fn spearman_of_best(predicted: &[f64], truth: &[f64], share: f64) -> Option<f64> {
    let mut sorted = truth.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let count = (truth.len() as f64 * share).ceil() as usize;
    let least = sorted.get(count.max(1) - 1)?;
    let best = |values: &[f64]| -> Vec<f64> {
        values.iter().zip(truth).filter(|(_, t)| *t >= least).map(|(v, _)| *v).collect()
    };
    spearman(&best(predicted), &best(truth))
}

/// The greatest truth of all minus the greatest truth among the `k` with the greatest predictions, in
/// the truth's unit. `None` for no values, for `k` = 0, for a NaN, and for slices of different lengths.
pub fn regret(predicted: &[f64], truth: &[f64], k: usize) -> Option<f64> {
    if !comparable(predicted, truth) {
        return None;
    }
    let mut order: Vec<usize> = (0..predicted.len()).collect();
    order.sort_by(|&a, &b| predicted[b].total_cmp(&predicted[a]));
    let chosen = order.iter().take(k).map(|&row| truth[row]).reduce(f64::max)?;
    Some(truth.iter().copied().reduce(f64::max)? - chosen)
}

/// Ranks from 1, ties at their mean rank.
pub(crate) fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for run in order.chunk_by(|&a, &b| values[a].partial_cmp(&values[b]) == Some(Ordering::Equal)) {
        let mean = before as f64 + (run.len() + 1) as f64 / 2.0;
        for &row in run {
            ranks[row] = mean;
        }
        before += run.len();
    }
    ranks
}

fn correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        ab += (x - mean_a) * (y - mean_b);
        aa += (x - mean_a) * (x - mean_a);
        bb += (y - mean_b) * (y - mean_b);
    }
    (aa > 0.0 && bb > 0.0).then(|| ab / (aa * bb).sqrt())
}

/// Sorts by merging and returns how many pairs were in the wrong order.
fn inversions(values: &mut [f64]) -> u64 {
    let middle = values.len() / 2;
    if middle == 0 {
        return 0;
    }
    let (left, right) = values.split_at_mut(middle);
    let mut count = inversions(left) + inversions(right);
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut l, mut r) = (0, 0);
    while l < left.len() && r < right.len() {
        if right[r].total_cmp(&left[l]).is_lt() {
            merged.push(right[r]);
            count += (left.len() - l) as u64;
            r += 1;
        } else {
            merged.push(left[l]);
            l += 1;
        }
    }
    merged.extend_from_slice(&left[l..]);
    merged.extend_from_slice(&right[r..]);
    values.copy_from_slice(&merged);
    count
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn perfect_reversed_and_constant_orders() {
        let up = [1.0, 2.0, 3.0, 4.0];
        let down = [4.0, 3.0, 2.0, 1.0];
        for correlation in [spearman, kendall] {
            assert_eq!(correlation(&up, &up), Some(1.0));
            assert_eq!(correlation(&up, &down), Some(-1.0));
            assert_eq!(correlation(&up, &[5.0; 4]), None);
            assert_eq!(correlation(&[], &[]), None);
        }
        assert_eq!(spearman(&up, &up[..3]), None);
        assert_eq!(spearman(&up, &[1.0, f64::NAN, 2.0, 3.0]), None);
    }

    #[test]
    fn ties_count_as_in_the_textbook() {
        let (a, b) = ([1.0, 2.0, 3.0, 4.0, 5.0], [5.0, 6.0, 7.0, 8.0, 7.0]);
        assert_relative_eq!(spearman(&a, &b).unwrap(), 0.820_782_681_668_123_3, epsilon = 1e-12);
        // Ranks 1.5 1.5 3 4 against 1 2 3.5 3.5.
        let (a, b) = ([1.0, 1.0, 2.0, 3.0], [1.0, 2.0, 3.0, 3.0]);
        assert_relative_eq!(spearman(&a, &b).unwrap(), 4.0 / 4.5, epsilon = 1e-12);
        assert_relative_eq!(kendall(&a, &b).unwrap(), 4.0 / 5.0, epsilon = 1e-12);
    }

    #[test]
    fn the_best_share_and_the_regret() {
        let truth = [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 100.0];
        let mut predicted = truth;
        predicted.swap(8, 9);
        assert_eq!(spearman_of_best(&predicted, &truth, 0.2), Some(-1.0));
        assert_eq!(regret(&predicted, &truth, 1), Some(10.0));
        assert_eq!(regret(&predicted, &truth, 2), Some(0.0));
        assert_eq!(regret(&predicted, &truth, 0), None);
    }

    proptest! {
        #[test]
        fn kendall_equals_a_count_of_all_pairs(
            pairs in prop::collection::vec((0..6u8, 0..6u8), 2..40)
        ) {
            let a: Vec<f64> = pairs.iter().map(|pair| f64::from(pair.0)).collect();
            let b: Vec<f64> = pairs.iter().map(|pair| f64::from(pair.1)).collect();
            let (mut sum, mut untied_a, mut untied_b) = (0.0, 0.0, 0.0);
            for i in 0..a.len() {
                for j in 0..i {
                    let sign = |x: f64| if x == 0.0 { 0.0 } else { x.signum() };
                    let (x, y) = (sign(a[i] - a[j]), sign(b[i] - b[j]));
                    sum += x * y;
                    untied_a += x * x;
                    untied_b += y * y;
                }
            }
            let scale: f64 = untied_a * untied_b;
            let expected = (scale > 0.0).then(|| sum / scale.sqrt());
            match (kendall(&a, &b), expected) {
                (Some(found), Some(expected)) => prop_assert!((found - expected).abs() < 1e-12),
                (found, expected) => prop_assert_eq!(found, expected),
            }
        }
    }
}
