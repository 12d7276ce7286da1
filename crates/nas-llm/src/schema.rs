//! The JSON Schemas of replies, and their length.
//!
//! They are part of each request. Recorded transcripts find a request by its content, so any change
//! here makes them useless.

use nas_search::{Condition, Objective};
use nas_space::Space;
use serde_json::{Map, Value, json};

use crate::slate::Slate;

/// Tokens of a reply for each item, and in addition to them.
const TOKENS: (u32, u32) = (160, 100);

/// Decisions with their choices that are as long as an item.
const DECISIONS_OF_ITEM: usize = 10;

/// The largest number of characters of a rationale.
const RATIONALE: usize = 48;

/// The same of the reason for all choices of a reply.
const REASON: usize = 48;

/// The same of a strategy.
const STRATEGY: usize = 120;

/// The most edits of a proposal.
pub(crate) const EDITS: usize = 3;

/// How proposals are to be written.
pub(crate) enum Written<'a> {
    /// As whole architectures of each decision's choices.
    Whole { choices: &'a [Vec<&'a str>] },
    /// As edits of one of so many parents, with these choices.
    Edits { parents: usize, choices: &'a [&'a str] },
    /// As these edits of parents, at most so many in a proposal.
    Listed { parents: &'a [ParentEdits], most: usize },
}

/// The edits of a parent that a reply may contain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ParentEdits {
    /// Its number, from 1 on.
    pub parent: usize,
    /// Decisions, each with the choices that it may change to.
    pub decisions: Vec<(String, Vec<String>)>,
}

/// The schema of `count` proposals. Each has a number for each of the objectives whose values the model is
/// to expect.
pub(crate) fn proposals_schema(
    space: &Space,
    written: &Written<'_>,
    expected: &[Objective],
    count: usize,
) -> Value {
    let proposal = |form: Vec<(&str, Value)>| {
        let mut properties = form;
        properties.extend(expectations(expected));
        properties.push(("rationale", words(RATIONALE)));
        object(properties)
    };
    let edits = |edit: Value, most: usize| json!({ "type": "array", "minItems": 1, "maxItems": most, "items": edit });
    let edit = |decisions: &[String], choices: Value| {
        object(vec![
            ("decision", json!({ "type": "string", "enum": decisions })),
            ("choice", json!({ "type": "string", "enum": choices })),
        ])
    };
    let item = match written {
        Written::Whole { choices } => {
            proposal(vec![("architecture", architecture_schema(space, choices))])
        }
        Written::Edits { parents, choices } => proposal(vec![
            ("parent", json!({ "type": "integer", "minimum": 1, "maximum": parents })),
            ("edits", edits(edit(&decisions(space), json!(choices)), EDITS)),
        ]),
        Written::Listed { parents, most } => {
            let of_parent = |of: &ParentEdits| {
                let each = of.decisions.iter().map(|(decision, choices)| {
                    edit(std::slice::from_ref(decision), json!(choices))
                });
                proposal(vec![
                    ("parent", json!({ "type": "integer", "enum": [of.parent] })),
                    ("edits", edits(any_of(each.collect()), *most)),
                ])
            };
            any_of(parents.iter().map(of_parent).collect())
        }
    };
    list_schema("proposals", &item, count, count)
}

/// The schema of a whole architecture of these choices for each decision.
fn architecture_schema(space: &Space, choices: &[Vec<&str>]) -> Value {
    if is_by_decision(space) {
        let all = space.decisions().iter().zip(choices).map(|(decision, choices)| {
            (decision.name.as_str(), json!({ "type": "string", "enum": choices }))
        });
        return object(all.collect());
    }
    let mut names = space.all_choice_names();
    names.retain(|name| choices.iter().any(|choices| choices.contains(name)));
    json!({
        "type": "array",
        "minItems": space.decisions().len(), "maxItems": space.decisions().len(),
        "items": { "type": "string", "enum": names },
    })
}

/// Whether decisions differ in their choices: then each choice is written beside its decision's name.
pub(crate) fn is_by_decision(space: &Space) -> bool {
    space.decisions().windows(2).any(|pair| pair[0].choices != pair[1].choices)
}

/// For how many items a whole architecture counts in the length of a reply.
pub(crate) fn items_of_architecture(space: &Space) -> usize {
    if is_by_decision(space) { space.decisions().len().div_ceil(DECISIONS_OF_ITEM) } else { 1 }
}

fn any_of(mut all: Vec<Value>) -> Value {
    if all.len() == 1 { all.remove(0) } else { json!({ "anyOf": all }) }
}

/// The schema of a choice from each group of a slate, after a reason for all.
pub(crate) fn choices_schema(slate: &Slate<'_>, expected: &[Objective]) -> Value {
    let groups: Vec<(String, Value)> = slate
        .groups()
        .zip(1..)
        .map(|(group, number)| {
            let candidates: Vec<usize> = group.map(|at| at + 1).collect();
            let candidate = json!({ "type": "integer", "enum": candidates });
            let choice = if expected.is_empty() {
                candidate
            } else {
                let mut properties = vec![("candidate", candidate)];
                properties.extend(expectations(expected));
                object(properties)
            };
            (group_name(number), choice)
        })
        .collect();
    let mut properties = vec![("reason", words(REASON))];
    properties.extend(groups.iter().map(|(name, group)| (name.as_str(), group.clone())));
    object(properties)
}

/// The schema of the values that a model expects of an architecture.
pub(crate) fn estimate_schema(objectives: &[Objective]) -> Value {
    object(expectations(objectives).collect())
}

/// The schema of an accuracy.
pub(crate) fn accuracy_schema() -> Value {
    object(vec![(ACCURACY, json!({ "type": "number" }))])
}

/// The property of a stated accuracy.
pub(crate) const ACCURACY: &str = "accuracy";

/// The schema of a strategy for each of so many niches.
pub(crate) fn strategies_schema(niches: usize) -> Value {
    let names: Vec<String> = (1..=niches).map(niche_name).collect();
    object(names.iter().map(|name| (name.as_str(), words(STRATEGY))).collect())
}

/// The property of a strategy for the niche of that number.
pub(crate) fn niche_name(number: usize) -> String {
    format!("niche {number}")
}

/// The property of a choice from the group of that number.
pub(crate) fn group_name(number: usize) -> String {
    format!("group {number}")
}

fn expectations(objectives: &[Objective]) -> impl Iterator<Item = (&str, Value)> {
    objectives.iter().map(|objective| (objective.name.as_str(), json!({ "type": "number" })))
}

fn words(characters: usize) -> Value {
    json!({ "type": "string", "maxLength": characters })
}

/// An object of exactly these properties, in the order in which a model should write them: servers enforce
/// that order.
fn object(properties: Vec<(&str, Value)>) -> Value {
    let required: Vec<&str> = properties.iter().map(|(name, _)| *name).collect();
    let required = json!(required);
    let owned = properties.into_iter().map(|(name, value)| (name.to_owned(), value));
    json!({
        "type": "object",
        "properties": owned.collect::<Map<String, Value>>(),
        "required": required,
        "additionalProperties": false,
    })
}

/// The schema of one to `count` rules.
pub(crate) fn rules_schema(space: &Space, choices: &[&str], count: usize) -> Value {
    let mut decisions = decisions(space);
    decisions.push(Condition::ANY.to_owned());
    let rule = object(vec![
        ("polarity", json!({ "type": "string", "enum": ["do", "avoid"] })),
        ("decision", json!({ "type": "string", "enum": decisions })),
        ("choice", json!({ "type": "string", "enum": choices })),
        (
            "at_least",
            json!({ "type": "integer", "minimum": 1, "maximum": space.decisions().len() }),
        ),
        ("reason", words(RATIONALE)),
    ]);
    list_schema("rules", &rule, 1, count)
}

fn list_schema(name: &str, item: &Value, least: usize, most: usize) -> Value {
    let list = json!({ "type": "array", "minItems": least, "maxItems": most, "items": item });
    object(vec![(name, list)])
}

fn decisions(space: &Space) -> Vec<String> {
    space.decisions().iter().map(|decision| decision.name.clone()).collect()
}

/// The largest number of tokens of a reply with this many architectures or rules.
pub fn reply_tokens(items: usize) -> u32 {
    let (each, fixed) = TOKENS;
    each.saturating_mul(items as u32).saturating_add(fixed)
}
