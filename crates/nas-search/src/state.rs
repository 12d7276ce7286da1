//! The state of a search between two generations.

use std::collections::HashSet;

use nas_partition::{Budget, Partition};
use nas_space::{Arch, Space};
use rand::SeedableRng;
use serde::{Deserialize, Serialize};

use crate::{Error, Evaluated, KnowledgeBase, Objective, Rule, SearchRng, Settings};

/// With fewer evaluations niches are not chosen automatically.
const PARTITIONED_FROM: usize = 20;

/// The state of a search between two generations, from which
/// [`Search::resume`](crate::Search::resume) continues.
///
/// Serialise it in a format that keeps every bit of a number. It holds neither the space nor the
/// settings: resume with the same search, proposer and evaluator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub(crate) rng: SearchRng,
    pub(crate) evaluated: Vec<Evaluated>,
    pub(crate) knowledge: KnowledgeBase,
    /// The number of evaluations when the evidence was last counted.
    pub(crate) counted: usize,
    /// The number of the next generation.
    pub(crate) generations: usize,
    /// The shares that are still owed to the niches.
    pub(crate) budget: Budget,
    /// The number of architectures in the last generation.
    pub(crate) found: usize,
    /// Generations that are still planned, where nothing is filled.
    pub(crate) to_come: usize,
    /// The number of evaluations after which niches are chosen automatically.
    pub(crate) partition_at: usize,
    /// The niches that were chosen automatically, and the number of evaluations then.
    pub(crate) cut: Option<(String, usize)>,
}

impl State {
    /// The state at the start.
    pub(crate) fn new(settings: Settings, rules: &[Rule], known: usize) -> Self {
        let Settings { evaluations, initial, generation, seed, .. } = settings;
        Self {
            rng: SearchRng::seed_from_u64(seed),
            evaluated: Vec::new(),
            knowledge: KnowledgeBase::new(rules.to_vec()),
            counted: 0,
            // Number 0 belongs to the initial sample, also where there is none.
            generations: usize::from(initial == 0 && known == 0),
            budget: Budget::default(),
            found: usize::MAX,
            to_come: evaluations.saturating_sub(initial).div_ceil(generation.max(1)),
            partition_at: initial.max(PARTITIONED_FROM),
            cut: None,
        }
    }

    /// Everything evaluated so far, in order.
    pub fn evaluated(&self) -> &[Evaluated] {
        &self.evaluated
    }

    /// Refuses a state that a search with a budget of `evaluations` cannot have: files are not trusted.
    pub(crate) fn check(
        &self,
        space: &Space,
        evaluations: usize,
        partition: &Partition,
        objectives: &[Objective],
        details: usize,
    ) -> Result<(), Error> {
        let wrong = |what: String| Err(Error::State(what));
        let (count, niches) = (self.evaluated.len(), partition.niches().len());
        let mut seen: HashSet<&Arch> = HashSet::with_capacity(count);
        for (at, one) in self.evaluated.iter().enumerate() {
            if let Err(error) = space.check(&one.arch) {
                return wrong(format!("evaluation {}: {error}", at + 1));
            }
            let finite = |values: &[Option<f64>]| values.iter().flatten().all(|v| v.is_finite());
            let fits = one.values.len() == objectives.len()
                && one.details.len() == details
                && finite(&one.values)
                && one.niche == partition.niche_of(&one.arch)
                && one.generation < self.generations
                && seen.insert(&one.arch);
            if !fits {
                return wrong(format!("evaluation {} does not belong to this search", at + 1));
            }
        }
        // So that no later number overflows.
        if self.generations > usize::MAX / 2 || self.partition_at > usize::MAX / 2 {
            return wrong(format!("generation {}", self.generations));
        }
        if count > evaluations || self.counted > count {
            return wrong(format!(
                "{count} evaluations, {} of them counted, of a budget of {evaluations}",
                self.counted
            ));
        }
        // A share for each niche and one for the whole space.
        if !self.budget.is_of(niches + 1) && !self.budget.is_of(niches) {
            return wrong("the niches' shares".to_owned());
        }
        if !self.knowledge.is_of(space, objectives.len(), niches, count) {
            return wrong("a rule or an effect of another space".to_owned());
        }
        Ok(())
    }
}
