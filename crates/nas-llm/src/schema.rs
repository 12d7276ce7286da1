//! The JSON Schemas of replies, and their length.
//!
//! They are part of each request. Recorded transcripts find a request by its content, so any change
//! here makes them useless.

use nas_search::{Condition, Request};
use nas_space::Space;
use serde_json::{Value, json};

/// Tokens of a reply for each item, and in addition to them.
const TOKENS: (u32, u32) = (160, 100);

/// The largest number of characters of a rationale.
const RATIONALE: usize = 48;

/// The schema of `count` proposals: edits of one of `parents` parents, or whole architectures.
pub(crate) fn proposals_schema(
    space: &Space,
    choices: &[&str],
    parents: Option<usize>,
    count: usize,
) -> Value {
    let rationale = json!({ "type": "string", "maxLength": RATIONALE });
    let form = match parents {
        Some(parents) => json!({
            "type": "object",
            "properties": {
                "parent": { "type": "integer", "minimum": 1, "maximum": parents },
                "edits": {
                    "type": "array", "minItems": 1, "maxItems": 3,
                    "items": {
                        "type": "object",
                        "properties": {
                            "decision": { "type": "string", "enum": decisions(space) },
                            "choice": { "type": "string", "enum": choices },
                        },
                        "required": ["decision", "choice"],
                        "additionalProperties": false,
                    },
                },
                "rationale": rationale,
            },
            "required": ["parent", "edits", "rationale"],
            "additionalProperties": false,
        }),
        None => json!({
            "type": "object",
            "properties": {
                "architecture": {
                    "type": "array",
                    "minItems": space.decisions().len(), "maxItems": space.decisions().len(),
                    "items": { "type": "string", "enum": choices },
                },
                "rationale": rationale,
            },
            "required": ["architecture", "rationale"],
            "additionalProperties": false,
        }),
    };
    list_schema("proposals", &form, count, count)
}

/// The schema of one to `count` rules.
pub(crate) fn rules_schema(space: &Space, choices: &[&str], count: usize) -> Value {
    let mut decisions = decisions(space);
    decisions.push(Condition::ANY.to_owned());
    let rule = json!({
        "type": "object",
        "properties": {
            "polarity": { "type": "string", "enum": ["do", "avoid"] },
            "decision": { "type": "string", "enum": decisions },
            "choice": { "type": "string", "enum": choices },
            "at_least": { "type": "integer", "minimum": 1, "maximum": space.decisions().len() },
            "reason": { "type": "string", "maxLength": RATIONALE },
        },
        "required": ["polarity", "decision", "choice", "at_least", "reason"],
        "additionalProperties": false,
    });
    list_schema("rules", &rule, 1, count)
}

/// Properties are in the order in which a model should write them: servers enforce that order.
fn list_schema(name: &str, item: &Value, least: usize, most: usize) -> Value {
    json!({
        "type": "object",
        "properties": {
            name: { "type": "array", "minItems": least, "maxItems": most, "items": item },
        },
        "required": [name],
        "additionalProperties": false,
    })
}

fn decisions(space: &Space) -> Vec<String> {
    space.decisions().iter().map(|decision| decision.name.clone()).collect()
}

/// The choices that decisions have in the niche.
pub(crate) fn admitted_choices<'a>(request: &Request<'a>) -> Vec<&'a str> {
    let mut names = request.space.all_choice_names();
    let admitted = crate::prompt::admitted(request);
    names.retain(|name| admitted.iter().any(|choices| choices.contains(name)));
    names
}

/// The largest number of tokens of a reply with this many architectures or rules.
pub fn reply_tokens(items: usize) -> u32 {
    let (each, fixed) = TOKENS;
    each.saturating_mul(items as u32).saturating_add(fixed)
}
