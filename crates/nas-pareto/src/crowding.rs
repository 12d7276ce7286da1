//! Crowding distance: how far a point of a front is from its neighbours.

use crate::{Error, IntoPoints, Result};

/// Crowding distance within one front (Deb, Pratap, Agarwal and Meyarivan 2002, section III-B): for
/// each point the sum over the objectives of the gap between its two neighbours, each gap as a share
/// of the objective's range. Larger is less crowded. O(d · n log n).
///
/// The first and the last point along an objective get infinity. An objective in which all points
/// are equal is ignored, unless all objectives are such: then the first and the last point get
/// infinity, the others 0. Ties are broken by index.
///
/// # Errors
/// Those of [`IntoPoints`], and [`Error::Overflow`] where a range is beyond `f64`.
pub fn crowding_distance<'a>(points: impl IntoPoints<'a>) -> Result<Vec<f64>> {
    let points = points.into_points()?;
    let mut distance = vec![0.0; points.len()];
    let mut order: Vec<usize> = (0..points.len()).collect();
    let mut all_equal = true;
    for column in 0..points.dimension() {
        // Adding 0.0 makes −0.0 a 0.0, so that the two are a tie.
        let value = |index: usize| points.row(index)[column] + 0.0;
        order.sort_unstable_by(|&one, &other| {
            value(one).total_cmp(&value(other)).then(one.cmp(&other))
        });
        let (Some(&first), Some(&last)) = (order.first(), order.last()) else {
            break;
        };
        let range = value(last) - value(first);
        if !range.is_finite() {
            return Err(Error::Overflow("range of an objective"));
        }
        if range == 0.0 {
            continue;
        }
        all_equal = false;
        distance[first] = f64::INFINITY;
        distance[last] = f64::INFINITY;
        for neighbours in order.windows(3) {
            distance[neighbours[1]] += (value(neighbours[2]) - value(neighbours[0])) / range;
        }
    }
    if all_equal {
        if let Some(first) = distance.first_mut() {
            *first = f64::INFINITY;
        }
        if let Some(last) = distance.last_mut() {
            *last = f64::INFINITY;
        }
    }
    Ok(distance)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFINITE: f64 = f64::INFINITY;

    #[test]
    fn worked_by_hand() -> Result<()> {
        let check = |points: &[[f64; 2]], expected: &[f64]| -> Result<()> {
            assert_eq!(crowding_distance(points)?, expected, "{points:?}");
            Ok(())
        };
        check(&[], &[])?;
        check(&[[3.0, 4.0]], &[INFINITE])?;
        check(&[[3.0, 4.0], [4.0, 3.0]], &[INFINITE; 2])?;
        // Gaps 2 of 4 and 3 of 4, then 3 of 4 and 3 of 4.
        let front = [[2.0, 1.0], [0.0, 4.0], [4.0, 0.0], [1.0, 3.0]];
        check(&front, &[0.75 + 0.75, INFINITE, INFINITE, 0.5 + 0.75])?;
        // The second objective is constant.
        check(&[[0.0, 9.0], [1.0, 9.0], [4.0, 9.0]], &[INFINITE, 1.0, INFINITE])?;
        check(&[[1.0, 1.0]; 4], &[INFINITE, 0.0, 0.0, INFINITE])
    }

    #[test]
    fn a_range_beyond_f64_is_refused() {
        let points = [[f64::MAX], [f64::MIN], [0.0]];
        assert!(matches!(crowding_distance(&points), Err(Error::Overflow(_))));
    }
}
