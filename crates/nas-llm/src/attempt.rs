//! One HTTP request for one reply.

use std::{error::Error as _, fmt, time::Duration};

use reqwest::{
    Response, StatusCode, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue},
    redirect,
};
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::{
    Endpoint, Error,
    completion::{self, Completion},
    excerpt::start,
    failure::Failure,
    place::Place,
    proxy::Proxy,
    refusal::refused,
    secrets::Secrets,
    stream,
};

/// The largest size of a reply's body, in bytes.
const LARGEST_BODY: usize = 2 << 20;

/// The largest size of a reply that is streamed: an event of some hundred bytes for each token.
const LARGEST_STREAM: usize = 32 << 20;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// Sends one HTTP request for one reply, without retries.
pub(crate) struct Wire {
    http: reqwest::Client,
    /// Without user info.
    url: Url,
    authorization: Option<HeaderValue>,
    secrets: Secrets,
    timeout: Duration,
    place: Place,
}

impl Wire {
    pub(crate) fn new(endpoint: &Endpoint) -> Result<Self, Error> {
        let mut secrets = Secrets::default();
        endpoint.address().add_secrets(&mut secrets);
        let key = endpoint.key()?;
        if let Some(key) = &key {
            secrets.add(key.expose_secret());
        }
        let proxy = Proxy::of(endpoint, &mut secrets)?;
        let place = Place::new(endpoint, proxy);
        let unusable = |secrets: &Secrets, error| Error::Client {
            at: place.at.clone(),
            reason: secrets.scrub_message(&causes(error)),
        };
        let http = http_client(endpoint).map_err(|error| unusable(&secrets, error))?;
        // reqwest turns user info into basic authentication.
        let plain = |url: Url| http.post(url).build();
        let to_server = plain(endpoint.address().chat_completions());
        let to_server = to_server.map_err(|error| unusable(&secrets, error))?;
        let basic = to_server.headers().get(AUTHORIZATION).cloned();
        secrets.add_basic(basic.as_ref());
        if let Some(proxy) = endpoint.proxy_address()
            && let Ok(to_proxy) = plain(proxy.url().clone())
        {
            secrets.add_basic(to_proxy.headers().get(AUTHORIZATION));
        }
        let authorization = match &key {
            None => basic,
            Some(key) => {
                let bearer = HeaderValue::try_from(format!("Bearer {}", key.expose_secret()));
                let mut bearer = bearer.map_err(|_| Error::Client {
                    at: place.at.clone(),
                    reason: "the key is not a valid HTTP header".to_owned(),
                })?;
                bearer.set_sensitive(true);
                Some(bearer)
            }
        };
        let url = to_server.url().clone();
        Ok(Self { http, url, authorization, secrets, timeout: endpoint.timeout, place })
    }

    /// Sends `body` and reads the reply.
    pub(crate) async fn attempt(&self, body: &Value) -> Result<Completion, Box<Failure>> {
        let mut request = self.http.post(self.url.clone());
        request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        let response = request.send().await.map_err(|error| self.broken(error))?;
        let status = response.status();
        let headers = response.headers().clone();
        let limit = body["max_tokens"].as_u64().or(body["max_completion_tokens"].as_u64());
        let body = self.body(response).await;
        if !status.is_success() {
            // Where the body cannot be read, the status is enough.
            let body = body.unwrap_or_default();
            let body = String::from_utf8_lossy(&body);
            return Err(self.refused(status, &headers, &body));
        }
        let body = String::from_utf8(body?).map_err(|error| Error::NotUtf8 {
            at: self.place.at.clone(),
            offset: error.utf8_error().valid_up_to(),
        })?;
        self.read(&headers, &body, limit)
    }

    /// Reads a body up to the largest size.
    async fn body(&self, mut response: Response) -> Result<Vec<u8>, Error> {
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let is_stream = kind.is_some_and(|kind| kind.contains("event-stream"));
        let limit = if is_stream { LARGEST_STREAM } else { LARGEST_BODY };
        let too_large = || Error::TooLarge { at: self.place.at.clone(), limit };
        if response.content_length().is_some_and(|length| length > limit as u64) {
            return Err(too_large());
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.broken(error))? {
            if body.len() + chunk.len() > limit {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// Reads the body of a successful response.
    fn read(
        &self,
        headers: &HeaderMap,
        body: &str,
        limit: Option<u64>,
    ) -> Result<Completion, Box<Failure>> {
        let value: Value = match serde_json::from_str(body) {
            Ok(value) => value,
            Err(error) => stream::assemble(body).ok_or_else(|| self.not_json(body, &error))?,
        };
        // Gateways pass on the error of the server behind them with HTTP 200 (OpenRouter's).
        let code = &value["error"]["code"];
        let code = code.as_u64().or_else(|| code.as_str()?.parse().ok());
        if value["choices"][0].is_null()
            && let Some(status) = code.and_then(|code| u16::try_from(code).ok())
            && let Ok(status) = StatusCode::from_u16(status)
            && (status.is_client_error() || status.is_server_error())
        {
            return Err(self.refused(status, headers, &value.to_string()));
        }
        completion::read(&value, limit, &self.place.at, &self.secrets)
    }

    /// The error of a body that is neither JSON nor a stream.
    fn not_json(&self, body: &str, error: &serde_json::Error) -> Error {
        let start = start(&self.secrets.scrub_message(body), 80);
        if body.trim_start().starts_with('<')
            && let Some(error) = self.place.wrong_url(&format!("a page that begins {start:?}"))
        {
            return error;
        }
        let hint = match &self.place.with_version {
            Some(url) => format!("is /v1 missing? Try {url}"),
            None => "is this a chat endpoint?".to_owned(),
        };
        Error::NotJson { at: self.place.at.clone(), reason: error.to_string(), start, hint }
    }

    fn refused(&self, status: StatusCode, headers: &HeaderMap, body: &str) -> Box<Failure> {
        Box::new(refused(&self.place, &self.secrets, status, headers, body))
    }

    /// The error of a request or a body that could not be sent or read.
    fn broken(&self, error: reqwest::Error) -> Error {
        let at = self.place.at.clone();
        if error.is_timeout() && !error.is_connect() {
            return Error::Timeout { at, seconds: self.timeout.as_secs_f64() };
        }
        let (unusable, connects) = (error.is_builder(), error.is_connect());
        let reason = self.secrets.scrub_message(&causes(error));
        match &self.place.proxy {
            _ if unusable => Error::Client { at, reason },
            Some(proxy) if connects => proxy.failed(&self.place.at, reason),
            _ => Error::Connection { at, reason },
        }
    }
}

/// Without the URL's query and the authorization.
impl fmt::Debug for Wire {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Wire").field("at", &self.place.at).finish_non_exhaustive()
    }
}

fn http_client(endpoint: &Endpoint) -> Result<reqwest::Client, reqwest::Error> {
    // reqwest uses the cryptography that the process has installed. A program may have installed its
    // own before; then this has no effect.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("nas-llm/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(endpoint.timeout)
        // A redirected POST becomes a GET, and a query with a key would be sent to another server.
        .redirect(redirect::Policy::none());
    if endpoint.address().is_loopback() {
        builder = builder.no_proxy();
    } else if let Some(proxy) = endpoint.proxy_address() {
        builder = builder.proxy(reqwest::Proxy::all(proxy.url().clone())?);
    }
    builder.build()
}

/// An error and its causes, without its URL.
fn causes(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
