//! Strings that must not be shown.

use percent_encoding::percent_decode_str;
use reqwest::{Url, header::HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};

/// What replaces a secret.
pub(crate) const REDACTED: &str = "REDACTED";

/// The length from which a secret is hardly a word of another meaning.
const LONG: usize = 8;

/// Strings that may leave the process only in a request. `Debug` does not print them.
#[derive(Debug, Default)]
pub(crate) struct Secrets(Vec<SecretString>);

impl Secrets {
    /// Keeps `secret`.
    pub(crate) fn add(&mut self, secret: &str) {
        if !secret.is_empty() {
            self.0.push(secret.into());
            // As JSON contains it, which error messages may quote.
            let quoted = serde_json::Value::from(secret).to_string();
            let quoted = quoted.trim_matches('"');
            if quoted.len() > secret.len() {
                self.0.push(quoted.into());
            }
            // Longer ones are removed first, because they may contain shorter ones.
            self.0.sort_by_key(|secret| std::cmp::Reverse(secret.expose_secret().len()));
        }
    }

    /// Keeps the user info and the query of a URL.
    pub(crate) fn add_url(&mut self, url: &Url) {
        self.add_encoded(url.password().unwrap_or_default());
        // Without a password it is a token. With one it may be a word that other texts contain.
        if url.password().is_none() || url.username().len() >= LONG {
            self.add_encoded(url.username());
        }
        if let Some(query) = url.query() {
            self.add_encoded(query);
            for (_, value) in url.query_pairs() {
                self.add(&value);
            }
            for pair in query.split('&') {
                self.add(pair.split_once('=').map_or(pair, |(_, value)| value));
            }
        }
    }

    /// Keeps the value of a header with basic authentication.
    pub(crate) fn add_basic(&mut self, header: Option<&HeaderValue>) {
        if let Some(encoded) = header.and_then(|header| header.to_str().ok()) {
            self.add(encoded.trim_start_matches("Basic "));
        }
    }

    /// Keeps a part of a URL, as written and decoded.
    pub(crate) fn add_encoded(&mut self, secret: &str) {
        self.add(secret);
        self.add(&percent_decode_str(secret).decode_utf8_lossy());
    }

    /// A server's error message without secrets that it may repeat.
    pub(crate) fn scrub_message(&self, text: &str) -> String {
        self.scrub(text, 4)
    }

    /// A model's reply without secrets that a server may put there. Short secrets are kept: keys for
    /// servers that need no key are words like `none`, which a reply about networks may contain.
    pub(crate) fn scrub_reply(&self, text: &str) -> String {
        self.scrub(text, LONG)
    }

    fn scrub(&self, text: &str, shortest: usize) -> String {
        self.0
            .iter()
            .map(SecretString::expose_secret)
            .filter(|secret| secret.len() >= shortest)
            .fold(text.to_owned(), |text, secret| text.replace(secret, REDACTED))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_removed_as_written_and_decoded() {
        let mut secrets = Secrets::default();
        secrets.add("none");
        secrets.add("long-secret-and-more");
        secrets.add_encoded("long%2Dsecret");
        let text = "none, long-secret, long%2Dsecret and long-secret-and-more";
        assert_eq!(secrets.scrub_message(text), "REDACTED, REDACTED, REDACTED and REDACTED");
        assert_eq!(secrets.scrub_reply(text), "none, REDACTED, REDACTED and REDACTED");
        assert!(!format!("{secrets:?}").contains("long"));
        secrets.add("a\"quoted\"\\key");
        let json = serde_json::json!({ "sent": "a\"quoted\"\\key" }).to_string();
        assert_eq!(secrets.scrub_message(&json), r#"{"sent":"REDACTED"}"#);
    }
}
