//! The files of compiled tables: the names and SHA-256 of the raw files, then the table, in a
//! [container](crate::container).

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Entry, Error,
    container::{self, Kind},
};

/// A kind of table.
pub(crate) trait Table: Serialize + DeserializeOwned {
    /// Name of its file in the table folder.
    const FILE: &'static str;
    /// What its header says.
    const KIND: Kind;
}

/// Name of each raw file that a table was compiled from, with its SHA-256 and what its columns hold.
pub(crate) type Sources = Vec<(String, String)>;

pub(crate) fn sources(entries: &[&Entry]) -> Sources {
    let content = |entry: &Entry| match &entry.costs {
        None => entry.sha256.clone(),
        // What its columns hold is said by the manifest alone.
        Some(costs) => format!("{} {costs:?}", entry.sha256),
    };
    entries.iter().map(|entry| (entry.name.clone(), content(entry))).collect()
}

pub(crate) fn path<T: Table>(tables_dir: &Path) -> PathBuf {
    tables_dir.join(T::FILE)
}

/// Writes a table so that its file is at any moment absent, the old one or the new one.
pub(crate) fn write<T: Table>(
    tables_dir: &Path,
    sources: &Sources,
    table: &T,
) -> Result<(), Error> {
    let path = path::<T>(tables_dir);
    let bytes = container::encode(T::KIND, &(sources, table))
        .map_err(|error| Error::reading(&path, error))?;
    container::replace(&path, &bytes)
        .map_err(|error| Error::writing(&path, bytes.len() as u64, error))
}

/// Reads a table and the raw files it was compiled from.
pub(crate) fn read<T: Table>(tables_dir: &Path) -> Result<(Sources, T), Error> {
    let path = path::<T>(tables_dir);
    let bytes = fs::read(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::MissingTables { path: path.clone() },
        _ => Error::reading(&path, error),
    })?;
    container::decode(T::KIND, &bytes).map_err(|problem| Error::Table { path, problem })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::TableProblem;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Sample(Vec<Option<f64>>);

    impl Table for Sample {
        const FILE: &'static str = "sample.bin";
        const KIND: Kind = Kind { name: *b"test", version: 3 };
    }

    #[derive(Debug, Serialize, Deserialize)]
    struct Other(u8);

    impl Table for Other {
        const FILE: &'static str = "sample.bin";
        const KIND: Kind = Kind { name: *b"else", version: 3 };
    }

    fn written() -> (tempfile::TempDir, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let sources = vec![("raw".to_owned(), "0".repeat(64))];
        write(folder.path(), &sources, &Sample(vec![Some(1.5), None])).unwrap();
        let bytes = fs::read(folder.path().join("sample.bin")).unwrap();
        (folder, bytes)
    }

    #[test]
    fn a_table_reads_back() {
        let (folder, _) = written();
        let (sources, table) = read::<Sample>(folder.path()).unwrap();
        assert_eq!(sources, [("raw".to_owned(), "0".repeat(64))]);
        assert_eq!(table, Sample(vec![Some(1.5), None]));
        let other = read::<Other>(folder.path()).unwrap_err();
        assert!(matches!(other, Error::Table { problem: TableProblem::Kind, .. }));
    }

    #[test]
    fn errors_name_the_file_and_the_command_that_rebuilds_it() {
        let (folder, bytes) = written();
        let path = folder.path().join("sample.bin");
        let message = || read::<Sample>(folder.path()).unwrap_err().to_string();
        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        let name = path.display();
        let expected = format!(
            "{name}: {} bytes long, expected {}; run `nas download` to rebuild it",
            bytes.len() - 1,
            bytes.len()
        );
        assert_eq!(message(), expected);
        fs::remove_file(&path).unwrap();
        assert_eq!(message(), format!("{name}: no benchmark table there; run `nas download`"));
    }
}
