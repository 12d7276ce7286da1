//! What a server's refusal means.

use std::time::SystemTime;

use reqwest::{
    StatusCode,
    header::{HeaderMap, LOCATION},
};

use crate::{
    Error,
    address::shown_url,
    error_body::{Complaint, ErrorBody, retry_after},
    excerpt::start,
    failure::{Failure, Next, Unnamed},
    place::Place,
    secrets::Secrets,
};

/// A response with a status that is not a success.
pub(crate) fn refused(
    place: &Place,
    secrets: &Secrets,
    status: StatusCode,
    headers: &HeaderMap,
    body: &str,
) -> Failure {
    let error = ErrorBody::read(body);
    let shown = |message: &str| start(&secrets.scrub_message(message), 300);
    let mut message = match &*error.message {
        "" => "no reason given".to_owned(),
        message => shown(message),
    };
    if let Some(to) = headers.get(LOCATION).and_then(|to| to.to_str().ok())
        && status.is_redirection()
    {
        message = format!("it redirects to {}", shown(&shown_url(to)));
    }
    let (at, code) = (place.at.clone(), status.as_u16());
    let retry_after = retry_after(headers, SystemTime::now()).or(error.retry_after);
    let complaint = || Complaint {
        parameter: error.parameter.to_lowercase(),
        message: error.message.to_lowercase(),
    };
    let refused = |message| Error::Refused { at: at.clone(), status: code, message };
    let (error, next) = match code {
        400 | 403 | 422 | 451 if error.is_about_content() => {
            (Error::Declined { at, status: code, message }, Next::GiveUp)
        }
        402 => (Error::Quota { at, message }, Next::GiveUpAll),
        429 if error.is_exhausted(retry_after) => (Error::Quota { at, message }, Next::GiveUpAll),
        429 => (Error::RateLimited { at, retry_after, message }, Next::Retry(retry_after)),
        401 | 403 => (Error::Unauthorised { at, status: code, message }, Next::GiveUpAll),
        404 | 405 if !error.names_model() && place.with_version.is_some() => {
            let what = format!("HTTP {code}: {message}");
            return place.wrong_url(&what).unwrap_or_else(|| refused(message)).into();
        }
        404 if error.names_model() || error.is_about_path() => {
            (refused(message), Next::Rephrase(complaint(), Unnamed::GiveUp))
        }
        400 | 404 | 422 => (refused(message), Next::Rephrase(complaint(), Unnamed::Guess)),
        407 => match &place.proxy {
            Some(proxy) => {
                let reason = format!("it refuses the request (HTTP 407): {message}");
                (proxy.unusable(&at, &reason), Next::GiveUpAll)
            }
            None => (refused(message), Next::GiveUp),
        },
        500.. if complaint().refuses() => (
            Error::Server { at, status: code, message },
            Next::Rephrase(complaint(), Unnamed::Retry(retry_after)),
        ),
        408 | 500.. => (Error::Server { at, status: code, message }, Next::Retry(retry_after)),
        _ => (refused(message), Next::GiveUp),
    };
    Failure { next, ..error.into() }
}
