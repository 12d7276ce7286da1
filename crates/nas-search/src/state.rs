use std::collections::HashSet;

use nas_partition::{Budget, Partition};
use nas_space::Arch;
use rand::SeedableRng;
use serde::{Deserialize, Serialize};

use crate::{
    Error, Evaluated, KnowledgeBase, Objective, Rule, Search, SearchRng, Settings, search::FEWEST,
};

/// Where a search stands between two generations: what [`Search::resume`] goes on from.
///
/// It is a value of serde's, for a format that keeps every bit of a number. It holds neither space
/// nor settings: who resumes gives the same search, proposer and evaluator again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub(crate) rng: SearchRng,
    pub(crate) evaluated: Vec<Evaluated>,
    pub(crate) knowledge: KnowledgeBase,
    /// How much was evaluated when the evidence was last counted.
    pub(crate) counted: usize,
    /// The number of the next generation.
    pub(crate) generations: usize,
    /// What the niches are owed.
    pub(crate) budget: Budget,
    /// How many architectures the last generation had.
    pub(crate) found: usize,
    /// Generations that are planned yet, where nothing is filled.
    pub(crate) to_come: usize,
    /// How much is to be evaluated before niches are cut automatically.
    pub(crate) partition_at: usize,
    /// The niches that were cut automatically, and how much was evaluated then.
    pub(crate) cut: Option<(String, usize)>,
}

impl State {
    /// Before anything was done.
    pub(crate) fn new(settings: Settings, rules: &[Rule]) -> Self {
        let Settings { evaluations, initial, generation, seed, .. } = settings;
        Self {
            rng: SearchRng::seed_from_u64(seed),
            evaluated: Vec::new(),
            knowledge: KnowledgeBase::new(rules.to_vec()),
            counted: 0,
            // Number 0 is the initial sample's, also where there is none.
            generations: usize::from(initial == 0),
            budget: Budget::default(),
            found: usize::MAX,
            to_come: evaluations.saturating_sub(initial).div_ceil(generation.max(1)),
            partition_at: initial.max(FEWEST),
            cut: None,
        }
    }

    /// Everything evaluated so far, in order.
    pub fn evaluated(&self) -> &[Evaluated] {
        &self.evaluated
    }

    /// Refuses what cannot be the state of a search: a file is not to be trusted.
    pub(crate) fn check(
        &self,
        search: &Search<'_>,
        partition: &Partition,
        objectives: &[Objective],
        details: usize,
    ) -> Result<(), Error> {
        let wrong = |what: String| Err(Error::State(what));
        let (count, niches) = (self.evaluated.len(), partition.niches().len());
        let mut known: HashSet<&Arch> = HashSet::with_capacity(count);
        for (at, one) in self.evaluated.iter().enumerate() {
            if let Err(error) = search.space.check(&one.arch) {
                return wrong(format!("evaluation {}: {error}", at + 1));
            }
            let finite = |values: &[Option<f64>]| values.iter().flatten().all(|v| v.is_finite());
            let fits = one.values.len() == objectives.len()
                && one.details.len() == details
                && finite(&one.values)
                && one.niche == partition.niche_of(&one.arch)
                && one.generation < self.generations
                && known.insert(&one.arch);
            if !fits {
                return wrong(format!("evaluation {} is none of this search", at + 1));
            }
        }
        // So many that none of its successors overflows.
        if self.generations > usize::MAX / 2 || self.partition_at > usize::MAX / 2 {
            return wrong(format!("generation {}", self.generations));
        }
        if count > search.settings.evaluations || self.counted > count {
            return wrong(format!(
                "{count} evaluations, {} counted, of {}",
                self.counted, search.settings.evaluations
            ));
        }
        // A share for each niche and one for the whole space.
        if !self.budget.is_of(niches + 1) && !self.budget.is_of(niches) {
            return wrong("the niches' shares".to_owned());
        }
        if !self.knowledge.is_of(search.space, objectives.len(), niches, count) {
            return wrong("a rule or effect of another space".to_owned());
        }
        Ok(())
    }
}
