//! URLs that may contain secrets.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
};

use reqwest::Url;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{
    Error,
    secrets::{REDACTED, Secrets},
};

const EXAMPLE: &str = "http://127.0.0.1:8911/v1";

/// A URL whose user info and query are used but never shown or stored.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address(Url);

impl Address {
    /// Parses an `http` or `https` URL with a host.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let wrong = |reason: String| Error::Url { reason, example: EXAMPLE };
        if !text.contains("://") {
            return Err(wrong("it does not begin with http:// or https://".to_owned()));
        }
        let mut url = Url::parse(text.trim()).map_err(|error| wrong(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("its scheme is neither http nor https".to_owned()));
        }
        url.set_fragment(None);
        Ok(Self(url))
    }

    /// The URL itself.
    pub(crate) fn url(&self) -> &Url {
        &self.0
    }

    /// Whether it was read from a file, where it is stored without its secrets.
    pub(crate) fn lacks_secrets(&self) -> bool {
        self.0.username() == REDACTED || self.0.query() == Some(REDACTED)
    }

    /// The URL of chat completions.
    pub(crate) fn chat_completions(&self) -> Url {
        let mut url = self.0.clone();
        let path = url.path().trim_end_matches('/');
        let path = path.strip_suffix("/chat/completions").unwrap_or(path);
        url.set_path(&format!("{path}/chat/completions"));
        url
    }

    /// Whether it is on this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        let Some(host) = self.0.host_str() else { return false };
        let host = host.trim_matches(['[', ']']).trim_end_matches('.');
        host == "localhost"
            || host.ends_with(".localhost")
            || host.parse().is_ok_and(|ip: Ipv4Addr| ip.is_loopback())
            || host.parse().is_ok_and(|ip: Ipv6Addr| {
                ip.is_loopback() || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_loopback())
            })
    }

    /// Adds the parts of it that must not be shown.
    pub(crate) fn add_secrets(&self, secrets: &mut Secrets) {
        // A user name with a password is no secret; without one it is a token.
        secrets.add_encoded(self.0.password().unwrap_or(self.0.username()));
        if let Some(query) = self.0.query() {
            secrets.add_encoded(query);
            for (_, value) in self.0.query_pairs() {
                secrets.add(&value);
            }
            for pair in query.split('&') {
                secrets.add(pair.split_once('=').map_or(pair, |(_, value)| value));
            }
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.0.clone();
        if !shown.username().is_empty() || shown.password().is_some() {
            // These fail only for URLs without a host, and every http URL has one.
            let _ = shown.set_password(None);
            let _ = shown.set_username(REDACTED);
        }
        if shown.query().is_some() {
            shown.set_query(Some(REDACTED));
        }
        formatter.write_str(shown.as_str())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn shows(text: &str, shown: &str, completions: &str) {
        let address = Address::parse(text).unwrap();
        assert_eq!(address.to_string(), shown);
        assert_eq!(format!("{address:?}"), shown);
        assert_eq!(address.chat_completions().as_str(), completions);
    }

    #[test]
    fn user_info_and_query_are_used_but_not_shown() {
        shows("http://host/v1", "http://host/v1", "http://host/v1/chat/completions");
        shows("http://host/v1/", "http://host/v1/", "http://host/v1/chat/completions");
        shows("https://host", "https://host/", "https://host/chat/completions");
        shows(
            "http://host/v1/chat/completions",
            "http://host/v1/chat/completions",
            "http://host/v1/chat/completions",
        );
        shows(
            "http://user:pass@host/v1?key=abc#part",
            "http://REDACTED@host/v1?REDACTED",
            "http://user:pass@host/v1/chat/completions?key=abc",
        );
    }

    #[test]
    fn an_invalid_url_is_not_shown() {
        for text in ["user:hunter2@host", "ftp://user:hunter2@host/v1", "hunter2", "http://"] {
            let error = Address::parse(text).unwrap_err();
            assert!(matches!(error, Error::Url { .. }));
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn loopback_is_recognised() {
        for url in [
            "http://localhost:1/v1",
            "http://127.9.0.1/",
            "http://[::1]:80/",
            "http://a.localhost/",
            "http://[::ffff:127.0.0.1]/",
        ] {
            assert!(Address::parse(url).unwrap().is_loopback(), "{url}");
        }
        for url in ["http://localhost.example/", "https://api.openai.com/v1", "http://10.0.0.1/"] {
            assert!(!Address::parse(url).unwrap().is_loopback(), "{url}");
        }
    }
}
