//! Downloads over HTTP, with retries and resumption.

use std::{
    error::Error as _,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::Path,
    time::Duration,
};

use reqwest::{
    Client, Response, StatusCode,
    header::{CONTENT_RANGE, HeaderMap, RANGE, RETRY_AFTER},
};

use super::{progress::Progress, verify};
use crate::{Entry, Error};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// The longest wait between two attempts, whatever a server asks for.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How an attempt failed.
enum Failure {
    /// Another attempt may succeed, after the time that the server asked for, if it did.
    Transient(Error, Option<Duration>),
    /// No attempt will succeed.
    Final(Error),
}

/// A client that downloads files with retries.
pub(super) struct Http {
    client: Client,
    /// Files come from `{base}/<host>/<path>`; from their own addresses where there is none.
    base: Option<String>,
    /// How many attempts in a row may fail without a new byte.
    attempts: u32,
    /// The wait after the first of them; each further wait is twice as long.
    first_wait: Duration,
}

impl Http {
    pub(super) fn new(
        base: Option<String>,
        attempts: u32,
        first_wait: Duration,
        idle_timeout: Duration,
    ) -> Result<Self, Error> {
        // reqwest uses the process-wide provider of cryptography; one that the program has
        // installed before is kept.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .user_agent(concat!("nas-bench/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(idle_timeout)
            .build()
            .map_err(|error| Error::Client(Box::new(error)))?;
        Ok(Self { client, base, attempts, first_wait })
    }

    /// Downloads and verifies the file of `entry` at `part`, with retries.
    pub(super) async fn fetch(
        &self,
        entry: &Entry,
        part: &Path,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let url = match &self.base {
            Some(base) => entry.url.replacen("https:/", base, 1),
            None => entry.url.clone(),
        };
        progress.started(entry, length(part).min(entry.bytes));
        let mut failed = 0;
        let mut most = length(part);
        loop {
            let (error, asked) = match attempt(&self.client, &url, part, entry, progress).await {
                Ok(()) => return Ok(()),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Transient(error, asked)) => (error, asked),
            };
            // A connection that keeps breaking but brings more bytes each time makes progress.
            if length(part) > most {
                most = length(part);
                failed = 0;
            }
            failed += 1;
            if failed >= self.attempts {
                return Err(Error::GaveUp { attempts: failed, last: Box::new(error) });
            }
            let backoff = self.first_wait * 2u32.saturating_pow(failed - 1).min(1 << 16);
            let wait = asked.unwrap_or(backoff).min(LONGEST_WAIT);
            progress.retrying(entry, &error, wait);
            tokio::time::sleep(wait).await;
        }
    }
}

/// One request for the bytes that `part` lacks.
async fn attempt(
    client: &Client,
    url: &str,
    part: &Path,
    entry: &Entry,
    progress: &dyn Progress,
) -> Result<(), Failure> {
    let mut offset = length(part);
    if offset >= entry.bytes {
        if verify::file(part, entry).await.is_ok() {
            return Ok(());
        }
        discard(part)?;
        offset = 0;
    }
    let mut request = client.get(url);
    if offset > 0 {
        request = request.header(RANGE, format!("bytes={offset}-"));
    }
    let response = request.send().await.map_err(|error| broken(url, error))?;
    let offset = match response.status() {
        StatusCode::OK => {
            if let Some(got) = response.content_length() {
                expect_size(got, url, entry)?;
            }
            0
        }
        StatusCode::PARTIAL_CONTENT => {
            let (start, total) = content_range(response.headers());
            if let Some(got) = total {
                expect_size(got, url, entry)?;
            }
            if start != Some(offset) {
                discard(part)?;
                let reason = format!("requested the bytes from {offset}, received others");
                return Err(transient(url, reason));
            }
            offset
        }
        StatusCode::RANGE_NOT_SATISFIABLE if offset > 0 => {
            discard(part)?;
            return Err(transient(
                url,
                "the server refuses to send the rest of the file".to_owned(),
            ));
        }
        status => return Err(refused(url, status, response.headers())),
    };

    receive(response, url, part, offset, entry, progress).await?;
    match verify::file_from(part, entry, url).await {
        Ok(()) => Ok(()),
        Err(error) => {
            discard(part)?;
            // The earlier part may be of another version of the file. A whole download with a wrong
            // checksum would be wrong again.
            Err(if offset > 0 { Failure::Transient(error, None) } else { Failure::Final(error) })
        }
    }
}

/// Writes a response's body to `part`, from `offset` on.
async fn receive(
    mut response: Response,
    url: &str,
    part: &Path,
    offset: u64,
    entry: &Entry,
    progress: &dyn Progress,
) -> Result<(), Failure> {
    let mut done = offset;
    let writing = |done: u64| {
        move |error| Failure::Final(Error::writing(part, entry.bytes.saturating_sub(done), error))
    };
    let mut file = open(part, offset).map_err(writing(done))?;
    progress.advanced(entry, done);
    while let Some(chunk) = response.chunk().await.map_err(|error| broken(url, error))? {
        let now = done + chunk.len() as u64;
        if now > entry.bytes {
            discard(part)?;
            return Err(Failure::Final(wrong_size(now, url, entry)));
        }
        // Not buffered: a later attempt finds every byte that has arrived, and a full disk shows at
        // the write that fills it.
        file.write_all(&chunk).map_err(writing(done))?;
        done = now;
        progress.advanced(entry, done);
    }
    file.sync_all().map_err(writing(done))?;
    if done < entry.bytes {
        let reason = format!("ended after {done} of {} bytes", entry.bytes);
        return Err(transient(url, reason));
    }
    Ok(())
}

fn open(part: &Path, offset: u64) -> io::Result<File> {
    if offset > 0 { OpenOptions::new().append(true).open(part) } else { File::create(part) }
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

fn discard(part: &Path) -> Result<(), Failure> {
    match fs::remove_file(part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Failure::Final(Error::writing(part, 0, error)))
        }
        _ => Ok(()),
    }
}

fn expect_size(got: u64, url: &str, entry: &Entry) -> Result<(), Failure> {
    if got == entry.bytes { Ok(()) } else { Err(Failure::Final(wrong_size(got, url, entry))) }
}

fn wrong_size(got: u64, url: &str, entry: &Entry) -> Error {
    Error::Size { from: url.to_owned(), expected: entry.bytes, got }
}

/// First byte and total size of `Content-Range: bytes FIRST-LAST/TOTAL` (RFC 9110, 14.4).
fn content_range(headers: &HeaderMap) -> (Option<u64>, Option<u64>) {
    let Some(range) = headers
        .get(CONTENT_RANGE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("bytes "))
    else {
        return (None, None);
    };
    let start = range.split('-').next().and_then(|text| text.parse().ok());
    let total = range.rsplit('/').next().and_then(|text| text.parse().ok());
    (start, total)
}

fn refused(url: &str, status: StatusCode, headers: &HeaderMap) -> Failure {
    let error = Error::Http { url: url.to_owned(), status: status.as_u16() };
    let may_pass = status.is_server_error()
        || status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT;
    if !may_pass {
        return Failure::Final(error);
    }
    let asked = headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse().ok())
        .map(Duration::from_secs);
    Failure::Transient(error, asked)
}

fn transient(url: &str, reason: String) -> Failure {
    let error = Error::Network { url: url.to_owned(), reason };
    Failure::Transient(error, None)
}

/// A request or a body that broke.
fn broken(url: &str, error: reqwest::Error) -> Failure {
    let may_pass = !(error.is_builder() || error.is_redirect());
    let error = error.without_url();
    let mut reason = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        reason = format!("{reason}: {inner}");
        cause = inner.source();
    }
    let error = Error::Network { url: url.to_owned(), reason };
    if may_pass { Failure::Transient(error, None) } else { Failure::Final(error) }
}
