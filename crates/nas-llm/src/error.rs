//! What can go wrong between a request and its reply.

use std::{io, path::PathBuf, time::Duration};

use crate::{Kind, Limit};

/// What can go wrong between a request and its reply.
///
/// `at` is always `model M at URL`, with user info and query of the URL left out, and the proxy, if there
/// is one. No variant holds a key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An invalid setting.
    #[error("{name} is {got}: expected {expected}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// Its value.
        got: String,
        /// What it must be.
        expected: &'static str,
    },
    /// An invalid URL. It is not shown, because it may contain a password.
    #[error(
        "invalid URL (not shown, it may contain a password): {reason}; expected for example {example}"
    )]
    Url {
        /// What is wrong with it.
        reason: String,
        /// A valid URL.
        example: &'static str,
    },
    /// The environment variable that should hold the key is unusable.
    #[error(
        "environment variable {variable} {problem}: expected the endpoint's key; set it, or name no \
         variable for a server that needs no key"
    )]
    Key {
        /// The variable's name.
        variable: String,
        /// What is wrong with it, without its value.
        problem: &'static str,
    },
    /// A prompt's template that does not fit its values; a bug of this crate.
    #[error("prompt {template}: {reason}")]
    Prompt {
        /// The template.
        template: &'static str,
        /// The template engine's message.
        reason: String,
    },
    /// The operating system provides no asynchronous input.
    #[error("cannot wait for replies: {0}")]
    Runtime(io::Error),
    /// The HTTP client cannot be created.
    #[error("no HTTP client for {at}: {reason}")]
    Client {
        /// Which model at which URL.
        at: String,
        /// Why.
        reason: String,
    },
    /// A proxy that cannot be used. This client sends no call.
    #[error(
        "the proxy {proxy} of {named_by} cannot be used for {at}: {reason}; expected http://HOST:PORT \
         or https://HOST:PORT: {remedy}"
    )]
    Proxy {
        /// Which model at which URL.
        at: String,
        /// The proxy's URL, without user info and query.
        proxy: String,
        /// The variable of the environment, or the settings, that name it.
        named_by: String,
        /// Why it cannot be used.
        reason: String,
        /// What the user can do about it.
        remedy: String,
    },
    /// No connection through a proxy.
    #[error(
        "no connection to {at}: {reason}; is the proxy running and reachable? If not, {remedy}"
    )]
    ThroughProxy {
        /// Which model at which URL, through which proxy.
        at: String,
        /// The proxy's URL, without user info and query.
        proxy: String,
        /// What broke.
        reason: String,
        /// What the user can do about it.
        remedy: String,
    },
    /// The budget is spent; the call was not made.
    #[error(
        "budget spent: {spent} of {limit} {which}; to continue, replay the transcript \
         with a larger budget"
    )]
    BudgetSpent {
        /// What is spent.
        which: Limit,
        /// How much was allowed.
        limit: f64,
        /// How much was used.
        spent: f64,
    },
    /// The account's quota is exhausted. This client sends no later call.
    #[error("quota of {at} is exhausted: {message}; top the account up or use another endpoint")]
    Quota {
        /// Which model at which URL.
        at: String,
        /// The server's message.
        message: String,
    },
    /// The key is missing, wrong or not allowed. This client sends no later call.
    #[error("{at} refuses the key (HTTP {status}): {message}; check the key's variable")]
    Unauthorised {
        /// Which model at which URL.
        at: String,
        /// 401 or 403.
        status: u16,
        /// The server's message.
        message: String,
    },
    /// The server does not accept this request.
    #[error("{at} refuses the request (HTTP {status}): {message}; check URL, model and request")]
    Refused {
        /// Which model at which URL.
        at: String,
        /// The status, 300 to 499.
        status: u16,
        /// The server's message.
        message: String,
    },
    /// No chat completions at the base URL, which has no version. This client sends no later call.
    #[error("there are no chat completions of {at} ({what}); is /v1 missing? Try {hint}")]
    WrongUrl {
        /// Which model at which URL.
        at: String,
        /// What is there instead.
        what: String,
        /// The base URL with `/v1`.
        hint: String,
    },
    /// The content of this request is not allowed; other requests may be.
    #[error(
        "{at} does not answer this request because of its content (HTTP {status}): {message}; \
        only this call fails"
    )]
    Declined {
        /// Which model at which URL.
        at: String,
        /// The status, 400 to 499.
        status: u16,
        /// The server's message.
        message: String,
    },
    /// Too many requests: after the last retry, or for longer than a call may wait.
    #[error("{at} limits the rate{}: {message}; try later or make fewer calls at the same time",
        .retry_after.filter(|wait| wait.as_secs() > 0).map(|wait| format!(" for {} s", wait.as_secs())).unwrap_or_default())]
    RateLimited {
        /// Which model at which URL.
        at: String,
        /// How long the server asks to wait, if it does.
        retry_after: Option<Duration>,
        /// The server's message.
        message: String,
    },
    /// The server failed, also after the last retry.
    #[error("{at} fails (HTTP {status}): {message}; try later or look at the server's log")]
    Server {
        /// Which model at which URL.
        at: String,
        /// 408, or 500 and more.
        status: u16,
        /// The server's message.
        message: String,
    },
    /// No connection, or one that broke before the reply was complete.
    #[error("no complete reply from {at}: {reason}; is the server running and reachable?")]
    Connection {
        /// Which model at which URL.
        at: String,
        /// What broke.
        reason: String,
    },
    /// No complete reply in time.
    #[error(
        "no complete reply from {at} in {seconds} s; raise the timeout or ask for fewer tokens"
    )]
    Timeout {
        /// Which model at which URL.
        at: String,
        /// The timeout of one attempt.
        seconds: f64,
    },
    /// A reply's body that is longer than any reply should be. The rest is not read.
    #[error("the reply from {at} is longer than {limit} bytes; is this a chat endpoint?")]
    TooLarge {
        /// Which model at which URL.
        at: String,
        /// The largest size in bytes.
        limit: usize,
    },
    /// A reply's body that is not UTF-8.
    #[error("the reply from {at} is not UTF-8 from byte {offset} on; is this a chat endpoint?")]
    NotUtf8 {
        /// Which model at which URL.
        at: String,
        /// The first invalid byte.
        offset: usize,
    },
    /// A reply's body that is not JSON.
    #[error(
        "the reply from {at} is neither JSON nor a stream of events ({reason}), it begins {start:?}; {hint}"
    )]
    NotJson {
        /// Which model at which URL.
        at: String,
        /// The parser's message.
        reason: String,
        /// The first characters.
        start: String,
        /// What may help.
        hint: String,
    },
    /// A reply that reached its limit of tokens before its text began. Models that think need more.
    #[error("{at} used up{} tokens of its reply before its text began{}: allow more with \
        --llm-reply-tokens N{}",
        .limit.map_or_else(|| " the".to_owned(), |limit| format!(" all {limit}")),
        if *thinking > 0 { format!(", {thinking} of them for thinking") } else { String::new() },
        .limit.map(|limit| format!(", for example {}", limit.saturating_mul(4))).unwrap_or_default())]
    Unfinished {
        /// Which model at which URL.
        at: String,
        /// How many tokens the reply was allowed.
        limit: Option<u64>,
        /// Tokens of thinking, if the server counts them.
        thinking: u64,
    },
    /// A reply without choices, or with an empty text.
    #[error("the reply from {at} contains no text: {reason}; expected choices[0].message.content")]
    NoContent {
        /// Which model at which URL.
        at: String,
        /// What it contains instead.
        reason: String,
    },
    /// An earlier error: of a call after which the client sends no other, or from the transcript that
    /// is replayed. The message is that of the error itself.
    #[error("{message}")]
    Earlier {
        /// Its kind.
        kind: Kind,
        /// Its message.
        message: String,
    },
    /// A transcript has no reply for this request.
    #[error(
        "{path}: its {lines} recorded calls do not answer this request ({start:?}; {recorded} recorded, \
         {asked} made): replay with the options and the seed that were recorded, or record a new file"
    )]
    NotRecorded {
        /// The transcript.
        path: PathBuf,
        /// The request's key in the transcript.
        key: String,
        /// How often the transcript contains the request.
        recorded: usize,
        /// How often the request was made, including this time.
        asked: usize,
        /// The number of calls in the transcript.
        lines: usize,
        /// The first characters of the request's last message.
        start: String,
    },
    /// A transcript of another model or temperature, which cannot be continued.
    #[error(
        "{path} was recorded with {recorded}, not with {given}: continue with the recorded model and \
         temperature, or record a new transcript"
    )]
    OtherModel {
        /// The transcript.
        path: PathBuf,
        /// Model and temperature of its calls.
        recorded: String,
        /// Model and temperature given now.
        given: String,
    },
    /// A transcript that cannot be written or read.
    #[error("transcript {path}: {source}")]
    Transcript {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// An invalid line of a transcript.
    #[error("{path}, line {line}: {reason}; expected a recorded call as JSON, format {expected}")]
    Malformed {
        /// The transcript.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
        /// The format version that is read.
        expected: u32,
    },
}

impl Error {
    /// The kind of the error; a replayed error has the recorded kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Setting { .. }
            | Self::Url { .. }
            | Self::Key { .. }
            | Self::Prompt { .. }
            | Self::Runtime(_)
            | Self::OtherModel { .. }
            | Self::Proxy { .. }
            | Self::WrongUrl { .. }
            | Self::Client { .. } => Kind::Configuration,
            Self::BudgetSpent { .. } => Kind::Budget,
            Self::Quota { .. } => Kind::Quota,
            Self::Unauthorised { .. } => Kind::Unauthorised,
            Self::Refused { .. } | Self::Declined { .. } => Kind::Refused,
            Self::RateLimited { .. } => Kind::RateLimited,
            Self::Server { .. } => Kind::Server,
            Self::Connection { .. } | Self::ThroughProxy { .. } => Kind::Connection,
            Self::Timeout { .. } => Kind::Timeout,
            Self::TooLarge { .. } => Kind::TooLarge,
            Self::NotUtf8 { .. } => Kind::NotUtf8,
            Self::NotJson { .. } => Kind::NotJson,
            Self::NoContent { .. } | Self::Unfinished { .. } => Kind::NoContent,
            Self::Earlier { kind, .. } => *kind,
            Self::NotRecorded { .. } => Kind::NotRecorded,
            Self::Transcript { .. } | Self::Malformed { .. } => Kind::Transcript,
        }
    }
}
