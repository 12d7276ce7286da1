//! The architectures that the rules of a niche are judged by, and what their counts show.

use nas_pareto::PointSet;
use nas_space::Space;

use super::rule::{Author, Condition, Evidence, Polarity, Rule, significance};
use crate::{Evaluated, Objective};

/// Rules of one polarity that the statistics may state for one scope.
const STATED: usize = 2;

/// The significance from which the statistics state a rule.
const STATED_FROM: f64 = 2.0;

/// The scopes of rules: `None` for all niches together, then each niche. A single niche has no scope
/// of its own, which would state everything twice.
pub(super) fn scopes(niches: usize) -> impl Iterator<Item = Option<usize>> {
    std::iter::once(None).chain((0..niches).filter(move |_| niches > 1).map(Some))
}

/// The architectures that a rule of one scope is judged by.
pub(super) struct Scope<'a> {
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
    pub fn new(niche: Option<usize>, objectives: &[Objective], evaluated: &'a [Evaluated]) -> Self {
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

    pub fn evidence(&self, space: &Space, polarity: Polarity, condition: &Condition) -> Evidence {
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
    pub fn statements(&self, space: &Space, generation: usize) -> Vec<Rule> {
        let mut rules = Vec::new();
        let good = self.members.iter().filter(|member| member.is_good).count();
        // For each choice at each decision: how many are good, and how many there are.
        let mut counts: Vec<Vec<(usize, usize)>> =
            space.decisions().iter().map(|at| vec![(0, 0); at.choices.len()]).collect();
        for member in &self.members {
            let arch = &member.evaluated.arch;
            // An inactive decision has its first choice, and takes none.
            let active = space.is_conditional().then(|| space.active(arch));
            for (at, (counts, &choice)) in counts.iter_mut().zip(arch.choices()).enumerate() {
                if active.as_ref().is_some_and(|active| !active[at]) {
                    continue;
                }
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
/// at least the first front. Members without a value of each objective are in no front.
fn better_half(objectives: &[Objective], members: &[Member<'_>]) -> Vec<usize> {
    let directions = Objective::directions(objectives);
    let complete: Vec<(usize, Vec<f64>)> = members
        .iter()
        .enumerate()
        .filter_map(|(at, member)| Some((at, member.evaluated.complete()?)))
        .collect();
    let rows = complete.iter().map(|(_, values)| values);
    // The search checks that rows are finite and of one width, so this does not fail.
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
