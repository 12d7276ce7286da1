//! The files of compiled tables: a header, then the content in bincode. Only this module knows
//! the encoding.
//!
//! | bytes | content |
//! | --- | --- |
//! | 8 | `pel-nas` and a zero byte |
//! | 4 | kind of table |
//! | 4 | format version of that kind, little-endian |
//! | 8 | length of the content, little-endian |
//! | 4 | CRC-32 of the content, little-endian |
//! | … | content: the names and SHA-256 of the raw files, then the table |

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Entry, Error, TableProblem};

const MAGIC: [u8; 8] = *b"pel-nas\0";
const HEADER: usize = 28;

/// No table comes near this size; content that claims to is damaged.
const LIMIT: usize = 64 << 20;

const ENCODING: Configuration<LittleEndian, Fixint, Limit<LIMIT>> = bincode::config::standard()
    .with_little_endian()
    .with_fixed_int_encoding()
    .with_limit::<LIMIT>();

/// A kind of table.
pub(crate) trait Table: Serialize + DeserializeOwned {
    /// Name of its file in the data folder.
    const FILE: &'static str;
    /// Four letters in the header.
    const KIND: [u8; 4];
    /// Raised with every change of the content's layout or meaning.
    const VERSION: u32;
}

/// Name and SHA-256 of each raw file that a table was compiled from.
pub(crate) type Sources = Vec<(String, String)>;

pub(crate) fn sources(entries: &[&Entry]) -> Sources {
    entries.iter().map(|entry| (entry.name.clone(), entry.sha256.clone())).collect()
}

pub(crate) fn path<T: Table>(data_dir: &Path) -> PathBuf {
    data_dir.join(T::FILE)
}

/// Writes a table so that its file is at any moment absent, the old one or the new one.
pub(crate) fn write<T: Table>(data_dir: &Path, sources: &Sources, table: &T) -> Result<(), Error> {
    let path = path::<T>(data_dir);
    let content = bincode::serde::encode_to_vec((sources, table), ENCODING)
        .map_err(|error| Error::reading(&path, io::Error::other(error)))?;
    let mut bytes = Vec::with_capacity(HEADER + content.len());
    bytes.extend(MAGIC);
    bytes.extend(T::KIND);
    bytes.extend(T::VERSION.to_le_bytes());
    bytes.extend((content.len() as u64).to_le_bytes());
    bytes.extend(crc32fast::hash(&content).to_le_bytes());
    bytes.extend(content);

    let failed = |error| Error::writing(&path, bytes.len() as u64, error);
    let mut file = temporary(data_dir).map_err(failed)?;
    file.write_all(&bytes).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(&path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// A temporary file with the permissions of any new file, not readable by its owner alone: a data
/// folder may be shared.
fn temporary(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    #[allow(unused_mut)]
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

/// Reads a table and the raw files it was compiled from.
pub(crate) fn read<T: Table>(data_dir: &Path) -> Result<(Sources, T), Error> {
    let path = path::<T>(data_dir);
    let bytes = fs::read(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::MissingTables { path: path.clone() },
        _ => Error::reading(&path, error),
    })?;
    decode::<T>(&bytes).map_err(|problem| Error::Table { path, problem })
}

fn decode<T: Table>(bytes: &[u8]) -> Result<(Sources, T), TableProblem> {
    let mut header = Fields(bytes);
    if header.take() != Some(MAGIC) || header.take() != Some(T::KIND) {
        return Err(TableProblem::Kind);
    }
    let too_short = TableProblem::Length { found: bytes.len() as u64, expected: HEADER as u64 };
    let (Some(version), Some(length), Some(checksum)) =
        (header.take(), header.take(), header.take())
    else {
        return Err(too_short);
    };
    let version = u32::from_le_bytes(version);
    if version != T::VERSION {
        return Err(TableProblem::Version { found: version, expected: T::VERSION });
    }
    let content = header.0;
    let length = u64::from_le_bytes(length);
    if content.len() as u64 != length {
        return Err(TableProblem::Length {
            found: bytes.len() as u64,
            expected: length.saturating_add(HEADER as u64),
        });
    }
    if crc32fast::hash(content) != u32::from_le_bytes(checksum) {
        return Err(TableProblem::Checksum);
    }
    let damaged = |problem: String| TableProblem::Content(problem);
    let (decoded, read) = bincode::serde::decode_from_slice(content, ENCODING)
        .map_err(|error| damaged(error.to_string()))?;
    if read != content.len() {
        return Err(damaged(format!("{} bytes left over", content.len() - read)));
    }
    Ok(decoded)
}

/// The rest of a header, taken field by field.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Sample(Vec<Option<f64>>);

    impl Table for Sample {
        const FILE: &'static str = "sample.bin";
        const KIND: [u8; 4] = *b"test";
        const VERSION: u32 = 3;
    }

    struct Other;

    impl Other {
        fn read(data_dir: &Path) -> Error {
            #[derive(Debug, Serialize, Deserialize)]
            struct Wrong(u8);
            impl Table for Wrong {
                const FILE: &'static str = "sample.bin";
                const KIND: [u8; 4] = *b"else";
                const VERSION: u32 = 3;
            }
            read::<Wrong>(data_dir).unwrap_err()
        }
    }

    fn written() -> (tempfile::TempDir, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let sources = vec![("raw".to_owned(), "0".repeat(64))];
        write(folder.path(), &sources, &Sample(vec![Some(1.5), None])).unwrap();
        let bytes = fs::read(folder.path().join("sample.bin")).unwrap();
        (folder, bytes)
    }

    fn problem(bytes: &[u8]) -> TableProblem {
        decode::<Sample>(bytes).unwrap_err()
    }

    /// A file of correct header and checksum around any content.
    fn around(content: &[u8]) -> Vec<u8> {
        let mut bytes = [&MAGIC[..], b"test", &3u32.to_le_bytes()].concat();
        bytes.extend((content.len() as u64).to_le_bytes());
        bytes.extend(crc32fast::hash(content).to_le_bytes());
        bytes.extend(content);
        bytes
    }

    #[test]
    fn a_table_reads_back() {
        let (folder, _) = written();
        let (sources, table) = read::<Sample>(folder.path()).unwrap();
        assert_eq!(sources, [("raw".to_owned(), "0".repeat(64))]);
        assert_eq!(table, Sample(vec![Some(1.5), None]));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    }

    #[cfg(unix)]
    #[test]
    fn a_table_may_be_read_by_whom_any_new_file_may() {
        use std::os::unix::fs::PermissionsExt as _;
        let (folder, _) = written();
        let any = folder.path().join("any");
        fs::write(&any, "").unwrap();
        let mode = |path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(folder.path().join("sample.bin")), mode(any));
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

    #[test]
    fn another_version_kind_or_content_is_refused() {
        let (folder, bytes) = written();
        let with = |at: usize, byte: u8| {
            let mut bytes = bytes.clone();
            bytes[at] = byte;
            problem(&bytes)
        };
        assert_eq!(with(12, 2), TableProblem::Version { found: 2, expected: 3 });
        assert_eq!(with(0, b'x'), TableProblem::Kind);
        assert_eq!(with(HEADER + 3, 1), TableProblem::Checksum);
        assert!(matches!(with(16, 0xff), TableProblem::Length { .. }));
        assert!(matches!(with(23, 0xff), TableProblem::Length { .. }));
        let other = Other::read(folder.path());
        assert!(matches!(other, Error::Table { problem: TableProblem::Kind, .. }));
    }

    /// A right checksum proves nothing about who wrote the file: lengths inside are not trusted.
    #[test]
    fn hostile_lengths_inside_are_refused_without_allocating_them() {
        let no_sources = 0u64.to_le_bytes();
        for length in [u64::MAX, 1 << 60, 1 << 40, 1 << 32, 1 << 24, 3] {
            let content = [&no_sources[..], &length.to_le_bytes()].concat();
            assert!(matches!(problem(&around(&content)), TableProblem::Content(_)), "{length}");
            assert!(matches!(problem(&around(&content[8..])), TableProblem::Content(_)));
        }
        let left_over = [&no_sources[..], &no_sources, b"x"].concat();
        assert_eq!(
            problem(&around(&left_over)),
            TableProblem::Content("1 bytes left over".to_owned())
        );
    }

    proptest! {
        #[test]
        fn a_cut_file_is_never_read(cut in 0usize..200) {
            let (_, bytes) = written();
            let cut = cut.min(bytes.len() - 1);
            prop_assert!(decode::<Sample>(&bytes[..cut]).is_err());
        }

        #[test]
        fn no_content_panics(content in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode::<Sample>(&around(&content));
            let _ = decode::<Sample>(&content);
        }
    }
}
