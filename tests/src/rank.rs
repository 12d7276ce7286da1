/// Spearman's rank correlation, signed; equal values share the mean of their ranks.
///
/// # Panics
/// If the two are not of one length, or hold NaN.
pub fn spearman(one: &[f64], other: &[f64]) -> f64 {
    assert_eq!(one.len(), other.len(), "a correlation is of pairs");
    let (one, other) = (ranks(one), ranks(other));
    let mean = (one.len() as f64 - 1.0) / 2.0;
    let covariance = |a: &[f64], b: &[f64]| -> f64 {
        a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum()
    };
    covariance(&one, &other) / (covariance(&one, &one) * covariance(&other, &other)).sqrt()
}

fn ranks(values: &[f64]) -> Vec<f64> {
    assert!(!values.iter().any(|value| value.is_nan()), "NaN has no rank");
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for equal in order.chunk_by(|&a, &b| values[a].total_cmp(&values[b]).is_eq()) {
        let rank = first as f64 + (equal.len() as f64 - 1.0) / 2.0;
        for &index in equal {
            ranks[index] = rank;
        }
        first += equal.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::*;

    #[test]
    fn it_is_that_of_the_textbook() {
        let (one, other) = ([1.0, 2.0, 3.0, 4.0, 5.0], [5.0, 6.0, 7.0, 8.0, 7.0]);
        assert_relative_eq!(spearman(&one, &other), 0.820_782_681_668_123_3, max_relative = 1e-12);
    }

    #[test]
    fn direction_has_a_sign() {
        assert_relative_eq!(spearman(&[1.0, 2.0, 9.0], &[0.3, 0.2, 0.1]), -1.0);
    }
}
