//! The outcome of a call.

use crate::{Error, Reply, usage::CallUsage};

/// The outcome of a call.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) usage: CallUsage,
    pub(crate) result: Result<ReplyText, Error>,
}

/// A reply without its usage.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplyText {
    pub(crate) text: String,
    pub(crate) structured: bool,
    pub(crate) truncated: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) first_tokens: Vec<(String, f64)>,
}

impl Outcome {
    pub(crate) fn into_reply(self) -> Result<Reply, Error> {
        let Self { usage, result } = self;
        let ReplyText { text, structured, truncated, first_tokens } = result?;
        Ok(Reply {
            text,
            prompt_tokens: usage.tokens.prompt,
            completion_tokens: usage.tokens.completion,
            thinking_tokens: usage.tokens.thinking,
            estimated: usage.tokens.estimated,
            seconds: usage.seconds,
            cost: usage.cost,
            structured,
            truncated,
            attempts: usage.attempts,
            first_tokens,
        })
    }
}
