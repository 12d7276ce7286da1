//! Downloads the files of a manifest: several at a time, resumable, verified.

mod blocking;
mod http;
mod mirror;
mod progress;
#[cfg(test)]
mod tests;
mod verify;

use std::{
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
    time::Duration,
};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::{Entry, Error, raw_path};

pub use progress::Progress;

use blocking::run_blocking;
use http::Http;

/// What a download did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Names of the files that were fetched now.
    pub fetched: Vec<String>,
    /// Names of the files that were there and verified already.
    pub present: Vec<String>,
}

#[derive(Debug, Clone)]
enum Source {
    /// Each file from its own address.
    Origin,
    /// Each file from `{base}/<host>/<path>`.
    Server(String),
    /// Each file from `{folder}/<host>/<path>`.
    Folder(PathBuf),
}

/// A source that is ready for requests.
enum Channel<'a> {
    Folder(&'a Path),
    Http(Http),
}

/// Downloads files into a table folder.
///
/// A file gets its final name only when its size and SHA-256 match the manifest. Until then it is a
/// `.part` file beside that name, and an interrupted download resumes from it. A file that is
/// already there is verified again.
#[derive(Debug, Clone)]
pub struct Downloader {
    tables_dir: PathBuf,
    source: Source,
    parallel: usize,
    attempts: u32,
    first_wait: Duration,
    idle_timeout: Duration,
}

impl Downloader {
    /// A downloader into `tables_dir`, from the addresses of the manifest, four files at a time. It
    /// gives a file up after five attempts in a row without a new byte, and waits 0.5, 1, 2 and 4 s
    /// between them.
    pub fn new(tables_dir: impl Into<PathBuf>) -> Self {
        Self {
            tables_dir: tables_dir.into(),
            source: Source::Origin,
            parallel: 4,
            attempts: 5,
            first_wait: Duration::from_millis(500),
            idle_timeout: Duration::from_secs(30),
        }
    }

    /// Takes the files from a local folder, laid out `<host>/<path of the URL>`, instead of the
    /// network.
    #[must_use]
    pub fn mirror(mut self, folder: impl Into<PathBuf>) -> Self {
        self.source = Source::Folder(folder.into());
        self
    }

    /// Takes the files from a server that holds such a folder, `base` being its address.
    #[must_use]
    pub fn base(mut self, base: &str) -> Self {
        self.source = Source::Server(base.trim_end_matches('/').to_owned());
        self
    }

    /// How many files are fetched at a time, at least one.
    #[must_use]
    pub fn parallel(mut self, files: usize) -> Self {
        self.parallel = files.max(1);
        self
    }

    /// How many attempts in a row may fail without a new byte, and how long to wait after the
    /// first of them; each further wait is twice as long, at most a minute.
    #[must_use]
    pub fn retries(mut self, attempts: u32, first_wait: Duration) -> Self {
        self.attempts = attempts.max(1);
        self.first_wait = first_wait;
        self
    }

    /// How long a connection may stay silent before the attempt counts as failed [default: 30 s].
    #[must_use]
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.idle_timeout = limit;
        self
    }

    /// Fetches `files` and verifies them. Needs a tokio runtime with its timer enabled.
    ///
    /// Ends at the first failure. What was fetched by then is kept, incomplete files as `.part`
    /// files.
    ///
    /// # Errors
    /// - transient failures (a cut or silent connection, HTTP 408, 429, 5xx) that do not go away:
    ///   [`Error::GaveUp`]
    /// - any other HTTP status: [`Error::Http`], at once
    /// - a file that does not match the manifest: [`Error::Size`] or [`Error::Checksum`]
    /// - a mirror without the file: [`Error::NotInMirror`]
    /// - a full disk: [`Error::NoSpace`]; any other failed read or write: [`Error::Io`]
    pub async fn fetch(&self, files: &[&Entry], progress: &dyn Progress) -> Result<Outcome, Error> {
        let _lock = self.lock(progress).await?;
        let channel = match &self.source {
            Source::Folder(folder) => Channel::Folder(folder),
            Source::Server(base) => Channel::Http(self.http(Some(base.clone()))?),
            Source::Origin => Channel::Http(self.http(None)?),
        };
        // A vector of futures first: a stream that maps borrowed entries does not stay `Send`.
        let downloads: Vec<_> =
            files.iter().map(|entry| self.fetch_one(&channel, entry, progress)).collect();
        let done: Vec<(&Entry, bool)> =
            stream::iter(downloads).buffer_unordered(self.parallel).try_collect().await?;

        let names = |wanted: bool| {
            let of_kind = files.iter().filter(|entry| {
                done.iter().any(|(other, fetched)| other.name == entry.name && *fetched == wanted)
            });
            of_kind.map(|entry| entry.name.clone()).collect()
        };
        Ok(Outcome { fetched: names(true), present: names(false) })
    }

    fn http(&self, base: Option<String>) -> Result<Http, Error> {
        Http::new(base, self.attempts, self.first_wait, self.idle_timeout)
    }

    /// Fetches one file; returns whether it was not there before.
    async fn fetch_one<'a>(
        &self,
        channel: &Channel<'_>,
        entry: &'a Entry,
        progress: &dyn Progress,
    ) -> Result<(&'a Entry, bool), Error> {
        let target = raw_path(&self.tables_dir, entry);
        if verify::file(&target, entry).await.is_ok() {
            progress.finished(entry);
            return Ok((entry, false));
        }
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder).map_err(|error| Error::writing(folder, 0, error))?;
        }
        let part = part_path(&target);
        match channel {
            Channel::Folder(folder) => {
                mirror::copy(&folder.join(entry.location()), &part, entry, progress).await?;
            }
            Channel::Http(http) => http.fetch(entry, &part, progress).await?,
        }
        fs::rename(&part, &target).map_err(|error| Error::writing(&target, 0, error))?;
        progress.finished(entry);
        Ok((entry, true))
    }

    /// Keeps other processes from writing the same `.part` files.
    async fn lock(&self, progress: &dyn Progress) -> Result<File, Error> {
        fs::create_dir_all(&self.tables_dir)
            .map_err(|error| Error::writing(&self.tables_dir, 0, error))?;
        let path = self.tables_dir.join(".lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| Error::writing(&path, 0, error))?;
        // Any other error is ignored: some network file systems have no locks, and there the
        // checksum still keeps a mixed-up file from being used.
        if let Err(fs4::TryLockError::WouldBlock) = fs4::FileExt::try_lock(&file) {
            progress.waiting(&self.tables_dir);
            return run_blocking(move || {
                fs4::FileExt::lock(&file).map_err(|error| Error::reading(&path, error))?;
                Ok(file)
            })
            .await;
        }
        Ok(file)
    }
}

fn part_path(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".part");
    name.into()
}
