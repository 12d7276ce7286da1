//! The raw files of a table folder: where they lie, and their verified content.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{Entry, Error, Manifest, checksum};

/// The folder of raw files below the table folder. Its layout is that of a mirror, so it can be used
/// as one.
const RAW: &str = "raw";

/// Where the raw file of a manifest entry lies in a table folder.
pub fn raw_path(tables_dir: &Path, entry: &Entry) -> PathBuf {
    tables_dir.join(RAW).join(entry.location())
}

/// The raw files of a table folder.
pub(crate) struct Raw<'a> {
    pub tables_dir: &'a Path,
    pub manifest: &'a Manifest,
}

impl Raw<'_> {
    /// Path and verified content of the raw file of a name.
    pub(crate) fn read(&self, name: &str) -> Result<(PathBuf, Vec<u8>), Error> {
        let entry = self.manifest.find(name)?;
        let path = raw_path(self.tables_dir, entry);
        let bytes = fs::read(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::NotDownloaded { path: path.clone() },
            _ => Error::reading(&path, error),
        })?;
        checksum::verify_bytes(&bytes, entry, &path.display().to_string())?;
        Ok((path, bytes))
    }
}
