//! Checks downloaded files, apart from the tasks that wait for the network.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use sha2::{Digest as _, Sha256};

use super::blocking::run_blocking;
use crate::{Entry, Error, checksum};

/// Checks size, then SHA-256, of a file on disk.
pub(super) async fn file(path: &Path, entry: &Entry) -> Result<(), Error> {
    file_from(path, entry, &path.display().to_string()).await
}

/// Like [`file`], but errors name where the file came from instead of its path.
pub(super) async fn file_from(path: &Path, entry: &Entry, from: &str) -> Result<(), Error> {
    let (path, entry, from) = (path.to_owned(), entry.clone(), from.to_owned());
    run_blocking(move || {
        let (bytes, digest) =
            digest(&path, entry.bytes).map_err(|error| Error::reading(&path, error))?;
        checksum::verify(bytes, &digest, &entry, &from)
    })
    .await
}

/// Size and SHA-256 of a file. A file of another size than `expected` is not read.
fn digest(path: &Path, expected: u64) -> io::Result<(u64, Vec<u8>)> {
    let mut file = File::open(path)?;
    let bytes = file.metadata()?.len();
    let mut hasher = Sha256::new();
    if bytes == expected {
        let mut buffer = vec![0; 1 << 16];
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                read => hasher.update(&buffer[..read]),
            }
        }
    }
    Ok((bytes, hasher.finalize().to_vec()))
}
