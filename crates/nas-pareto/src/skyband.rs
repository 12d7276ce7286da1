//! The points that fewer than a given number of others dominate.

use crate::points::check_vector;
use crate::{Direction, Error, Result, dominates};

/// The points that fewer than `k` others dominate, each with a payload: the k-skyband (Papadias,
/// Tao, Fu and Seeger 2005). With `k` = 1 it is the non-dominated set, equal points included.
///
/// The best `k` by any weighted sum of the objectives are among them, so that other points need not
/// be kept. Members are in the order in which they arrived.
///
/// ```
/// use nas_pareto::{Direction::Minimise, Skyband};
/// # fn main() -> nas_pareto::Result<()> {
/// let mut best = Skyband::new(&[Minimise, Minimise], 2)?;
/// assert!(best.insert(&[1.0, 1.0], "best")?);
/// assert!(best.insert(&[2.0, 2.0], "second")?);
/// assert!(!best.insert(&[3.0, 3.0], "third")?);
/// assert_eq!(best.iter().copied().collect::<Vec<_>>(), ["best", "second"]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Skyband<T> {
    directions: Vec<Direction>,
    k: usize,
    members: Vec<Member<T>>,
}

#[derive(Debug, Clone, PartialEq)]
struct Member<T> {
    minimised: Vec<f64>,
    /// How many members dominate it.
    dominators: usize,
    payload: T,
}

impl<T> Skyband<T> {
    /// An empty skyband of points with one objective per direction; `k` is at least 1.
    ///
    /// # Errors
    /// [`Error::NoObjectives`] without a direction.
    pub fn new(directions: &[Direction], k: usize) -> Result<Self> {
        if directions.is_empty() {
            return Err(Error::NoObjectives);
        }
        Ok(Self { directions: directions.to_vec(), k: k.max(1), members: Vec::new() })
    }

    /// Removes all members.
    pub fn clear(&mut self) {
        self.members.clear();
    }

    /// Inserts a point; returns whether it is a member now. Members that it dominates are removed
    /// when `k` members dominate them. O(members · objectives).
    ///
    /// # Errors
    /// [`Error::Dimension`] and [`Error::VectorNotFinite`]; the skyband is then unchanged.
    pub fn insert(&mut self, objectives: &[f64], payload: T) -> Result<bool> {
        check_vector("new point", objectives, self.directions.len())?;
        let minimised: Vec<f64> = self
            .directions
            .iter()
            .zip(objectives)
            .map(|(direction, &value)| direction.minimised(value))
            .collect();
        // If a point that has been removed dominates the new one, so do at least k members.
        let over = |member: &&Member<T>| dominates(&member.minimised, &minimised);
        let dominators = self.members.iter().filter(over).take(self.k).count();
        if dominators == self.k {
            return Ok(false);
        }
        let k = self.k;
        self.members.retain_mut(|member| {
            member.dominators += usize::from(dominates(&minimised, &member.minimised));
            member.dominators < k
        });
        self.members.push(Member { minimised, dominators, payload });
        Ok(true)
    }

    /// The payloads, in the order of arrival.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.members.iter().map(|member| &member.payload)
    }

    /// The number of members.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Direction::{Maximise, Minimise};

    proptest! {
        #[test]
        fn members_are_those_with_few_dominators(
            points in prop::collection::vec([0..6_u8, 0..6, 0..6], 0..60),
            k in 1..5_usize,
        ) {
            let directions = [Minimise, Maximise, Minimise];
            let mut band = Skyband::new(&directions, k).unwrap();
            for (at, point) in points.iter().enumerate() {
                band.insert(&point.map(f64::from), at).unwrap();
            }
            let costs: Vec<[f64; 3]> = points
                .iter()
                .map(|p| [f64::from(p[0]), -f64::from(p[1]), f64::from(p[2])])
                .collect();
            let expected: Vec<usize> = (0..costs.len())
                .filter(|&at| costs.iter().filter(|other| dominates(*other, &costs[at])).count() < k)
                .collect();
            prop_assert_eq!(band.iter().copied().collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn bad_points_are_refused_and_nothing_changes() {
        let mut band = Skyband::new(&[Minimise], 0).unwrap();
        assert!(band.insert(&[1.0], ()).unwrap());
        assert!(band.insert(&[f64::NAN], ()).is_err() && band.insert(&[1.0, 2.0], ()).is_err());
        assert_eq!(band.len(), 1);
        band.clear();
        assert!(band.is_empty());
        assert!(Skyband::<()>::new(&[], 1).is_err());
    }
}
