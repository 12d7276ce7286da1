//! Mean and standard deviation.

/// The mean and the standard deviation (of a population) of some values; 0 for both where there are
/// none.
pub(crate) fn moments(values: &[f64]) -> (f64, f64) {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    (mean, (squares / count).sqrt())
}

/// Values with mean 0 and standard deviation 1, the mean, and the standard deviation; 1 in its place
/// where all values are equal.
pub(crate) fn standardised(values: &[f64]) -> (Vec<f64>, f64, f64) {
    let (mean, deviation) = moments(values);
    let scale = if deviation > 0.0 { deviation } else { 1.0 };
    (values.iter().map(|value| (value - mean) / scale).collect(), mean, scale)
}
