//! Distances from a front to the points that were found: IGD and IGD+.

use crate::points::check_dimension;
use crate::{Error, IntoPoints, Points, Result};

/// Inverted generational distance: the mean Euclidean distance from each point of `front`, the
/// front to be found, to the nearest of `found`. 0 is perfect.
///
/// Objectives should share a scale, see [`Bounds`](crate::Bounds). O(front · found · objectives).
///
/// # Errors
/// Those of [`IntoPoints`]; [`Error::Empty`] where either set is empty; [`Error::Dimension`];
/// [`Error::Overflow`].
pub fn igd<'a, 'b>(found: impl IntoPoints<'a>, front: impl IntoPoints<'b>) -> Result<f64> {
    mean_distance(found.into_points()?, front.into_points()?, |found, target| found - target)
}

/// IGD+ (Ishibuchi, Masuda, Tanigaki and Nojima 2015, eq. 17): as [`igd`], but an objective in which
/// the found point is better than the front's adds nothing. Never above IGD, and never better for a
/// set that another one weakly dominates.
///
/// # Errors
/// As [`igd`].
pub fn igd_plus<'a, 'b>(found: impl IntoPoints<'a>, front: impl IntoPoints<'b>) -> Result<f64> {
    mean_distance(found.into_points()?, front.into_points()?, |found, target| {
        (found - target).max(0.0)
    })
}

fn mean_distance(
    found: Points<'_>,
    front: Points<'_>,
    difference: impl Fn(f64, f64) -> f64,
) -> Result<f64> {
    check_dimension("front", front.dimension(), found.dimension())?;
    if found.is_empty() {
        return Err(Error::Empty("found set"));
    }
    if front.is_empty() {
        return Err(Error::Empty("front"));
    }
    let squared = |target: &[f64], point: &[f64]| -> f64 {
        let pairs = point.iter().zip(target);
        pairs.map(|(&found, &target)| difference(found, target).powi(2)).sum()
    };
    let total: f64 = front
        .iter()
        .map(|target| {
            let distances = found.iter().map(|point| squared(target, point));
            distances.fold(f64::INFINITY, f64::min).sqrt()
        })
        .sum();
    let mean = total / front.len() as f64;
    if mean.is_finite() { Ok(mean) } else { Err(Error::Overflow("distance between points")) }
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::*;

    #[test]
    fn worked_by_hand() -> Result<()> {
        let front = [[0.0, 1.0], [1.0, 0.0]];
        let found = [[0.0, 1.5], [4.0, 4.0]];
        // From (0, 1): 0.5. From (1, 0): to (0, 1.5), sqrt(1 + 2.25), and 1.5 when the better first
        // objective does not count.
        assert_relative_eq!(igd(&found, &front)?, f64::midpoint(0.5, 3.25_f64.sqrt()));
        assert_relative_eq!(igd_plus(&found, &front)?, 1.0);
        Ok(())
    }

    #[test]
    fn igd_plus_rewards_what_igd_does_not() -> Result<()> {
        // Ishibuchi et al.: IGD can prefer a dominated set; IGD+ cannot.
        let front = [[2.0, 2.0]];
        let (better, worse) = ([[0.0, 1.0]], [[2.0, 3.0]]);
        assert!(igd(&better, &front)? > igd(&worse, &front)?);
        assert!(igd_plus(&better, &front)? < igd_plus(&worse, &front)?);
        Ok(())
    }

    #[test]
    fn refusals() {
        let none: [[f64; 2]; 0] = [];
        assert_eq!(igd(&none, &[[1.0, 2.0]]), Err(Error::Empty("found set")));
        assert_eq!(igd_plus(&[[1.0, 2.0]], &none), Err(Error::Empty("front")));
        assert!(matches!(igd(&[[1.0]], &[[1.0, 2.0]]), Err(Error::Dimension { .. })));
        assert!(matches!(igd(&[[1e300]], &[[-1e300]]), Err(Error::Overflow(_))));
    }
}
