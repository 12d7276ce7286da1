//! The knowledge base of a search.

use std::sync::OnceLock;

use nas_partition::Effects;
use nas_space::Space;
use serde::{Deserialize, Serialize};

use super::{
    rule::{Author, DroppedRule, Rule},
    scope::{Scope, scopes},
};
use crate::{Evaluated, Objective};

/// Design rules with their evidence, and the effects of every choice.
///
/// During the search the evidence is counted again over everything evaluated. Rules that it
/// refutes are dropped, and what the counts themselves show becomes rules of the statistics.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct KnowledgeBase {
    rules: Vec<Rule>,
    dropped: Vec<DroppedRule>,
    /// One for each objective, on its cost: less is better. Computed when first used after an
    /// update, because not every search uses them.
    #[serde(with = "once")]
    effects: OnceLock<Vec<Effects>>,
}

/// Serialises a value that may not be computed yet as an option.
mod once {
    use std::sync::OnceLock;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<T: Serialize, S: Serializer>(
        value: &OnceLock<T>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        value.get().serialize(to)
    }

    pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        from: D,
    ) -> Result<OnceLock<T>, D::Error> {
        Ok(Option::<T>::deserialize(from)?.map_or_else(OnceLock::new, OnceLock::from))
    }
}

/// The significance below which a rule is refuted.
pub(super) const REFUTED_BELOW: f64 = -1.0;

impl KnowledgeBase {
    /// Rules kept for one niche, and for all niches together.
    pub const CAPACITY: usize = 8;

    /// A knowledge base with rules that hold until the evidence refutes them.
    pub fn new(rules: Vec<Rule>) -> Self {
        Self { rules, ..Self::default() }
    }

    /// The rules of a niche: its own, then those for all; the best supported first.
    pub fn rules_for(&self, niche: usize) -> Vec<&Rule> {
        let own = self.rules.iter().filter(|rule| rule.niche == Some(niche));
        own.chain(self.rules.iter().filter(|rule| rule.niche.is_none())).collect()
    }

    /// Whether it fits a search of the space with these numbers of objectives, niches and
    /// evaluations.
    pub(crate) fn is_of(
        &self,
        space: &Space,
        objectives: usize,
        niches: usize,
        evaluated: usize,
    ) -> bool {
        let rules = self.rules.iter().chain(self.dropped.iter().map(|dropped| &dropped.rule));
        let mut rules = rules.map(|rule| {
            let positions = rule.evidence.supporting.iter().chain(&rule.evidence.contradicting);
            rule.condition.is_of(space)
                && positions.max().is_none_or(|last| *last < evaluated)
                && rule.evidence.effects.len() <= objectives
        });
        let effects = self.effects.get();
        rules.all(|fits| fits)
            // Dropped rules may be of niches that no longer exist.
            && self.rules.iter().all(|rule| rule.niche.is_none_or(|niche| niche < niches))
            && effects.is_none_or(|effects| {
                effects.len() == objectives && effects.iter().all(|effects| effects.are_of(space))
            })
    }

    /// Forgets the rules of single niches: the niches have changed.
    pub(crate) fn forget_niches(&mut self) {
        self.rules.retain(|rule| rule.niche.is_none());
    }

    /// All rules: those for all niches first, then by niche, each the best supported first.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rules that no longer hold, in the order in which they were dropped. Rules of the
    /// statistics are not among them: they follow the counts.
    pub fn dropped(&self) -> &[DroppedRule] {
        &self.dropped
    }

    /// What each choice adds to the objectives' costs, one model for each objective, fitted to the
    /// architectures evaluated so far. It is computed once after each [`update`](Self::update).
    pub fn effects(
        &self,
        space: &Space,
        objectives: &[Objective],
        evaluated: &[Evaluated],
    ) -> &[Effects] {
        self.effects.get_or_init(|| {
            (0..objectives.len())
                .map(|objective| {
                    let cost =
                        |one: &Evaluated| Some(objectives[objective].cost(one.values[objective]?));
                    // Networks without a path would distort the effects of all others.
                    let useful = evaluated.iter().filter(|one| space.is_connected(&one.arch));
                    let rows: Vec<_> =
                        useful.filter_map(|one| Some((&one.arch, cost(one)?))).collect();
                    Effects::fit(space, &rows)
                })
                .collect()
        })
    }

    /// The effects, where they are computed.
    pub(super) fn known_effects(&self) -> &[Effects] {
        self.effects.get().map_or(&[], Vec::as_slice)
    }

    /// Adds new rules, counts all evidence again, and drops the rules that are refuted or beyond
    /// the [capacity](Self::CAPACITY).
    pub fn update(
        &mut self,
        space: &Space,
        objectives: &[Objective],
        niches: usize,
        evaluated: &[Evaluated],
        generation: usize,
        stated: impl IntoIterator<Item = Rule>,
    ) {
        let earlier = std::mem::take(&mut self.rules);
        let (statistics, mut rules): (Vec<Rule>, Vec<Rule>) =
            earlier.into_iter().partition(|rule| rule.author == Author::Statistics);
        for rule in stated {
            if !rules.iter().any(|other| other.states_the_same(&rule)) {
                rules.push(rule);
            }
        }
        for niche in scopes(niches) {
            let scope = Scope::new(niche, objectives, evaluated);
            let mut here: Vec<Rule> =
                rules.iter().filter(|rule| rule.niche == niche).cloned().collect();
            for rule in &mut here {
                rule.evidence = scope.evidence(space, rule.polarity, &rule.condition);
            }
            let holds = |rule: &Rule| rule.evidence.significance() >= REFUTED_BELOW;
            let (mut here, mut dropped): (Vec<Rule>, Vec<Rule>) = here.into_iter().partition(holds);
            for mut rule in scope.statements(space, generation) {
                if here.iter().any(|other| other.states_the_same(&rule)) {
                    continue;
                }
                let same = statistics.iter().find(|earlier| earlier.states_the_same(&rule));
                if let Some(earlier) = same {
                    rule.since = earlier.since;
                }
                here.push(rule);
            }
            let significance = |rule: &Rule| rule.evidence.significance();
            here.sort_by(|a, b| significance(b).total_cmp(&significance(a)));
            dropped.extend(here.drain(here.len().min(Self::CAPACITY)..));
            dropped.retain(|rule| rule.author != Author::Statistics);
            let evaluated = evaluated.len();
            self.dropped.extend(dropped.into_iter().map(|rule| DroppedRule { rule, evaluated }));
            self.rules.extend(here);
        }
        self.effects = OnceLock::new();
    }
}
