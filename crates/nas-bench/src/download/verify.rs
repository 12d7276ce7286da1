use std::{
    fmt::Write as _,
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use sha2::{Digest as _, Sha256};

use super::run_blocking;
use crate::{Entry, Error};

/// Bytes as lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Checks the content of a file that has been read already; `from` is named in errors.
pub(crate) fn verify_bytes(bytes: &[u8], entry: &Entry, from: &str) -> Result<(), Error> {
    compare(bytes.len() as u64, &Sha256::digest(bytes), entry, from)
}

/// Checks size, then SHA-256, of a file on disk.
pub(super) async fn file(path: &Path, entry: &Entry) -> Result<(), Error> {
    file_from(path, entry, &path.display().to_string()).await
}

/// Like [`file`], with another name than the path in errors: where the file came from.
pub(super) async fn file_from(path: &Path, entry: &Entry, from: &str) -> Result<(), Error> {
    let (path, entry, from) = (path.to_owned(), entry.clone(), from.to_owned());
    run_blocking(move || {
        let (bytes, digest) =
            digest(&path, entry.bytes).map_err(|error| Error::reading(&path, error))?;
        compare(bytes, &digest, &entry, &from)
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

fn compare(bytes: u64, digest: &[u8], entry: &Entry, from: &str) -> Result<(), Error> {
    if bytes != entry.bytes {
        return Err(Error::Size { from: from.to_owned(), expected: entry.bytes, got: bytes });
    }
    let got = hex(digest);
    if got != entry.sha256 {
        return Err(Error::Checksum { from: from.to_owned(), expected: entry.sha256.clone(), got });
    }
    Ok(())
}
