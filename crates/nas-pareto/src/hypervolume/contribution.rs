//! The contribution of single points to the hypervolume.

use std::cmp::Reverse;

use super::depth::{REFERENCE, all_depths, in_range};
use super::slices::{Slices, box_volume, clip};
use crate::points::check_vector;
use crate::{IntoPoints, Points, Result};

/// For each point the volume that only it dominates: by how much [`hypervolume`](crate::hypervolume)
/// falls without it. Dominated points, points that are not inside the reference point, and points
/// with a copy get 0.
///
/// O(n log n) for two objectives, `n` hypervolumes of clipped points beyond.
///
/// # Errors
/// As [`hypervolume`](crate::hypervolume).
pub fn hypervolume_contributions<'a>(
    points: impl IntoPoints<'a>,
    reference: &[f64],
) -> Result<Vec<f64>> {
    let points = points.into_points()?;
    check_vector(REFERENCE, reference, points.dimension())?;
    let depths = all_depths(points, reference);
    let contributions = if points.dimension() == 2 {
        exclusive_areas(depths.as_chunks().0)
    } else {
        exclusive_volumes(&depths, points.dimension())
    };
    contributions.into_iter().map(in_range).collect()
}

/// By how much the hypervolume of `points` would grow with `candidate`.
///
/// # Errors
/// As [`hypervolume`](crate::hypervolume), and for the candidate as for the reference point.
pub fn hypervolume_gain<'a>(
    points: impl IntoPoints<'a>,
    candidate: &[f64],
    reference: &[f64],
) -> Result<f64> {
    let points = points.into_points()?;
    let dimension = points.dimension();
    check_vector(REFERENCE, reference, dimension)?;
    check_vector("candidate", candidate, dimension)?;
    let depths = all_depths(points, reference);
    let candidate = all_depths(Points::new(candidate, dimension)?, reference);
    in_range(exclusive(&depths, &candidate, &mut Vec::new(), &mut Slices::default()))
}

/// The volume of the box of `point` outside the boxes of `rows`.
fn exclusive(rows: &[f64], point: &[f64], clipped: &mut Vec<f64>, slices: &mut Slices) -> f64 {
    if clip(rows, point, clipped) {
        return 0.0;
    }
    let own = box_volume(point);
    let growth = own - slices.volume(clipped, point.len());
    if growth < 0.0 { 0.0 } else { growth }
}

fn exclusive_volumes(depths: &[f64], dimension: usize) -> Vec<f64> {
    let (mut clipped, mut slices) = (Vec::new(), Slices::default());
    let mut others = depths[depths.len().min(dimension)..].to_vec();
    let mut volumes = Vec::with_capacity(depths.len() / dimension);
    for (index, point) in depths.chunks_exact(dimension).enumerate() {
        // The others lack one point: the next one, until this one takes its place.
        volumes.push(exclusive(&others, point, &mut clipped, &mut slices));
        let start = index * dimension;
        if start < others.len() {
            others[start..start + dimension].copy_from_slice(point);
        }
    }
    volumes
}

/// Along falling widths, what rises above all but the tallest point belongs to the tallest.
fn exclusive_areas(depths: &[[f64; 2]]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..depths.len()).collect();
    order.sort_unstable_by_key(|&index| Reverse(depths[index][0].to_bits()));
    let mut areas = vec![0.0; depths.len()];
    let (mut owner, mut tallest, mut second) = (0, 0.0, 0.0_f64);
    for (at, &index) in order.iter().enumerate() {
        let [width, height] = depths[index];
        if height > tallest {
            (owner, second, tallest) = (index, tallest, height);
        } else {
            second = second.max(height);
        }
        let narrower = order.get(at + 1).map_or(0.0, |&next| depths[next][0]);
        areas[owner] += (width - narrower) * (tallest - second);
    }
    areas
}
