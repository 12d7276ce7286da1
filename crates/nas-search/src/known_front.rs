//! The front that a search sees, and what an architecture would add to it.

use nas_pareto::{Bounds, Direction, PointSet, hypervolume_gain};

use crate::{Evaluated, Objective};

/// The reference point of gains, where the range of everything evaluated is 0 to 1.
const REFERENCE: f64 = 1.1;

/// A front as a search sees it, and what an architecture with given costs would add to its hypervolume.
#[derive(Debug, Clone)]
pub struct KnownFront {
    bounds: Bounds,
    members: PointSet,
}

impl KnownFront {
    /// The front of these members, in units of the range of everything evaluated. `None` where it has no
    /// member with all values, or values are beyond `f64`.
    pub fn new<'a>(
        objectives: &[Objective],
        mut evaluated: impl Iterator<Item = &'a Evaluated>,
        mut members: impl Iterator<Item = &'a Evaluated>,
    ) -> Option<Self> {
        let minimised = vec![Direction::Minimise; objectives.len()];
        let rows = |all: &mut dyn Iterator<Item = &'a Evaluated>| {
            let rows: Vec<Vec<f64>> = all.filter_map(|one| costs(one, objectives)).collect();
            PointSet::from_rows(rows, &minimised).ok()
        };
        let bounds = Bounds::of(&rows(&mut evaluated)?).ok()?;
        let members = bounds.scale(&rows(&mut members)?).ok()?;
        (!members.as_points().is_empty()).then_some(Self { bounds, members })
    }

    /// What an architecture with these costs adds to the hypervolume.
    pub fn gain(&self, costs: &[f64]) -> f64 {
        let reference = vec![REFERENCE; costs.len()];
        let gain = || {
            let point = self.scaled(costs)?;
            hypervolume_gain(&self.members, point.as_points().get(0)?, &reference).ok()
        };
        gain().unwrap_or(0.0)
    }

    /// The sum of the costs, each in units of the range of everything evaluated.
    pub fn sum(&self, costs: &[f64]) -> f64 {
        self.scaled(costs).map_or(f64::INFINITY, |point| point.into_values().iter().sum())
    }

    fn scaled(&self, costs: &[f64]) -> Option<PointSet> {
        let minimised = vec![Direction::Minimise; costs.len()];
        self.bounds.scale(&PointSet::from_rows([costs], &minimised).ok()?).ok()
    }
}

/// The costs of all objectives, less is better; `None` where one is missing.
pub(crate) fn costs(one: &Evaluated, objectives: &[Objective]) -> Option<Vec<f64>> {
    let values = one.complete()?;
    Some(objectives.iter().zip(values).map(|(objective, value)| objective.cost(value)).collect())
}
