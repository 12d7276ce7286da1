//! The hypervolume of a set of points.

use super::depth::{REFERENCE, depths, in_range};
use super::slices::Slices;
use crate::points::check_vector;
use crate::{IntoPoints, Result};

/// The volume that `points` dominate and that dominates `reference`, all minimised. Exact up to
/// rounding.
///
/// A point contributes only what lies strictly inside the reference point: one that equals or
/// exceeds it in any objective contributes nothing, and is not an error. Dominated points and copies
/// change nothing; no points at all have volume 0. Values may be negative.
///
/// Time for `n` points of `d` objectives, after dropping what the point with the largest box
/// dominates: O(n) for `d = 1`, O(n log n) for `d = 2` and `d = 3` (Fonseca, Paquete and
/// López-Ibáñez 2006; Beume et al. 2009), O(n² log n) for `d = 4`, and beyond that exponential in
/// `d` at worst (While, Bradstreet and Barone 2012).
///
/// # Errors
/// Those of [`IntoPoints`]; [`Error::Dimension`](crate::Error::Dimension) and [`Error::VectorNotFinite`](crate::Error::VectorNotFinite) for the reference
/// point; [`Error::Overflow`](crate::Error::Overflow) where a volume is beyond `f64`.
///
/// ```
/// # fn main() -> nas_pareto::Result<()> {
/// let points = vec![[0.2, 0.6], [0.5, 0.1], [0.7, 0.7]];
/// let volume = nas_pareto::hypervolume(&points, &[1.0, 1.0])?;
/// assert!((volume - 0.57).abs() < 1e-12);
/// # Ok(())
/// # }
/// ```
pub fn hypervolume<'a>(points: impl IntoPoints<'a>, reference: &[f64]) -> Result<f64> {
    let points = points.into_points()?;
    check_vector(REFERENCE, reference, points.dimension())?;
    let mut depths = depths(points, reference)?;
    in_range(Slices::default().volume(&mut depths, points.dimension()))
}
