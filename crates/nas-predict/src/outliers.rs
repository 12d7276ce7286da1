/// Labels of which those far outside are held at the fence: more than three times the range between
/// the quartiles below the lower or above the upper one (Tukey 1977).
///
/// A training run that failed says nothing of its architecture, and a single such label outweighs
/// all others in a least-squares fit.
pub fn within_fences(labels: &[f64]) -> Vec<f64> {
    let mut sorted = labels.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let quartile = |share: f64| {
        let place = share * sorted.len().saturating_sub(1) as f64;
        sorted.get(place as usize).copied().unwrap_or(f64::NAN)
    };
    let (lower, upper) = (quartile(0.25), quartile(0.75));
    let range = 3.0 * (upper - lower);
    let fenced = |label: &f64| label.max(lower - range).min(upper + range);
    labels.iter().map(fenced).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_run_is_held_at_the_fence_and_the_others_stay() {
        let labels = [66.0, 67.0, 68.0, 69.0, 70.0, 48.5];
        // Quartiles 66 and 68 (the second and the fourth of six).
        assert_eq!(within_fences(&labels), [66.0, 67.0, 68.0, 69.0, 70.0, 60.0]);
        assert_eq!(within_fences(&[5.0; 4]), [5.0; 4]);
        assert_eq!(within_fences(&[]), [0.0; 0]);
    }
}
