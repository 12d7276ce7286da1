//! How one attempt of a call fails, and what may follow.

use std::time::Duration;

use crate::{Error, error_body::Complaint, usage::Tokens};

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
    /// Try again, not before the time that the server asked for, if any.
    Retry(Option<Duration>),
    /// Try again once: another sample of the model may be a valid reply.
    RetryOnce,
    /// Send the request in another form.
    Rephrase(Complaint, Unnamed),
}

/// What to do where a complaint names no part of the request.
pub(crate) enum Unnamed {
    /// Change the part that servers refuse most often without naming it.
    Guess,
    /// End the call.
    GiveUp,
    /// Try again, not before the time that the server asked for, if any.
    Retry(Option<Duration>),
}

impl Failure {
    /// Whether the server asks for fewer requests. 529 is an overloaded server's (Anthropic's).
    pub(crate) fn asks_for_fewer(&self) -> bool {
        match self.error {
            Error::RateLimited { .. } => true,
            Error::Server { status, .. } => matches!(status, 503 | 529),
            _ => false,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let next = match error {
            Error::Timeout { .. } | Error::Connection { .. } | Error::ThroughProxy { .. } => {
                Next::Retry(None)
            }
            Error::TooLarge { .. }
            | Error::NotUtf8 { .. }
            | Error::NotJson { .. }
            | Error::NoContent { .. } => Next::RetryOnce,
            Error::WrongUrl { .. } | Error::Proxy { .. } => Next::GiveUpAll,
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
