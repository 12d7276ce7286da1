//! How near a model's expectations were.

use serde::Serialize;

/// How near a model's expectations of one objective were, in the objective's unit.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Calibration {
    /// Expectations of architectures that were evaluated.
    pub count: usize,
    /// The mean of the expected value minus the one that came.
    pub bias: f64,
    /// The mean of its absolute value.
    pub mean_absolute_error: f64,
    /// The same, had the value of the parent been expected; of those that have one.
    pub of_parent: Option<f64>,
    /// How many have a parent with a value.
    #[serde(skip)]
    with_parent: usize,
}

impl Calibration {
    pub(crate) fn add(&mut self, expected: f64, came: f64, parent: Option<f64>) {
        let add = |mean: &mut f64, count: usize, value: f64| {
            *mean += (value - *mean) / count as f64;
        };
        self.count += 1;
        add(&mut self.bias, self.count, expected - came);
        add(&mut self.mean_absolute_error, self.count, (expected - came).abs());
        if let Some(parent) = parent {
            self.with_parent += 1;
            add(self.of_parent.get_or_insert(0.0), self.with_parent, (parent - came).abs());
        }
    }
}
