//! What a server's reply contains.

use serde_json::Value;

use crate::{
    Error,
    excerpt::start,
    extract_json,
    failure::{Failure, Next},
    secrets::Secrets,
    stream::{CUT, content},
    usage::Tokens,
};

/// A server's reply.
pub(crate) struct Completion {
    pub(crate) text: String,
    /// Whether its end is missing.
    pub(crate) truncated: bool,
    pub(crate) prompt_tokens: Option<u64>,
    /// With those of thinking.
    pub(crate) reply_tokens: Option<u64>,
    pub(crate) thinking_tokens: u64,
    /// The characters of thoughts that the server sent apart from the text.
    pub(crate) thoughts: usize,
    /// The likeliest first tokens with their log-probabilities.
    pub(crate) first_tokens: Vec<(String, f64)>,
}

/// Reads a chat completion. `limit` is the number of tokens that its reply was allowed.
pub(crate) fn read(
    value: &Value,
    limit: Option<u64>,
    at: &str,
    secrets: &Secrets,
) -> Result<Completion, Box<Failure>> {
    // Some servers put an empty choice before the one that has the text.
    let choices = value["choices"].as_array();
    let has_text = |choice: &&Value| !content(&choice["message"]["content"]).trim().is_empty();
    let choice = choices.and_then(|choices| choices.iter().find(has_text));
    let choice = choice.unwrap_or(&value["choices"][0]);
    let message = &choice["message"];
    let counts = Counts::of(&value["usage"]);
    let shown = |text: &str, characters| start(&secrets.scrub_message(text), characters);
    let at_limit = choice["finish_reason"] == "length";
    let truncated = at_limit || choice["finish_reason"] == CUT;
    let mut text = content(&message["content"]);
    let mut thoughts = ["reasoning_content", "reasoning"]
        .map(|field| content(&message[field]))
        .into_iter()
        .find(|text| !text.trim().is_empty())
        .unwrap_or_default();
    let is_empty = text.trim().is_empty();
    let error = if at_limit && (is_empty || only_thinks(&text)) {
        Error::Unfinished { at: at.to_owned(), limit, thinking: counts.thinking }
    } else if !is_empty {
        let completion = counts.completion(secrets.scrub_reply(&text), truncated, &thoughts);
        return Ok(Completion { first_tokens: first_tokens(choice), ..completion });
    } else {
        let reason = if choice.is_null() {
            format!("there is no choice in {}", shown(&value.to_string(), 200))
        } else if let Some(refusal) = message["refusal"].as_str() {
            format!("the model declines: {}", shown(refusal, 200))
        } else if choice["finish_reason"] == "content_filter" {
            "the server's content filter withholds it".to_owned()
        } else if thoughts.is_empty() || truncated {
            format!("the text is {}", shown(&message["content"].to_string(), 80))
        } else {
            // Some servers take the whole text of a model that thinks for its thoughts.
            std::mem::swap(&mut text, &mut thoughts);
            return Ok(counts.completion(secrets.scrub_reply(&text), truncated, ""));
        };
        Error::NoContent { at: at.to_owned(), reason }
    };
    let mut failure = Failure::from(error);
    if at_limit {
        failure.next = Next::GiveUp;
    }
    Err(Box::new(Failure { tokens: counts.tokens(), ..failure }))
}

/// The likeliest tokens in the place of the first, with their log-probabilities.
fn first_tokens(choice: &Value) -> Vec<(String, f64)> {
    let likeliest = choice["logprobs"]["content"][0]["top_logprobs"].as_array();
    let token = |one: &Value| Some((one["token"].as_str()?.to_owned(), one["logprob"].as_f64()?));
    likeliest.into_iter().flatten().filter_map(token).collect()
}

/// Whether a text that was cut is nothing but thoughts.
fn only_thinks(text: &str) -> bool {
    text.trim_start().starts_with("<think>")
        && !text.contains("</think>")
        && extract_json(text).is_none()
}

/// The tokens that a server counted.
struct Counts {
    prompt: Option<u64>,
    /// With those of thinking.
    reply: Option<u64>,
    thinking: u64,
}

impl Counts {
    /// Most servers count the tokens of thinking as a part of the reply's. Others count them apart, and
    /// only the total shows them (Gemini's) or a number larger than the reply's.
    fn of(usage: &Value) -> Self {
        let count = |name: &str| usage[name].as_u64();
        let (prompt, reply, total) =
            (count("prompt_tokens"), count("completion_tokens"), count("total_tokens"));
        let named = usage["completion_tokens_details"]["reasoning_tokens"].as_u64();
        let named = named.or(count("reasoning_tokens")).unwrap_or(0);
        let apart = match (prompt, reply, total) {
            (Some(prompt), Some(reply), Some(total)) if total > prompt.saturating_add(reply) => {
                total - prompt - reply
            }
            (_, Some(reply), None) if named > reply => named,
            _ => 0,
        };
        let reply = reply.map(|reply| reply.saturating_add(apart));
        Self { prompt, reply, thinking: named.max(apart).min(reply.unwrap_or(named)) }
    }

    fn completion(self, text: String, truncated: bool, thoughts: &str) -> Completion {
        Completion {
            text,
            truncated,
            prompt_tokens: self.prompt,
            reply_tokens: self.reply,
            thinking_tokens: self.thinking,
            thoughts: thoughts.chars().count(),
            first_tokens: Vec::new(),
        }
    }

    fn tokens(&self) -> Tokens {
        Tokens {
            prompt: self.prompt.unwrap_or(0),
            completion: self.reply.unwrap_or(0),
            thinking: self.thinking,
            estimated: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_choice_with_a_text_is_read() {
        let choice = |text: &str| json!({ "message": { "content": text } });
        let value = json!({ "choices": [choice(" "), choice("yes"), choice("no")] });
        let reply = read(&value, None, "a server", &Secrets::default());
        assert!(reply.is_ok_and(|reply| reply.text == "yes"));
        let value = json!({ "choices": [choice(""), choice("")] });
        assert!(read(&value, None, "a server", &Secrets::default()).is_err());
    }

    #[test]
    fn thinking_is_a_part_of_the_reply_however_it_is_counted() {
        let counts = |usage: Value| {
            let counts = Counts::of(&usage);
            (counts.prompt, counts.reply, counts.thinking)
        };
        let details = |tokens: u64| json!({ "reasoning_tokens": tokens });
        let usage = json!({ "prompt_tokens": 5, "completion_tokens": 30, "total_tokens": 35,
            "completion_tokens_details": details(20) });
        assert_eq!(counts(usage), (Some(5), Some(30), 20));
        let usage = json!({ "prompt_tokens": 5, "completion_tokens": 10, "total_tokens": 35,
            "completion_tokens_details": details(20) });
        assert_eq!(counts(usage), (Some(5), Some(30), 20));
        let usage = json!({ "prompt_tokens": 5, "completion_tokens": 10, "total_tokens": 35 });
        assert_eq!(counts(usage), (Some(5), Some(30), 20));
        let usage = json!({ "prompt_tokens": 5, "completion_tokens": 10,
            "completion_tokens_details": details(20) });
        assert_eq!(counts(usage), (Some(5), Some(30), 20));
        let usage = json!({ "prompt_tokens": 5, "completion_tokens": 10, "total_tokens": 15 });
        assert_eq!(counts(usage), (Some(5), Some(10), 0));
        assert_eq!(counts(json!(null)), (None, None, 0));
        let large = json!({ "prompt_tokens": u64::MAX, "completion_tokens": u64::MAX,
            "total_tokens": u64::MAX, "completion_tokens_details": details(u64::MAX) });
        assert_eq!(counts(large), (Some(u64::MAX), Some(u64::MAX), u64::MAX));
    }
}
