//! One HTTP request for one reply.

use std::{
    error::Error as _,
    fmt,
    time::{Duration, SystemTime},
};

use reqwest::{
    Response, StatusCode, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION},
    redirect,
};
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::{
    Endpoint, Error,
    error_body::{Complaint, ErrorBody, retry_after},
    secrets::Secrets,
    usage::Tokens,
};

/// The largest size of a reply's body, in bytes.
pub(crate) const LARGEST_BODY: usize = 2 << 20;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// Sends one HTTP request for one reply, without retries.
pub(crate) struct Wire {
    http: reqwest::Client,
    /// Without user info.
    url: Url,
    authorization: Option<HeaderValue>,
    secrets: Secrets,
    timeout: Duration,
    at: String,
}

/// A server's reply.
pub(crate) struct Completion {
    pub(crate) text: String,
    pub(crate) truncated: bool,
    pub(crate) prompt_tokens: Option<u64>,
    pub(crate) reply_tokens: Option<u64>,
}

/// How an attempt failed.
pub(crate) struct Failure {
    pub(crate) error: Error,
    pub(crate) next: Next,
    /// Tokens that the server counted anyway.
    pub(crate) tokens: Tokens,
}

/// What to do after a failure.
pub(crate) enum Next {
    /// End the call: no attempt of it can succeed.
    GiveUp,
    /// End this call and all later ones: no attempt can succeed.
    GiveUpAll,
    /// Try again, after the time that the server asked for, if any.
    Retry(Option<Duration>),
    /// Try again once: another sample of the model may be a valid reply.
    RetryOnce,
    /// Send the request in another form.
    Rephrase(Complaint),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let next = match error {
            Error::Timeout { .. } | Error::Connection { .. } => Next::Retry(None),
            Error::TooLarge { .. }
            | Error::NotUtf8 { .. }
            | Error::NotJson { .. }
            | Error::NoContent { .. } => Next::RetryOnce,
            _ => Next::GiveUp,
        };
        Self { error, next, tokens: Tokens::default() }
    }
}

impl From<Error> for Box<Failure> {
    fn from(error: Error) -> Self {
        Box::new(error.into())
    }
}

impl Wire {
    pub(crate) fn new(endpoint: &Endpoint) -> Result<Self, Error> {
        let at = endpoint.place();
        let mut secrets = Secrets::default();
        endpoint.address().add_secrets(&mut secrets);
        if let Some(proxy) = endpoint.proxy_address() {
            proxy.add_secrets(&mut secrets);
        }
        let key = endpoint.key()?;
        if let Some(key) = &key {
            secrets.add(key.expose_secret());
        }
        let unusable = |secrets: &Secrets, error| Error::Client {
            at: at.clone(),
            reason: secrets.scrub_message(&causes(error)),
        };
        let http = http_client(endpoint).map_err(|error| unusable(&secrets, error))?;
        // reqwest turns user info into basic authentication.
        let plain = http.post(endpoint.address().chat_completions());
        let plain = plain.build().map_err(|error| unusable(&secrets, error))?;
        let basic = plain.headers().get(AUTHORIZATION).cloned();
        if let Some(encoded) = basic.as_ref().and_then(|basic| basic.to_str().ok()) {
            secrets.add(encoded.trim_start_matches("Basic "));
        }
        let authorization = match &key {
            None => basic,
            Some(key) => {
                let bearer = HeaderValue::try_from(format!("Bearer {}", key.expose_secret()));
                let mut bearer = bearer.map_err(|_| Error::Client {
                    at: at.clone(),
                    reason: "the key is not a valid HTTP header".to_owned(),
                })?;
                bearer.set_sensitive(true);
                Some(bearer)
            }
        };
        let url = plain.url().clone();
        Ok(Self { http, url, authorization, secrets, timeout: endpoint.timeout, at })
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
        let body = self.body(response).await;
        if !status.is_success() {
            // Where the body cannot be read, the status is enough.
            let body = body.unwrap_or_default();
            let body = String::from_utf8_lossy(&body);
            return Err(Box::new(self.refused(status, &headers, &body)));
        }
        let body = String::from_utf8(body?).map_err(|error| Error::NotUtf8 {
            at: self.at.clone(),
            offset: error.utf8_error().valid_up_to(),
        })?;
        self.read(&headers, &body)
    }

    /// Reads a body up to the largest size.
    async fn body(&self, mut response: Response) -> Result<Vec<u8>, Error> {
        let too_large = || Error::TooLarge { at: self.at.clone(), limit: LARGEST_BODY };
        if response.content_length().is_some_and(|length| length > LARGEST_BODY as u64) {
            return Err(too_large());
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.broken(error))? {
            if body.len() + chunk.len() > LARGEST_BODY {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// Reads the body of a successful response.
    fn read(&self, headers: &HeaderMap, body: &str) -> Result<Completion, Box<Failure>> {
        let value: Value = serde_json::from_str(body).map_err(|error| Error::NotJson {
            at: self.at.clone(),
            reason: error.to_string(),
            start: start(&self.secrets.scrub_message(body), 80),
        })?;
        let choice = &value["choices"][0];
        // Gateways pass on the error of the server behind them with HTTP 200 (OpenRouter's).
        if choice.is_null()
            && let Some(code) = value["error"]["code"].as_u64()
            && let Ok(status) = StatusCode::from_u16(code as u16)
            && (status.is_client_error() || status.is_server_error())
        {
            return Err(Box::new(self.refused(status, headers, body)));
        }
        let prompt_tokens = value["usage"]["prompt_tokens"].as_u64();
        let reply_tokens = value["usage"]["completion_tokens"].as_u64();
        let truncated = choice["finish_reason"] == "length";
        let text = content(&choice["message"]["content"]);
        if text.trim().is_empty() {
            let reason = if choice.is_null() {
                let body = start(&self.secrets.scrub_message(body), 200);
                format!("there is no choice in {body}")
            } else if let Some(refusal) = choice["message"]["refusal"].as_str() {
                let refusal = start(&self.secrets.scrub_message(refusal), 200);
                format!("the model declines: {refusal}")
            } else if truncated {
                "max_tokens is reached before its text begins; allow more tokens".to_owned()
            } else {
                let text = choice["message"]["content"].to_string();
                format!("the text is {}", start(&self.secrets.scrub_message(&text), 80))
            };
            let error = Error::NoContent { at: self.at.clone(), reason };
            let tokens = Tokens {
                prompt: prompt_tokens.unwrap_or(0),
                completion: reply_tokens.unwrap_or(0),
                estimated: false,
            };
            return Err(Box::new(Failure { tokens, ..error.into() }));
        }
        let text = self.secrets.scrub_reply(&text);
        Ok(Completion { text, truncated, prompt_tokens, reply_tokens })
    }

    /// A response with a status that is not a success.
    fn refused(&self, status: StatusCode, headers: &HeaderMap, body: &str) -> Failure {
        let error = ErrorBody::read(body);
        let mut message = if error.message.is_empty() { "no reason given" } else { &error.message };
        if let Some(to) = headers.get(LOCATION).and_then(|to| to.to_str().ok())
            && status.is_redirection()
        {
            message = to;
        }
        let message = start(&self.secrets.scrub_message(message), 300);
        let (at, code) = (self.at.clone(), status.as_u16());
        let retry_after = retry_after(headers, SystemTime::now()).or(error.retry_after);
        let (error, next) = match code {
            402 => (Error::Quota { at, message }, Next::GiveUpAll),
            429 if error.is_exhausted(retry_after) => {
                (Error::Quota { at, message }, Next::GiveUpAll)
            }
            429 => (Error::RateLimited { at, retry_after, message }, Next::Retry(retry_after)),
            401 | 403 => (Error::Unauthorised { at, status: code, message }, Next::GiveUpAll),
            408 | 500.. => (Error::Server { at, status: code, message }, Next::Retry(retry_after)),
            400 | 404 | 422 => {
                let complaint = Complaint {
                    parameter: error.parameter.to_lowercase(),
                    message: error.message.to_lowercase(),
                };
                (Error::Refused { at, status: code, message }, Next::Rephrase(complaint))
            }
            300..400 => {
                let message = format!("it redirects to {message}");
                (Error::Refused { at, status: code, message }, Next::GiveUp)
            }
            _ => (Error::Refused { at, status: code, message }, Next::GiveUp),
        };
        Failure { error, next, tokens: Tokens::default() }
    }

    /// The error of a request or a body that could not be sent or read.
    fn broken(&self, error: reqwest::Error) -> Error {
        let at = self.at.clone();
        if error.is_timeout() && !error.is_connect() {
            return Error::Timeout { at, seconds: self.timeout.as_secs_f64() };
        }
        let unusable = error.is_builder();
        let reason = self.secrets.scrub_message(&causes(error));
        if unusable { Error::Client { at, reason } } else { Error::Connection { at, reason } }
    }
}

/// Without the URL's query and the authorization.
impl fmt::Debug for Wire {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Wire").field("at", &self.at).finish_non_exhaustive()
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

/// The text of a message: a string, or a list of parts with texts.
fn content(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}

/// The first characters of a text, in one line.
pub(crate) fn start(text: &str, characters: usize) -> String {
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match one_line.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &one_line[..end]),
        None => one_line,
    }
}
