use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde_json::Value;

/// Words of an error's code, type or message that say that an account has nothing left.
const EXHAUSTED: [&str; 6] = [
    "insufficient_quota",
    "insufficient balance",
    "billing",
    "exceeded your current quota",
    "out of credit",
    "credit balance",
];

/// What a server says about a request that it refuses, in lower case.
pub(crate) struct Complaint {
    /// The part of the request that it names, if it does.
    pub(crate) parameter: String,
    /// All that it says.
    pub(crate) message: String,
}

/// The body of an answer that is an error, in any of the forms that servers give it.
#[derive(Default)]
pub(crate) struct Said {
    pub(crate) message: String,
    /// The error's code and type.
    code: String,
    pub(crate) parameter: String,
    pub(crate) retry_after: Option<Duration>,
}

impl Said {
    /// Reads `{"error": {…}}` (OpenAI's), a list with that in it (Gemini's), `{"error": "…"}`
    /// (Ollama's), `{"message": …}` (vLLM's), `{"detail": …}` (FastAPI's), or plain text.
    pub(crate) fn read(body: &str) -> Self {
        let Ok(value) = serde_json::from_str::<Value>(body) else {
            return Self { message: printable(body.trim()), ..Self::default() };
        };
        let value = if value.is_array() { &value[0] } else { &value };
        let error = value.get("error").unwrap_or(value);
        let field = |name: &str| match &error[name] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let message = ["message", "detail"].map(field).into_iter().find(|text| !text.is_empty());
        let mut delay = error["details"].as_array().into_iter().flatten();
        let delay = delay.find_map(|detail| detail["retryDelay"].as_str());
        Self {
            message: printable(&message.unwrap_or_else(|| match error {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            })),
            code: format!("{} {} {}", field("code"), field("type"), field("status")),
            parameter: field("param"),
            retry_after: delay.and_then(|delay| seconds(delay.strip_suffix('s')?)),
        }
    }

    /// Whether an HTTP 429 means that an account has nothing left, not that it asks too often. A
    /// message alone does not tell where the server also says when to come back: Gemini's speaks
    /// of quota and billing in both cases.
    pub(crate) fn exhausted(&self, retry_after: Option<Duration>) -> bool {
        let says = |text: &str| {
            let text = text.to_lowercase();
            EXHAUSTED.iter().any(|words| text.contains(words))
        };
        says(&self.code) || (retry_after.is_none() && says(&self.message))
    }
}

/// Without characters that steer a terminal.
fn printable(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}

/// `Retry-After` as seconds or as a date (RFC 9110, 10.2.3).
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    seconds(text).or_else(|| {
        let date = httpdate::parse_http_date(text).ok()?;
        Some(date.duration_since(now).unwrap_or_default())
    })
}

fn seconds(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn what_steers_a_terminal_is_left_out() {
        says("{\"error\":{\"message\":\"\\u001b[31mred\\nblue\"}}", " [31mred blue", "", "");
        says("\u{1b}[31mred", " [31mred", "", "");
    }

    #[track_caller]
    fn says(body: &str, message: &str, code: &str, parameter: &str) {
        let said = Said::read(body);
        assert_eq!(
            (&*said.message, said.code.trim(), &*said.parameter),
            (message, code, parameter)
        );
    }

    #[test]
    fn errors_are_read_in_every_form() {
        says(
            r#"{"error": {"message": "m", "type": "t", "param": "p", "code": "c"}}"#,
            "m",
            "c t",
            "p",
        );
        says(r#"[{"error": {"code": 429, "message": "m", "status": "S"}}]"#, "m", "429  S", "");
        says(r#"{"error": "model not found"}"#, "model not found", "", "");
        says(r#"{"object": "error", "message": "m", "code": 400}"#, "m", "400", "");
        says(r#"{"detail": [{"loc": ["body"]}]}"#, r#"[{"loc":["body"]}]"#, "", "");
        says("<html>no</html>", "<html>no</html>", "", "");
        says("", "", "", "");
    }

    #[test]
    fn a_quota_is_told_from_a_rate() {
        let exhausted = |body: &str| {
            let said = Said::read(body);
            said.exhausted(said.retry_after)
        };
        assert!(exhausted(r#"{"error": {"code": "insufficient_quota", "message": "m"}}"#));
        assert!(exhausted(r#"{"error": {"message": "You exceeded your current quota"}}"#));
        assert!(!exhausted(r#"{"error": {"message": "Rate limit reached"}}"#));
        let gemini =
            r#"[{"error": {"code": 429, "message": "You exceeded your current quota, please
            check your plan and billing details", "details": [{"retryDelay": "34.5s"}]}}]"#
                .replace('\n', " ");
        assert!(!exhausted(&gemini));
        assert_eq!(Said::read(&gemini).retry_after, Some(Duration::from_millis(34500)));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Wed, 21 Oct 2015 07:28:00 GMT").unwrap();
        let after = |text: &'static str| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]);
            retry_after(&headers, now)
        };
        assert_eq!(after("7"), Some(Duration::from_secs(7)));
        assert_eq!(after("Wed, 21 Oct 2015 07:29:30 GMT"), Some(Duration::from_secs(90)));
        assert_eq!(after("Wed, 21 Oct 2015 07:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(after("-3"), None);
        assert_eq!(after("soon"), None);
    }
}
