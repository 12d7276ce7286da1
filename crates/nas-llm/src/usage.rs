//! What calls used.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Kind;

/// What all calls used so far.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Usage {
    /// Calls that began; a call that the budget refused did not.
    pub calls: u64,
    /// HTTP requests.
    pub attempts: u64,
    /// Calls without a reply, including those that the budget refused.
    pub failed: u64,
    /// Failed attempts, and calls that failed before their first attempt, by kind.
    pub failures: BTreeMap<Kind, u64>,
    /// Tokens of prompts.
    pub prompt_tokens: u64,
    /// Tokens of replies, with those of thinking.
    pub completion_tokens: u64,
    /// Tokens of thinking, where the server counts them.
    #[serde(skip_serializing_if = "is_zero")]
    pub thinking_tokens: u64,
    /// Calls whose tokens are estimated because the server did not count them.
    pub estimated: u64,
    /// The sum of the calls' seconds, although calls may have run at the same time.
    pub seconds: f64,
    /// Money, where the endpoint has prices.
    pub cost: Option<f64>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Tokens of one attempt or several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tokens {
    pub(crate) prompt: u64,
    /// With those of thinking.
    pub(crate) completion: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) thinking: u64,
    pub(crate) estimated: bool,
}

impl Tokens {
    /// A sum is estimated if a part of it is.
    pub(crate) fn add(&mut self, other: Self) {
        self.prompt = self.prompt.saturating_add(other.prompt);
        self.completion = self.completion.saturating_add(other.completion);
        self.thinking = self.thinking.saturating_add(other.thinking);
        self.estimated |= other.estimated;
    }
}

/// What one call used.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CallUsage {
    /// HTTP requests; 0 for a call that was refused before the first one.
    pub(crate) attempts: u32,
    /// The failed attempts, or the failure before any.
    pub(crate) failures: Vec<Kind>,
    pub(crate) tokens: Tokens,
    pub(crate) seconds: f64,
    pub(crate) cost: Option<f64>,
}
