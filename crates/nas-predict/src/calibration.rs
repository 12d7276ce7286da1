use serde::{Deserialize, Serialize};

/// The share of labels that an interval should hold.
const NOMINAL: f64 = 0.9;

/// How near, in shares of the labels' ranks, errors count most.
const NEAR: f64 = 0.05;

/// How many labels' worth all errors count everywhere, however far.
const EVERYWHERE: f64 = 5.0;

/// How many standard deviations an interval reaches from its middle: the weighted quantile of the
/// errors of labels that were predicted from all others, in which those count most that are
/// predicted to be about as good (localised conformal prediction; Guan 2023, with a kernel on
/// predicted ranks). What is predicted bad errs in other ways than what is predicted good.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Calibration {
    /// The labels as they are predicted from all others, ascending.
    predicted: Vec<f64>,
    /// For what is predicted to be above none, one, …, all of them.
    reaches: Vec<f64>,
}

impl Calibration {
    /// Learns from each label's prediction from all others, and by how many standard deviations it
    /// is wrong.
    pub(crate) fn learn(labels: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let mut labels: Vec<(f64, f64)> = labels.into_iter().collect();
        labels.sort_by(|a, b| a.0.total_cmp(&b.0));
        let count = labels.len() as f64;
        let mut ascending: Vec<usize> = (0..labels.len()).collect();
        ascending.sort_by(|&a, &b| labels[a].1.total_cmp(&labels[b].1));
        let reach = |rank: usize| {
            let weight = |other: usize| {
                let distance = (rank as f64 - other as f64) / count / NEAR;
                (-0.5 * distance * distance).exp() + EVERYWHERE / count
            };
            let all: f64 = (0..labels.len()).map(weight).sum();
            // What is asked for is one more of their kind, as wrong as can be.
            let wanted = NOMINAL * (1.0 + all);
            let mut sum = 0.0;
            let enough = ascending.iter().find(|&&label| {
                sum += weight(label);
                sum >= wanted
            });
            enough.or(ascending.last()).map_or(0.0, |&label| labels[label].1)
        };
        let reaches = (0..=labels.len()).map(reach).collect();
        Self { predicted: labels.into_iter().map(|label| label.0).collect(), reaches }
    }

    /// In standard deviations.
    pub(crate) fn reach(&self, predicted: f64) -> f64 {
        self.reaches[self.predicted.partition_point(|other| *other < predicted)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_what_is_predicted_alike_count_most() {
        // The lower half errs by up to 4, the upper half by up to 1.
        let label = |rank: usize| {
            let widest = if rank < 100 { 4.0 } else { 1.0 };
            (rank as f64, widest * ((rank * 37 % 100) as f64 + 1.0) / 100.0)
        };
        let calibration = Calibration::learn((0..200).map(label));
        let (low, high) = (calibration.reach(20.0), calibration.reach(180.0));
        assert!((3.2..=4.0).contains(&low), "{low}");
        assert!((0.9..=2.0).contains(&high), "{high}");
    }

    #[test]
    fn few_labels_give_their_widest_error_and_none_gives_none() {
        let calibration = Calibration::learn([(0.0, 1.0), (1.0, 3.0), (2.0, 2.0)]);
        for at in [-1.0, 0.5, 9.0] {
            approx::assert_relative_eq!(calibration.reach(at), 3.0);
            approx::assert_relative_eq!(Calibration::learn([]).reach(at), 0.0);
        }
    }
}
