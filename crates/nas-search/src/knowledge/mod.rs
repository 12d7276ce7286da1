//! What a search has learnt about the space, as rules that a person can read and as effects that
//! a proposer can compute with.

mod markdown;
mod rule;

use std::sync::OnceLock;

use nas_pareto::PointSet;
use nas_partition::Effects;
use nas_space::Space;
use serde::{Deserialize, Serialize};

use rule::significance;
pub use rule::{Author, Condition, Dropped, Evidence, Polarity, Rule};

use crate::{Evaluated, Objective};

/// Design rules with their evidence, and the effects of every choice.
///
/// After every generation the evidence is counted again over everything evaluated; rules that it
/// refutes are dropped, and what the counts themselves show is stated as rules of the statistics.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct KnowledgeBase {
    rules: Vec<Rule>,
    dropped: Vec<Dropped>,
    /// One for each objective, on its cost: less is better. Computed when first asked for after an
    /// update, for not every search asks.
    #[serde(with = "once")]
    effects: OnceLock<Vec<Effects>>,
}

/// A value that may have been computed, as an option.
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

/// Rules of one polarity that the statistics may state for one scope.
const STATED: usize = 2;

/// The significance from which the statistics state a rule.
const STATED_FROM: f64 = 2.0;

/// The significance below which a rule is refuted.
const REFUTED_BELOW: f64 = -1.0;

impl KnowledgeBase {
    /// Rules kept for one niche, and for all niches together.
    pub const CAPACITY: usize = 8;

    /// What is believed before anything is evaluated.
    pub fn new(rules: Vec<Rule>) -> Self {
        Self { rules, ..Self::default() }
    }

    /// The rules that hold in a niche: its own, then those for all; the best supported first.
    pub fn rules_for(&self, niche: usize) -> Vec<&Rule> {
        let own = self.rules.iter().filter(|rule| rule.niche == Some(niche));
        own.chain(self.rules.iter().filter(|rule| rule.niche.is_none())).collect()
    }

    /// Whether it can be one of a search of the space with so many objectives, niches and
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
            // What fell may be of niches that are gone.
            && self.rules.iter().all(|rule| rule.niche.is_none_or(|niche| niche < niches))
            && effects.is_none_or(|effects| {
                effects.len() == objectives && effects.iter().all(|effects| effects.are_of(space))
            })
    }

    /// Drops the rules of single niches: there are others now.
    pub(crate) fn forget_niches(&mut self) {
        self.rules.retain(|rule| rule.niche.is_none());
    }

    /// All rules: those for all niches first, then by niche, each the best supported first.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The stated rules that no longer stand, in the order in which they fell. What statistics
    /// state follows the counts, and is not among them.
    pub fn dropped(&self) -> &[Dropped] {
        &self.dropped
    }

    /// What each choice adds to the objectives' costs, one model for each objective, from the
    /// architectures that the knowledge was last updated with.
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
                    // A network without a path tells nothing of the others.
                    let useful = evaluated.iter().filter(|one| space.is_connected(&one.arch));
                    let rows: Vec<_> =
                        useful.filter_map(|one| Some((&one.arch, cost(one)?))).collect();
                    Effects::fit(space, &rows)
                })
                .collect()
        })
    }

    /// Takes new rules in, counts all evidence again, drops what is refuted or beyond the bound.
    pub fn update(
        &mut self,
        space: &Space,
        objectives: &[Objective],
        niches: usize,
        evaluated: &[Evaluated],
        generation: usize,
        stated: impl IntoIterator<Item = Rule>,
    ) {
        let known = std::mem::take(&mut self.rules);
        let (statistics, mut rules): (Vec<Rule>, Vec<Rule>) =
            known.into_iter().partition(|rule| rule.author == Author::Statistics);
        for rule in stated {
            if !rules.iter().any(|known| known.states_the_same(&rule)) {
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
            let stands = |rule: &Rule| rule.evidence.significance() >= REFUTED_BELOW;
            let (mut here, mut fallen): (Vec<Rule>, Vec<Rule>) = here.into_iter().partition(stands);
            for mut rule in scope.statements(space, generation) {
                if here.iter().any(|known| known.states_the_same(&rule)) {
                    continue;
                }
                if let Some(known) = statistics.iter().find(|known| known.states_the_same(&rule)) {
                    rule.since = known.since;
                }
                here.push(rule);
            }
            let significance = |rule: &Rule| rule.evidence.significance();
            here.sort_by(|a, b| significance(b).total_cmp(&significance(a)));
            fallen.extend(here.drain(here.len().min(Self::CAPACITY)..));
            fallen.retain(|rule| rule.author != Author::Statistics);
            let evaluated = evaluated.len();
            self.dropped.extend(fallen.into_iter().map(|rule| Dropped { rule, evaluated }));
            self.rules.extend(here);
        }
        self.effects = OnceLock::new();
    }
}

/// What rules may hold for: all niches together, then each. Where one niche is all there is, a
/// scope of its own would state everything twice.
fn scopes(niches: usize) -> impl Iterator<Item = Option<usize>> {
    std::iter::once(None).chain((0..niches).filter(move |_| niches > 1).map(Some))
}

/// The architectures that a rule of one scope is judged by.
struct Scope<'a> {
    niche: Option<usize>,
    objectives: usize,
    members: Vec<Member<'a>>,
}

struct Member<'a> {
    position: usize,
    evaluated: &'a Evaluated,
    is_good: bool,
}

impl<'a> Scope<'a> {
    fn new(niche: Option<usize>, objectives: &[Objective], evaluated: &'a [Evaluated]) -> Self {
        let inside = |one: &Evaluated| niche.is_none_or(|niche| niche == one.niche);
        let members = evaluated.iter().enumerate().filter(|(_, one)| inside(one));
        let mut members: Vec<Member<'a>> = members
            .map(|(position, evaluated)| Member { position, evaluated, is_good: false })
            .collect();
        for member in better_half(objectives, &members) {
            members[member].is_good = true;
        }
        Self { niche, objectives: objectives.len(), members }
    }

    fn evidence(&self, space: &Space, polarity: Polarity, condition: &Condition) -> Evidence {
        let (meet, others): (Vec<&Member<'_>>, Vec<&Member<'_>>) =
            self.members.iter().partition(|member| condition.is_met(space, &member.evaluated.arch));
        let supports = |member: &&Member<'_>| member.is_good == (polarity == Polarity::Do);
        let (supporting, contradicting) = meet.iter().copied().partition::<Vec<_>, _>(supports);
        let positions = |members: Vec<&Member<'_>>| members.iter().map(|m| m.position).collect();
        let expected = self.members.iter().filter(supports).count() as f64;
        let effect = |objective: usize| Some(mean(&meet, objective)? - mean(&others, objective)?);
        Evidence {
            supporting: positions(supporting),
            contradicting: positions(contradicting),
            expected: expected / self.members.len().max(1) as f64,
            effects: (0..self.objectives).map(effect).collect(),
        }
    }

    /// What the counts themselves show: the choices that most clearly help or harm.
    fn statements(&self, space: &Space, generation: usize) -> Vec<Rule> {
        let mut rules = Vec::new();
        let good = self.members.iter().filter(|member| member.is_good).count();
        // Of each choice at each decision, how many are good, and how many there are.
        let mut counts: Vec<Vec<(usize, usize)>> =
            space.decisions().iter().map(|at| vec![(0, 0); at.choices.len()]).collect();
        for member in &self.members {
            for (counts, &choice) in counts.iter_mut().zip(member.evaluated.arch.choices()) {
                let (good, all) = &mut counts[usize::from(choice)];
                *good += usize::from(member.is_good);
                *all += 1;
            }
        }
        for polarity in [Polarity::Do, Polarity::Avoid] {
            let supporting = |good: usize, all: usize| match polarity {
                Polarity::Do => good,
                Polarity::Avoid => all - good,
            };
            let all = self.members.len();
            let expected = supporting(good, all) as f64 / all.max(1) as f64;
            let mut stated: Vec<(f64, Condition)> = Vec::new();
            for (decision, counts) in counts.iter().enumerate() {
                for (choice, &(good, all)) in (0..).zip(counts) {
                    let significance = significance(supporting(good, all), all, expected);
                    if significance >= STATED_FROM {
                        stated.push((significance, Condition::Choice { decision, choice }));
                    }
                }
            }
            stated.sort_by(|a, b| b.0.total_cmp(&a.0));
            rules.extend(stated.into_iter().take(STATED).map(|(_, condition)| Rule {
                evidence: self.evidence(space, polarity, &condition),
                polarity,
                condition,
                niche: self.niche,
                author: Author::Statistics,
                reason: String::new(),
                since: generation,
            }));
        }
        rules
    }
}

/// The mean of an objective over those that have it.
fn mean(members: &[&Member<'_>], objective: usize) -> Option<f64> {
    let values: Vec<f64> =
        members.iter().filter_map(|member| member.evaluated.values[objective]).collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The members of the first fronts, front by front, as long as they are no more than half of all;
/// at least the first. What could not be evaluated is in no front.
fn better_half(objectives: &[Objective], members: &[Member<'_>]) -> Vec<usize> {
    let directions: Vec<_> = objectives.iter().map(|objective| objective.direction).collect();
    let complete: Vec<(usize, Vec<f64>)> = members
        .iter()
        .enumerate()
        .filter_map(|(at, member)| Some((at, member.evaluated.complete()?)))
        .collect();
    let rows = complete.iter().map(|(_, values)| values);
    // Finite rows of one width, as the search checks them, are never refused.
    let fronts = PointSet::from_rows(rows, &directions)
        .and_then(|points| nas_pareto::non_dominated_sort(&points))
        .unwrap_or_default();
    let mut better: Vec<usize> = Vec::new();
    for front in fronts {
        if !better.is_empty() && 2 * (better.len() + front.len()) > members.len() {
            break;
        }
        better.extend(front.into_iter().map(|row| complete[row].0));
    }
    better
}

#[cfg(test)]
mod tests {
    use nas_partition::Partition;
    use nas_space::{Arch, nasbench201};

    use super::*;

    fn objectives() -> [Objective; 2] {
        [Objective::maximise("accuracy", "%"), Objective::minimise("latency", "ms")]
    }

    /// Cells whose last edge decides: a 3×3 convolution there is accurate and costs nothing, a
    /// pooling cannot be run; all else is noise.
    fn evaluated(count: usize) -> Vec<Evaluated> {
        let partition = Partition::pel_nas(nasbench201::space()).unwrap();
        let all = nasbench201::space().enumerate().step_by(37).enumerate().take(count);
        all.map(|(at, arch): (usize, Arch)| {
            let last = arch.choices()[5];
            let noise = (at * 7919 % 100) as f64 / 100.0;
            let accuracy = if last == 3 { 90.0 } else { 80.0 } + noise;
            Evaluated {
                values: vec![Some(accuracy), (last != 4).then_some(5.0 + noise)],
                details: vec![],
                niche: partition.niche_of(&arch),
                generation: 0,
                proposer: String::new(),
                rationale: None,
                arch,
            }
        })
        .collect()
    }

    fn rule(polarity: Polarity, choice: u8) -> Rule {
        Rule {
            polarity,
            condition: Condition::Choice { decision: 5, choice },
            niche: None,
            author: Author::Model,
            reason: "it says so".into(),
            since: 1,
            evidence: Evidence::default(),
        }
    }

    fn update(knowledge: &mut KnowledgeBase, evaluated: &[Evaluated], stated: Vec<Rule>) {
        knowledge.update(nasbench201::space(), &objectives(), 6, evaluated, 2, stated);
    }

    fn holds(knowledge: &KnowledgeBase, rule: &Rule) -> bool {
        knowledge.rules().iter().any(|known| known.states_the_same(rule))
    }

    #[test]
    fn what_the_data_show_is_stated_and_what_they_refute_is_dropped() {
        let mut knowledge = KnowledgeBase::default();
        let (right, wrong) = (rule(Polarity::Do, 3), rule(Polarity::Do, 4));
        update(&mut knowledge, &evaluated(400), vec![right.clone(), wrong.clone()]);
        assert!(holds(&knowledge, &right) && !holds(&knowledge, &wrong));
        let [dropped] = knowledge.dropped() else { panic!("{:?}", knowledge.dropped()) };
        assert!(dropped.rule.states_the_same(&wrong) && dropped.evaluated == 400);
        assert!(dropped.rule.evidence.significance() < REFUTED_BELOW);
        let warns =
            |rule: &Rule| (rule.author, rule.polarity) == (Author::Statistics, Polarity::Avoid);
        assert!(knowledge.rules().iter().any(warns));
        let found = knowledge.rules().iter().find(|known| known.states_the_same(&right)).unwrap();
        assert_eq!((found.author, found.since), (Author::Model, 1));
        assert!(found.evidence.significance() > 2.0);
        assert!(found.evidence.effects[0].unwrap() > 9.0);
        for &position in &found.evidence.supporting {
            assert_eq!(evaluated(400)[position].arch.choices()[5], 3);
        }
    }

    #[test]
    fn a_rule_without_evidence_waits_and_goes_when_the_data_speak_against_it() {
        let mut knowledge = KnowledgeBase::default();
        let wrong = rule(Polarity::Avoid, 3);
        let (first, all): (Vec<_>, _) = (
            evaluated(400).into_iter().filter(|e| e.arch.choices()[5] != 3).collect(),
            evaluated(400),
        );
        update(&mut knowledge, &first, vec![wrong.clone()]);
        assert!(holds(&knowledge, &wrong));
        update(&mut knowledge, &all, vec![]);
        assert!(!holds(&knowledge, &wrong));
    }

    #[test]
    fn the_knowledge_is_bounded_and_its_effects_are_costs() {
        let mut knowledge = KnowledgeBase::default();
        let stated =
            (0..5).flat_map(|choice| [rule(Polarity::Do, choice), rule(Polarity::Avoid, choice)]);
        update(&mut knowledge, &evaluated(400), stated.collect());
        for niche in 0..6 {
            assert!(knowledge.rules_for(niche).len() <= 2 * KnowledgeBase::CAPACITY);
        }
        let (space, objectives) = (nasbench201::space(), objectives());
        let effects = &knowledge.effects(space, &objectives, &evaluated(400))[0];
        assert!(effects.of(5, 3) - effects.of(5, 1) < -9.0);
    }

    #[test]
    fn people_can_read_it() {
        let mut knowledge = KnowledgeBase::default();
        update(&mut knowledge, &evaluated(400), vec![rule(Polarity::Do, 3)]);
        let space = nasbench201::space();
        knowledge.effects(space, &objectives(), &evaluated(400));
        let partition = Partition::pel_nas(space).unwrap();
        insta::assert_snapshot!(knowledge.markdown(space, partition.niches(), &objectives()));
    }
}
