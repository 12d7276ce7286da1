//! A simulated language model of known skill.

use nas_search::{BoxError, Child, Evaluated, Proposal, Proposer, Request, SearchRng, groups};
use nas_space::Arch;
use rand::RngExt;

use crate::{Error, Truth};

/// A simulated language model that chooses among candidates with a known skill: of each group of a
/// [slate](Request::slate), with this probability the candidate that truly adds most to the niche's front,
/// else a random one. It shows what a real model of that skill would bring.
#[derive(Debug, Clone, Copy)]
pub struct SimulatedChoice<'a> {
    truth: &'a Truth,
    candidates: usize,
    skill: f64,
}

impl<'a> SimulatedChoice<'a> {
    /// The beginning of its name in results, which its skill follows.
    pub const NAME: &'static str = "simulated-choice";

    /// A model of this skill, from 0 (chance) to 1.
    pub fn new(truth: &'a Truth, candidates: usize, skill: f64) -> Self {
        Self { truth, candidates, skill }
    }

    /// Chooses from a slate, of each group one: positions in it.
    ///
    /// # Errors
    /// None for a truth that was constructed; passed on from the computation.
    pub fn choose(
        &self,
        request: &Request<'_>,
        slate: &[Child<'_>],
        rng: &mut SearchRng,
    ) -> Result<Vec<usize>, Error> {
        let here = |one: &&Evaluated| one.niche == request.niche;
        let whole = request.partition.niches().len() < 2;
        let evaluated = request.evaluated.iter().filter(|one| whole || here(one));
        let evaluated: Vec<&Arch> = evaluated.map(|one| &one.arch).collect();
        let chosen = groups(slate.len(), request.count).map(|group| {
            let at = rng.random_range(group.clone());
            if !rng.random_bool(self.skill) {
                return Ok(at);
            }
            // The order is random, so that equal ones are equally likely.
            let all = slate[group.clone()].iter().map(|one| &one.arch);
            let gains = self.truth.gains_of(&evaluated, all)?;
            let best = group.zip(gains).max_by(|a, b| a.1.total_cmp(&b.1));
            Ok(best.map_or(at, |(best, _)| best))
        });
        chosen.collect()
    }
}

impl Proposer for SimulatedChoice<'_> {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn propose(
        &mut self,
        request: &Request<'_>,
        rng: &mut SearchRng,
    ) -> Result<Vec<Proposal>, BoxError> {
        let slate = request.slate(self.candidates, rng);
        let chosen = self.choose(request, &slate, rng)?;
        Ok(chosen.into_iter().map(|at| slate[at].arch.clone().into()).collect())
    }
}
