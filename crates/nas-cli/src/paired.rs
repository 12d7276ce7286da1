//! Two methods compared by the seeds that both have.

use nas_pareto::statistics::{Estimate, paired_p};

/// The mean of differences, one for each seed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    pub seeds: usize,
    pub estimate: Estimate,
    /// The two-sided p-value of a paired t-test; `None` for fewer than two seeds, or where all
    /// differences are equal.
    pub p: Option<f64>,
}

impl Difference {
    pub fn of(differences: &[f64]) -> Self {
        Self {
            seeds: differences.len(),
            estimate: Estimate::of(differences),
            p: paired_p(differences),
        }
    }

    /// The mean with its sign and interval, for example `+0.0062 ± 0.0043`.
    pub fn text(&self, decimals: usize) -> String {
        let text = self.estimate.text(decimals);
        if text.starts_with('-') { text } else { format!("+{text}") }
    }

    pub fn p_text(&self) -> String {
        match self.p {
            None => "-".to_owned(),
            Some(p) if p < 0.0005 => "<0.001".to_owned(),
            Some(p) => format!("{p:.3}"),
        }
    }
}

/// What the tables of differences say below them.
pub const PAIRED: &str = "p of a paired t-test, not corrected for the number of comparisons";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_shows_its_sign_its_interval_and_p() {
        let less = Difference::of(&[-0.2, -0.1, -0.3]);
        assert_eq!((less.text(2).as_str(), less.p_text().as_str()), ("-0.20 ± 0.25", "0.074"));
        let one = Difference::of(&[0.25]);
        assert_eq!((one.text(2).as_str(), one.p_text().as_str()), ("+0.25", "-"));
        let sure = Difference::of(&[1.0, 1.001, 0.999, 1.0]);
        assert_eq!(sure.p_text(), "<0.001");
    }
}
