//! Intervals and tests by resampling, which assume no distribution.

use nas_pareto::statistics::mean;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Resamples of an interval, and flips of a test where not all are made.
const RESAMPLES: usize = 10_000;

/// Differences up to which all flips of signs are made.
const ALL_FLIPS: usize = 13;

/// Values that an interval by resampling needs at least: that of fewer is much too narrow.
const LEAST: usize = 5;

/// The 95 % interval of a mean, by resampling its values (percentile bootstrap). Fewer than five values
/// have none.
pub fn interval(values: &[f64]) -> Option<[f64; 2]> {
    if values.len() < LEAST {
        return None;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let draw = |rng: &mut ChaCha8Rng| {
        let drawn = (0..values.len()).map(|_| values[rng.random_range(0..values.len())]);
        drawn.sum::<f64>() / values.len() as f64
    };
    let mut means: Vec<f64> = (0..RESAMPLES).map(|_| draw(&mut rng)).collect();
    means.sort_by(f64::total_cmp);
    Some([means[RESAMPLES / 40], means[RESAMPLES - 1 - RESAMPLES / 40]])
}

/// The two-sided p-value that the mean of paired differences is 0: the share of flips of their signs with a
/// mean at least as far from 0. All flips of few differences, else random ones.
pub fn sign_flip(differences: &[f64]) -> Option<f64> {
    let count = differences.len();
    if count < 2 {
        return None;
    }
    let found = mean(differences).abs() - 1e-12;
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let is_far = |flips: &mut dyn FnMut(usize) -> bool| {
        let flipped = differences.iter().enumerate();
        let flipped = flipped.map(|(at, value)| if flips(at) { -value } else { *value });
        (flipped.sum::<f64>() / count as f64).abs() >= found
    };
    let (far, all) = if count <= ALL_FLIPS {
        let all = 1_usize << count;
        ((0..all).filter(|flips| is_far(&mut |at| flips >> at & 1 == 1)).count(), all)
    } else {
        let far = (0..RESAMPLES).filter(|_| is_far(&mut |_| rng.random())).count();
        // The differences as they are count as one.
        (far + 1, RESAMPLES + 1)
    };
    Some(far as f64 / all as f64)
}

/// The p-values of a family of tests, adjusted by Holm's method; those that are missing are not in it.
pub fn holm(p_values: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut order: Vec<(usize, f64)> =
        p_values.iter().enumerate().filter_map(|(at, p)| Some((at, (*p)?))).collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut adjusted = vec![None; p_values.len()];
    let mut least = 0.0_f64;
    for (rank, &(at, p)) in order.iter().enumerate() {
        least = least.max(p * (order.len() - rank) as f64).min(1.0);
        adjusted[at] = Some(least);
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_differences_of_one_sign_have_the_least_p_that_flips_allow() {
        assert_eq!(sign_flip(&[1.0, 2.0, 3.0, 1.5, 0.5]), Some(2.0 / 32.0));
        assert_eq!(sign_flip(&[1.0, -1.0]), Some(1.0));
        assert_eq!(sign_flip(&[1.0]), None);
        let many = [1.0; 40];
        assert!(sign_flip(&many).unwrap() < 0.001);
        let even: Vec<f64> = (0..40).map(|at| if at % 2 == 0 { 1.0 } else { -1.0 }).collect();
        assert_eq!(sign_flip(&even), Some(1.0));
    }

    #[test]
    fn intervals_hold_the_mean_and_shrink_with_more_values() {
        let values: Vec<f64> = (0..100).map(f64::from).collect();
        let [low, high] = interval(&values).unwrap();
        // The standard error of the mean is 2.9.
        assert!((low - (49.5 - 5.7)).abs() < 0.6 && (high - (49.5 + 5.7)).abs() < 0.6);
        assert_eq!(interval(&[1.0, 2.0, 3.0, 4.0]), None);
        assert_eq!(interval(&[2.0; 5]), Some([2.0, 2.0]));
    }

    #[test]
    fn holm_multiplies_the_least_by_all_and_keeps_the_order() {
        let adjusted = holm(&[Some(0.01), None, Some(0.04), Some(0.03)]);
        let rounded: Vec<Option<f64>> =
            adjusted.iter().map(|p| p.map(|p| (p * 1e6).round() / 1e6)).collect();
        assert_eq!(rounded, [Some(0.03), None, Some(0.06), Some(0.06)]);
    }
}
