//! Where requests are sent, for error messages.

use crate::{Endpoint, Error, proxy::Proxy};

/// Where requests are sent, without secrets.
#[derive(Debug)]
pub(crate) struct Place {
    /// `model M at URL`, and the proxy in between.
    pub(crate) at: String,
    /// The base URL with `/v1`, where it has no version.
    pub(crate) with_version: Option<String>,
    pub(crate) proxy: Option<Proxy>,
}

impl Place {
    pub(crate) fn new(endpoint: &Endpoint, proxy: Option<Proxy>) -> Self {
        let at = match &proxy {
            None => endpoint.place(),
            Some(Proxy { url, named_by, .. }) => {
                format!("{}, through the proxy {url} of {named_by}", endpoint.place())
            }
        };
        let with_version = endpoint.address().with_version().map(|address| address.to_string());
        Self { at, with_version, proxy }
    }

    /// The error of a base URL without a version where no chat completions are.
    pub(crate) fn wrong_url(&self, what: &str) -> Option<Error> {
        let hint = self.with_version.clone()?;
        Some(Error::WrongUrl { at: self.at.clone(), what: what.to_owned(), hint })
    }
}
