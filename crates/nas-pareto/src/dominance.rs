//! Directions of objectives, and whether one vector of objectives dominates another.

use std::cmp::Ordering;

/// Which way an objective is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Smaller is better, as for latency or error.
    Minimise,
    /// Larger is better, as for accuracy.
    Maximise,
}

impl Direction {
    /// The value as this crate computes with it: minimised. Negation is exact, so applying this twice gives
    /// the value back.
    pub fn minimised(self, value: f64) -> f64 {
        match self {
            Self::Minimise => value,
            Self::Maximise => -value,
        }
    }
}

/// How two vectors of objectives compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dominance {
    /// The first is nowhere worse and somewhere better.
    Dominates,
    /// The second is nowhere worse and somewhere better.
    DominatedBy,
    /// All objectives are equal.
    Equal,
    /// Each is better somewhere, or a value is NaN: neither dominates.
    Incomparable,
}

/// Compares two vectors of minimised objectives; where one is longer, its surplus is ignored.
pub fn compare(first: &[f64], second: &[f64]) -> Dominance {
    let minimise = std::iter::repeat(&Direction::Minimise);
    compare_by(first, second, minimise)
}

/// Compares two vectors of objectives with a direction each.
///
/// ```
/// use nas_pareto::{compare_with, Direction::{Maximise, Minimise}, Dominance};
/// // Latency in ms and accuracy in %.
/// let verdict = compare_with(&[5.8, 94.0], &[6.1, 93.5], &[Minimise, Maximise]);
/// assert_eq!(verdict, Dominance::Dominates);
/// ```
pub fn compare_with(first: &[f64], second: &[f64], directions: &[Direction]) -> Dominance {
    compare_by(first, second, directions.iter())
}

/// Whether `first` is nowhere worse and somewhere better than `second`, all minimised.
pub fn dominates(first: &[f64], second: &[f64]) -> bool {
    compare(first, second) == Dominance::Dominates
}

fn compare_by<'a>(
    first: &[f64],
    second: &[f64],
    directions: impl Iterator<Item = &'a Direction>,
) -> Dominance {
    let (mut better, mut worse) = (false, false);
    for ((&one, &other), direction) in first.iter().zip(second).zip(directions) {
        match direction.minimised(one).partial_cmp(&direction.minimised(other)) {
            Some(Ordering::Less) => better = true,
            Some(Ordering::Greater) => worse = true,
            Some(Ordering::Equal) => {}
            None => return Dominance::Incomparable,
        }
    }
    match (better, worse) {
        (true, false) => Dominance::Dominates,
        (false, true) => Dominance::DominatedBy,
        (false, false) => Dominance::Equal,
        (true, true) => Dominance::Incomparable,
    }
}

/// The order of finite vectors by their first objective, then the second, and so on; 0.0 and −0.0
/// are equal. Whatever dominates a vector comes before it.
pub(crate) fn lexicographic(first: &[f64], second: &[f64]) -> Ordering {
    first.partial_cmp(second).unwrap_or(Ordering::Equal)
}

/// Whether `first` is nowhere worse than `second`.
pub(crate) fn weakly_dominates(first: &[f64], second: &[f64]) -> bool {
    first.iter().zip(second).all(|(one, other)| one <= other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_compare_in_four_ways() {
        let check = |first: &[f64], second: &[f64], expected| {
            assert_eq!(compare(first, second), expected, "{first:?} {second:?}");
        };
        check(&[1.0, 2.0], &[1.0, 3.0], Dominance::Dominates);
        check(&[1.0, 3.0], &[1.0, 2.0], Dominance::DominatedBy);
        check(&[0.0, -1.0], &[-0.0, -1.0], Dominance::Equal);
        check(&[1.0, 2.0], &[2.0, 1.0], Dominance::Incomparable);
        check(&[1.0, f64::NAN], &[2.0, 1.0], Dominance::Incomparable);
    }

    #[test]
    fn a_maximised_objective_runs_the_other_way() {
        use Direction::{Maximise, Minimise};
        let check = |directions: &[Direction], expected| {
            assert_eq!(compare_with(&[1.0, 2.0], &[2.0, 1.0], directions), expected);
        };
        check(&[Minimise, Maximise], Dominance::Dominates);
        check(&[Maximise, Minimise], Dominance::DominatedBy);
        check(&[Maximise, Maximise], Dominance::Incomparable);
    }
}
