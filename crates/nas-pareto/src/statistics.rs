//! Quality indicators compared over seeds: means with their intervals, and paired tests.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// A mean with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The mean; 0 of no values.
    pub mean: f64,
    /// Half the width of the 95 % interval of the mean by Student's t; `None` for fewer than two
    /// values.
    pub half: Option<f64>,
}

impl Estimate {
    /// The mean of some values, such as one hypervolume for each seed.
    pub fn of(values: &[f64]) -> Self {
        let half = spread(values).map(|(error, student)| student.inverse_cdf(0.975) * error);
        Self { mean: mean(values), half }
    }

    /// The mean and the interval with a number of decimals, for example `0.9977 ± 0.0002`.
    pub fn text(&self, decimals: usize) -> String {
        let mean = signless_zero(format!("{:.decimals$}", self.mean));
        match self.half {
            Some(half) => format!("{mean} ± {half:.decimals$}"),
            None => mean,
        }
    }

    /// Like [`text`](Self::text), always with a sign, for a difference: `+0.0012 ± 0.0004`, `−0.0012`.
    pub fn signed(&self, decimals: usize) -> String {
        let text = self.text(decimals);
        if text.starts_with('-') { text.replacen('-', "−", 1) } else { format!("+{text}") }
    }
}

fn signless_zero(text: String) -> String {
    let is_zero =
        text.starts_with('-') && !text.bytes().any(|byte| byte.is_ascii_digit() && byte != b'0');
    if is_zero { text[1..].to_owned() } else { text }
}

/// The two-sided p-value of a paired test by Student's t; `None` for fewer than two differences, or
/// where all are equal.
pub fn paired_p(differences: &[f64]) -> Option<f64> {
    let (error, student) = spread(differences)?;
    (error > 0.0).then(|| 2.0 * student.cdf(-(mean(differences) / error).abs()))
}

/// The mean of some values; 0 of none.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The standard error of the mean, and the distribution of the mean in units of that error.
fn spread(values: &[f64]) -> Option<(f64, StudentsT)> {
    let (count, mean) = (values.len() as f64, mean(values));
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let student = StudentsT::new(0.0, 1.0, count - 1.0).ok()?;
    Some(((squares / (count - 1.0) / count).sqrt(), student))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_the_textbook() {
        // Of four values with standard deviation 1: t(0.975; 3) = 3.182.
        let deviation = (0.75_f64).sqrt();
        let values = [1.0 - deviation, 1.0 - deviation, 1.0 + deviation, 1.0 + deviation];
        let estimate = Estimate::of(&values);
        assert!((estimate.mean - 1.0).abs() < 1e-12);
        assert!((estimate.half.unwrap() - 3.182 / 2.0).abs() < 1e-3);
        assert_eq!(Estimate::of(&[2.0]), Estimate { mean: 2.0, half: None });
        assert_eq!(estimate.text(2), "1.00 ± 1.59");
        assert_eq!(Estimate { mean: -0.0001, half: None }.signed(2), "+0.00");
        assert_eq!(Estimate { mean: -0.5, half: Some(0.25) }.signed(2), "−0.50 ± 0.25");
    }

    #[test]
    fn p_values_are_those_of_the_textbook() {
        // t = 2 with 4 degrees of freedom: 0.1161.
        let unit = [-1.0, -0.5, 0.0, 0.5, 1.0];
        let error = (2.5_f64 / 4.0 / 5.0).sqrt();
        let shifted: Vec<f64> = unit.iter().map(|value| value + 2.0 * error).collect();
        assert!((paired_p(&shifted).unwrap() - 0.1161).abs() < 1e-4);
        assert_eq!(paired_p(&[1.0]), None);
        assert_eq!(paired_p(&[1.0, 1.0]), None);
    }
}
