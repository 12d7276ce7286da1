//! Sweeps over depths (positive, larger is better) in two and three objectives.

use std::cmp::Reverse;

use super::sum::Sum;
use crate::staircase::Staircase;

/// Area in O(n log n): along falling widths, each point adds what rises above those before it.
pub(super) fn area(points: &mut [[f64; 2]]) -> f64 {
    points.sort_unstable_by_key(|point| Reverse(point[0].to_bits()));
    let mut area = Sum::default();
    let mut tallest = 0.0;
    for &[width, height] in &*points {
        if height > tallest {
            area.add(width * (height - tallest));
            tallest = height;
        }
    }
    area.total()
}

/// Volume in O(n log n), with the memory that one sweep leaves to the next.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    order: Vec<(u64, u32)>,
    stairs: Staircase,
}

impl Sweep {
    /// The dimension sweep of Fonseca, Paquete and López-Ibáñez (2006) and Beume et al. (2009):
    /// along falling depth, each point adds the area by which it extends the union of those before
    /// it, times its own depth. All terms are positive, so nothing cancels.
    ///
    /// Where they keep the union's boundary in a balanced tree, here it is a [`Staircase`] over the
    /// widths' ranks, which is a few flat arrays.
    pub(super) fn volume(&mut self, points: &mut [[f64; 3]]) -> f64 {
        points.sort_unstable_by_key(|point| Reverse(point[0].to_bits()));
        self.order.clear();
        self.order.extend(points.iter().map(|point| point[2].to_bits()).zip(0..));
        self.order.sort_unstable_by_key(|&(depth, _)| Reverse(depth));
        self.stairs.reset(points.len());

        let mut volume = Sum::default();
        for &(depth, rank) in &self.order {
            let height = points[rank as usize][1];
            let mut area = 0.0;
            self.stairs.add(rank as usize, height, 0.0, |from, to, bottom| {
                let narrower = to.map_or(0.0, |to| points[to][0]);
                area += (points[from][0] - narrower) * (height - bottom);
            });
            volume.add(area * f64::from_bits(depth));
        }
        volume.total()
    }
}
