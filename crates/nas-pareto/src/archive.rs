//! A set of mutually non-dominated points, each with a payload.

use crate::dominance::{lexicographic, weakly_dominates};
use crate::points::check_vector;
use crate::{Direction, Error, PointSet, Points, Result};

/// A set of mutually non-dominated points, each with a payload.
///
/// Members are ordered by their minimised objectives, first objective first, so the objectives that
/// an archive holds do not depend on the order in which they arrived. Of members with equal
/// objectives the first to arrive stays: a tie never replaces what is there.
///
/// ```
/// use nas_pareto::{Archive, Direction::{Maximise, Minimise}, Insertion};
/// # fn main() -> nas_pareto::Result<()> {
/// let mut front = Archive::new(&[Minimise, Maximise])?;
/// assert!(front.insert(&[5.8, 94.0], "wide")?.is_accepted());
/// assert!(front.insert(&[2.1, 90.5], "narrow")?.is_accepted());
/// assert_eq!(front.insert(&[5.8, 94.0], "equal")?, Insertion::Duplicate);
/// assert_eq!(front.insert(&[5.5, 94.1], "better")?, Insertion::Accepted { evicted: 1 });
/// let names: Vec<_> = front.iter().map(|member| member.payload).collect();
/// assert_eq!(names, ["narrow", "better"]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Archive<T> {
    directions: Vec<Direction>,
    minimised: Vec<f64>,
    members: Vec<Member<T>>,
}

/// One point of an [`Archive`].
#[derive(Debug, Clone, PartialEq)]
pub struct Member<T> {
    /// The objectives as they were given, each in its own direction.
    pub objectives: Vec<f64>,
    /// What belongs to the point, such as its architecture.
    pub payload: T,
}

/// The result of inserting a point into an [`Archive`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Insertion {
    /// It is a member now.
    Accepted {
        /// How many members it dominated; they are removed.
        evicted: usize,
    },
    /// A member dominates it.
    Dominated,
    /// A member has equal objectives, and stays.
    Duplicate,
}

impl Insertion {
    /// Whether the point is a member now.
    pub fn is_accepted(self) -> bool {
        matches!(self, Self::Accepted { .. })
    }
}

impl<T> Archive<T> {
    /// An empty archive for points with one objective per direction.
    ///
    /// # Errors
    /// [`Error::NoObjectives`] without a direction.
    pub fn new(directions: &[Direction]) -> Result<Self> {
        if directions.is_empty() {
            return Err(Error::NoObjectives);
        }
        Ok(Self { directions: directions.to_vec(), minimised: Vec::new(), members: Vec::new() })
    }

    /// Removes all members.
    pub fn clear(&mut self) {
        self.minimised.clear();
        self.members.clear();
    }

    /// Inserts a point unless a member dominates or equals it; members that it dominates are
    /// removed. O(members · objectives).
    ///
    /// # Errors
    /// [`Error::Dimension`] and [`Error::VectorNotFinite`]; the archive is then unchanged.
    pub fn insert(&mut self, objectives: &[f64], payload: T) -> Result<Insertion> {
        let minimised = self.minimised(objectives)?;
        let at = match self.place(&minimised) {
            Ok(at) => at,
            Err(rejected) => return Ok(rejected),
        };
        // Whatever the newcomer dominates comes after it in the order.
        let dimension = self.directions.len();
        let before = self.members.len();
        let mut kept = at;
        for member in at..before {
            let row = member * dimension..(member + 1) * dimension;
            if !weakly_dominates(&minimised, &self.minimised[row.clone()]) {
                self.members.swap(kept, member);
                self.minimised.copy_within(row, kept * dimension);
                kept += 1;
            }
        }
        self.members.truncate(kept);
        self.minimised.truncate(kept * dimension);

        self.members.insert(at, Member { objectives: objectives.to_vec(), payload });
        let start = at * dimension;
        self.minimised.splice(start..start, minimised);
        Ok(Insertion::Accepted { evicted: before - kept })
    }

    /// Whether [`insert`](Self::insert) would accept a point with these objectives.
    ///
    /// # Errors
    /// As [`insert`](Self::insert).
    pub fn would_accept(&self, objectives: &[f64]) -> Result<bool> {
        Ok(self.place(&self.minimised(objectives)?).is_ok())
    }

    /// Inserts every member of `other`, in its order, and returns how many were accepted.
    ///
    /// # Errors
    /// [`Error::Directions`] unless both archives have the same directions.
    pub fn merge(&mut self, other: Self) -> Result<usize> {
        if self.directions != other.directions {
            return Err(Error::Directions);
        }
        let mut accepted = 0;
        for member in other.members {
            let insertion = self.insert(&member.objectives, member.payload)?;
            accepted += usize::from(insertion.is_accepted());
        }
        Ok(accepted)
    }

    /// The member with exactly these objectives.
    pub fn get(&self, objectives: &[f64]) -> Option<&Member<T>> {
        let minimised = self.minimised(objectives).ok()?;
        let at = self.position(&minimised);
        let found = self.points().get(at)?;
        (found == minimised).then(|| &self.members[at])
    }

    /// The direction of each objective.
    pub fn directions(&self) -> &[Direction] {
        &self.directions
    }

    /// The members in order.
    pub fn members(&self) -> &[Member<T>] {
        &self.members
    }

    /// The members in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Member<T>> {
        self.members.iter()
    }

    /// The members' objectives, minimised, in order: the input of
    /// [`hypervolume`](crate::hypervolume) and the like.
    pub fn points(&self) -> Points<'_> {
        Points::trusted(&self.minimised, self.directions.len())
    }

    /// The number of members.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    fn minimised(&self, objectives: &[f64]) -> Result<Vec<f64>> {
        check_vector("new point", objectives, self.directions.len())?;
        let pairs = self.directions.iter().zip(objectives);
        Ok(pairs.map(|(direction, &value)| direction.minimised(value)).collect())
    }

    fn position(&self, minimised: &[f64]) -> usize {
        let points = self.points();
        let (mut low, mut high) = (0, points.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if lexicographic(points.row(middle), minimised).is_lt() {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The position at which a point belongs, or why it is rejected.
    fn place(&self, minimised: &[f64]) -> std::result::Result<usize, Insertion> {
        let at = self.position(minimised);
        let points = self.points();
        if points.get(at).is_some_and(|next| next == minimised) {
            return Err(Insertion::Duplicate);
        }
        // With two objectives the second falls along the members, so the nearest one decides.
        let first = if points.dimension() == 2 { at.saturating_sub(1) } else { 0 };
        let dominated = (first..at).any(|member| weakly_dominates(points.row(member), minimised));
        if dominated { Err(Insertion::Dominated) } else { Ok(at) }
    }
}

impl<'a, T> IntoIterator for &'a Archive<T> {
    type Item = &'a Member<T>;
    type IntoIter = std::slice::Iter<'a, Member<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, T> crate::IntoPoints<'a> for &'a Archive<T> {
    fn into_points(self) -> Result<Points<'a>> {
        Ok(self.points())
    }
}

impl<T> From<Archive<T>> for PointSet {
    fn from(archive: Archive<T>) -> Self {
        let dimension = archive.directions.len();
        Self::trusted(archive.minimised, dimension)
    }
}
