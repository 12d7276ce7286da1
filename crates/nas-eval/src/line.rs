//! A line of least squares.

/// Fewest points through which a line is drawn; through fewer only one of slope 1.
const LINE: usize = 4;

/// Leads from a value early in a training to that at its end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Line {
    slope: f64,
    /// The means of both.
    from: f64,
    to: f64,
    /// The number of points, and the sum of their squared distances from the mean.
    count: f64,
    spread: f64,
    /// Of the points from the line.
    deviation: f64,
}

impl Line {
    /// The line of least squares through these points, if there are any. Where they are few, or do not rise,
    /// it is of slope 1 through their mean.
    pub(crate) fn through(points: &[(f64, f64)]) -> Option<Self> {
        let count = points.len() as f64;
        let sum = |of: &dyn Fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>();
        let (from, to) = (sum(&|point| point.0) / count, sum(&|point| point.1) / count);
        let spread = sum(&|point| (point.0 - from).powi(2));
        let slope = sum(&|point| (point.0 - from) * (point.1 - to)) / spread;
        let is_line = points.len() >= LINE && slope > 0.0 && slope.is_finite();
        let slope = if is_line { slope } else { 1.0 };
        let rest = sum(&|point| (point.1 - to - slope * (point.0 - from)).powi(2));
        let deviation = (rest / (count - 2.0).max(1.0)).sqrt();
        (!points.is_empty()).then_some(Self { slope, from, to, count, spread, deviation })
    }

    pub(crate) fn at(&self, value: f64) -> f64 {
        self.to + self.slope * (value - self.from)
    }

    /// The standard deviation of one more point from the line.
    pub(crate) fn deviation_at(&self, value: f64) -> f64 {
        self.deviation.hypot(self.error_at(value))
    }

    /// The standard error of the line itself, without the points' own deviations from it.
    pub(crate) fn error_at(&self, value: f64) -> f64 {
        let distance = (value - self.from).powi(2);
        let leverage = if self.spread > 0.0 { distance / self.spread } else { 0.0 };
        self.deviation * (1.0 / self.count + leverage).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_through_its_points_and_is_less_certain_far_from_them() {
        let line = Line::through(&[(1.0, 3.0), (2.0, 5.0), (3.0, 7.0), (4.0, 9.0)]).unwrap();
        assert!((line.at(10.0) - 21.0).abs() < 1e-9 && line.error_at(10.0) < 1e-9);
        let noisy = Line::through(&[(1.0, 3.5), (2.0, 4.5), (3.0, 7.5), (4.0, 8.5)]).unwrap();
        assert!(noisy.error_at(9.0) > noisy.error_at(2.5));
        let few = Line::through(&[(1.0, 5.0), (3.0, 5.0)]).unwrap();
        assert!((few.at(4.0) - 7.0).abs() < 1e-9);
        assert_eq!(Line::through(&[]), None);
        let falling = Line::through(&[(1.0, 4.0), (2.0, 3.0), (3.0, 2.0), (4.0, 1.0)]).unwrap();
        assert!((falling.at(3.5) - 3.5).abs() < 1e-9);
        let same = Line::through(&[(1.0, 4.0), (1.0, 6.0), (1.0, 4.0), (1.0, 6.0)]).unwrap();
        assert!((same.at(1.0) - 5.0).abs() < 1e-9 && same.error_at(1.0).is_finite());
    }
}
