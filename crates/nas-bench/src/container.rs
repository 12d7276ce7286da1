//! Files of one value: a header, then the content in bincode. Only this module knows the encoding.
//!
//! | bytes | content |
//! | --- | --- |
//! | 8 | `pel-nas` and a zero byte |
//! | 4 | kind |
//! | 4 | format version of that kind, little-endian |
//! | 8 | length of the content, little-endian |
//! | 4 | CRC-32 of the content, little-endian |
//! | … | content |

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use serde::{Serialize, de::DeserializeOwned};

use crate::TableProblem;

const MAGIC: [u8; 8] = *b"pel-nas\0";
const HEADER: usize = 28;

/// No file comes near this size; content that claims to is damaged.
const LIMIT: usize = 1 << 30;

const ENCODING: Configuration<LittleEndian, Fixint, Limit<LIMIT>> = bincode::config::standard()
    .with_little_endian()
    .with_fixed_int_encoding()
    .with_limit::<LIMIT>();

/// What the name of a file begins with while it is being written; a process that was killed leaves
/// it.
pub const PART: &str = ".nas-part-";

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Four letters in the header.
    pub name: [u8; 4],
    /// Raised with every change of the content's layout or meaning.
    pub version: u32,
}

/// A value as the bytes of a file.
///
/// # Errors
/// For values that serde or bincode cannot encode, for example a sequence of unknown length.
pub fn encode(kind: Kind, value: &impl Serialize) -> io::Result<Vec<u8>> {
    let content = bincode::serde::encode_to_vec(value, ENCODING).map_err(io::Error::other)?;
    Ok(around(kind, &content))
}

/// Any content behind the header that fits it.
#[doc(hidden)]
pub fn around(kind: Kind, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + content.len());
    bytes.extend(MAGIC);
    bytes.extend(kind.name);
    bytes.extend(kind.version.to_le_bytes());
    bytes.extend((content.len() as u64).to_le_bytes());
    bytes.extend(crc32fast::hash(content).to_le_bytes());
    bytes.extend(content);
    bytes
}

/// The value of a file's bytes. Nothing in them is trusted.
///
/// # Errors
/// For another kind or version, a wrong length or checksum, and content that is no such value.
pub fn decode<T: DeserializeOwned>(kind: Kind, bytes: &[u8]) -> Result<T, TableProblem> {
    let mut header = Fields(bytes);
    if header.take() != Some(MAGIC) || header.take() != Some(kind.name) {
        return Err(TableProblem::Kind);
    }
    let too_short = TableProblem::Length { found: bytes.len() as u64, expected: HEADER as u64 };
    let (Some(version), Some(length), Some(checksum)) =
        (header.take(), header.take(), header.take())
    else {
        return Err(too_short);
    };
    let version = u32::from_le_bytes(version);
    if version != kind.version {
        return Err(TableProblem::Version { found: version, expected: kind.version });
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

/// Writes a file so that it is at any moment absent, the old one or the new one, also where power
/// fails, and readable by whom any new file is.
///
/// # Errors
/// Those of the file system; the old file stays.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let mut builder = tempfile::Builder::new();
    builder.prefix(PART);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
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

    use super::*;

    type Sample = Vec<Option<f64>>;

    const KIND: Kind = Kind { name: *b"test", version: 3 };

    fn encoded() -> Vec<u8> {
        encode(KIND, &vec![Some(1.5), None]).unwrap()
    }

    fn problem(bytes: &[u8]) -> TableProblem {
        decode::<Sample>(KIND, bytes).unwrap_err()
    }

    /// A file of correct header and checksum around any content.
    fn around(content: &[u8]) -> Vec<u8> {
        super::around(KIND, content)
    }

    #[test]
    fn a_value_reads_back() {
        assert_eq!(decode::<Sample>(KIND, &encoded()).unwrap(), [Some(1.5), None]);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_replaced_whole_and_may_be_read_by_whom_any_new_file_may() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let (path, any) = (folder.path().join("sample.bin"), folder.path().join("any"));
        for content in ["one", "two"] {
            replace(&path, content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
        fs::write(&any, "").unwrap();
        let mode = |path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(path), mode(any));
    }

    #[test]
    fn another_version_kind_or_content_is_refused() {
        let with = |at: usize, byte: u8| {
            let mut bytes = encoded();
            bytes[at] = byte;
            problem(&bytes)
        };
        assert_eq!(with(12, 2), TableProblem::Version { found: 2, expected: 3 });
        assert_eq!(with(0, b'x'), TableProblem::Kind);
        assert_eq!(with(9, b'x'), TableProblem::Kind);
        assert_eq!(with(HEADER + 3, 1), TableProblem::Checksum);
        assert!(matches!(with(16, 0xff), TableProblem::Length { .. }));
        assert!(matches!(with(23, 0xff), TableProblem::Length { .. }));
    }

    /// A right checksum proves nothing about who wrote the file: lengths inside are not trusted.
    #[test]
    fn hostile_lengths_inside_are_refused_without_allocating_them() {
        for length in [u64::MAX, 1 << 63, 1 << 60, 1 << 40, 1 << 32, 1 << 24, 3] {
            let content = around(&length.to_le_bytes());
            assert!(matches!(problem(&content), TableProblem::Content(_)), "{length}");
        }
        let left_over = [&0u64.to_le_bytes()[..], b"x"].concat();
        let expected = TableProblem::Content("1 bytes left over".to_owned());
        assert_eq!(problem(&around(&left_over)), expected);
    }

    proptest! {
        #[test]
        fn a_cut_file_is_never_read(cut in 0usize..200) {
            let bytes = encoded();
            prop_assert!(decode::<Sample>(KIND, &bytes[..cut.min(bytes.len() - 1)]).is_err());
        }

        #[test]
        fn no_content_panics(content in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode::<Sample>(KIND, &around(&content));
            let _ = decode::<Sample>(KIND, &content);
        }
    }
}
