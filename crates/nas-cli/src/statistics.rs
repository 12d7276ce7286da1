//! Means with their intervals, and paired differences.

use statrs::distribution::{ContinuousCDF, StudentsT};

pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// Half the 95 % interval of the mean by Student's t; none for fewer than two values.
pub fn half_interval(values: &[f64]) -> Option<f64> {
    let (error, student) = spread(values)?;
    Some(student.inverse_cdf(0.975) * error)
}

/// The two-sided p-value of paired differences by Student's t; none for fewer than two, or where
/// all are equal.
pub fn paired_p(differences: &[f64]) -> Option<f64> {
    let (error, student) = spread(differences)?;
    (error > 0.0).then(|| 2.0 * student.cdf(-(mean(differences) / error).abs()))
}

/// The mean's standard error, and its distribution in these.
fn spread(values: &[f64]) -> Option<(f64, StudentsT)> {
    let (count, mean) = (values.len() as f64, mean(values));
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let student = StudentsT::new(0.0, 1.0, count - 1.0).ok()?;
    Some(((squares / (count - 1.0) / count).sqrt(), student))
}

/// A mean with its interval, for people.
pub fn estimate(values: &[f64]) -> String {
    match half_interval(values) {
        Some(half) => format!("{:.4} ± {half:.4}", mean(values)),
        None => format!("{:.4}", mean(values)),
    }
}
