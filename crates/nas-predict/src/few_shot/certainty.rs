//! How uncertain the latency of each architecture is, given those that are measured.

use super::features::{Features, dot};
use crate::likelihood::JITTER;

/// The variance of each architecture's latency, which falls with every measurement.
pub(super) struct Certainty<'a> {
    features: &'a Features,
    noise: f64,
    /// The covariance of the coefficients.
    covariance: Vec<f64>,
    pub variances: Vec<f64>,
    /// Which architectures are not measured.
    open: Vec<bool>,
}

impl<'a> Certainty<'a> {
    pub(super) fn new(features: &'a Features, noise: f64) -> Self {
        let width = features.width;
        let mut covariance = vec![0.0; width * width];
        for at in 0..width {
            covariance[at * width + at] = 1.0;
        }
        let rows = features.rows();
        let variances = (0..rows).map(|at| dot(features.row(at), features.row(at))).collect();
        Self { features, noise, covariance, variances, open: vec![true; rows] }
    }

    /// The least certain of those that are open; it counts as measured from then on.
    pub(super) fn choose(&mut self) -> Option<usize> {
        let left = (0..self.open.len()).filter(|&at| self.open[at]);
        let least = left.max_by(|&a, &b| self.variances[a].total_cmp(&self.variances[b]))?;
        self.learn(least);
        Some(least)
    }

    /// Updates the variances by one more measurement.
    pub(super) fn learn(&mut self, at: usize) {
        self.open[at] = false;
        let width = self.features.width;
        let row = self.features.row(at);
        let along: Vec<f64> = self.covariance.chunks(width).map(|line| dot(line, row)).collect();
        let total = self.noise + JITTER + dot(&along, row);
        for (line, a) in self.covariance.chunks_mut(width).zip(&along) {
            for (value, b) in line.iter_mut().zip(&along) {
                *value -= a * b / total;
            }
        }
        for (other, variance) in self.variances.iter_mut().enumerate() {
            *variance -= dot(&along, self.features.row(other)).powi(2) / total;
        }
    }
}
