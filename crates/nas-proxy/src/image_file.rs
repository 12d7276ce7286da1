//! The binary versions of CIFAR-10 and CIFAR-100 (Krizhevsky 2009): records of the labels, one
//! byte each, and 3 × 32 × 32 bytes, the planes red, green and blue.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use tch::Tensor;

use crate::{Batch, Error};

const PLANE: usize = 32 * 32;
const IMAGE: usize = 3 * PLANE;

/// Which images of a file make the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// The first ones.
    First(usize),
    /// Distinct ones at random, the same for the same seed and file length.
    Random {
        /// How many.
        count: usize,
        /// The seed.
        seed: u64,
    },
}

struct Format {
    data_set: &'static str,
    labels: usize,
    /// Per channel over the training images, in steps of the bytes' range.
    mean: [f32; 3],
    deviation: [f32; 3],
}

/// Images of a file of CIFAR-10 records (1 label byte, 3,072 bytes), each channel shifted and
/// scaled by mean and standard deviation of the training images.
pub fn cifar10(file: impl AsRef<Path>, selection: Selection) -> Result<Batch, Error> {
    const FORMAT: Format = Format {
        data_set: "CIFAR-10",
        labels: 1,
        mean: [125.3, 123.0, 113.9],
        deviation: [63.0, 62.1, 66.7],
    };
    read(file.as_ref(), selection, &FORMAT)
}

/// Images of a file of CIFAR-100 records (2 label bytes, 3,072 bytes), each channel shifted and
/// scaled by mean and standard deviation of the training images.
pub fn cifar100(file: impl AsRef<Path>, selection: Selection) -> Result<Batch, Error> {
    const FORMAT: Format = Format {
        data_set: "CIFAR-100",
        labels: 2,
        mean: [129.3, 124.1, 112.4],
        deviation: [68.2, 65.4, 70.4],
    };
    read(file.as_ref(), selection, &FORMAT)
}

fn read(path: &Path, selection: Selection, format: &Format) -> Result<Batch, Error> {
    let unreadable = |source: io::Error| Error::Read { path: path.to_path_buf(), source };
    let mut file = File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    let record = (format.labels + IMAGE) as u64;
    if length == 0 || length % record != 0 {
        return Err(Error::Records {
            path: path.to_path_buf(),
            length,
            record,
            data_set: format.data_set,
        });
    }
    let found = usize::try_from(length / record).unwrap_or(usize::MAX);
    let wanted = match selection {
        Selection::First(count) | Selection::Random { count, .. } => count,
    };
    if wanted > found {
        return Err(Error::TooFewImages { path: path.to_path_buf(), wanted, found });
    }
    let chosen = match selection {
        Selection::First(count) => (0..count).collect(),
        Selection::Random { count, seed } => {
            index::sample(&mut ChaCha8Rng::seed_from_u64(seed), found, count).into_vec()
        }
    };
    let mut values = Vec::with_capacity(chosen.len() * IMAGE);
    let mut bytes = [0; IMAGE];
    for image in chosen {
        let start = image as u64 * record + format.labels as u64;
        file.seek(SeekFrom::Start(start)).map_err(unreadable)?;
        file.read_exact(&mut bytes).map_err(unreadable)?;
        for (channel, plane) in bytes.chunks_exact(PLANE).enumerate() {
            let (mean, deviation) = (format.mean[channel], format.deviation[channel]);
            values.extend(plane.iter().map(|&byte| (f32::from(byte) - mean) / deviation));
        }
    }
    let images = Tensor::f_from_slice(&values)?;
    Batch::new(&images.f_reshape([wanted as i64, 3, 32, 32])?)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// A file of records whose image bytes all hold the record's number.
    fn file(labels: usize, records: u8) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        for record in 0..records {
            file.write_all(&vec![99; labels]).unwrap();
            file.write_all(&[record; IMAGE]).unwrap();
        }
        file
    }

    /// The record's number by the red value of each image.
    fn numbers(batch: &Batch, mean: f32, deviation: f32) -> Vec<u8> {
        let red = batch.images().select(1, 0).select(1, 5).select(1, 7);
        let red = Vec::<f32>::try_from(red.contiguous()).unwrap();
        red.iter().map(|value| (value * deviation + mean).round() as u8).collect()
    }

    #[test]
    fn the_first_images_come_in_order() {
        let file = file(1, 5);
        let batch = cifar10(file.path(), Selection::First(3)).unwrap();
        assert_eq!(batch.images().size(), [3, 3, 32, 32]);
        assert_eq!(numbers(&batch, 125.3, 63.0), [0, 1, 2]);
    }

    #[test]
    fn random_images_are_distinct_and_follow_the_seed() {
        let file = file(2, 40);
        let chosen = |seed| {
            let selection = Selection::Random { count: 20, seed };
            numbers(&cifar100(file.path(), selection).unwrap(), 129.3, 68.2)
        };
        assert_eq!(chosen(7), chosen(7));
        assert_ne!(chosen(7), chosen(8));
        let mut distinct = chosen(7);
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), 20);
    }

    #[test]
    fn channels_are_normalised_each_by_its_own_mean() {
        let file = file(1, 1);
        let batch = cifar10(file.path(), Selection::First(1)).unwrap();
        let blue = batch.images().double_value(&[0, 2, 0, 0]);
        approx::assert_relative_eq!(blue, -113.9 / 66.7, max_relative = 1e-6);
    }

    #[test]
    fn a_file_of_the_other_data_set_is_refused() {
        let file = file(2, 3);
        let error = cifar10(file.path(), Selection::First(1)).unwrap_err();
        let text = error.to_string();
        for part in ["9222", "3073", "CIFAR-10", file.path().to_str().unwrap()] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = cifar10("/nowhere/images.bin", Selection::First(1)).unwrap_err();
        assert!(error.to_string().contains("/nowhere/images.bin"), "{error}");
    }

    #[test]
    fn more_images_than_there_are_is_an_error() {
        let file = file(1, 2);
        let error = cifar10(file.path(), Selection::First(3)).unwrap_err();
        assert!(matches!(error, Error::TooFewImages { wanted: 3, found: 2, .. }));
    }
}
