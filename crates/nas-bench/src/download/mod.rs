//! Fetching the files of a manifest: side by side, resumable, verified.

mod http;
mod mirror;
#[cfg(test)]
mod tests;
mod verify;

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::{Entry, Error};

pub(crate) use verify::verify_bytes;

/// The folder of raw files below the data folder. It is laid out as a mirror is, so it can serve
/// as one.
const RAW: &str = "raw";

/// Where the raw file of a manifest entry lies in a data folder.
pub fn raw_path(data_dir: &Path, entry: &Entry) -> PathBuf {
    data_dir.join(RAW).join(entry.location())
}

/// Hears how a download goes on. All methods do nothing unless overridden; `()` ignores all.
pub trait Progress: Send + Sync {
    /// Another process downloads into the same folder; this one waits for it to end.
    fn waiting(&self, _folder: &Path) {}
    /// A file is about to be fetched; `already` of its bytes are there from an earlier attempt.
    fn started(&self, _entry: &Entry, _already: u64) {}
    /// `done` of the file's bytes are there. The number falls where a server starts over.
    fn advanced(&self, _entry: &Entry, _done: u64) {}
    /// An attempt failed; the next one begins after `wait`.
    fn retrying(&self, _entry: &Entry, _reason: &Error, _wait: Duration) {}
    /// A file is there and verified. Also called, alone, for a file that was there before.
    fn finished(&self, _entry: &Entry) {}
}

impl Progress for () {}

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

/// A source, ready to be asked.
enum Channel<'a> {
    Folder(&'a Path),
    Http(reqwest::Client, Option<&'a str>),
}

/// Fetches files into a data folder.
///
/// A file appears under its final name only when size and SHA-256 fit the manifest; until then it
/// is a `.part` file beside it, from which an interrupted download goes on. A file that is there
/// already is hashed again rather than trusted.
#[derive(Debug, Clone)]
pub struct Downloader {
    data_dir: PathBuf,
    source: Source,
    parallel: usize,
    attempts: u32,
    first_wait: Duration,
    idle_timeout: Duration,
}

impl Downloader {
    /// A downloader into `data_dir`, from the addresses of the manifest, four files at a time,
    /// each with up to five attempts in a row that bring nothing, waiting 0.5, 1, 2 and 4 s.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
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

    /// How long a connection may stay silent before the attempt counts as failed; 30 s unless
    /// set.
    #[must_use]
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.idle_timeout = limit;
        self
    }

    /// Fetches `files` and verifies them. Needs a tokio runtime with its timer enabled.
    ///
    /// Ends at the first failure; what was fetched by then stays, as `.part` files where it is
    /// not complete.
    ///
    /// # Errors
    /// - transient failures (a cut or silent connection, HTTP 408, 429, 5xx) that do not go away:
    ///   [`Error::GaveUp`]
    /// - any other HTTP status: [`Error::Http`], at once
    /// - a file that is not the manifest's: [`Error::Size`] or [`Error::Checksum`]
    /// - a mirror without the file: [`Error::NotInMirror`]
    /// - a full disk: [`Error::NoSpace`]; other trouble with files: [`Error::Io`]
    pub async fn fetch(&self, files: &[&Entry], progress: &dyn Progress) -> Result<Outcome, Error> {
        let _lock = self.lock(progress).await?;
        let channel = match &self.source {
            Source::Folder(folder) => Channel::Folder(folder),
            Source::Server(base) => Channel::Http(http::client(self.idle_timeout)?, Some(base)),
            Source::Origin => Channel::Http(http::client(self.idle_timeout)?, None),
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

    /// Fetches one file; says whether it had to.
    async fn fetch_one<'a>(
        &self,
        channel: &Channel<'_>,
        entry: &'a Entry,
        progress: &dyn Progress,
    ) -> Result<(&'a Entry, bool), Error> {
        let target = raw_path(&self.data_dir, entry);
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
            Channel::Http(client, base) => {
                let url = match base {
                    Some(base) => entry.url.replacen("https:/", base, 1),
                    None => entry.url.clone(),
                };
                self.fetch_http(client, &url, &part, entry, progress).await?;
            }
        }
        fs::rename(&part, &target).map_err(|error| Error::writing(&target, 0, error))?;
        progress.finished(entry);
        Ok((entry, true))
    }

    /// Keeps other processes from writing the same `.part` files.
    async fn lock(&self, progress: &dyn Progress) -> Result<File, Error> {
        fs::create_dir_all(&self.data_dir)
            .map_err(|error| Error::writing(&self.data_dir, 0, error))?;
        let path = self.data_dir.join(".lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| Error::writing(&path, 0, error))?;
        // Only contention is worth waiting for: some network file systems have no locks, and
        // there the checksum still keeps a mixed-up file from being used.
        if let Err(fs4::TryLockError::WouldBlock) = fs4::FileExt::try_lock(&file) {
            progress.waiting(&self.data_dir);
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

/// Runs file work apart from the tasks that wait for the network.
async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        // The task only ends otherwise if it panicked, or the whole runtime is going down.
        Err(error) => Err(Error::reading("", io::Error::other(error))),
    }
}
