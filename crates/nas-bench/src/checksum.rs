//! Size and SHA-256 of a file, compared with its entry in the manifest.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

use sha2::{Digest as _, Sha256};

use crate::{Entry, Error};

/// Checks the content of a file that has been read already; `from` is named in errors.
pub(crate) fn verify_bytes(bytes: &[u8], entry: &Entry, from: &str) -> Result<(), Error> {
    verify(bytes.len() as u64, &Sha256::digest(bytes), entry, from)
}

/// Checks the size and the SHA-256 of a file; `from` is named in errors.
pub(crate) fn verify(bytes: u64, digest: &[u8], entry: &Entry, from: &str) -> Result<(), Error> {
    if bytes != entry.bytes {
        return Err(Error::Size { from: from.to_owned(), expected: entry.bytes, got: bytes });
    }
    let got = hex(digest);
    if got != entry.sha256 {
        return Err(Error::Checksum { from: from.to_owned(), expected: entry.sha256.clone(), got });
    }
    Ok(())
}

/// The number of bytes of a file, and their SHA-256 in lower-case hexadecimal digits.
///
/// # Errors
/// Those of reading the file.
pub fn fingerprint(file: &Path) -> io::Result<(u64, String)> {
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    let mut reader = BufReader::with_capacity(1 << 16, File::open(file)?);
    loop {
        let part = reader.fill_buf()?;
        if part.is_empty() {
            return Ok((bytes, hex(&hash.finalize())));
        }
        hash.update(part);
        let count = part.len();
        bytes += count as u64;
        reader.consume(count);
    }
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
