//! Copies files from a local mirror.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::Path,
};

use super::{blocking::run_blocking, progress::Progress, verify};
use crate::{Entry, Error};

/// Copies a file of a local mirror to `part` and verifies the copy.
pub(super) async fn copy(
    source: &Path,
    part: &Path,
    entry: &Entry,
    progress: &dyn Progress,
) -> Result<(), Error> {
    progress.started(entry, 0);
    let (from, to, wanted) = (source.to_owned(), part.to_owned(), entry.clone());
    run_blocking(move || copy_file(&from, &to, &wanted)).await?;
    progress.advanced(entry, entry.bytes);
    let result = verify::file_from(part, entry, &source.display().to_string()).await;
    if result.is_err() {
        // A copy that does not match the manifest is of no use.
        let _ = fs::remove_file(part);
    }
    result
}

fn copy_file(source: &Path, part: &Path, entry: &Entry) -> Result<(), Error> {
    let mut from = File::open(source).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            Error::NotInMirror { path: source.to_owned(), url: entry.url.clone() }
        }
        _ => Error::reading(source, error),
    })?;
    let mut to = File::create(part).map_err(|error| Error::writing(part, entry.bytes, error))?;
    let mut buffer = vec![0; 1 << 16];
    let mut done = 0;
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) => {
                let _ = fs::remove_file(part);
                return Err(Error::reading(source, error));
            }
        };
        to.write_all(&buffer[..read])
            .map_err(|error| Error::writing(part, entry.bytes.saturating_sub(done), error))?;
        done += read as u64;
    }
    to.sync_all().map_err(|error| Error::writing(part, entry.bytes.saturating_sub(done), error))
}
