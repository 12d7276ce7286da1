use nas_pareto::{Bounds, PointSet};
use nas_space::{Arch, Space};
use rand::RngExt;
use rand_distr::{Distribution, Gamma};

use crate::{BoxError, Evaluated, Proposal, Proposer, Random, Request, SearchRng};

/// Weights are independent gamma variates of this shape, which up to their sum is a symmetric
/// Dirichlet distribution; below 1 its mass lies at the corners.
const WEIGHT_SHAPE: f64 = 0.2;

/// How many of the best by a weighted sum are possible parents: members of the niche's skyband.
pub(crate) const BEST: usize = 4;

/// How often a child without a path from input to output is evaluated: its accuracy is known to be
/// chance, but the way to others may lead over it.
const NO_PATH: f64 = 0.01;

/// Where the neighbourhood of the parents is exhausted, a child that is new is soon not found.
const TRIES: usize = 50;

/// As many new children of the niche as are asked for, or as can be found, each made by `child`;
/// random architectures where there are no parents yet.
pub(crate) fn breed(
    request: &Request<'_>,
    rng: &mut SearchRng,
    child: impl Fn(&Mating<'_>, &mut SearchRng) -> Arch,
) -> Result<Vec<Proposal>, BoxError> {
    if request.front.is_empty() {
        return Random.propose(request, rng);
    }
    let mating = Mating::new(request)?;
    let children = request.draw(TRIES, || child(&mating, rng)).into_iter();
    Ok(children.map(|arch| Proposal { arch, rationale: None }).collect())
}

/// Draws weights, and children of the best architectures of a niche by them.
pub(crate) struct Mating<'a> {
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
        let directions: Vec<_> = request.objectives.iter().map(|o| o.direction).collect();
        let rows = |all: &[&Evaluated]| -> Vec<Vec<f64>> {
            all.iter().filter_map(|one| one.complete()).collect()
        };
        let candidates = request.nearly_best.to_vec();
        let bounds = Bounds::of(&PointSet::from_rows(rows(request.front), &directions)?)?;
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

    /// A random weight for each objective; only their ratios count.
    pub fn weights(&self, rng: &mut SearchRng) -> Vec<f64> {
        self.weight.sample_iter(rng).take(self.ranges.len()).collect()
    }

    /// The few that are best by the weights: at least one.
    pub fn parents(&self, weights: &[f64]) -> Vec<&Arch> {
        self.best(weights).into_iter().map(|position| &self.candidates[position].arch).collect()
    }

    /// A child of two of the parents, or of one; likely one that can be run and has a path from
    /// input to output.
    pub fn child(&self, parents: &[&Arch], crossover: f64, rng: &mut SearchRng) -> Arch {
        let space: &Space = self.request.space;
        let parent = |rng: &mut SearchRng| parents[rng.random_range(0..parents.len())];
        // A worth is above 0, so that the loop ends.
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
        // One pass: there may be thousands of candidates, and this is asked for each child.
        let mut best: Vec<(f64, usize)> = Vec::with_capacity(BEST + 1);
        for (position, costs) in self.costs.as_points().iter().enumerate() {
            let sum: f64 = costs.iter().zip(weights).map(|(cost, weight)| cost * weight).sum();
            if best.len() < BEST || sum < best[BEST - 1].0 {
                best.insert(best.partition_point(|known| known.0 <= sum), (sum, position));
                best.truncate(BEST);
            }
        }
        best.into_iter().map(|(_, position)| position).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use nas_partition::Partition;
    use nas_space::nasbench201;
    use rand::SeedableRng;

    use super::*;
    use crate::{Evolution, KnowledgeBase, Objective, Statistical, feasibility::Feasibility};

    /// Architectures with one more 3×3 convolution each, and one that could not be run.
    fn evaluated() -> Vec<Evaluated> {
        let one = |convolutions: usize, latency: Option<f64>| Evaluated {
            arch: Arch::new(
                (0..6).map(|i| if i < convolutions { 3 } else { 1 }).collect::<Vec<u8>>(),
            ),
            values: vec![Some(convolutions as f64), latency],
            details: vec![],
            niche: 0,
            generation: 0,
            proposer: String::new(),
            rationale: None,
        };
        let mut all: Vec<Evaluated> =
            (0..=6).map(|n| one(n, (n != 3).then_some(10.0 * n as f64))).collect();
        all.push(Evaluated { niche: 1, ..one(5, Some(0.0)) });
        all
    }

    fn with_request<T>(evaluated: &[Evaluated], test: impl FnOnce(&Request<'_>) -> T) -> T {
        let parents: Vec<&Evaluated> =
            evaluated.iter().filter(|one| one.niche == 0 && one.complete().is_some()).collect();
        let mut feasibility = Feasibility::new(nasbench201::space());
        for one in evaluated {
            feasibility.learn(one);
        }
        test(&Request {
            space: nasbench201::space(),
            partition: &Partition::whole(),
            niche: 0,
            objectives: &[
                Objective::maximise("accuracy", "%"),
                Objective::minimise("latency", "ms"),
            ],
            parents: &parents,
            evaluated,
            knowledge: &KnowledgeBase::default(),
            count: 20,
            generation: 1,
            seen: &HashSet::new(),
            shared: false,
            front: &parents,
            nearly_best: &parents,
            feasibility: &feasibility,
        })
    }

    #[test]
    fn candidates_have_all_objectives_and_the_best_lie_at_the_end_that_the_weights_name() {
        with_request(&evaluated(), |request| {
            let mating = Mating::new(request).unwrap();
            assert_eq!(mating.candidates.len(), 6);
            let best = |weights: &[f64]| {
                let best = mating.best(weights).into_iter();
                let count =
                    |at: usize| request.space.count(&mating.candidates[at].arch, "nor_conv_3x3");
                let mut counts: Vec<usize> = best.map(count).collect();
                counts.sort_unstable();
                counts
            };
            assert_eq!(best(&[1.0, 0.1]), [2, 4, 5, 6]);
            assert_eq!(best(&[0.1, 1.0]), [0, 1, 2, 4]);
        });
    }

    #[test]
    fn most_weights_lie_near_one_objective() {
        let mut rng = SearchRng::seed_from_u64(1);
        with_request(&evaluated(), |request| {
            let mating = Mating::new(request).unwrap();
            let extreme =
                |weights: &[f64]| weights[0].max(weights[1]) > 9.0 * weights[0].min(weights[1]);
            let count = (0..1_000).filter(|_| extreme(&mating.weights(&mut rng))).count();
            assert!((600..900).contains(&count), "{count}");
        });
    }

    #[test]
    fn a_single_parent_has_mutants_for_children() {
        let evaluated = &evaluated()[..1];
        let mut rng = SearchRng::seed_from_u64(1);
        with_request(evaluated, |request| {
            let mut proposers: [Box<dyn Proposer>; 2] =
                [Box::new(Evolution::default()), Box::new(Statistical)];
            for proposer in &mut proposers {
                let children = proposer.propose(request, &mut rng).unwrap();
                assert!(children.len() > 10);
                for child in children {
                    let pairs = child.arch.choices().iter().zip(evaluated[0].arch.choices());
                    assert!(pairs.filter(|(a, b)| a != b).count() <= 1);
                }
            }
        });
    }
}
