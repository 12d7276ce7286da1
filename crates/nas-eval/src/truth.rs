//! The exact front of a space, and how near found fronts are to it.

use std::collections::HashMap;

use nas_pareto::{Bounds, Direction, PointSet, hypervolume, igd, igd_plus, non_dominated};
use nas_search::{Objective, Role};
use nas_space::Arch;

use crate::Error;

/// The true objectives of a whole space, which a found front is scored against.
///
/// Objectives are minimised and scaled to [0, 1] by their least and greatest value over all
/// architectures that have every objective; the reference point is (1, …, 1).
#[derive(Debug, Clone)]
pub struct Truth {
    /// Values and scaled costs of every complete architecture.
    complete: HashMap<Arch, Complete>,
    front: Vec<Arch>,
    front_costs: PointSet,
    reference: Vec<f64>,
    hypervolume: f64,
    /// The position of the objective that is traded for cost, and its direction.
    quality: (usize, Direction),
    /// The position of the cost that matters most.
    cost: usize,
}

#[derive(Debug, Clone)]
struct Complete {
    values: Vec<f64>,
    costs: Vec<f64>,
}

/// The quality of a found front, on true objectives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scores {
    /// Hypervolume of the found front, in scaled objectives.
    pub hypervolume: f64,
    /// The same over the hypervolume of the exact front; 1 is perfect.
    pub hypervolume_ratio: f64,
    /// Mean distance from each point of the exact front to the nearest found one; 0 is perfect.
    pub igd: f64,
    /// The same, counting only what is worse than the exact front (IGD+).
    pub igd_plus: f64,
}

/// Which parts of the exact front's range of a cost are covered.
#[derive(Debug, Clone, PartialEq)]
pub struct Covered {
    /// The least cost on the exact front.
    pub from: f64,
    /// The greatest.
    pub to: f64,
    /// Equal parts of the range's logarithm, from the least on.
    pub parts: Vec<bool>,
}

impl Truth {
    /// The truth about a space, from the values of all of its architectures.
    ///
    /// # Errors
    /// [`Error::NothingComplete`] where no architecture has all objectives, [`Error::Pareto`]
    /// for values that are not finite.
    pub fn new(
        objectives: &[Objective],
        values: impl IntoIterator<Item = (Arch, Vec<Option<f64>>)>,
    ) -> Result<Self, Error> {
        let directions: Vec<Direction> = objectives.iter().map(|o| o.direction).collect();
        let complete = values.into_iter().filter_map(|(arch, values)| {
            Some((arch, values.into_iter().collect::<Option<Vec<f64>>>()?))
        });
        let (architectures, values): (Vec<Arch>, Vec<Vec<f64>>) = complete.unzip();
        if architectures.is_empty() {
            let names: Vec<&str> = objectives.iter().map(|o| o.name.as_str()).collect();
            return Err(Error::NothingComplete { objectives: names.join(", ") });
        }
        let costs = PointSet::from_rows(&values, &directions)?;
        let costs = Bounds::of(&costs)?.scale(&costs)?;
        let rows: Vec<&[f64]> = costs.as_points().iter().collect();
        let positions = non_dominated(&costs)?;
        let front = positions.iter().map(|&position| architectures[position].clone()).collect();
        let minimised = vec![Direction::Minimise; directions.len()];
        let front_costs = PointSet::from_rows(positions.iter().map(|&p| rows[p]), &minimised)?;
        let reference = vec![1.0; directions.len()];
        let hypervolume = hypervolume(&front_costs, &reference)?;
        let known = values.into_iter().zip(rows);
        let known = known.map(|(values, costs)| Complete { values, costs: costs.to_vec() });
        let known = architectures.into_iter().zip(known).collect();
        let quality = Objective::position(objectives, Role::Accuracy).unwrap_or(0);
        let quality = (quality, directions[quality]);
        let cost = Objective::main_cost(objectives).unwrap_or(0);
        Ok(Self { complete: known, front, front_costs, reference, hypervolume, quality, cost })
    }

    /// The exact front: every architecture that no other dominates, in the order given.
    pub fn front(&self) -> &[Arch] {
        &self.front
    }

    /// The true values of an architecture, in the objectives' own units, if it has all.
    pub fn values(&self, arch: &Arch) -> Option<&[f64]> {
        self.complete.get(arch).map(|known| known.values.as_slice())
    }

    /// All architectures that have every objective, with their scaled costs, in no order.
    pub(crate) fn costs(&self) -> impl Iterator<Item = (&Arch, &[f64])> {
        self.complete.iter().map(|(arch, known)| (arch, known.costs.as_slice()))
    }

    /// The scaled costs of an architecture, if it has every objective.
    pub(crate) fn cost_of(&self, arch: &Arch) -> Option<&[f64]> {
        self.complete.get(arch).map(|known| known.costs.as_slice())
    }

    /// The reference point of hypervolumes.
    pub(crate) fn reference(&self) -> &[f64] {
        &self.reference
    }

    /// The hypervolume of the exact front, in scaled objectives.
    pub fn hypervolume(&self) -> f64 {
        self.hypervolume
    }

    /// The covered share of the exact front's range of a cost, between 0 and 1. The range is divided into
    /// `bins` equal parts on a log scale. A part is covered if a found architecture in it is at most
    /// `tolerance` worse in the first objective than the exact front at its cost.
    ///
    /// `cost` is the cost's position among the objectives, for example 1 for latency; architectures
    /// whose cost is not above 0 are left out. `tolerance` is in the first objective's own unit.
    pub fn coverage<'a>(
        &self,
        found: impl IntoIterator<Item = &'a Arch>,
        bins: usize,
        tolerance: f64,
    ) -> f64 {
        let Covered { parts, .. } = self.coverage_by_part(found, bins, tolerance);
        parts.iter().filter(|covered| **covered).count() as f64 / parts.len() as f64
    }

    /// The parts of which [`coverage`](Self::coverage) is the share, and the range that they are of.
    pub fn coverage_by_part<'a>(
        &self,
        found: impl IntoIterator<Item = &'a Arch>,
        bins: usize,
        tolerance: f64,
    ) -> Covered {
        let place = |arch: &Arch| {
            let values = self.values(arch)?;
            let cost = *values.get(self.cost).filter(|cost| **cost > 0.0)?;
            let (quality, direction) = self.quality;
            Some((cost.ln(), direction.minimised(*values.get(quality)?)))
        };
        let exact: Vec<(f64, f64)> = self.front.iter().filter_map(place).collect();
        let least = exact.iter().map(|(cost, _)| *cost).fold(f64::INFINITY, f64::min);
        let most = exact.iter().map(|(cost, _)| *cost).fold(f64::NEG_INFINITY, f64::max);
        let bins = bins.max(1);
        let width = (most - least) / bins as f64;
        let mut covered = vec![false; bins];
        for (cost, quality) in found.into_iter().filter_map(place) {
            let as_cheap = exact.iter().filter(|(other, _)| *other <= cost);
            let best = as_cheap.map(|(_, quality)| *quality).fold(f64::INFINITY, f64::min);
            if quality <= best + tolerance && (least..=most).contains(&cost) {
                let part = if width > 0.0 { ((cost - least) / width) as usize } else { 0 };
                // The most expensive of the exact front belongs to the last part.
                if let Some(part) = covered.get_mut(part.min(bins - 1)) {
                    *part = true;
                }
            }
        }
        Covered { from: least.exp(), to: most.exp(), parts: covered }
    }

    /// Scores found architectures on their true objectives; those that lack one are left out.
    /// `None` if none is left.
    ///
    /// # Errors
    /// None for a truth that was constructed; passed on from the computation.
    pub fn score<'a>(
        &self,
        found: impl IntoIterator<Item = &'a Arch>,
    ) -> Result<Option<Scores>, Error> {
        let minimised = vec![Direction::Minimise; self.reference.len()];
        let found: Vec<&Vec<f64>> =
            found.into_iter().filter_map(|arch| Some(&self.complete.get(arch)?.costs)).collect();
        if found.is_empty() {
            return Ok(None);
        }
        let found = PointSet::from_rows(&found, &minimised)?;
        let hypervolume = hypervolume(&found, &self.reference)?;
        Ok(Some(Scores {
            hypervolume,
            hypervolume_ratio: hypervolume / self.hypervolume,
            igd: igd(&found, &self.front_costs)?,
            igd_plus: igd_plus(&found, &self.front_costs)?,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    fn arch(i: u8) -> Arch {
        Arch::new([i])
    }

    /// Accuracies 0 to 100 %, latencies 0 to 10 ms: (0 %, 0 ms), (60 %, 5 ms), (100 %, 10 ms),
    /// a dominated (50 %, 5 ms), and one without latency.
    fn truth() -> Truth {
        let objectives =
            [Objective::maximise("accuracy", "%"), Objective::minimise("latency", "ms")];
        let values = [
            (0.0, Some(0.0)),
            (60.0, Some(5.0)),
            (100.0, Some(10.0)),
            (50.0, Some(5.0)),
            (99.0, None),
        ];
        let values = values.into_iter().enumerate();
        let values =
            values.map(|(i, (accuracy, latency))| (arch(i as u8), vec![Some(accuracy), latency]));
        Truth::new(&objectives, values).unwrap()
    }

    #[test]
    fn a_part_of_the_range_is_covered_by_nearly_optimal_architectures() {
        let objectives = [Objective::accuracy("accuracy"), Objective::latency()];
        // The exact front: 50 % at 1 ms, 80 % at 10 ms, 90 % at 100 ms.
        let rows = [(50.0, 1.0), (80.0, 10.0), (90.0, 100.0), (79.5, 20.0), (70.0, 15.0)];
        let rows = rows
            .into_iter()
            .enumerate()
            .map(|(i, (accuracy, latency))| (arch(i as u8), vec![Some(accuracy), Some(latency)]));
        let truth = Truth::new(&objectives, rows).unwrap();
        let coverage = |found: &[u8]| {
            let found: Vec<Arch> = found.iter().map(|i| arch(*i)).collect();
            truth.coverage(&found, 2, 1.0)
        };
        for (found, expected) in [
            (&[0, 1, 2][..], 1.0),
            (&[0], 0.5),
            (&[2], 0.5),
            (&[0, 3], 1.0),
            (&[0, 4], 0.5),
            (&[], 0.0),
        ] {
            assert_relative_eq!(coverage(found), expected);
        }
    }

    #[test]
    fn the_exact_front_scores_perfectly() {
        let truth = truth();
        assert_eq!(truth.front(), [arch(0), arch(1), arch(2)]);
        // Scaled costs (1, 0), (0.4, 0.5), (0, 1): only the middle one spans an area.
        assert_relative_eq!(truth.hypervolume(), 0.6 * 0.5);
        let scores = truth.score(truth.front()).unwrap().unwrap();
        assert_relative_eq!(scores.hypervolume_ratio, 1.0);
        assert_relative_eq!(scores.igd, 0.0);
    }

    #[test]
    fn a_worse_front_scores_worse() {
        let scores = truth().score(&[arch(3)]).unwrap().unwrap();
        assert_relative_eq!(scores.hypervolume_ratio, 0.25 / 0.3, epsilon = 1e-12);
        let distances = [0.5f64.hypot(0.5), 0.1, 0.5f64.hypot(0.5)];
        assert_relative_eq!(scores.igd, distances.iter().sum::<f64>() / 3.0, epsilon = 1e-12);
        assert!(scores.igd_plus <= scores.igd);
    }

    #[test]
    fn architectures_without_true_values_have_no_score() {
        assert_eq!(truth().score(&[arch(4), arch(9)]).unwrap(), None);
        let nothing = Truth::new(&[Objective::minimise("x", "")], [(arch(0), vec![None])]);
        assert!(matches!(nothing, Err(Error::NothingComplete { .. })));
    }
}
