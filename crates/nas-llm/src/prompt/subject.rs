//! What a prompt is about, as values of the templates.

use minijinja::{Value, context};
use nas_pareto::Direction;
use nas_search::{Author, Evaluated, KnowledgeBase, Objective, Polarity, Request, Rule};
use nas_space::{Arch, Space};

use crate::{
    memory::{Outcome, within_room},
    names::Names,
    schema::{ParentEdits, is_by_decision},
};

/// The largest number of parents in a prompt: small models lose the thread of more, and all cost
/// tokens.
const PARENTS: usize = 5;

/// The largest number of rules in a prompt.
const RULES: usize = 6;

/// The largest number of decisions of all parents together whose choices a schema lists: some servers take
/// schemas as a part of the prompt.
const LISTED: usize = 60;

/// What a prompt is about: a niche, and the names under which the model sees the space.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub request: &'a Request<'a>,
    pub names: &'a Names,
    /// What a navigator wants to be tried.
    pub strategy: Option<&'a str>,
}

impl<'a> Subject<'a> {
    /// A niche, without a navigator.
    pub fn new(request: &'a Request<'a>, names: &'a Names) -> Self {
        Self { request, names, strategy: None }
    }

    /// The parents that a prompt shows: evenly chosen along the front.
    pub fn parents(self) -> Vec<&'a Evaluated> {
        spread(&self.request.parents, PARENTS).collect()
    }

    /// The space, the niche and the objectives.
    pub fn setting(self) -> Value {
        let niches = self.request.partition.niches();
        let niche = (niches.len() > 1).then(|| self.niche(self.request.niche));
        let space = space_data(self.names.space(), self.admitted());
        let strategy = self.strategy;
        context! { niche, strategy, ..context! { space, ..self.common() } }
    }

    /// The space with all choices, and the objectives.
    pub fn setting_of_all(self) -> Value {
        let space = self.names.space();
        context! { space => space_data(space, all_choices(space)), ..self.common() }
    }

    fn common(self) -> Value {
        let objectives = self.request.objectives.iter().map(|objective| {
            let minimise = objective.direction == Direction::Minimise;
            context! { name => name(objective), key => objective.name, unit => objective.unit, minimise }
        });
        let objectives: Vec<Value> = objectives.collect();
        let legend = self.names.legend().into_iter();
        let legend: Vec<Value> = legend.map(|(short, name)| context! { short, name }).collect();
        context! { legend, objectives, constraints => self.names.constraints() }
    }

    /// A niche's description.
    pub fn niche(self, niche: usize) -> String {
        let niches = self.request.partition.niches();
        niches
            .get(niche)
            .map_or_else(|| "another".to_owned(), |niche| self.names.text(&niche.description))
    }

    /// The choices of each decision that the niche admits, as the model sees them.
    pub fn admitted(self) -> Vec<Vec<&'a str>> {
        let Request { partition, niche, .. } = *self.request;
        let decisions = self.names.space().decisions().iter().enumerate();
        let admitted = decisions.map(|(at, decision)| {
            let choices = (0..).zip(&decision.choices).filter(|(choice, _)| {
                let (at, choice) = self.names.real_choice(at, *choice);
                partition.admits(niche, at, choice)
            });
            choices.map(|(_, name)| name.as_str()).collect()
        });
        admitted.collect()
    }

    /// All names of choices that some decision has in the niche.
    pub fn admitted_names(self) -> Vec<&'a str> {
        let admitted = self.admitted();
        let mut names = self.names.space().all_choice_names();
        names.retain(|name| admitted.iter().any(|choices| choices.contains(name)));
        names
    }

    /// The rules in a prompt: those with evidence, and the user's. Where the niche has a rule of its own,
    /// a rule for all niches with the same condition would only repeat or contradict it.
    pub fn rules(self, knowledge: &KnowledgeBase) -> Vec<String> {
        let mut shown: Vec<&Rule> = Vec::new();
        for rule in knowledge.rules_for(self.request.niche) {
            let is_repeated = shown.iter().any(|other| other.condition == rule.condition);
            let is_supported = rule.evidence.total() > 0 || rule.author == Author::User;
            if is_supported && !is_repeated && shown.len() < RULES {
                shown.push(rule);
            }
        }
        shown.into_iter().map(|rule| self.stated(rule)).collect()
    }

    /// A rule on one line. Its evidence is that of the architectures that meet its condition, whether it
    /// says to do or to avoid it.
    fn stated(self, rule: &Rule) -> String {
        let evidence = &rule.evidence;
        let condition = self.names.shown_condition(&rule.condition);
        let condition = condition.describe(self.names.space());
        let polarity = rule.polarity.name();
        if evidence.total() == 0 {
            return format!("{polarity} {condition}: no evidence yet");
        }
        let better = match rule.polarity {
            Polarity::Do => &evidence.supporting,
            Polarity::Avoid => &evidence.contradicting,
        };
        let effects = self.request.objectives.iter().zip(&evidence.effects);
        let effects = effects.filter_map(|(objective, effect)| {
            let effect = format!("{:+.2} {}", (*effect)?, objective.unit);
            Some(format!("; {} {}", name(objective), effect.trim_end()))
        });
        let effects: String = effects.collect();
        format!(
            "{polarity} {condition}: {} of {} are better{effects}",
            better.len(),
            evidence.total()
        )
    }

    /// An evaluated architecture: its choices and values, and whether it is on the niche's front.
    pub fn shown(self, one: &Evaluated, named: bool) -> Value {
        let front = self.request.parents.iter().any(|parent| parent.arch == one.arch);
        context! { choices => self.choices(&one.arch, named), values => values(&one.values), front }
    }

    /// An architecture in a prompt: the choices in order; where edits are asked for, with the decisions'
    /// names.
    pub fn choices(self, arch: &Arch, named: bool) -> String {
        let (space, arch) = (self.names.space(), self.names.shown(arch));
        let pairs = space.decisions().iter().zip(space.choice_names(&arch));
        let shown = pairs.map(|(decision, choice)| {
            if named { format!("{}={choice}", decision.name) } else { choice.to_owned() }
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    /// In which choices an architecture differs from its parent.
    pub fn change(self, parent: &Arch, arch: &Arch) -> String {
        let space = self.names.space();
        let (parent, arch) = (self.names.shown(parent), self.names.shown(arch));
        let pairs = space.choice_names(&parent).zip(space.choice_names(&arch));
        let changed = space.decisions().iter().zip(pairs).filter(|(_, (old, new))| old != new);
        let changed = changed.map(|(at, (old, new))| format!("{} {old} to {new}", at.name));
        changed.collect::<Vec<_>>().join(", ")
    }

    /// The edits of parents that a reply may contain: for mutation those of which each alone makes a new
    /// architecture of the niche, for crossover the choices of the other parents. `None` where they are too
    /// many to be listed, or there are none.
    pub fn edits(self, parents: &[&Evaluated], crossover: bool) -> Option<Vec<ParentEdits>> {
        let shown: Vec<Arch> = parents.iter().map(|one| self.names.shown(&one.arch)).collect();
        let admitted = self.admitted();
        let space = self.names.space();
        let of_parent = |at: usize| {
            let active = space.active(&shown[at]);
            let decisions =
                space.decisions().iter().enumerate().filter(|(decision, _)| active[*decision]);
            let decisions = decisions.map(|(decision, of)| {
                let choices = of.choices.iter().zip(0..).filter(|(name, choice)| {
                    let is_other = shown[at].choices()[decision] != *choice;
                    is_other
                        && admitted[decision].contains(&name.as_str())
                        && if crossover {
                            shown.iter().any(|other| other.choices()[decision] == *choice)
                        } else {
                            let child = shown[at].clone().with(decision, *choice);
                            self.request.check(&self.names.real(&child)).is_ok()
                        }
                });
                (of.name.clone(), choices.map(|(name, _)| name.clone()).collect::<Vec<String>>())
            });
            let decisions: Vec<_> = decisions.filter(|(_, choices)| !choices.is_empty()).collect();
            ParentEdits { parent: at + 1, decisions }
        };
        let all = (0..shown.len()).map(of_parent).filter(|of| !of.decisions.is_empty());
        let all: Vec<ParentEdits> = all.collect();
        let listed: usize = all.iter().map(|of| of.decisions.len()).sum();
        (1..=LISTED).contains(&listed).then_some(all)
    }

    /// What became of earlier proposals; `None` where the model is not reminded of them.
    pub fn outcomes(self, outcomes: Option<&[Outcome]>) -> Value {
        let expects = outcomes.is_some();
        let lines = outcomes.unwrap_or_default().iter().map(|outcome| outcome.line(self));
        context! { outcomes => within_room(lines.collect()), expects }
    }
}

/// At most so many, evenly chosen.
pub(crate) fn spread<'b, 'a>(
    all: &'b [&'a Evaluated],
    most: usize,
) -> impl Iterator<Item = &'a Evaluated> + 'b {
    let (count, shown) = (all.len(), all.len().min(most));
    let place = move |at| if shown > 1 { at * (count - 1) / (shown - 1) } else { 0 };
    (0..shown).map(move |at| all[place(at)])
}

/// An objective's name in a prompt.
pub(crate) fn name(objective: &Objective) -> String {
    objective.name.replace('_', " ")
}

/// All choices of each decision.
pub(crate) fn all_choices(space: &Space) -> Vec<Vec<&str>> {
    let decisions = space.decisions().iter();
    decisions.map(|at| at.choices.iter().map(String::as_str).collect()).collect()
}

/// The space as a prompt describes it, with the choices that are possible.
pub(crate) fn space_data(space: &Space, choices: Vec<Vec<&str>>) -> Value {
    let shared = choices.first().filter(|first| choices.iter().all(|all| all == *first)).cloned();
    let decisions = space.decisions().iter().zip(choices);
    let decisions: Vec<Value> =
        decisions.map(|(decision, choices)| context! { name => decision.name, choices }).collect();
    let by_decision = is_by_decision(space);
    let description = space.description();
    context! { name => space.name(), description, decisions, shared, by_decision }
}

/// Values of the objectives, in order.
pub(crate) fn values(values: &[Option<f64>]) -> String {
    let shown = values.iter().map(|value| value.map_or_else(|| "-".to_owned(), rounded));
    shown.collect::<Vec<_>>().join(", ")
}

/// Four significant digits.
fn rounded(value: f64) -> String {
    let digits = if value == 0.0 { 0 } else { 3 - value.abs().log10().floor() as i32 };
    format!("{value:.*}", digits.clamp(0, 9) as usize)
}
