//! How a server wants to be asked.

use std::{
    borrow::Cow,
    sync::atomic::{AtomicU8, Ordering},
};

use serde_json::{Value, json};

use crate::{ChatRequest, Endpoint, Role, endpoint::REFUSABLE, error_body::Complaint};

/// A part of a request that a server may refuse, and how its error message names it.
pub(crate) struct Quirk {
    bit: u8,
    /// Words by which an error message names it.
    words: &'static [&'static str],
    /// What is sent instead.
    pub(crate) remedy: &'static str,
    /// Whether a request contains it.
    concerns: fn(&ChatRequest) -> bool,
}

const COMPLETION_TOKENS: u8 = 1;
const NO_TEMPERATURE: u8 = 2;
const NO_SEED: u8 = 4;
const NO_FORMAT: u8 = 8;
const NO_SYSTEM: u8 = 16;
const NO_PROBABILITIES: u8 = 32;

/// What servers refuse: reasoning models need `max_completion_tokens` and accept no temperature
/// (OpenAI's); some servers support no seed (Gemini's), some no structured output (DeepSeek's), and the
/// templates of some models no system role (Gemma's), and few give log-probabilities.
const QUIRKS: [Quirk; REFUSABLE] = [
    Quirk {
        bit: COMPLETION_TOKENS,
        words: &["max_tokens", "max_completion_tokens"],
        remedy: "max_completion_tokens in place of max_tokens",
        concerns: |_| true,
    },
    Quirk {
        bit: NO_TEMPERATURE,
        words: &["temperature"],
        remedy: "no temperature",
        concerns: |_| true,
    },
    Quirk {
        bit: NO_SEED,
        words: &["seed"],
        remedy: "no seed",
        concerns: |request| request.seed.is_some(),
    },
    Quirk {
        bit: NO_FORMAT,
        words: &["response_format", "json_schema", "schema", "structured", "grammar"],
        remedy: "the schema in the prompt in place of response_format",
        concerns: |request| request.schema.is_some(),
    },
    Quirk {
        bit: NO_SYSTEM,
        words: &[
            "system role",
            "system message",
            "system prompt",
            "system instruction",
            "developer instruction",
            "role system",
            "role: system",
            "'system'",
            "\"system\"",
            "`system`",
            "messages[0].role",
            "messages.[0].role",
            "messages.0.role",
            "roles must alternate",
            "user and assistant roles",
        ],
        remedy: "the system's text in the user's message",
        concerns: |request| request.messages.iter().any(|message| message.role == Role::System),
    },
    Quirk {
        bit: NO_PROBABILITIES,
        words: &["logprobs", "top_logprobs", "log probabilities"],
        remedy: "no log-probabilities",
        concerns: |request| request.top_tokens.is_some(),
    },
];

/// How a server wants to be asked: the set of its quirks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dialect(u8);

impl Dialect {
    fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }

    /// What to change about a request that the server refused, and the dialect with the change. With
    /// `guess` the structured output is changed where the error message names nothing: most servers
    /// that refuse without a reason do not support it.
    pub(crate) fn after(
        self,
        complaint: &Complaint,
        request: &ChatRequest,
        guess: bool,
    ) -> Option<(Self, &'static Quirk)> {
        let open = |quirk: &&Quirk| !self.has(quirk.bit) && (quirk.concerns)(request);
        let named = |text: &str, quirk: &Quirk| quirk.words.iter().any(|word| text.contains(word));
        let candidates = || QUIRKS.iter().filter(open);
        let quirk = candidates()
            .find(|quirk| named(&complaint.parameter, quirk))
            .or_else(|| candidates().find(|quirk| named(&complaint.message, quirk)))
            .or_else(|| candidates().find(|quirk| guess && quirk.bit == NO_FORMAT))?;
        Some((Self(self.0 | quirk.bit), quirk))
    }

    /// Whether the server is asked to enforce the request's schema.
    pub(crate) fn structured(self, request: &ChatRequest) -> bool {
        request.schema.is_some() && !self.has(NO_FORMAT)
    }

    /// The body of the HTTP request.
    pub(crate) fn body(self, request: &ChatRequest, endpoint: &Endpoint) -> Value {
        let mut messages: Vec<_> = request
            .messages
            .iter()
            .map(|message| (message.role, Cow::Borrowed(message.content.as_str())))
            .collect();
        if self.has(NO_SYSTEM) {
            messages = without_system(messages);
        }
        let mut body = json!({ "model": endpoint.model(), "stream": false });
        if let Some(schema) = &request.schema {
            if self.has(NO_FORMAT) {
                if let Some((_, content)) = messages.last_mut() {
                    *content = Cow::Owned(format!(
                        "{content}\n\nAnswer with one JSON value and nothing else, valid under \
                         this JSON Schema: {}",
                        schema.schema
                    ));
                }
            } else {
                body["response_format"] = json!({
                    "type": "json_schema",
                    "json_schema": {
                        "name": schema.name,
                        "strict": true,
                        "schema": schema.schema,
                    },
                });
            }
        }
        body["messages"] = messages
            .iter()
            .map(|(role, content)| json!({ "role": role, "content": content }))
            .collect();
        let limit =
            if self.has(COMPLETION_TOKENS) { "max_completion_tokens" } else { "max_tokens" };
        body[limit] = json!(endpoint.reply_limit(request));
        if !self.has(NO_TEMPERATURE) {
            body["temperature"] = json!(request.temperature.unwrap_or(endpoint.temperature));
        }
        if let Some(seed) = request.seed.filter(|_| !self.has(NO_SEED)) {
            body["seed"] = json!(seed);
        }
        if let Some(count) = request.top_tokens.filter(|_| !self.has(NO_PROBABILITIES)) {
            body["logprobs"] = json!(true);
            body["top_logprobs"] = json!(count);
        }
        body
    }
}

/// The messages with the system's text at the beginning of the first other message.
fn without_system(messages: Vec<(Role, Cow<'_, str>)>) -> Vec<(Role, Cow<'_, str>)> {
    let (system, mut others): (Vec<_>, Vec<_>) =
        messages.into_iter().partition(|(role, _)| *role == Role::System);
    let system: Vec<_> = system.into_iter().map(|(_, text)| text).collect();
    let system = system.join("\n\n");
    match others.first_mut() {
        Some((Role::User, text)) => *text = Cow::Owned(format!("{system}\n\n{text}")),
        _ => others.insert(0, (Role::User, Cow::Owned(system))),
    }
    others
}

/// The dialect that worked so far, shared by all calls.
#[derive(Debug, Default)]
pub(crate) struct Learnt(AtomicU8);

impl Learnt {
    pub(crate) fn dialect(&self) -> Dialect {
        Dialect(self.0.load(Ordering::Relaxed))
    }

    /// Keeps a dialect that worked.
    pub(crate) fn keep(&self, dialect: Dialect) {
        self.0.fetch_or(dialect.0, Ordering::Relaxed);
    }
}
