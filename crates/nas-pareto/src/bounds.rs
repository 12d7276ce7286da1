//! The range of each objective, and points scaled by it.

use crate::points::check_dimension;
use crate::{Error, IntoPoints, PointSet, Result};

/// The smallest and the largest value of each objective over a set of points.
#[derive(Debug, Clone, PartialEq)]
pub struct Bounds {
    min: Vec<f64>,
    max: Vec<f64>,
}

impl Bounds {
    /// The bounds of a set with at least one point.
    ///
    /// # Errors
    /// Those of [`IntoPoints`], [`Error::Empty`], and [`Error::Overflow`] where a range is beyond
    /// `f64`.
    pub fn of<'a>(points: impl IntoPoints<'a>) -> Result<Self> {
        let points = points.into_points()?;
        let mut rows = points.iter();
        let first = rows.next().ok_or(Error::Empty("set to be bounded"))?;
        let (mut min, mut max) = (first.to_vec(), first.to_vec());
        for row in rows {
            for (column, &value) in row.iter().enumerate() {
                min[column] = min[column].min(value);
                max[column] = max[column].max(value);
            }
        }
        if min.iter().zip(&max).any(|(min, max)| !(max - min).is_finite()) {
            return Err(Error::Overflow("range of an objective"));
        }
        Ok(Self { min, max })
    }

    /// The smallest value of each objective: the ideal point.
    pub fn min(&self) -> &[f64] {
        &self.min
    }

    /// The largest value of each objective.
    pub fn max(&self) -> &[f64] {
        &self.max
    }

    /// Scales points so that each objective's bounds become 0 and 1.
    ///
    /// Points outside the bounds are scaled to values outside [0, 1]. An objective whose bounds are equal has no
    /// range to divide by and is only shifted: its value at the bound becomes 0, and what is worse
    /// stays worse.
    ///
    /// # Errors
    /// Those of [`IntoPoints`], [`Error::Dimension`], and [`Error::Overflow`] where a scaled value
    /// is beyond `f64`.
    pub fn scale<'a>(&self, points: impl IntoPoints<'a>) -> Result<PointSet> {
        let points = points.into_points()?;
        check_dimension("set to be scaled", points.dimension(), self.min.len())?;
        let mut values = Vec::with_capacity(points.values().len());
        for row in points {
            for ((&value, &min), &max) in row.iter().zip(&self.min).zip(&self.max) {
                let range = if max > min { max - min } else { 1.0 };
                values.push((value - min) / range);
            }
        }
        PointSet::new(values, points.dimension()).map_err(|_| Error::Overflow("scaled value"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_become_zero_and_one() -> Result<()> {
        let points = [[2.0, -1.0, 7.0], [6.0, 3.0, 7.0], [4.0, 0.0, 7.0]];
        let bounds = Bounds::of(&points)?;
        assert_eq!(bounds.min(), [2.0, -1.0, 7.0]);
        assert_eq!(bounds.max(), [6.0, 3.0, 7.0]);
        let scaled = bounds.scale(&points)?.into_values();
        assert_eq!(scaled, [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.5, 0.25, 0.0]);
        let outside = bounds.scale(&[[8.0, -5.0, 9.0]])?.into_values();
        assert_eq!(outside, [1.5, -1.0, 2.0]);
        Ok(())
    }

    #[test]
    fn refusals() {
        let none: [[f64; 2]; 0] = [];
        assert_eq!(Bounds::of(&none), Err(Error::Empty("set to be bounded")));
        assert!(matches!(Bounds::of(&[[f64::MAX], [f64::MIN]]), Err(Error::Overflow(_))));
        let tiny = Bounds::of(&[[0.0], [1e-300]]);
        assert!(matches!(tiny.and_then(|b| b.scale(&[[1e300]])), Err(Error::Overflow(_))));
        let two = Bounds::of(&[[0.0, 1.0]]);
        assert!(matches!(two.and_then(|b| b.scale(&[[1.0]])), Err(Error::Dimension { .. })));
    }
}
