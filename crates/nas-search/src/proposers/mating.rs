//! Parents by random weights, and their children.

use nas_pareto::{Bounds, PointSet};
use nas_space::{Arch, Space};
use rand::RngExt;
use rand_distr::{Distribution, Gamma};

use super::random::Random;
use crate::{
    BoxError, Evaluated, Objective, Proposal, Proposer, Request, SearchRng, archives::NEARLY_BEST,
    request::TRIES,
};

/// Weights are independent gamma variates of this shape, which up to their sum is a symmetric
/// Dirichlet distribution; below 1 its mass lies at the corners.
const WEIGHT_SHAPE: f64 = 0.2;

/// How many of the best by a weighted sum may be parents. All of them are among the
/// [nearly best](Request::nearly_best).
const BEST: usize = NEARLY_BEST;

/// The probability that a child without a path from input to output is kept: its accuracy is that of
/// guessing, but its own children may be good.
const NO_PATH: f64 = 0.01;

/// As many new children of the niche as are asked for, or as can be found, each made by `child`;
/// random architectures where there are no parents yet.
pub(super) fn breed(
    request: &Request<'_>,
    rng: &mut SearchRng,
    child: impl Fn(&Mating<'_>, &mut SearchRng) -> Arch,
) -> Result<Vec<Proposal>, BoxError> {
    if request.front.is_empty() {
        return Random.propose(request, rng);
    }
    let mating = Mating::new(request)?;
    Ok(request.draw(TRIES, || child(&mating, rng)))
}

/// Draws weights, and children of the best architectures of a niche by them.
pub(super) struct Mating<'a> {
    request: &'a Request<'a>,
    candidates: Vec<&'a Evaluated>,
    /// `candidates × objectives`, less is better, scaled so that the front's range is 0 to 1.
    costs: PointSet,
    /// The front's range in each objective; 1 where it has none.
    ranges: Vec<f64>,
    weight: Gamma<f64>,
}

impl<'a> Mating<'a> {
    /// # Errors
    /// Without parents, and where a range of the objectives is beyond `f64`.
    pub fn new(request: &'a Request<'a>) -> Result<Self, BoxError> {
        let directions = Objective::directions(request.objectives);
        let rows = |all: &[&Evaluated]| -> Vec<Vec<f64>> {
            all.iter().filter_map(|one| one.complete()).collect()
        };
        let candidates = request.nearly_best.clone();
        let bounds = Bounds::of(&PointSet::from_rows(rows(&request.front), &directions)?)?;
        let costs = bounds.scale(&PointSet::from_rows(rows(&candidates), &directions)?)?;
        let ranges = bounds.min().iter().zip(bounds.max()).map(|(min, max)| max - min);
        Ok(Self {
            request,
            candidates,
            costs,
            ranges: ranges.map(|range| if range > 0.0 { range } else { 1.0 }).collect(),
            weight: Gamma::new(WEIGHT_SHAPE, 1.0)?,
        })
    }

    /// The front's range in each objective; 1 where it has none.
    pub fn ranges(&self) -> &[f64] {
        &self.ranges
    }

    /// A random weight for each objective; only their ratios matter.
    pub fn weights(&self, rng: &mut SearchRng) -> Vec<f64> {
        self.weight.sample_iter(rng).take(self.ranges.len()).collect()
    }

    /// The few that are best by the weights: at least one.
    pub fn parents(&self, weights: &[f64]) -> Vec<&Arch> {
        self.best(weights).into_iter().map(|position| &self.candidates[position].arch).collect()
    }

    /// A child of two of the parents, or a mutant of one. Children that probably cannot be run, or
    /// that have no path from input to output, are drawn again most of the time.
    pub fn child(&self, parents: &[&Arch], crossover: f64, rng: &mut SearchRng) -> Arch {
        let space: &Space = self.request.space;
        let parent = |rng: &mut SearchRng| parents[rng.random_range(0..parents.len())];
        // The probability is above 0, so the loop ends.
        loop {
            let one = parent(rng);
            let child = if rng.random_bool(crossover) {
                space.crossover(one, parent(rng), rng)
            } else {
                space.mutate(one, rng)
            };
            let path = if space.is_connected(&child) { 1.0 } else { NO_PATH };
            if rng.random_bool(path * self.request.feasibility.of(&child).powi(2)) {
                return child;
            }
        }
    }

    /// The positions of the few candidates that are best by the weighted sum of their costs, the
    /// best first; of equal ones the older.
    fn best(&self, weights: &[f64]) -> Vec<usize> {
        // One pass: there may be thousands of candidates, and this runs for each child.
        let mut best: Vec<(f64, usize)> = Vec::with_capacity(BEST + 1);
        for (position, costs) in self.costs.as_points().iter().enumerate() {
            let sum: f64 = costs.iter().zip(weights).map(|(cost, weight)| cost * weight).sum();
            if best.len() < BEST || sum < best[BEST - 1].0 {
                best.insert(best.partition_point(|other| other.0 <= sum), (sum, position));
                best.truncate(BEST);
            }
        }
        best.into_iter().map(|(_, position)| position).collect()
    }
}

#[cfg(test)]
mod tests {
    use nas_partition::{Axis, Partition};
    use nas_space::nasbench201::space;
    use rand::SeedableRng;

    use super::*;
    use crate::{Evolution, Statistical};

    /// Architectures with one more 3×3 convolution each, of which one could not be run; and a better
    /// one with a pooling, which is in another niche.
    fn evaluated() -> Vec<Evaluated> {
        let one = |convolutions: usize, latency: Option<f64>| Evaluated {
            arch: Arch::new(
                (0..6).map(|i| if i < convolutions { 3 } else { 1 }).collect::<Vec<u8>>(),
            ),
            values: vec![Some(convolutions as f64), latency],
            details: vec![],
            failure: None,
            stopped: false,
            niche: 0,
            generation: 0,
            proposer: String::new(),
            rationale: None,
        };
        let mut all: Vec<Evaluated> =
            (0..=6).map(|n| one(n, (n != 3).then_some(10.0 * n as f64))).collect();
        let arch = Arch::new([3, 3, 3, 3, 3, 4]);
        all.push(Evaluated { arch, niche: 1, ..one(5, Some(0.0)) });
        all
    }

    fn partition() -> Partition {
        let poolings = Axis::count(space(), "avg_pool_3x3").unwrap();
        Partition::by_thresholds(poolings, &[1.0]).unwrap()
    }

    fn objectives() -> [Objective; 2] {
        [Objective::accuracy("accuracy"), Objective::latency()]
    }

    #[test]
    fn the_best_by_weights_are_the_nearest_to_the_end_of_the_front_that_the_weights_favour() {
        let (partition, objectives, evaluated) = (partition(), objectives(), evaluated());
        let request = Request::new(space(), &partition, &objectives).with_evaluated(&evaluated);
        let mating = Mating::new(&request).unwrap();
        assert_eq!(mating.candidates.len(), 6);
        let best = |weights: &[f64]| {
            let best = mating.best(weights).into_iter();
            let count = |at: usize| space().count(&mating.candidates[at].arch, "nor_conv_3x3");
            let mut counts: Vec<usize> = best.map(count).collect();
            counts.sort_unstable();
            counts
        };
        assert_eq!(best(&[1.0, 0.1]), [2, 4, 5, 6]);
        assert_eq!(best(&[0.1, 1.0]), [0, 1, 2, 4]);
    }

    #[test]
    fn most_weights_lie_near_one_objective() {
        let (partition, objectives, evaluated) = (partition(), objectives(), evaluated());
        let request = Request::new(space(), &partition, &objectives).with_evaluated(&evaluated);
        let mating = Mating::new(&request).unwrap();
        let mut rng = SearchRng::seed_from_u64(1);
        let extreme =
            |weights: &[f64]| weights[0].max(weights[1]) > 9.0 * weights[0].min(weights[1]);
        let count = (0..1_000).filter(|_| extreme(&mating.weights(&mut rng))).count();
        assert!((600..900).contains(&count), "{count}");
    }

    #[test]
    fn the_children_of_a_single_parent_are_its_mutants() {
        let (partition, objectives, evaluated) = (partition(), objectives(), evaluated());
        let request = Request::new(space(), &partition, &objectives)
            .with_evaluated(&evaluated[..1])
            .with_count(20);
        let mut rng = SearchRng::seed_from_u64(1);
        let mut proposers: [Box<dyn Proposer>; 2] =
            [Box::new(Evolution::default()), Box::new(Statistical)];
        for proposer in &mut proposers {
            let children = proposer.propose(&request, &mut rng).unwrap();
            assert!(children.len() > 10);
            for child in children {
                let pairs = child.arch.choices().iter().zip(evaluated[0].arch.choices());
                assert_eq!(pairs.filter(|(a, b)| a != b).count(), 1);
            }
        }
    }
}
