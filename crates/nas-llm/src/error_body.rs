//! A server's error messages.

use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde_json::Value;

/// Words in an error's code, type or message that show that an account's quota is exhausted.
const EXHAUSTED: [&str; 6] = [
    "insufficient_quota",
    "insufficient balance",
    "billing",
    "exceeded your current quota",
    "out of credit",
    "credit balance",
];

/// Words in an error's code, type or message that show that the content of a request is not allowed.
const CONTENT: [&str; 14] = [
    "moderation",
    "content policy",
    "content_policy",
    "content filter",
    "content_filter",
    "content management policy",
    "flagged",
    "safety",
    "responsible ai",
    "responsibleai",
    "harmful",
    "prohibited content",
    "inappropriate content",
    "data_inspection",
];

/// Words that show that it is the key or the account that is refused.
const ACCESS: [&str; 10] = [
    "api key",
    "api-key",
    "api_key",
    "apikey",
    "account",
    "credential",
    "authenticat",
    "authoriz",
    "permission",
    "organization",
];

/// What a message says where there is nothing at the path of a URL.
const NO_PATH: [&str; 7] = [
    "not found",
    "not_found",
    "cannot post",
    "invalid url",
    "no route",
    "unknown path",
    "not allowed",
];

/// Words that show that a server understood a request and does not support a part of it.
const REFUSES: [&str; 12] = [
    "not support",
    "unsupported",
    "not allowed",
    "not enabled",
    "not implemented",
    "unknown",
    "unexpected",
    "invalid",
    "must",
    "only",
    "cannot",
    "failed to parse",
];

fn contains(text: &str, words: &[&str]) -> bool {
    let text = text.to_lowercase();
    words.iter().any(|word| text.contains(word))
}

/// Why a server refused a request, in lower case.
pub(crate) struct Complaint {
    /// The part of the request that it names, if any.
    pub(crate) parameter: String,
    /// The whole message.
    pub(crate) message: String,
}

impl Complaint {
    /// Whether the server says that it does not support a part of the request. Where a server fails,
    /// the words of the failure alone do not show that.
    pub(crate) fn refuses(&self) -> bool {
        contains(&self.message, &REFUSES)
    }
}

/// The body of an error response, in any of the forms that servers use.
#[derive(Default)]
pub(crate) struct ErrorBody {
    pub(crate) message: String,
    /// The error's code and type.
    code: String,
    pub(crate) parameter: String,
    pub(crate) retry_after: Option<Duration>,
}

impl ErrorBody {
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

    /// Whether an HTTP 429 means that an account's quota is exhausted, not that it makes too many
    /// requests. Where the server also sends a time to wait, the message alone does not decide:
    /// Gemini's mentions quota and billing in both cases.
    pub(crate) fn is_exhausted(&self, retry_after: Option<Duration>) -> bool {
        contains(&self.code, &EXHAUSTED)
            || (retry_after.is_none() && contains(&self.message, &EXHAUSTED))
    }

    /// Whether a request is refused for its content, not for its form or the key.
    pub(crate) fn is_about_content(&self) -> bool {
        contains(&self.code, &CONTENT)
            || (contains(&self.message, &CONTENT)
                && self.parameter.is_empty()
                && !contains(&self.code, &ACCESS)
                && !contains(&self.message, &ACCESS))
    }

    /// Whether an HTTP 404 or 405 means that there is nothing at the path.
    pub(crate) fn is_about_path(&self) -> bool {
        let message = self.message.trim();
        message.is_empty() || message.starts_with('<') || contains(message, &NO_PATH)
    }

    /// Whether the message is about the model.
    pub(crate) fn names_model(&self) -> bool {
        contains(&self.message, &["model"]) || contains(&self.code, &["model"])
    }
}

/// Without characters that control a terminal.
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
    fn control_characters_are_left_out() {
        reads("{\"error\":{\"message\":\"\\u001b[31mred\\nblue\"}}", " [31mred blue", "", "");
        reads("\u{1b}[31mred", " [31mred", "", "");
    }

    #[track_caller]
    fn reads(body: &str, message: &str, code: &str, parameter: &str) {
        let read = ErrorBody::read(body);
        assert_eq!(
            (&*read.message, read.code.trim(), &*read.parameter),
            (message, code, parameter)
        );
    }

    #[test]
    fn errors_are_read_in_every_form() {
        reads(
            r#"{"error": {"message": "m", "type": "t", "param": "p", "code": "c"}}"#,
            "m",
            "c t",
            "p",
        );
        reads(r#"[{"error": {"code": 429, "message": "m", "status": "S"}}]"#, "m", "429  S", "");
        reads(r#"{"error": "model not found"}"#, "model not found", "", "");
        reads(r#"{"object": "error", "message": "m", "code": 400}"#, "m", "400", "");
        reads(r#"{"detail": [{"loc": ["body"]}]}"#, r#"[{"loc":["body"]}]"#, "", "");
        reads("<html>no</html>", "<html>no</html>", "", "");
        reads("", "", "", "");
    }

    #[test]
    fn an_exhausted_quota_differs_from_a_rate_limit() {
        let exhausted = |body: &str| {
            let read = ErrorBody::read(body);
            read.is_exhausted(read.retry_after)
        };
        assert!(exhausted(r#"{"error": {"code": "insufficient_quota", "message": "m"}}"#));
        assert!(exhausted(r#"{"error": {"message": "You exceeded your current quota"}}"#));
        assert!(!exhausted(r#"{"error": {"message": "Rate limit reached"}}"#));
        let gemini =
            r#"[{"error": {"code": 429, "message": "You exceeded your current quota, please
            check your plan and billing details", "details": [{"retryDelay": "34.5s"}]}}]"#
                .replace('\n', " ");
        assert!(!exhausted(&gemini));
        assert_eq!(ErrorBody::read(&gemini).retry_after, Some(Duration::from_millis(34500)));
    }

    #[test]
    fn content_that_is_not_allowed_differs_from_a_key() {
        let about_content = |body: &str| ErrorBody::read(body).is_about_content();
        for body in [
            r#"{"error": {"message": "m requires moderation on Input. Your input was flagged for \"violence\"", "code": 403}}"#,
            r#"{"error": {"message": "m", "type": "content_policy_violation"}}"#,
            r#"{"error": {"message": "The response was filtered due to the prompt triggering Azure OpenAI's content management policy", "code": "content_filter"}}"#,
            r#"{"error": {"message": "Rejected by our safety system", "code": "x"}}"#,
            r#"{"error": {"message": "rejected: ask your account team", "code": "moderation_blocked"}}"#,
            "Input data may contain inappropriate content.",
        ] {
            assert!(about_content(body), "{body}");
        }
        for body in [
            "",
            "Forbidden",
            r#"{"error": {"message": "Your account was flagged"}}"#,
            r#"{"error": {"message": "This API key was flagged for abuse"}}"#,
            r#"{"error": {"message": "flagged", "code": "invalid_api_key"}}"#,
            r#"{"error": {"message": "unknown parameter: safety_identifier", "param": "safety_identifier"}}"#,
        ] {
            assert!(!about_content(body), "{body}");
        }
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
