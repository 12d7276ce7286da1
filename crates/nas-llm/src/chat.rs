//! Requests to a chat model, and its replies.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The author of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Instructions for the whole conversation.
    System,
    /// The user of the model.
    User,
    /// The model.
    Assistant,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Its author.
    pub role: Role,
    /// Its text.
    pub content: String,
}

impl Message {
    /// A system message.
    pub fn system(content: impl Into<String>) -> Self {
        Self { role: Role::System, content: content.into() }
    }

    /// A user message.
    pub fn user(content: impl Into<String>) -> Self {
        Self { role: Role::User, content: content.into() }
    }

    /// A message of the model.
    pub fn assistant(content: impl Into<String>) -> Self {
        Self { role: Role::Assistant, content: content.into() }
    }
}

/// The JSON Schema of a reply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// A name of letters, digits, `_` and `-`, which some servers show to the model.
    pub name: String,
    /// The JSON Schema. For OpenAI's strict mode every object needs `additionalProperties: false`
    /// and all its properties in `required`.
    pub schema: Value,
}

/// A request to a chat model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChatRequest {
    /// The conversation so far, at least one message.
    pub messages: Vec<Message>,
    /// The schema of the reply; `None` for free text.
    pub schema: Option<Schema>,
    /// The largest number of tokens of the reply; `None` for the endpoint's setting.
    pub max_tokens: Option<u32>,
    /// The sampling temperature; `None` for the endpoint's setting.
    pub temperature: Option<f64>,
    /// The seed of the sampling, for servers that support one.
    pub seed: Option<u64>,
    /// How many of the likeliest first tokens to return with their log-probabilities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_tokens: Option<u8>,
}

impl ChatRequest {
    /// A request for free text with the endpoint's settings.
    pub fn new(messages: Vec<Message>) -> Self {
        Self {
            messages,
            schema: None,
            max_tokens: None,
            temperature: None,
            seed: None,
            top_tokens: None,
        }
    }

    /// Requests JSON.
    #[must_use]
    pub fn schema(mut self, name: impl Into<String>, schema: Value) -> Self {
        self.schema = Some(Schema { name: name.into(), schema });
        self
    }

    /// Sets the largest number of tokens of the reply.
    #[must_use]
    pub fn max_tokens(mut self, tokens: u32) -> Self {
        self.max_tokens = Some(tokens);
        self
    }

    /// Sets the temperature.
    #[must_use]
    pub fn temperature(mut self, temperature: f64) -> Self {
        self.temperature = Some(temperature);
        self
    }

    /// Sets the seed.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Also requests so many of the likeliest first tokens, at most 20, with their log-probabilities.
    #[must_use]
    pub fn top_tokens(mut self, count: u8) -> Self {
        self.top_tokens = Some(count);
        self
    }

    /// SHA-256 of the request's content, in hexadecimal digits: equal requests have equal keys,
    /// whatever the order of the properties in the schema's objects.
    pub fn key(&self) -> String {
        let mut content = serde_json::json!({
            "messages": self.messages,
            "schema": self.schema,
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
            "seed": self.seed,
        });
        // Absent from the keys of other requests, which are older.
        if let Some(count) = self.top_tokens {
            content["top_tokens"] = count.into();
        }
        content.sort_all_objects();
        let digest = Sha256::digest(content.to_string());
        digest.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
    }
}

/// A reply of a chat model.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The model's text, without reasoning that the server sends separately, unless there is nothing else.
    pub text: String,
    /// Tokens of the prompt, over all attempts that the server counted.
    pub prompt_tokens: u64,
    /// Tokens of the reply with those of thinking, over all attempts that the server counted.
    pub completion_tokens: u64,
    /// Tokens of thinking, where the server counts them.
    pub thinking_tokens: u64,
    /// Whether tokens are estimated as characters / 4, because the server did not count them.
    pub estimated: bool,
    /// Seconds from the start of the call to its end, including retries and waits.
    pub seconds: f64,
    /// The price of the tokens, where the endpoint has prices.
    pub cost: Option<f64>,
    /// Whether the server enforced the schema.
    pub structured: bool,
    /// Whether the reply's end is missing: it reached `max_tokens`, or its stream was cut.
    pub truncated: bool,
    /// The number of HTTP requests that were sent for it.
    pub attempts: u32,
    /// The likeliest first tokens with their log-probabilities, where they were requested and the server
    /// gives them.
    pub first_tokens: Vec<(String, f64)>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request() -> ChatRequest {
        ChatRequest::new(vec![Message::user("hello")])
    }

    #[test]
    fn the_key_does_not_change_between_versions() {
        let key = request().schema("s", json!({"type": "object", "a": 1})).seed(3).temperature(0.7);
        assert_eq!(key.key(), "9035e9bf7b8257754bf5e3fed9b4f7235fb0bd643251b18901cae54d34cfc511");
    }

    #[test]
    fn every_part_of_a_request_changes_its_key() {
        let requests = [
            request(),
            ChatRequest::new(vec![Message::system("hello")]),
            ChatRequest::new(vec![Message::user("hello"), Message::assistant("")]),
            request().schema("s", json!({"a": 1})),
            request().schema("t", json!({"a": 1})),
            request().schema("s", json!({"a": 2})),
            request().max_tokens(1),
            request().temperature(1.0),
            request().seed(1),
            request().top_tokens(5),
        ];
        let keys: std::collections::HashSet<_> = requests.iter().map(ChatRequest::key).collect();
        assert_eq!(keys.len(), requests.len());
        assert_eq!(
            request().schema("s", json!({"a": 1, "b": 2})).key(),
            request().schema("s", json!({"b": 2, "a": 1})).key()
        );
    }
}
