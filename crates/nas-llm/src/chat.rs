use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Who says a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Instructions for the whole conversation.
    System,
    /// The one who asks.
    User,
    /// The model.
    Assistant,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub content: String,
}

impl Message {
    /// A message of the system.
    pub fn system(content: impl Into<String>) -> Self {
        Self { role: Role::System, content: content.into() }
    }

    /// A message of the user.
    pub fn user(content: impl Into<String>) -> Self {
        Self { role: Role::User, content: content.into() }
    }

    /// A message of the model.
    pub fn assistant(content: impl Into<String>) -> Self {
        Self { role: Role::Assistant, content: content.into() }
    }
}

/// The JSON that a reply must be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// A name of letters, digits, `_` and `-`, which some servers show to the model.
    pub name: String,
    /// The JSON Schema. For OpenAI's strict mode every object needs `additionalProperties: false`
    /// and all its properties in `required`.
    pub schema: Value,
}

/// What a model is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChatRequest {
    /// The conversation so far, at least one message.
    pub messages: Vec<Message>,
    /// The JSON that the reply must be; none for free text.
    pub schema: Option<Schema>,
    /// Tokens that the reply may have; none for the endpoint's setting.
    pub max_tokens: Option<u32>,
    /// Sampling temperature; none for the endpoint's setting.
    pub temperature: Option<f64>,
    /// Seed of the sampling, for servers that know one.
    pub seed: Option<u64>,
}

impl ChatRequest {
    /// A request for free text with the endpoint's settings.
    pub fn new(messages: Vec<Message>) -> Self {
        Self { messages, schema: None, max_tokens: None, temperature: None, seed: None }
    }

    /// Asks for JSON.
    #[must_use]
    pub fn schema(mut self, name: impl Into<String>, schema: Value) -> Self {
        self.schema = Some(Schema { name: name.into(), schema });
        self
    }

    /// Bounds the reply's tokens.
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

    /// SHA-256 of the request's content, in hexadecimal digits: equal requests have equal keys,
    /// whatever the order of the keys in the schema's objects.
    pub fn key(&self) -> String {
        let mut content = serde_json::json!({
            "messages": self.messages,
            "schema": self.schema,
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
            "seed": self.seed,
        });
        content.sort_all_objects();
        let digest = Sha256::digest(content.to_string());
        digest.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
    }
}

/// What a model answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The model's text; reasoning that the server sends apart is left out.
    pub text: String,
    /// Tokens of the prompt, over all attempts that the server counted.
    pub prompt_tokens: u64,
    /// Tokens of the reply, over all attempts that the server counted.
    pub completion_tokens: u64,
    /// Whether the server did not count tokens, so that they are estimated as characters / 4.
    pub estimated: bool,
    /// From the moment that the call had its turn to the end, retries and waits included.
    pub seconds: f64,
    /// Price of the tokens, where the endpoint has prices.
    pub cost: Option<f64>,
    /// Whether the server was asked to enforce the schema and did not refuse.
    pub structured: bool,
    /// Whether the reply ends because it reached `max_tokens`.
    pub truncated: bool,
    /// HTTP requests that were sent for it.
    pub attempts: u32,
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
    fn every_part_of_a_request_counts_for_its_key() {
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
        ];
        let keys: std::collections::HashSet<_> = requests.iter().map(ChatRequest::key).collect();
        assert_eq!(keys.len(), requests.len());
        assert_eq!(
            request().schema("s", json!({"a": 1, "b": 2})).key(),
            request().schema("s", json!({"b": 2, "a": 1})).key()
        );
    }
}
