//! Files of scores that were computed, not published: one line of JSON that says how, then a
//! record of fixed length for each architecture, so that a file can grow while it is computed.
//!
//! A record is the architecture's choices (a byte for each decision of its space), a value in f64
//! for each proxy (8 bytes each, little-endian, NaN where it does not exist) and the CRC-32 of both
//! (4 bytes, little-endian).

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use nas_space::{
    Arch,
    nasbench201::{self, from_index, representative},
};
use serde::{Deserialize, Serialize};

use crate::Error;

/// The first key of the JSON line, and its value: the version of the layout.
const FORMAT: &str = "nas scores, version 2";

/// What [`ScoreTable::cifar10`] reads, and its name.
const CIFAR10: (&str, &[u8]) =
    ("nb201-cifar10-proxies.bin", include_bytes!("../nb201-cifar10-proxies.bin"));

/// How scores were computed. Files can be continued and merged where all of it is equal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreHeader {
    /// The layout of the file, as [`ScoreHeader::new`] sets it.
    pub format: String,
    /// Whose values these are.
    pub source: String,
    /// The command that computes them again, without what only divides the work.
    pub command: String,
    /// The version of the program.
    pub version: String,
    /// The space of the architectures, by its name.
    pub space: String,
    /// How many decisions it has.
    pub decisions: u16,
    /// The data set, by its name.
    pub dataset: String,
    /// The file of the images, without its folder, or `gaussian`.
    pub images: String,
    /// CRC-32 of the batch's pixels as the network saw them, in hexadecimal.
    pub images_crc32: String,
    /// Images in the batch.
    pub batch: usize,
    /// The seed of weights and batch.
    pub seed: u64,
    /// The kind of device: `cpu` or `cuda`.
    pub device: String,
    /// The floating-point type: `single` or `double`.
    pub precision: String,
    /// The proxies, in the order of the values.
    pub proxies: Vec<String>,
}

impl ScoreHeader {
    /// A header whose fields are still to be filled in.
    pub fn new(source: impl Into<String>, command: impl Into<String>) -> Self {
        Self {
            format: FORMAT.to_owned(),
            source: source.into(),
            command: command.into(),
            version: String::new(),
            space: String::new(),
            decisions: 0,
            dataset: String::new(),
            images: String::new(),
            images_crc32: String::new(),
            batch: 0,
            seed: 0,
            device: String::new(),
            precision: String::new(),
            proxies: Vec::new(),
        }
    }

    /// The line as it stands in a file.
    fn line(&self) -> Result<Vec<u8>, io::Error> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        Ok(line)
    }

    /// What differs from another header, in words.
    fn difference(&self, other: &Self) -> Option<String> {
        let (Ok(one), Ok(two)) = (serde_json::to_value(self), serde_json::to_value(other)) else {
            return None;
        };
        let fields = one.as_object()?.iter();
        let (field, value) =
            fields.into_iter().find(|(field, value)| two[field.as_str()] != **value)?;
        Some(format!("{field} is {} there and {value} here", two[field.as_str()]))
    }
}

/// The values of architectures, in the order of their choices.
type Rows = BTreeMap<Arch, Vec<Option<f64>>>;

/// Scores of architectures of one space.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreTable {
    header: ScoreHeader,
    rows: Rows,
}

impl ScoreTable {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read; [`Error::Scores`] if it is not whole, or no such file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = fs::read(path).map_err(|error| Error::reading(path, error))?;
        Self::whole(path, &bytes)
    }

    /// The 21 proxies of nas-proxy for every network of NAS-Bench-201 on CIFAR-10 images. They
    /// are this project's, computed on the CPU as the header tells; `cargo xtask proxies` computes
    /// them again.
    ///
    /// ```
    /// let table = nas_bench::ScoreTable::cifar10()?;
    /// let jacov = table.column("jacov").unwrap();
    /// let cell = nas_space::nasbench201::from_index(10676)?;
    /// assert!(table.values(&cell).unwrap()[jacov].is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// None with the file that is in this crate.
    pub fn cifar10() -> Result<Self, Error> {
        let (name, bytes) = CIFAR10;
        Self::whole(Path::new(name), bytes)
    }

    fn whole(path: &Path, bytes: &[u8]) -> Result<Self, Error> {
        let wrong = |problem| Error::Scores { path: path.to_path_buf(), problem };
        let (table, rest) = Self::parse(bytes).map_err(wrong)?;
        if rest > 0 {
            return Err(wrong(format!("cut off: its last {rest} bytes are no whole record")));
        }
        Ok(table)
    }

    /// The table in a file's bytes, and how many bytes of a last, unfinished record follow.
    fn parse(bytes: &[u8]) -> Result<(Self, usize), String> {
        const NOT: &str = "not a file of scores: it does not begin with a line of JSON that says \
                           so; expected one that `nas score --out FILE.bin` wrote";
        let end = bytes.iter().position(|&byte| byte == b'\n').ok_or(NOT)?;
        let header: ScoreHeader = serde_json::from_slice(&bytes[..end]).map_err(|_| NOT)?;
        if header.format != FORMAT {
            return Err(format!(
                "its format is \"{}\", but this program reads \"{FORMAT}\"",
                header.format
            ));
        }
        let mut rows = Rows::new();
        let records = bytes[end + 1..].chunks_exact(record_length(&header));
        let rest = records.remainder().len();
        for (number, record) in records.enumerate() {
            let (arch, values) = decode(record, header.decisions)
                .ok_or_else(|| format!("damaged: the checksum of record {number} does not fit"))?;
            if rows.insert(arch, values).is_some() {
                return Err(format!("damaged: record {number} is of an architecture before"));
            }
        }
        Ok((Self { header, rows }, rest))
    }

    /// The tables in one.
    ///
    /// # Errors
    /// [`Error::Scores`], naming the file, where tables were computed differently, hold an
    /// architecture twice, or are none.
    pub fn merge(tables: Vec<(PathBuf, Self)>) -> Result<Self, Error> {
        let mut merged: Option<Self> = None;
        for (path, table) in tables {
            let Some(merged) = &mut merged else {
                merged = Some(table);
                continue;
            };
            let wrong = |problem| Error::Scores { path: path.clone(), problem };
            if let Some(difference) = merged.header.difference(&table.header) {
                return Err(wrong(format!(
                    "computed otherwise than the files before: {difference}"
                )));
            }
            for (arch, values) in table.rows {
                if merged.rows.insert(arch, values).is_some() {
                    return Err(wrong("an architecture of it is in a file before as well".into()));
                }
            }
        }
        merged.ok_or_else(|| Error::Scores { path: PathBuf::new(), problem: "no files".into() })
    }

    /// The whole file's bytes, architectures in the order of their choices.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = self.header.line().map_err(|error| Error::reading("", error))?;
        bytes.reserve_exact(self.rows.len() * record_length(&self.header));
        for (arch, values) in &self.rows {
            encode(arch, values, &mut bytes);
        }
        Ok(bytes)
    }

    /// How the scores were computed.
    pub fn header(&self) -> &ScoreHeader {
        &self.header
    }

    /// The architectures and their values, in the order of their choices.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = (&Arch, &[Option<f64>])> {
        self.rows.iter().map(|(arch, values)| (arch, values.as_slice()))
    }

    /// The values of an architecture, or of the cell of NAS-Bench-201 that stands for all that are the
    /// same network.
    pub fn values(&self, arch: &Arch) -> Option<&[Option<f64>]> {
        let same = || {
            let is_cell = self.header.space == nasbench201::space().name();
            let first = is_cell.then(|| from_index(representative(arch)).ok()).flatten()?;
            self.rows.get(&first)
        };
        self.rows.get(arch).or_else(same).map(Vec::as_slice)
    }

    /// The place of a proxy among the values.
    pub fn column(&self, proxy: &str) -> Option<usize> {
        self.header.proxies.iter().position(|name| name == proxy)
    }
}

/// A file of scores that grows, record by record.
#[derive(Debug)]
pub struct ScoreWriter {
    path: PathBuf,
    file: File,
    known: Rows,
}

impl ScoreWriter {
    /// Creates the file, or continues the one that is there and was computed in the same way. A
    /// last record that was cut off is dropped. The file is locked for as long as this lives.
    ///
    /// # Errors
    /// [`Error::Scores`] if the file is another one; [`Error::InUse`] while another process writes it;
    /// failures of the file system.
    pub fn open(path: &Path, header: &ScoreHeader) -> Result<Self, Error> {
        let failed = |error| Error::reading(path, error);
        let mut options = OpenOptions::new();
        let mut file = options.read(true).append(true).create(true).open(path).map_err(failed)?;
        if let Err(fs4::TryLockError::WouldBlock) = fs4::FileExt::try_lock(&file) {
            return Err(Error::InUse { path: path.to_path_buf() });
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let line = header.line().map_err(failed)?;
        let mut known = Rows::new();
        // A kill may have come before the whole line was written.
        if line.starts_with(&bytes) {
            file.set_len(0).and_then(|()| file.write_all(&line)).map_err(failed)?;
        } else {
            let wrong = |problem| Error::Scores { path: path.to_path_buf(), problem };
            let (table, rest) = ScoreTable::parse(&bytes)
                .map_err(|problem| wrong(format!("{problem}; remove it, or name another file")))?;
            if let Some(difference) = header.difference(&table.header) {
                return Err(wrong(format!(
                    "these are the beginnings of another computation: {difference}; remove the \
                     file, or name another"
                )));
            }
            file.set_len((bytes.len() - rest) as u64).map_err(failed)?;
            known = table.rows;
        }
        Ok(Self { path: path.to_path_buf(), file, known })
    }

    /// The architectures that the file held when it was opened, with their values.
    pub fn take_known(&mut self) -> BTreeMap<Arch, Vec<Option<f64>>> {
        std::mem::take(&mut self.known)
    }

    /// Adds the values of an architecture, one for each proxy of the header.
    pub fn append(&mut self, arch: &Arch, values: &[Option<f64>]) -> Result<(), Error> {
        let mut record = Vec::new();
        encode(arch, values, &mut record);
        let length = record.len() as u64;
        self.file.write_all(&record).map_err(|error| Error::writing(&self.path, length, error))
    }
}

const CHECKSUM: usize = 4;

fn record_length(header: &ScoreHeader) -> usize {
    usize::from(header.decisions) + header.proxies.len() * size_of::<f64>() + CHECKSUM
}

fn encode(arch: &Arch, values: &[Option<f64>], bytes: &mut Vec<u8>) {
    let start = bytes.len();
    bytes.extend(arch.choices());
    for value in values {
        bytes.extend(value.unwrap_or(f64::NAN).to_le_bytes());
    }
    bytes.extend(crc32fast::hash(&bytes[start..]).to_le_bytes());
}

fn decode(record: &[u8], decisions: u16) -> Option<(Arch, Vec<Option<f64>>)> {
    let (content, checksum) = record.split_last_chunk::<CHECKSUM>()?;
    let (choices, values) = content.split_at_checked(decisions.into())?;
    let (values, _) = values.as_chunks();
    let values = values.iter().map(|&value| f64::from_le_bytes(value));
    let values = values.map(|value| (!value.is_nan()).then_some(value)).collect();
    (crc32fast::hash(content) == u32::from_le_bytes(*checksum))
        .then(|| (Arch::new(choices), values))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> ScoreHeader {
        ScoreHeader {
            space: "nasbench201".into(),
            decisions: 6,
            proxies: vec!["nwot".into(), "zen".into()],
            batch: 8,
            ..ScoreHeader::new("a test", "nas score")
        }
    }

    fn cell(index: usize) -> Arch {
        from_index(index).unwrap()
    }

    fn row(index: usize) -> [Option<f64>; 2] {
        [Some(index as f64 / 3.0), index.is_multiple_of(2).then_some(1e300)]
    }

    fn written(folder: &Path, name: &str, cells: &[usize]) -> PathBuf {
        let path = folder.join(name);
        let mut writer = ScoreWriter::open(&path, &header()).unwrap();
        for &cell in cells {
            writer.append(&self::cell(cell), &row(cell)).unwrap();
        }
        path
    }

    #[test]
    fn what_was_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let table = ScoreTable::read(&written(folder.path(), "a", &[7, 0, 6111])).unwrap();
        assert_eq!(table.header(), &header());
        let mut rows: Vec<_> = table
            .rows()
            .map(|(arch, values)| (nasbench201::index(arch), values.to_vec()))
            .collect();
        assert!(table.rows().is_sorted());
        rows.sort_by_key(|(index, _)| *index);
        assert_eq!(rows, [0, 7, 6111].map(|index| (index, row(index).to_vec())));
        assert_eq!(table.values(&cell(7)), Some(&row(7)[..]));
        assert_eq!(table.values(&cell(8)), None);
        assert_eq!(table.column("zen"), Some(1));
    }

    #[test]
    fn a_file_cut_off_anywhere_goes_on_to_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let cells = [3, 9, 11];
        let whole = fs::read(written(folder.path(), "whole", &cells)).unwrap();
        for length in 0..whole.len() {
            let path = folder.path().join("cut");
            fs::write(&path, &whole[..length]).unwrap();
            let mut writer = ScoreWriter::open(&path, &header()).unwrap();
            let known = writer.take_known();
            for index in cells {
                if !known.contains_key(&cell(index)) {
                    writer.append(&cell(index), &row(index)).unwrap();
                }
            }
            assert_eq!(fs::read(&path).unwrap(), whole, "cut at {length}");
        }
    }

    #[test]
    fn parts_merge_to_the_bytes_of_the_whole() {
        let folder = tempfile::tempdir().unwrap();
        let read = |name: &str, cells: &[usize]| {
            let path = written(folder.path(), name, cells);
            (path.clone(), ScoreTable::read(&path).unwrap())
        };
        let (_, whole) = read("whole", &[1, 2, 3, 4]);
        let (odd, even) = (read("odd", &[1, 3]), read("even", &[2, 4]));
        let merged = ScoreTable::merge(vec![even.clone(), odd]).unwrap();
        assert_eq!(merged.to_bytes().unwrap(), whole.to_bytes().unwrap());
        let error = ScoreTable::merge(vec![even.clone(), even]).unwrap_err().to_string();
        assert!(error.contains("is in a file before as well"), "{error}");
    }

    #[test]
    fn another_computation_is_not_continued_and_not_merged() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path(), "a", &[1]);
        let other = ScoreHeader { batch: 9, ..header() };
        let error = ScoreWriter::open(&path, &other).unwrap_err().to_string();
        assert!(error.contains("batch is 8 there and 9 here"), "{error}");
        let table = ScoreTable::read(&path).unwrap();
        let changed = ScoreTable { header: other, ..table.clone() };
        assert!(ScoreTable::merge(vec![(path.clone(), table), (path, changed)]).is_err());
    }

    #[test]
    fn damage_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path(), "a", &[1, 2]);
        let mut bytes = fs::read(&path).unwrap();
        let place = bytes.len() - 10;
        bytes[place] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let error = ScoreTable::read(&path).unwrap_err().to_string();
        assert!(error.contains("record 1"), "{error}");
        fs::write(&path, "index,nwot\n").unwrap();
        let error = ScoreTable::read(&path).unwrap_err().to_string();
        assert!(error.contains("not a file of scores"), "{error}");
    }
}
