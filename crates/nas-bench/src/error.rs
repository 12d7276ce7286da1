//! What can go wrong with benchmark files and tables.

use std::{
    io,
    path::{Path, PathBuf},
};

use nas_space::nasbench201::Dataset;

use crate::Fidelity;

/// What can go wrong between a benchmark's server and a looked-up value.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The disk, the quota or the file size limit is exhausted.
    #[error("{}: no space left: {needed} more bytes are needed ({source})", path.display())]
    NoSpace {
        /// The file being written.
        path: PathBuf,
        /// Bytes that were still to be written.
        needed: u64,
        /// The system's error.
        source: io::Error,
    },
    /// The manifest is not valid.
    #[error("manifest: {problem}")]
    Manifest {
        /// What is wrong, and where.
        problem: String,
    },
    /// The manifest has no file of this name.
    #[error("unknown file `{name}`; the manifest has {}", known.join(", "))]
    UnknownFile {
        /// The name asked for.
        name: String,
        /// The names that exist.
        known: Vec<String>,
    },
    /// There is no folder for the data.
    #[error("no folder for the data: set PEL_NAS_TABLES to one")]
    NoDataDir,
    /// The HTTP client could not be set up, for example because there are no root certificates.
    #[error("cannot set up HTTPS: {0}")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A server answered with an error.
    #[error("{url}: HTTP status {status}{}", http_hint(*status))]
    Http {
        /// The address.
        url: String,
        /// The HTTP status code.
        status: u16,
    },
    /// A server could not be reached, or the connection broke.
    #[error("{url}: {reason}")]
    Network {
        /// The address.
        url: String,
        /// What happened, down to its cause.
        reason: String,
    },
    /// A transient failure persisted.
    #[error("{last} (after {attempts} attempts)")]
    GaveUp {
        /// The number of attempts.
        attempts: u32,
        /// How the last attempt ended.
        last: Box<Error>,
    },
    /// A file has another size than the manifest says.
    #[error("{from}: expected {expected} bytes, got {got}: it is not the file of the manifest")]
    Size {
        /// Address or path.
        from: String,
        /// Bytes by the manifest.
        expected: u64,
        /// Bytes found; where more than expected came, those up to the point of noticing.
        got: u64,
    },
    /// A file has another content than the manifest says.
    #[error("{from}: expected SHA-256 {expected}, got {got}: it is not the file of the manifest")]
    Checksum {
        /// Address or path.
        from: String,
        /// SHA-256 by the manifest.
        expected: String,
        /// SHA-256 found.
        got: String,
    },
    /// The local mirror does not contain a file.
    #[error("{}: not in the mirror; expected there: {url}", path.display())]
    NotInMirror {
        /// Where it was looked for.
        path: PathBuf,
        /// The address it stands for.
        url: String,
    },
    /// A raw file that a table is compiled from has not been downloaded.
    #[error("{}: not downloaded; run `nas download`", path.display())]
    NotDownloaded {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A value in a raw file is not what it must be.
    #[error("{}:{line}: column `{column}`: `{value}`, expected {expected}", file.display())]
    Value {
        /// The raw file.
        file: PathBuf,
        /// Line, from 1.
        line: u64,
        /// Column name.
        column: String,
        /// The value found.
        value: String,
        /// What was expected.
        expected: String,
    },
    /// A raw file is malformed.
    #[error("{}: {problem}", place(file, *line))]
    Malformed {
        /// The raw file.
        file: PathBuf,
        /// Line, from 1; 0 where the file as a whole is meant.
        line: u64,
        /// What is wrong, and what was expected.
        problem: String,
    },
    /// The tables have not been compiled yet.
    #[error("{}: no benchmark table there; run `nas download`", path.display())]
    MissingTables {
        /// The table's file.
        path: PathBuf,
    },
    /// A table is from another version of this crate, cut off or damaged.
    #[error("{}: {problem}; run `nas download` to rebuild it", path.display())]
    Table {
        /// The table's file.
        path: PathBuf,
        /// What is wrong with it.
        problem: TableProblem,
    },
    /// A file of scores is damaged, of another version, or no such file.
    #[error("{}: {problem}", path.display())]
    Scores {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// Another process writes the file.
    #[error("{}: another process is writing it: wait for it, or name another file", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The tables hold no accuracies of this fidelity.
    #[error("no {dataset} accuracies for {wanted}; there are: {}", listed(available))]
    NoFidelity {
        /// The data set.
        dataset: Dataset,
        /// The fidelity asked for.
        wanted: Fidelity,
        /// The fidelities that exist.
        available: Vec<Fidelity>,
    },
    /// The benchmark has no such quantity for this device.
    #[error("no {quantity} for {device}; there is one for {}", either(available))]
    NoDevice {
        /// Which table, for example `NAS-Bench-201 energy`.
        quantity: String,
        /// The device asked for.
        device: String,
        /// The devices that exist.
        available: Vec<String>,
    },
    /// NAS-Bench-Suite-Zero publishes no such proxy, or none for this data set.
    #[error("no published proxy `{proxy}` for {dataset}; there are: {}", either(available))]
    NoProxy {
        /// The proxy asked for.
        proxy: String,
        /// The data set.
        dataset: Dataset,
        /// The proxies that exist for that data set.
        available: Vec<String>,
    },
    /// FBNet's look-up tables lack a block.
    #[error("no FBNet block `{block}` in the look-up tables")]
    NoBlock {
        /// The block asked for.
        block: String,
    },
}

/// Why a table cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableProblem {
    /// The file does not start like a table of this kind.
    #[error("damaged, or not a file of this kind: it does not begin like one")]
    Kind,
    /// Written by another version of this crate.
    #[error("format version {found}, but this program reads {expected}")]
    Version {
        /// Version of the file.
        found: u32,
        /// Version that this crate reads and writes.
        expected: u32,
    },
    /// Shorter or longer than its header says.
    #[error("{found} bytes long, expected {expected}")]
    Length {
        /// Bytes of the file.
        found: u64,
        /// Bytes by its header.
        expected: u64,
    },
    /// The checksum does not fit the content.
    #[error("damaged: the checksum does not fit")]
    Checksum,
    /// The checksum fits, but the content does not decode to a table.
    #[error("damaged: {0}")]
    Content(String),
}

impl Error {
    /// Wraps a failed read or write of `path`, telling a full disk apart; `needed` bytes were
    /// still to be written.
    pub(crate) fn writing(path: impl Into<PathBuf>, needed: u64, source: io::Error) -> Self {
        let path = path.into();
        match source.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::NoSpace { path, needed, source },
            _ => Self::Io { path, source },
        }
    }

    /// Wraps a failed read of `path`.
    pub(crate) fn reading(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Io { path: path.into(), source }
    }
}

/// `file:line`, or the file alone where no line is known.
fn place(file: &Path, line: u64) -> String {
    match line {
        0 => file.display().to_string(),
        _ => format!("{}:{line}", file.display()),
    }
}

fn http_hint(status: u16) -> &'static str {
    match status {
        404 | 410 => {
            ": the file is gone; use a mirror: `nas download --mirror DIR` or `--base URL`"
        }
        _ => "",
    }
}

fn listed<T: ToString>(items: &[T]) -> String {
    let names: Vec<String> = items.iter().map(ToString::to_string).collect();
    either(&names)
}

fn either(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    // A fidelity's name has commas of its own.
    names.join(if names.iter().any(|name| name.contains(',')) { "; " } else { ", " })
}
