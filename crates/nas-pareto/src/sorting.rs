//! Non-dominated sorting: points front by front.

use crate::dominance::weakly_dominates;
use crate::front::lexicographic_order;
use crate::{IntoPoints, Points, Result};

/// Non-dominated sorting (Deb, Pratap, Agarwal and Meyarivan 2002, section III-A): the indices of
/// the points, front by front. The first front is the non-dominated set; each further one is that of
/// what remains. Within a front indices ascend; equal points share a front.
///
/// Computed as by Zhang, Tian, Cheng and Jin 2015 (ENS-BS): in lexicographic order a point belongs
/// to the first front none of whose members dominates it, found by bisection, since a front that
/// holds a dominator is preceded only by fronts that hold one. O(n log n) for up to two objectives,
/// O(d · n²) at worst beyond.
///
/// # Errors
/// Those of [`IntoPoints`].
pub fn non_dominated_sort<'a>(points: impl IntoPoints<'a>) -> Result<Vec<Vec<usize>>> {
    let points = points.into_points()?;
    let mut fronts: Vec<Vec<usize>> = Vec::new();
    let mut previous: Option<(usize, usize)> = None;
    for index in lexicographic_order(points) {
        let front = match previous {
            Some((copy, front)) if points.row(copy) == points.row(index) => front,
            _ => fronts.partition_point(|front| holds_dominator(points, front, index)),
        };
        match fronts.get_mut(front) {
            Some(front) => front.push(index),
            None => fronts.push(vec![index]),
        }
        previous = Some((index, front));
    }
    for front in &mut fronts {
        front.sort_unstable();
    }
    Ok(fronts)
}

/// Whether a member dominates the point, which differs from all of them and comes later in
/// lexicographic order.
fn holds_dominator(points: Points<'_>, front: &[usize], index: usize) -> bool {
    let dominates = |member: &usize| weakly_dominates(points.row(*member), points.row(index));
    if points.dimension() <= 2 {
        // The last objective does not rise along a front, so the latest member decides.
        front.last().is_some_and(dominates)
    } else {
        front.iter().rev().any(dominates)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fronts_are_peeled_off() -> Result<()> {
        let points = [[1.0, 3.0], [3.0, 3.0], [2.0, 2.0], [2.0, 3.0], [3.0, 1.0], [2.0, 2.0]];
        let fronts = non_dominated_sort(&points)?;
        assert_eq!(fronts, [vec![0, 2, 4, 5], vec![3], vec![1]]);
        Ok(())
    }

    #[test]
    fn one_objective_sorts() -> Result<()> {
        let fronts = non_dominated_sort(&[[3.0], [1.0], [2.0], [1.0]])?;
        assert_eq!(fronts, [vec![1, 3], vec![2], vec![0]]);
        Ok(())
    }

    #[test]
    fn no_points_no_fronts() -> Result<()> {
        let none: [[f64; 3]; 0] = [];
        assert!(non_dominated_sort(&none)?.is_empty());
        Ok(())
    }
}
