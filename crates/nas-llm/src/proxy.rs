//! The proxy between this machine and a server.

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;

use crate::{Endpoint, Error, address::shown_url, secrets::Secrets};

/// The proxy that requests are sent through.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Proxy {
    /// Its URL, without user info.
    pub(crate) url: String,
    /// Where it is named: an environment variable, or the endpoint.
    pub(crate) named_by: String,
    /// What the user can do about it.
    remedy: String,
}

impl Proxy {
    /// The proxy of an endpoint: the one that is set, or the one that the environment names. Adds its
    /// secrets.
    ///
    /// # Errors
    ///
    /// [`Error::Proxy`] for one that the environment names and that cannot be used.
    pub(crate) fn of(endpoint: &Endpoint, secrets: &mut Secrets) -> Result<Option<Self>, Error> {
        let address = endpoint.address();
        if address.is_loopback() {
            return Ok(None);
        }
        if let Some(proxy) = endpoint.proxy_address() {
            proxy.add_secrets(secrets);
            let named_by = "the endpoint's settings".to_owned();
            let remedy = "correct the endpoint's proxy".to_owned();
            return Ok(Some(Self { url: proxy.to_string(), named_by, remedy }));
        }
        let named = named(address.url(), |variable| std::env::var(variable).ok(), secrets);
        let Some((variable, url, usable)) = named else { return Ok(None) };
        let host = address.url().host_str().unwrap_or_default();
        let remedy =
            format!("correct {variable}, or call the server without a proxy: NO_PROXY={host}");
        let proxy = Self { url, named_by: variable.to_owned(), remedy };
        match usable {
            Ok(()) => Ok(Some(proxy)),
            Err(reason) => Err(proxy.unusable(&endpoint.place(), reason)),
        }
    }

    /// The error where no request can be sent through it.
    pub(crate) fn unusable(&self, at: &str, reason: &str) -> Error {
        let Self { url, named_by, remedy } = self.clone();
        Error::Proxy { at: at.to_owned(), proxy: url, named_by, reason: reason.to_owned(), remedy }
    }

    /// The error where a connection through it fails.
    pub(crate) fn failed(&self, at: &str, reason: String) -> Error {
        let Self { url, remedy, .. } = self.clone();
        Error::ThroughProxy { at: at.to_owned(), proxy: url, reason, remedy }
    }
}

/// The variable of the environment that names the proxy for a server, with the proxy's URL and why it
/// cannot be used, if it cannot. The rules are those of `curl`, as the HTTP client applies them.
fn named(
    server: &Url,
    variable: impl Fn(&str) -> Option<String>,
    secrets: &mut Secrets,
) -> Option<(&'static str, String, Result<(), &'static str>)> {
    // Of a CGI program, a client sets HTTP_PROXY.
    if variable("REQUEST_METHOD").is_some() {
        return None;
    }
    let first =
        |names: [&'static str; 2]| names.into_iter().find_map(|name| Some((name, variable(name)?)));
    let uri = server.as_str().parse().ok()?;
    if let Some((_, excluded)) = first(["NO_PROXY", "no_proxy"]) {
        Matcher::builder().all("http://proxy").no(excluded).build().intercept(&uri)?;
    }
    let own = match server.scheme() {
        "https" => ["HTTPS_PROXY", "https_proxy"],
        _ => ["HTTP_PROXY", "http_proxy"],
    };
    let mut unreadable = None;
    for (name, value) in [own, ["ALL_PROXY", "all_proxy"]].into_iter().filter_map(first) {
        let with_scheme =
            if value.contains("://") { value.clone() } else { format!("http://{value}") };
        if let Ok(url) = Url::parse(&with_scheme) {
            secrets.add_url(&url);
        }
        let shown = shown_url(&value);
        let Some(proxy) = Matcher::builder().all(value.as_str()).build().intercept(&uri) else {
            if !value.trim().is_empty() {
                unreadable = unreadable.or(Some((name, shown)));
            }
            continue;
        };
        secrets.add_basic(proxy.basic_auth());
        let usable = match proxy.uri().scheme_str() {
            Some("http" | "https") => Ok(()),
            _ => Err("SOCKS proxies are not supported"),
        };
        return Some((name, shown, usable));
    }
    let (name, shown) = unreadable?;
    Some((name, shown, Err("it is not the URL of a proxy")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(environment: &[(&str, &str)], expected: Option<(&str, &str, bool)>) {
        let variable = |name: &str| {
            let found = environment.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let server = Url::parse("https://models.example/v1").unwrap();
        let named = named(&server, variable, &mut Secrets::default());
        let named = named.as_ref().map(|(name, url, usable)| (*name, &**url, usable.is_ok()));
        assert_eq!(named, expected, "{environment:?}");
    }

    #[test]
    fn the_environment_names_a_proxy_as_for_curl() {
        check(&[], None);
        check(&[("HTTPS_PROXY", "http://p:1")], Some(("HTTPS_PROXY", "http://p:1/", true)));
        check(&[("https_proxy", "p:1")], Some(("https_proxy", "p:1", true)));
        check(&[("HTTP_PROXY", "http://p:1")], None);
        let both = [("HTTPS_PROXY", ""), ("ALL_PROXY", "http://p:1")];
        check(&both, Some(("ALL_PROXY", "http://p:1/", true)));
        check(&[("HTTPS_PROXY", ""), ("https_proxy", "http://p:1")], None);
        for excluded in ["*", "example", "models.example", "a, .example"] {
            check(&[("HTTPS_PROXY", "http://p:1"), ("NO_PROXY", excluded)], None);
        }
        check(&[("HTTPS_PROXY", "http://p:1"), ("REQUEST_METHOD", "GET")], None);
    }

    #[test]
    fn an_unusable_proxy_is_named_without_its_secrets() {
        let socks = [("ALL_PROXY", "socks5://user:secret@p:1080")];
        check(&socks, Some(("ALL_PROXY", "socks5://REDACTED@p:1080", false)));
        let unreadable = [("HTTPS_PROXY", "user:se cret@p:1")];
        check(&unreadable, Some(("HTTPS_PROXY", "REDACTED@p:1", false)));
        check(&[("HTTPS_PROXY", "ftp://p:1")], Some(("HTTPS_PROXY", "ftp://p:1/", false)));
        // The next variable is used, as the HTTP client does.
        let both = [("HTTPS_PROXY", "ftp://p:1"), ("ALL_PROXY", "http://p:1")];
        check(&both, Some(("ALL_PROXY", "http://p:1/", true)));
        check(&[socks[0], ("NO_PROXY", "example")], None);
    }
}
