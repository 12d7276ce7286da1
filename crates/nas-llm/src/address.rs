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
        // The password of http://user:1/2@host would be sent to the host `user`, and shown.
        if [Some(url.path()), url.fragment()].into_iter().flatten().any(|part| part.contains('@')) {
            let reason = "there is an @ after the host: write / # and ? of a password as %2F %23 %3F, and an @ of the path as %40";
            return Err(wrong(reason.to_owned()));
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
        secrets.add_url(&self.0);
    }

    /// It with `/v1` added, where no part of its path is a version.
    pub(crate) fn with_version(&self) -> Option<Self> {
        let is_version = |part: &str| {
            let digits = part.strip_prefix(['v', 'V']);
            digits.is_some_and(|digits| digits.starts_with(|char: char| char.is_ascii_digit()))
        };
        let path = self.0.path().trim_end_matches('/');
        if path.split('/').any(is_version) {
            return None;
        }
        let mut url = self.0.clone();
        let path = path.strip_suffix("/chat/completions").unwrap_or(path);
        url.set_path(&format!("{path}/v1"));
        Some(Self(url))
    }
}

/// A URL as it may be shown: its user info and its query are replaced by `REDACTED`.
///
/// It need not be valid, nor have a scheme. Where it cannot be known which part of it is the password,
/// everything before the last `@` is replaced.
///
/// ```
/// use nas_llm::shown_url;
/// assert_eq!(shown_url("http://me:secret@head:8265/jobs?token=1"), "http://REDACTED@head:8265/jobs?REDACTED");
/// assert_eq!(shown_url("me:secret@head:8265"), "REDACTED@head:8265");
/// assert_eq!(shown_url("http://head:8265"), "http://head:8265/");
/// assert_eq!(shown_url("auto"), "auto");
/// ```
pub fn shown_url(text: &str) -> String {
    let text = text.trim();
    if let Some((scheme, rest)) = text.split_once("://") {
        if let Ok(url) = Url::parse(text)
            && url.has_host()
            // A password with a slash ends the host for the parser.
            && !url.path().contains('@')
            && !url.fragment().is_some_and(|fragment| fragment.contains('@'))
            && !url.query().is_some_and(|query| query.contains('@') && url.username().is_empty())
            && let Some(shown) = shown(&url)
        {
            return shown;
        }
        let scheme = if scheme.contains('@') { REDACTED } else { scheme };
        return format!("{scheme}://{}", shown_rest(rest));
    }
    shown_rest(text)
}

/// What follows the scheme of a URL that cannot be parsed.
fn shown_rest(rest: &str) -> String {
    let (hidden, rest) = match rest.rsplit_once('@') {
        Some((_, rest)) => (format!("{REDACTED}@"), rest),
        None => (String::new(), rest),
    };
    let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
    match rest.split_once('?') {
        Some((rest, _)) => format!("{hidden}{rest}?{REDACTED}"),
        None => format!("{hidden}{rest}"),
    }
}

/// A URL without user info, query and fragment; `None` where it can have no user info but has one.
fn shown(url: &Url) -> Option<String> {
    let mut shown = url.clone();
    if !shown.username().is_empty() || shown.password().is_some() {
        shown.set_password(None).ok()?;
        shown.set_username(REDACTED).ok()?;
    }
    if shown.query().is_some() {
        shown.set_query(Some(REDACTED));
    }
    shown.set_fragment(None);
    Some(shown.into())
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Every http URL has a host, and so may have user info.
        formatter.write_str(&shown(&self.0).unwrap_or_else(|| REDACTED.to_owned()))
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
        for text in [
            "user:hunter2@host",
            "ftp://user:hunter2@host/v1",
            "hunter2",
            "http://",
            "http://user:1/hunter2@host/v1",
            "http://user:1#hunter2@host/v1",
            "http://user:hunter2/@host/v1",
        ] {
            let error = Address::parse(text).unwrap_err();
            assert!(matches!(error, Error::Url { .. }));
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn no_form_of_a_url_shows_its_secrets() {
        for (text, shown) in [
            (
                "http://user:hunter2@host:8265/a?b=hunter2#hunter2",
                "http://REDACTED@host:8265/a?REDACTED",
            ),
            ("ray://user:hunter2@host:10001", "ray://REDACTED@host:10001"),
            ("socks5h://hunter2@host", "socks5h://REDACTED@host"),
            ("user:hunter2@host:3128", "REDACTED@host:3128"),
            ("user:hunter2@host/a?key=hunter2", "REDACTED@host/a?REDACTED"),
            ("host:8265?token=hunter2", "host:8265?REDACTED"),
            // Passwords that should have been encoded.
            ("http://user:hunter2/hunter2@host", "http://REDACTED@host"),
            ("http://user:12/hunter2@host/", "http://REDACTED@host/"),
            ("http://user:hunter2?hunter2@host/", "http://REDACTED@host/"),
            ("http://user:hunter2#hunter2@host/", "http://REDACTED@host/"),
            ("http://user:12#hunter2@host/", "http://REDACTED@host/"),
            ("http://user:12?hunter2@host/", "http://REDACTED@host/"),
            ("http://user:hun@ter2@host/", "http://REDACTED@host/"),
            ("http://user:hunter2@ho st/", "http://REDACTED@ho st/"),
            ("hunter2@x://host", "REDACTED://host"),
            ("mailto:hunter2@host", "REDACTED@host"),
            ("http://host:8265/", "http://host:8265/"),
            ("127.0.0.1:6379", "127.0.0.1:6379"),
        ] {
            assert_eq!(shown_url(text), shown, "{text}");
            assert!(!shown_url(text).contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn a_version_is_added_to_a_path_that_has_none() {
        let with_version = |url: &str| {
            let with_version = Address::parse(url).unwrap().with_version();
            with_version.map(|address| address.to_string())
        };
        for url in ["http://h", "http://h/", "http://h/chat/completions"] {
            assert_eq!(with_version(url).as_deref(), Some("http://h/v1"), "{url}");
        }
        assert_eq!(with_version("http://h/api/?k=1").as_deref(), Some("http://h/api/v1?REDACTED"));
        assert_eq!(with_version("http://h/vision").as_deref(), Some("http://h/vision/v1"));
        for url in ["http://h/v1", "http://h/v1/chat/completions", "http://h/v1beta/openai/"] {
            assert_eq!(with_version(url), None, "{url}");
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
