use nas_pareto::PointSet;
use nas_space::Arch;
use rand::RngExt;
use rand_distr::{Distribution, Gamma};

use crate::{
    BoxError, Evaluated, Proposal, Proposer, Random, Request, SearchRng, feasibility::Feasibility,
};

/// Evolution by random weights: uniform crossover of two good architectures, or mutation of one.
///
/// For each child the objectives, scaled by the front's range, are weighted at random, and the
/// parents are drawn from the few architectures of the niche that are best by the weighted sum
/// (Ishibuchi & Murata 1998). So both parents come from one region of the front, and what is only
/// nearly on it, as measured accuracy is noisy, is a parent as well. Most weights lie near a single
/// objective: the ends of a front decide how far it reaches, and nothing beyond points to them.
///
/// A child is dropped with a probability that grows with the share of architectures of its kind
/// that could not be evaluated so far, and nearly always if no path leads through it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evolution {
    /// Probability of crossover; else the child is a mutant. 0.5 as in PEL-NAS.
    pub crossover: f64,
}

impl Default for Evolution {
    fn default() -> Self {
        Self { crossover: 0.5 }
    }
}

/// Weights are independent gamma variates of this shape, which up to their sum is a symmetric
/// Dirichlet distribution; below 1 its mass lies at the corners.
const WEIGHT_SHAPE: f64 = 0.2;

/// How many of the best by a weighted sum are possible parents.
const BEST: usize = 4;

/// How often a child without a path from input to output is evaluated: its accuracy is known to be
/// chance, but the way to others may lead over it.
const NO_PATH: f64 = 0.01;

/// Where the neighbourhood of the parents is exhausted, a child that is new is soon not found.
const TRIES: usize = 50;

impl Proposer for Evolution {
    fn name(&self) -> &'static str {
        "evolution"
    }

    fn propose(
        &mut self,
        request: &Request<'_>,
        rng: &mut SearchRng,
    ) -> Result<Vec<Proposal>, BoxError> {
        if request.parents.is_empty() {
            return Random.propose(request, rng);
        }
        let space = request.space;
        let mating = Mating::new(request)?;
        let feasibility = Feasibility::learn(space, request.evaluated);
        let child = |rng: &mut SearchRng| {
            let [one, other] = mating.parents(rng);
            if rng.random_bool(self.crossover) {
                space.crossover(one, other, rng)
            } else {
                space.mutate(one, rng)
            }
        };
        let worth = |child: &Arch| {
            let path = if space.is_connected(child) { 1.0 } else { NO_PATH };
            path * feasibility.of(child).powi(2)
        };
        // A worth is above 0, so that the loop ends.
        let children = request.draw(TRIES, || {
            loop {
                let child = child(rng);
                if rng.random_bool(worth(&child)) {
                    break child;
                }
            }
        });
        Ok(children.into_iter().map(|arch| Proposal { arch, rationale: None }).collect())
    }
}

/// Draws pairs of parents.
struct Mating<'a> {
    candidates: Vec<&'a Evaluated>,
    /// `candidates × objectives`, less is better.
    costs: PointSet,
    weight: Gamma<f64>,
}

impl<'a> Mating<'a> {
    fn new(request: &Request<'a>) -> Result<Self, BoxError> {
        let (candidates, costs) = request.scaled_costs()?;
        Ok(Self { candidates, costs, weight: Gamma::new(WEIGHT_SHAPE, 1.0)? })
    }

    /// Two of the best by one random weighting; they may be the same.
    fn parents(&self, rng: &mut SearchRng) -> [&'a Arch; 2] {
        let costs = self.costs.as_points();
        let weights: Vec<f64> =
            self.weight.sample_iter(&mut *rng).take(costs.dimension()).collect();
        let sum =
            |costs: &[f64]| costs.iter().zip(&weights).map(|(cost, weight)| cost * weight).sum();
        let sums: Vec<f64> = costs.iter().map(sum).collect();
        let mut order: Vec<usize> = (0..sums.len()).collect();
        let best = BEST.min(order.len());
        order.select_nth_unstable_by(best - 1, |&a, &b| sums[a].total_cmp(&sums[b]));
        [(); 2].map(|()| &self.candidates[order[rng.random_range(0..best)]].arch)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use nas_partition::Partition;
    use nas_space::nasbench201;
    use rand::SeedableRng;

    use super::*;
    use crate::Objective;

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
            count: 20,
            generation: 1,
            seen: &HashSet::new(),
        })
    }

    #[test]
    fn parents_have_all_objectives_and_both_come_from_one_end_more_often_than_not() {
        let evaluated = evaluated();
        let mut rng = SearchRng::seed_from_u64(1);
        with_request(&evaluated, |request| {
            let mating = Mating::new(request).unwrap();
            assert_eq!(mating.candidates.len(), 6);
            let convolutions = |arch: &Arch| request.space.count(arch, "nor_conv_3x3");
            // Accuracy and latency are proportional here: each weighting prefers one end, and its
            // four best are 0, 1, 2, 4 or 6, 5, 4, 2.
            let mut pairs = HashSet::new();
            for _ in 0..1_000 {
                pairs.insert(mating.parents(&mut rng).map(convolutions));
            }
            assert!(pairs.contains(&[0, 1]) && pairs.contains(&[6, 5]), "{pairs:?}");
            let across = |pair: &&[usize; 2]| pair.contains(&0) && pair.contains(&6);
            assert!(!pairs.iter().any(|pair| across(&pair) || pair.contains(&3)), "{pairs:?}");
        });
    }

    #[test]
    fn a_single_parent_has_mutants_for_children() {
        let evaluated = &evaluated()[..1];
        let mut rng = SearchRng::seed_from_u64(1);
        with_request(evaluated, |request| {
            let children = Evolution::default().propose(request, &mut rng).unwrap();
            assert!(children.len() > 10);
            for child in children {
                let pairs = child.arch.choices().iter().zip(evaluated[0].arch.choices());
                assert!(pairs.filter(|(a, b)| a != b).count() <= 1);
            }
        });
    }
}
