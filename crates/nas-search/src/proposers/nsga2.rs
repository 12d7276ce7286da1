//! NSGA-II.

use std::collections::HashMap;

use nas_pareto::{PointSet, crowding_distance, non_dominated_sort};
use nas_space::{Arch, Space};
use rand::RngExt;

use crate::{
    BoxError, Objective, Proposal, Proposer, Random, Request, SearchRng, Searcher, request::TRIES,
};

/// NSGA-II (Deb, Pratap, Agarwal & Meyarivan 2002): the best of parents and children survive, by
/// non-domination rank and within a rank by crowding distance; parents are the winners of binary
/// tournaments by the same order; uniform crossover, then each decision mutates by chance.
#[derive(Debug, Clone, PartialEq)]
pub struct Nsga2 {
    /// How many survive, in each niche.
    pub population: usize,
    /// Probability of crossover; else the child is a mutant of one parent.
    pub crossover: f64,
    /// For each niche, or for all together: how many evaluations were seen, and the positions of the
    /// survivors.
    survivors: HashMap<Option<usize>, (usize, Vec<usize>)>,
}

impl Nsga2 {
    /// A population of that size, with the paper's probability of crossover, 0.9.
    pub fn new(population: usize) -> Self {
        Self { population: population.max(2), crossover: 0.9, survivors: HashMap::new() }
    }

    /// The survivors of the niche, best first.
    fn select(&mut self, request: &Request<'_>) -> Result<Vec<usize>, BoxError> {
        let niche = (!request.shared).then_some(request.niche);
        let (seen, survivors) = self.survivors.entry(niche).or_default();
        let all = request.evaluated;
        let new = (*seen..all.len()).filter(|&at| niche.is_none_or(|niche| all[at].niche == niche));
        let candidates = survivors.iter().copied().chain(new);
        let (candidates, values): (Vec<usize>, Vec<Vec<f64>>) =
            candidates.filter_map(|at| Some((at, all[at].complete()?))).unzip();
        let costs = PointSet::from_rows(&values, &Objective::directions(request.objectives))?;
        let mut best: Vec<usize> = Vec::with_capacity(self.population);
        for front in non_dominated_sort(&costs)? {
            let rows: Vec<f64> = front
                .iter()
                .flat_map(|&at| costs.as_points().get(at).unwrap_or_default())
                .copied()
                .collect();
            let crowding = crowding_distance(&PointSet::new(rows, request.objectives.len())?)?;
            let mut order: Vec<usize> = (0..front.len()).collect();
            order.sort_by(|&a, &b| crowding[b].total_cmp(&crowding[a]));
            best.extend(order.into_iter().map(|at| candidates[front[at]]));
            if best.len() >= self.population {
                break;
            }
        }
        best.truncate(self.population);
        *seen = all.len();
        survivors.clone_from(&best);
        Ok(best)
    }
}

/// Each decision takes another choice with a probability of one in the number of decisions.
fn mutate(space: &Space, arch: Arch, rng: &mut SearchRng) -> Arch {
    let decisions = space.decisions().len();
    let rate = 1.0 / decisions.max(1) as f64;
    (0..decisions).fold(arch, |arch, decision| {
        if rng.random_bool(rate) { space.mutate_at(&arch, decision, rng) } else { arch }
    })
}

/// By name, NSGA-II and SPEA2 have this population: with a few hundred evaluations the usual 100 hardly
/// evolve.
pub(super) const POPULATION: usize = 50;

impl Nsga2 {
    /// The proposer's name in results.
    pub const NAME: &'static str = "nsga2";
}

pub(super) const SEARCHER: Searcher = Searcher {
    name: Nsga2::NAME,
    summary: "NSGA-II: non-dominated sorting and crowding distance",
    make: |_| Ok(Box::new(Nsga2::new(POPULATION))),
};

impl Proposer for Nsga2 {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn propose(
        &mut self,
        request: &Request<'_>,
        rng: &mut SearchRng,
    ) -> Result<Vec<Proposal>, BoxError> {
        let population = self.select(request)?;
        if population.is_empty() {
            return Random.propose(request, rng);
        }
        // Best first: of two, the earlier wins.
        let parent = |rng: &mut SearchRng| {
            let mut draw = || rng.random_range(0..population.len());
            &request.evaluated[population[draw().min(draw())]].arch
        };
        Ok(request.draw(TRIES, || {
            let one = parent(rng);
            let child = if rng.random_bool(self.crossover) {
                request.space.crossover(one, parent(rng), rng)
            } else {
                one.clone()
            };
            mutate(request.space, child, rng)
        }))
    }
}
