//! Which points are not dominated.

use std::cmp::Ordering;

use crate::dominance::{lexicographic, weakly_dominates};
use crate::staircase::Staircase;
use crate::{IntoPoints, Points, Result};

/// The indices of the points that no other point dominates, ascending.
///
/// Equal points do not dominate each other, so either all or none of them are listed; for one of
/// each see [`non_dominated_distinct`]. O(n log n) for up to three objectives (Kung, Luccio and
/// Preparata 1975), O(d · n · front) beyond.
///
/// # Errors
/// Those of [`IntoPoints`].
pub fn non_dominated<'a>(points: impl IntoPoints<'a>) -> Result<Vec<usize>> {
    let mut front = unordered(points.into_points()?, true);
    front.sort_unstable();
    Ok(front)
}

/// As [`non_dominated`], but of equal points only the first is listed.
///
/// # Errors
/// Those of [`IntoPoints`].
pub fn non_dominated_distinct<'a>(points: impl IntoPoints<'a>) -> Result<Vec<usize>> {
    let mut front = unordered(points.into_points()?, false);
    front.sort_unstable();
    Ok(front)
}

/// The indices in lexicographic order of the points, equal ones by index: dominators come first,
/// copies are neighbours.
pub(crate) fn lexicographic_order(points: Points<'_>) -> Vec<usize> {
    // The first objective travels with the index, so that most comparisons look at nothing else.
    let mut keyed: Vec<(f64, usize)> = points.iter().map(|row| row[0]).zip(0..).collect();
    keyed.sort_unstable_by(|one, other| {
        one.0.partial_cmp(&other.0).unwrap_or(Ordering::Equal).then_with(|| {
            lexicographic(points.row(one.1), points.row(other.1)).then(one.1.cmp(&other.1))
        })
    });
    keyed.into_iter().map(|(_, index)| index).collect()
}

fn unordered(points: Points<'_>, copies: bool) -> Vec<usize> {
    let order = lexicographic_order(points);
    // Called once for each distinct point, in order: whether an earlier one dominates it.
    match points.dimension() {
        1 => {
            let mut seen = false;
            keep(points, &order, copies, |_| std::mem::replace(&mut seen, true))
        }
        2 => {
            let mut lowest = f64::INFINITY;
            keep(points, &order, copies, |index| {
                let value = points.row(index)[1];
                let dominated = lowest <= value;
                lowest = lowest.min(value);
                dominated
            })
        }
        3 => {
            let rank = dense_ranks(points, 1);
            let mut stairs = Staircase::default();
            stairs.reset(points.len());
            keep(points, &order, copies, |index| {
                let height = -points.row(index)[2];
                !stairs.add(rank[index], height, f64::NEG_INFINITY, |_, _, _| {})
            })
        }
        _ => {
            let mut front: Vec<f64> = Vec::new();
            keep(points, &order, copies, |index| {
                let row = points.row(index);
                let dominated = front
                    .chunks_exact(points.dimension())
                    .any(|member| weakly_dominates(member, row));
                if !dominated {
                    front.extend_from_slice(row);
                }
                dominated
            })
        }
    }
}

/// Filters `order`, calling `dominated` for the first of each group of equal points only.
fn keep(
    points: Points<'_>,
    order: &[usize],
    copies: bool,
    mut dominated: impl FnMut(usize) -> bool,
) -> Vec<usize> {
    let mut kept = Vec::new();
    let mut previous: Option<(usize, bool)> = None;
    for &index in order {
        match previous {
            Some((first, first_kept)) if points.row(first) == points.row(index) => {
                if first_kept && copies {
                    kept.push(index);
                }
            }
            _ => {
                let keeps = !dominated(index);
                if keeps {
                    kept.push(index);
                }
                previous = Some((index, keeps));
            }
        }
    }
    kept
}

/// For each point how many distinct smaller values its objective `column` has.
fn dense_ranks(points: Points<'_>, column: usize) -> Vec<usize> {
    let mut sorted: Vec<(f64, usize)> = points.iter().map(|row| row[column]).zip(0..).collect();
    sorted.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
    let mut ranks = vec![0; sorted.len()];
    let mut rank = 0;
    for (at, &(value, index)) in sorted.iter().enumerate() {
        // `>` and not another bit pattern: −0.0 and 0.0 share a rank.
        if at > 0 && value > sorted[at - 1].0 {
            rank += 1;
        }
        ranks[index] = rank;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_all_listed_or_only_the_first() -> Result<()> {
        let points = [[1.0, 2.0], [0.0, 3.0], [1.0, 2.0], [2.0, 2.0], [0.0, 3.0]];
        assert_eq!(non_dominated(&points)?, [0, 1, 2, 4]);
        assert_eq!(non_dominated_distinct(&points)?, [0, 1]);
        Ok(())
    }

    #[test]
    fn signed_zeros_are_equal() -> Result<()> {
        let points = [[0.0, -0.0, 1.0], [-0.0, 0.0, 1.0], [0.0, 0.0, 2.0], [-0.0, -0.0, 2.0]];
        assert_eq!(non_dominated(&points)?, [0, 1]);
        assert_eq!(non_dominated_distinct(&points)?, [0]);
        Ok(())
    }

    #[test]
    fn no_points() -> Result<()> {
        for dimension in 1..=5 {
            assert_eq!(non_dominated(Points::new(&[], dimension)?)?, [0; 0]);
        }
        Ok(())
    }
}
