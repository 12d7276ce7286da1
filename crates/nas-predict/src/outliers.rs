//! Limits for the accuracies of failed training runs.

/// Limits accuracies to Tukey's outer fences (Tukey 1977): three times the range between the quartiles
/// below the lower and above the upper quartile.
///
/// The accuracy of a failed training run contains no information about its architecture, and a single
/// one outweighs all others in a least-squares fit.
pub fn within_fences(accuracies: &[f64]) -> Vec<f64> {
    let mut sorted = accuracies.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let quartile = |share: f64| {
        let place = share * sorted.len().saturating_sub(1) as f64;
        sorted.get(place as usize).copied().unwrap_or(f64::NAN)
    };
    let (lower, upper) = (quartile(0.25), quartile(0.75));
    let range = 3.0 * (upper - lower);
    let fenced = |accuracy: &f64| accuracy.max(lower - range).min(upper + range);
    accuracies.iter().map(fenced).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_run_is_limited_and_the_others_are_unchanged() {
        let accuracies = [66.0, 67.0, 68.0, 69.0, 70.0, 48.5];
        // Quartiles 66 and 68 (the second and the fourth of six).
        assert_eq!(within_fences(&accuracies), [66.0, 67.0, 68.0, 69.0, 70.0, 60.0]);
        assert_eq!(within_fences(&[5.0; 4]), [5.0; 4]);
        assert_eq!(within_fences(&[]), [0.0; 0]);
    }
}
