//! Points as boxes: by how much they are better than the reference point, per objective.
//!
//! A depth is one subtraction, so it is off by at most half a unit in its last place, and the volume
//! of boxes that are off by so little is off by at most about `d` such units, relative. All that
//! follows works on depths alone: they are positive, larger is better, and the order of positive
//! numbers is the order of their bit patterns as integers, which sort faster.

use crate::{Error, Points, Result};

pub(super) const REFERENCE: &str = "reference point";

/// The volume, or an error where it is beyond `f64`.
pub(super) fn in_range(volume: f64) -> Result<f64> {
    if volume.is_finite() { Ok(volume) } else { Err(Error::Overflow("hypervolume")) }
}

/// The depths of the points strictly inside the reference point, row-major, without those that the
/// point with the largest box weakly dominates: it alone covers most of a random set.
pub(super) fn depths(points: Points<'_>, reference: &[f64]) -> Result<Vec<f64>> {
    match points.dimension() {
        2 => fixed::<2>(points.values(), reference),
        3 => fixed::<3>(points.values(), reference),
        dimension => select(points.values().chunks_exact(dimension), reference),
    }
}

/// With the number of objectives known at compile time the loops over a row unroll.
fn fixed<const D: usize>(values: &[f64], reference: &[f64]) -> Result<Vec<f64>> {
    select(values.as_chunks::<D>().0.iter().map(|row| &row[..]), reference)
}

fn select<'a>(
    rows: impl Iterator<Item = &'a [f64]> + Clone,
    reference: &[f64],
) -> Result<Vec<f64>> {
    let depth_of = |row: &'a [f64]| row.iter().zip(reference).map(|(value, limit)| limit - value);
    let inside = |row: &[f64]| row.iter().zip(reference).all(|(value, limit)| value < limit);

    let mut largest = 0.0;
    let mut pivot = None;
    for row in rows.clone() {
        let volume: f64 = depth_of(row).product();
        if (volume > largest || volume.is_nan()) && inside(row) {
            largest = in_range(volume)?;
            pivot = Some(row);
        }
    }
    let Some(pivot) = pivot else {
        // No box has a volume: none is inside, or all underflow.
        return Ok(Vec::new());
    };
    let mut depths: Vec<f64> = depth_of(pivot).collect();
    for row in rows {
        let covered = row.iter().zip(pivot).all(|(value, pivot)| value >= pivot);
        if !covered && inside(row) {
            depths.extend(depth_of(row));
        }
    }
    Ok(depths)
}

/// The depths of all points in order; zeros, a box without volume, for a point that is not strictly
/// inside the reference point.
pub(super) fn all_depths(points: Points<'_>, reference: &[f64]) -> Vec<f64> {
    let mut depths = Vec::with_capacity(points.values().len());
    for row in points {
        let inside = row.iter().zip(reference).all(|(value, limit)| value < limit);
        let pairs = row.iter().zip(reference);
        depths.extend(pairs.map(|(value, limit)| if inside { limit - value } else { 0.0 }));
    }
    depths
}
