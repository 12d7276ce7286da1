//! The binary files of CIFAR-10 and CIFAR-100 (Krizhevsky 2009): records of one or two labels, of which the
//! last counts, and the planes red, green and blue of 32×32 bytes.

use std::fs;
use std::path::{Path, PathBuf};

use crate::dataset::Example;
use crate::{Error, Shape};

const SIDE: usize = 32;
const PIXELS: usize = SIDE * SIDE;

pub(crate) const SHAPE: Shape = Shape::Image { channels: 3, height: SIDE, width: SIDE };

/// Names of CIFAR-10's classes, in the order of its labels.
const CIFAR10: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// The files of a data set: of the training part, and of the test part.
pub(crate) struct Found {
    pub train: Vec<PathBuf>,
    pub test: Vec<PathBuf>,
}

/// The files of CIFAR in a folder, if it has any.
pub(crate) fn files_of(folder: &Path) -> Result<Option<Found>, Error> {
    let mut found = Found { train: Vec::new(), test: Vec::new() };
    for entry in fs::read_dir(folder).map_err(Error::read(folder))? {
        let path = entry.map_err(Error::read(folder))?.path();
        if path.extension().is_none_or(|end| end != "bin") {
            continue;
        }
        match path.file_stem().and_then(|name| name.to_str()) {
            Some("test_batch" | "test") => found.test.push(path),
            Some("train") => found.train.push(path),
            Some(name) if name.starts_with("data_batch_") => found.train.push(path),
            _ => {}
        }
    }
    found.train.sort();
    Ok((!found.train.is_empty()).then_some(found))
}

/// Pixels and labels of a file.
#[derive(Debug)]
pub(crate) struct Records {
    pub classes: Vec<String>,
    /// Row by row, red, green and blue side by side.
    pub pixels: Vec<u8>,
    pub labels: Vec<u32>,
}

/// Reads a file of CIFAR-10 or CIFAR-100; which of both follows from its length, and where both fit from its
/// labels.
pub(crate) fn read(path: &Path) -> Result<Records, Error> {
    let bytes = fs::read(path).map_err(Error::read(path))?;
    let length = bytes.len() as u64;
    let fits = |labels: usize| !bytes.is_empty() && bytes.len().is_multiple_of(labels + 3 * PIXELS);
    let (ten, hundred) = (fits(1).then(|| records(path, &bytes, 1, 10)), fits(2));
    match ten {
        Some(Ok(records)) => Ok(records),
        _ if hundred => records(path, &bytes, 2, 100),
        Some(error) => error,
        None => Err(Error::Records { path: path.to_owned(), length }),
    }
}

fn records(path: &Path, bytes: &[u8], labels: usize, classes: usize) -> Result<Records, Error> {
    let names = if classes == CIFAR10.len() {
        CIFAR10.map(str::to_owned).to_vec()
    } else {
        (0..classes).map(|class| class.to_string()).collect()
    };
    let mut all =
        Records { classes: names, pixels: Vec::with_capacity(bytes.len()), labels: Vec::new() };
    for (example, record) in bytes.chunks_exact(labels + 3 * PIXELS).enumerate() {
        let label = record[labels - 1];
        if usize::from(label) >= classes {
            let (path, label) = (path.to_owned(), i64::from(label));
            return Err(Error::Label { path, example, label, classes });
        }
        all.labels.push(u32::from(label));
        let planes = &record[labels..];
        for pixel in 0..PIXELS {
            all.pixels.extend((0..3).map(|channel| planes[channel * PIXELS + pixel]));
        }
    }
    Ok(all)
}

/// Reads files, one after the other; returns the examples of each.
pub(crate) fn read_all(files: &[&Path]) -> Result<(Records, Vec<Vec<Example>>), Error> {
    let mut all = Records { classes: Vec::new(), pixels: Vec::new(), labels: Vec::new() };
    let mut examples = Vec::new();
    for file in files {
        let more = read(file)?;
        if !all.classes.is_empty() && all.classes.len() != more.classes.len() {
            let problem =
                format!("it has {} classes, {} has others", more.classes.len(), files[0].display());
            return Err(Error::Unknown { path: (*file).to_owned(), problem });
        }
        let first = all.labels.len() as u32;
        let of_file = (first..).zip(&more.labels).map(|(at, label)| Example { at, label: *label });
        examples.push(of_file.collect());
        all.classes = more.classes;
        all.pixels.extend(more.pixels);
        all.labels.extend(more.labels);
    }
    Ok((all, examples))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records whose planes are 1, 2 and 3.
    fn file(folder: &Path, name: &str, labels: &[&[u8]]) -> PathBuf {
        let planes = (1..=3_u8).flat_map(|plane| vec![plane; PIXELS]);
        let record =
            |labels: &&[u8]| labels.iter().copied().chain(planes.clone()).collect::<Vec<u8>>();
        let path = folder.join(name);
        fs::write(&path, labels.iter().flat_map(record).collect::<Vec<u8>>()).unwrap();
        path
    }

    #[test]
    fn pixels_lie_side_by_side_and_the_last_label_counts() {
        let folder = tempfile::tempdir().unwrap();
        let ten = read(&file(folder.path(), "ten", &[&[3], &[9]])).unwrap();
        assert_eq!((ten.classes[3].as_str(), &ten.labels[..]), ("cat", &[3, 9][..]));
        assert_eq!(ten.pixels[..6], [1, 2, 3, 1, 2, 3]);
        let hundred = read(&file(folder.path(), "hundred", &[&[19, 99], &[0, 7]])).unwrap();
        assert_eq!((hundred.classes.len(), &hundred.labels[..]), (100, &[99, 7][..]));
    }

    #[test]
    fn a_label_beyond_the_classes_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = read(&file(folder.path(), "ten", &[&[3], &[10]])).unwrap_err().to_string();
        assert!(
            error.contains("example 1 (counted from 0) has the label 10, expected 0 to 9"),
            "{error}"
        );
        let error = read(&file(folder.path(), "hundred", &[&[1, 100]])).unwrap_err().to_string();
        assert!(error.contains("label 100, expected 0 to 99"), "{error}");
    }

    #[test]
    fn another_length_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for length in [0, 3072, 3075] {
            let path = folder.path().join("other.bin");
            fs::write(&path, vec![0; length]).unwrap();
            assert!(matches!(read(&path), Err(Error::Records { .. })), "{length}");
        }
    }
}
