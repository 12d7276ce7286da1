use std::{fmt, io, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use crate::Limit;

/// What can go wrong between a request and its reply.
///
/// `at` is always `model M at URL`, with user info and query of the URL left out. No variant holds
/// a key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting that can not work.
    #[error("{name} is {got}: expected {expected}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// Its value.
        got: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A URL that is none. It is not shown, for it may hold a password.
    #[error("a URL (not shown, it may hold a password): {reason}; expected one like {example}")]
    Url {
        /// What is wrong with it.
        reason: String,
        /// A URL that would do.
        example: &'static str,
    },
    /// The environment variable that should hold the key does not.
    #[error(
        "environment variable {variable} {problem}: expected the endpoint's key in it; set it, or \
         leave the key's variable out for a server that wants none"
    )]
    Key {
        /// The variable's name.
        variable: String,
        /// What is wrong with it, without its value.
        problem: &'static str,
    },
    /// A prompt's template that does not fit its values; a fault of this crate.
    #[error("prompt {template}: {reason}")]
    Prompt {
        /// The template.
        template: &'static str,
        /// What does not fit.
        reason: String,
    },
    /// The system gave no means to wait for replies.
    #[error("cannot wait for replies: {0}")]
    Runtime(io::Error),
    /// The HTTP client could not be made.
    #[error("no HTTP client for {at}: {reason}")]
    Client {
        /// Which model at which URL.
        at: String,
        /// Why.
        reason: String,
    },
    /// The budget is spent; the call was not made.
    #[error("budget spent: {spent} of {limit} {which}; raise it to go on")]
    BudgetSpent {
        /// What is used up.
        which: Limit,
        /// How much was allowed.
        limit: f64,
        /// How much has been spent.
        spent: f64,
    },
    /// The account has nothing left. No later call of this client is sent.
    #[error("quota of {at} is exhausted: {message}; top the account up or use another endpoint")]
    Quota {
        /// Which model at which URL.
        at: String,
        /// The server's words.
        message: String,
    },
    /// The key is missing, wrong or without the right. No later call of this client is sent.
    #[error("{at} refuses the key (HTTP {status}): {message}; check the key's variable")]
    Unauthorised {
        /// Which model at which URL.
        at: String,
        /// 401 or 403.
        status: u16,
        /// The server's words.
        message: String,
    },
    /// The server does not accept this request.
    #[error("{at} refuses the request (HTTP {status}): {message}; check URL, model and request")]
    Refused {
        /// Which model at which URL.
        at: String,
        /// The status, 300 to 499.
        status: u16,
        /// The server's words.
        message: String,
    },
    /// Too many requests, still so after the last retry, or for longer than a call may wait.
    #[error("{at} limits the rate{}: {message}; try later or make fewer calls side by side",
        .retry_after.map(|wait| format!(" for {} s", wait.as_secs())).unwrap_or_default())]
    RateLimited {
        /// Which model at which URL.
        at: String,
        /// How long the server asked to wait, if it said.
        retry_after: Option<Duration>,
        /// The server's words.
        message: String,
    },
    /// The server failed, still so after the last retry.
    #[error("{at} fails (HTTP {status}): {message}; try later or look at the server's log")]
    Server {
        /// Which model at which URL.
        at: String,
        /// 408, or 500 and more.
        status: u16,
        /// The server's words.
        message: String,
    },
    /// No connection, or one that broke before the reply was whole.
    #[error("no whole reply of {at}: {reason}; is the server running and reachable?")]
    Connection {
        /// Which model at which URL.
        at: String,
        /// What broke.
        reason: String,
    },
    /// No whole reply in time.
    #[error("no whole reply of {at} in {seconds} s; raise the timeout or ask for fewer tokens")]
    Timeout {
        /// Which model at which URL.
        at: String,
        /// The timeout of one attempt.
        seconds: f64,
    },
    /// A reply's body that is longer than any reply should be. The rest was not read.
    #[error("the reply of {at} is longer than {limit} bytes; is this a chat endpoint?")]
    TooLarge {
        /// Which model at which URL.
        at: String,
        /// Bytes that a reply may have.
        limit: usize,
    },
    /// A reply's body that is not UTF-8.
    #[error("the reply of {at} is not UTF-8 from byte {offset} on; is this a chat endpoint?")]
    NotUtf8 {
        /// Which model at which URL.
        at: String,
        /// The first byte that is not.
        offset: usize,
    },
    /// A reply's body that is not JSON.
    #[error(
        "the reply of {at} is not JSON ({reason}), it begins {start:?}; does the base URL end as the server wants, often in /v1?"
    )]
    NotJson {
        /// Which model at which URL.
        at: String,
        /// What the parser says.
        reason: String,
        /// The first characters.
        start: String,
    },
    /// A reply without choices, or with an empty text.
    #[error("the reply of {at} holds no text: {reason}; expected choices[0].message.content")]
    NoContent {
        /// Which model at which URL.
        at: String,
        /// What was there.
        reason: String,
    },
    /// An error that was met before: by an earlier call, after which the client sends no other, or
    /// in the transcript that is replayed. The message is that of the error itself.
    #[error("{message}")]
    Earlier {
        /// What kind of error it was.
        kind: Kind,
        /// What it said.
        message: String,
    },
    /// A transcript has no reply for this request.
    #[error(
        "{path}: {recorded} of the {lines} recorded calls answer this request and {asked} were \
         asked for (key {key}, last message {start:?}); replay with the settings and the seed of \
         the recorded run, or record a new one"
    )]
    NotRecorded {
        /// The transcript.
        path: PathBuf,
        /// The request's key in the transcript.
        key: String,
        /// How often the transcript holds the request.
        recorded: usize,
        /// How often the request has been asked, with this time.
        asked: usize,
        /// Calls in the transcript.
        lines: usize,
        /// The first characters of the request's last message.
        start: String,
    },
    /// A transcript of another model, or another temperature, that can not be gone on with.
    #[error(
        "{path} was recorded with {recorded}, not with {given}: go on with what it was recorded \
         with, or record anew"
    )]
    OtherModel {
        /// The transcript.
        path: PathBuf,
        /// Model and temperature of its calls.
        recorded: String,
        /// Model and temperature that were to go on.
        given: String,
    },
    /// A transcript that could not be written or read.
    #[error("transcript {path}: {source}")]
    Transcript {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A line of a transcript that is none.
    #[error("{path}, line {line}: {reason}; expected one recorded call in JSON, format {expected}")]
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

/// What kind of error it is, with a short name that does not change, for counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// A setting, a URL or a key that can not work.
    Configuration,
    /// The budget is spent.
    Budget,
    /// The account's quota is exhausted.
    Quota,
    /// The key is refused.
    Unauthorised,
    /// The request is refused.
    Refused,
    /// Too many requests.
    RateLimited,
    /// The server failed.
    Server,
    /// No connection, or one that broke.
    Connection,
    /// No reply in time.
    Timeout,
    /// The reply is too long.
    TooLarge,
    /// The reply is not UTF-8.
    NotUtf8,
    /// The reply is not JSON.
    NotJson,
    /// The reply holds no text.
    NoContent,
    /// The transcript lacks the request.
    NotRecorded,
    /// The transcript could not be written or read.
    Transcript,
}

impl Kind {
    /// The name, as in transcripts and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Budget => "budget",
            Self::Quota => "quota",
            Self::Unauthorised => "unauthorised",
            Self::Refused => "refused",
            Self::RateLimited => "rate-limited",
            Self::Server => "server",
            Self::Connection => "connection",
            Self::Timeout => "timeout",
            Self::TooLarge => "too-large",
            Self::NotUtf8 => "not-utf8",
            Self::NotJson => "not-json",
            Self::NoContent => "no-content",
            Self::NotRecorded => "not-recorded",
            Self::Transcript => "transcript",
        }
    }

    /// Whether every later call would end the same way: nothing is left, or nothing is right.
    pub fn ends_all(self) -> bool {
        matches!(
            self,
            Self::Configuration
                | Self::Budget
                | Self::Quota
                | Self::Unauthorised
                | Self::NotRecorded
        )
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl Error {
    /// What kind of error it is; a replayed error is of the kind that was recorded.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Setting { .. }
            | Self::Url { .. }
            | Self::Key { .. }
            | Self::Prompt { .. }
            | Self::Runtime(_)
            | Self::OtherModel { .. }
            | Self::Client { .. } => Kind::Configuration,
            Self::BudgetSpent { .. } => Kind::Budget,
            Self::Quota { .. } => Kind::Quota,
            Self::Unauthorised { .. } => Kind::Unauthorised,
            Self::Refused { .. } => Kind::Refused,
            Self::RateLimited { .. } => Kind::RateLimited,
            Self::Server { .. } => Kind::Server,
            Self::Connection { .. } => Kind::Connection,
            Self::Timeout { .. } => Kind::Timeout,
            Self::TooLarge { .. } => Kind::TooLarge,
            Self::NotUtf8 { .. } => Kind::NotUtf8,
            Self::NotJson { .. } => Kind::NotJson,
            Self::NoContent { .. } => Kind::NoContent,
            Self::Earlier { kind, .. } => *kind,
            Self::NotRecorded { .. } => Kind::NotRecorded,
            Self::Transcript { .. } | Self::Malformed { .. } => Kind::Transcript,
        }
    }
}
