//! Any number of objectives, one slice at a time.

use super::sum::Sum;
use super::sweep::{Sweep, area};

/// The WFG algorithm (While, Bradstreet and Barone 2012) on depths, with the memory that it reuses.
#[derive(Debug, Default)]
pub(super) struct Slices {
    sweep: Sweep,
    /// Clipped points of each level of the recursion.
    spare: Vec<Vec<f64>>,
}

impl Slices {
    /// The volume of a union of boxes that share the corner 0. `depths` holds rows of `dimension`
    /// positive numbers, in any order, which it may change.
    pub(super) fn volume(&mut self, depths: &mut [f64], dimension: usize) -> f64 {
        match dimension {
            1 => depths.iter().copied().fold(0.0, f64::max),
            2 => area(depths.as_chunks_mut().0),
            3 => self.sweep.volume(depths.as_chunks_mut().0),
            _ => self.sliced(depths, dimension),
        }
    }

    /// Along falling last objective, each point adds what its box in the other objectives extends
    /// the union of those before it by (its own volume less that of the union clipped to it), times
    /// its own depth.
    fn sliced(&mut self, depths: &[f64], dimension: usize) -> f64 {
        let mut order: Vec<&[f64]> = depths.chunks_exact(dimension).collect();
        order.sort_unstable_by(|one, other| other[dimension - 1].total_cmp(&one[dimension - 1]));
        let base = dimension - 1;
        let mut kept: Vec<f64> = Vec::with_capacity(depths.len());
        let mut clipped = self.spare.pop().unwrap_or_default();
        let mut volume = Sum::default();
        for row in order {
            let (point, depth) = (&row[..base], row[base]);
            if clip(&kept, point, &mut clipped) {
                continue;
            }
            let growth = box_volume(point) - self.volume(&mut clipped, base);
            // Rounding may leave a little less than nothing; an overflow's NaN passes.
            volume.add(if growth < 0.0 { 0.0 } else { growth * depth });
            drop_covered(&mut kept, point);
            kept.extend_from_slice(point);
        }
        self.spare.push(clipped);
        volume.total()
    }
}

/// Replaces `clipped` by what `rows` and the box of `point` share, row by row; stops and returns
/// true where a row covers the whole box.
pub(super) fn clip(rows: &[f64], point: &[f64], clipped: &mut Vec<f64>) -> bool {
    clipped.clear();
    for row in rows.chunks_exact(point.len()) {
        let mut covers = true;
        for (&value, &limit) in row.iter().zip(point) {
            covers &= value >= limit;
            clipped.push(value.min(limit));
        }
        if covers {
            return true;
        }
    }
    false
}

/// Removes the rows that lie within the box of `point`: they add nothing to a union with it.
fn drop_covered(rows: &mut Vec<f64>, point: &[f64]) {
    let dimension = point.len();
    let mut end = 0;
    for start in (0..rows.len()).step_by(dimension) {
        let row = start..start + dimension;
        if rows[row.clone()].iter().zip(point).any(|(value, limit)| value > limit) {
            rows.copy_within(row, end);
            end += dimension;
        }
    }
    rows.truncate(end);
}

/// The volume of the box from 0 to `point`.
pub(super) fn box_volume(point: &[f64]) -> f64 {
    point.iter().product()
}
