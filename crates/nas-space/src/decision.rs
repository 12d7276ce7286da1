//! Decisions: what an architecture chooses at each, and while which choices a decision is active.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::Error;

/// Written in the text of an architecture in place of a choice, where a decision is inactive.
pub(crate) const INACTIVE: &str = "-";

/// One decision of a space: a name, at most 256 named choices, and when it is active.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Unique within the space, for example `0→1`.
    pub name: String,
    /// The choices' names, unique within the decision.
    pub choices: Vec<String>,
    /// The condition under which it is active; none if it always is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<Activity>,
}

/// When a decision is active: while an earlier one is active and takes one of these choices. The
/// decisions of a layer beyond a network's depth are inactive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// The earlier decision, by its position.
    pub decision: usize,
    /// Its choices, by their indices.
    pub choices: Vec<u8>,
}

impl Decision {
    /// A decision that is always active.
    pub fn new(
        name: impl Into<String>,
        choices: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let choices = choices.into_iter().map(Into::into).collect();
        Self { name: name.into(), choices, active: None }
    }

    /// The same, but only while an earlier decision takes one of these choices.
    #[must_use]
    pub fn active_while(self, decision: usize, choices: impl Into<Vec<u8>>) -> Self {
        Self { active: Some(Activity { decision, choices: choices.into() }), ..self }
    }

    /// The index of a choice by its name, or an error that suggests the nearest name.
    pub fn choice(&self, name: &str) -> Result<u8, Error> {
        match self.choices.iter().position(|choice| choice == name) {
            Some(index) => Ok(index as u8),
            None => {
                Err(Error::unknown_name("choice", name, self.choices.iter().map(String::as_str)))
            }
        }
    }
}

/// The names of all choices of all decisions, each once, in order.
pub(crate) fn all_choice_names(decisions: &[Decision]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for choice in decisions.iter().flat_map(|decision| &decision.choices) {
        if !names.contains(&choice.as_str()) {
            names.push(choice);
        }
    }
    names
}

/// Whether any decision offers a choice of that name; the error suggests the nearest.
pub(crate) fn check_choice_name(decisions: &[Decision], name: &str) -> Result<(), Error> {
    let known = all_choice_names(decisions);
    if known.contains(&name) {
        return Ok(());
    }
    Err(Error::unknown_name("operation", name, known))
}

/// The first invalid decision, by its position, and what is wrong with it.
pub(crate) fn invalid_decision(decisions: &[Decision]) -> Option<(usize, String)> {
    let is_conditional = decisions.iter().any(|decision| decision.active.is_some());
    let mut names = HashSet::with_capacity(decisions.len());
    for (at, decision) in decisions.iter().enumerate() {
        let Decision { name, choices, .. } = decision;
        if let Some(problem) =
            std::iter::once(name).chain(choices).find_map(|name| invalid_label(name))
        {
            return Some((at, problem));
        }
        if !names.insert(name) {
            return Some((at, format!("decision `{name}` occurs twice")));
        }
        if choices.is_empty() || choices.len() > 256 {
            let count = choices.len();
            return Some((at, format!("decision `{name}` has {count} choices, expected 1 to 256")));
        }
        for (place, choice) in choices.iter().enumerate() {
            if choices[..place].contains(choice) {
                return Some((at, format!("choice `{choice}` of decision `{name}` occurs twice")));
            }
            if choice == INACTIVE && is_conditional {
                let problem = format!(
                    "decision `{name}` has the choice `{INACTIVE}`, which is reserved for inactive decisions"
                );
                return Some((at, problem));
            }
        }
        if let Some(problem) = invalid_condition(decisions, at) {
            return Some((at, problem));
        }
    }
    None
}

/// What is wrong with a name: control characters would reach terminals and files.
pub(crate) fn invalid_name(name: &str) -> Option<String> {
    let shown = name.escape_debug();
    name.contains(char::is_control).then(|| format!("`{shown}` holds a control character"))
}

/// What is wrong with a name that architectures are written with.
fn invalid_label(name: &str) -> Option<String> {
    match name.trim() {
        "" => Some("a name is empty: expected a text".to_owned()),
        trimmed if trimmed != name => Some(format!("`{name}` begins or ends with a space")),
        _ => invalid_name(name),
    }
}

/// What is wrong with the condition of a decision, if anything is.
fn invalid_condition(decisions: &[Decision], at: usize) -> Option<String> {
    let Decision { name, active, .. } = &decisions[at];
    let Activity { decision, choices } = active.as_ref()?;
    let Some(earlier) = decisions[..at].get(*decision) else {
        return Some(format!("decision `{name}` depends on one that does not come before it"));
    };
    if choices.is_empty() {
        return Some(format!(
            "decision `{name}` is never active: no choice of `{}` activates it",
            earlier.name
        ));
    }
    let beyond = choices.iter().find(|choice| usize::from(**choice) >= earlier.choices.len())?;
    Some(format!(
        "decision `{name}` depends on choice {beyond} of `{}`, which has {}",
        earlier.name,
        earlier.choices.len()
    ))
}
