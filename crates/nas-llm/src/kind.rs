//! Kinds of errors.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The kind of an error, with a short name that does not change, for counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// An invalid setting, URL or key.
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
    /// No complete reply in time.
    Timeout,
    /// The reply is too long.
    TooLarge,
    /// The reply is not UTF-8.
    NotUtf8,
    /// The reply is not JSON.
    NotJson,
    /// The reply contains no text.
    NoContent,
    /// The transcript does not contain the request.
    NotRecorded,
    /// The transcript cannot be written or read.
    Transcript,
}

impl Kind {
    /// The name, as transcripts and tables show it.
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

    /// Whether every later call would fail in the same way.
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
