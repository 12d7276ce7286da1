//! Files of images: records of the labels, one byte each, if any, and the planes red, green and
//! blue, one byte for each pixel, as the binary versions of CIFAR-10 and CIFAR-100 (Krizhevsky
//! 2009) store them.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use tch::Tensor;

use crate::{Batch, Error};

/// Which images of a file are read into the batch.
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
    /// The format's name in an error.
    expected: &'static str,
    /// Bytes of labels, of which the last counts, and how many classes there are.
    labels: usize,
    classes: u8,
    /// Height and width in the file.
    side: usize,
    /// How many pixels in each direction are averaged to one.
    shrink: usize,
    /// Per channel over the training images, in steps of the bytes' range.
    mean: [f32; 3],
    deviation: [f32; 3],
}

const CIFAR10: Format = Format {
    expected: "the binary version of CIFAR-10",
    labels: 1,
    classes: 10,
    side: 32,
    shrink: 1,
    mean: [125.3, 123.0, 113.9],
    deviation: [63.0, 62.1, 66.7],
};

const CIFAR100: Format = Format {
    expected: "the binary version of CIFAR-100",
    labels: 2,
    classes: 100,
    side: 32,
    shrink: 1,
    mean: [129.3, 124.1, 112.4],
    deviation: [68.2, 65.4, 70.4],
};

const IMAGENET16: Format = Format {
    expected: "ImageNet at 64×64 pixels without labels",
    labels: 0,
    classes: 0,
    side: 64,
    shrink: 4,
    mean: [122.68, 116.66, 104.01],
    deviation: [63.22, 61.26, 65.09],
};

const IMAGENET64: Format = Format {
    shrink: 1,
    mean: [123.675, 116.28, 103.53],
    deviation: [58.395, 57.12, 57.375],
    ..IMAGENET16
};

/// Labelled images of a file of CIFAR-10 records (1 label byte, 3,072 bytes), each channel shifted and
/// scaled by mean and standard deviation of the training images.
pub fn cifar10(file: impl AsRef<Path>, selection: Selection) -> Result<Batch, Error> {
    read(file.as_ref(), selection, &CIFAR10)
}

/// Images of a file of CIFAR-100 records (2 label bytes of which the second, fine one counts,
/// 3,072 bytes), each channel shifted and scaled by mean and standard deviation of the training images.
pub fn cifar100(file: impl AsRef<Path>, selection: Selection) -> Result<Batch, Error> {
    read(file.as_ref(), selection, &CIFAR100)
}

/// Images of a file of ImageNet at 64×64 pixels (12,288 bytes each, no labels), shrunk to 16×16 by
/// the mean of 4×4 pixels, as ImageNet16-120 is; each channel shifted and scaled by mean and
/// standard deviation of that data set's training images.
pub fn imagenet16(file: impl AsRef<Path>, selection: Selection) -> Result<Batch, Error> {
    read(file.as_ref(), selection, &IMAGENET16)
}

/// Images of a file of ImageNet at 64×64 pixels (12,288 bytes each, no labels), each channel shifted
/// and scaled by mean and standard deviation of ImageNet's training images.
pub fn imagenet64(file: impl AsRef<Path>, selection: Selection) -> Result<Batch, Error> {
    read(file.as_ref(), selection, &IMAGENET64)
}

impl Format {
    /// Bytes of a label and an image.
    fn record(&self) -> usize {
        self.labels + 3 * self.side * self.side
    }

    /// Whether a file of this length may hold such records.
    fn fits(&self, length: u64) -> bool {
        length > 0 && length.is_multiple_of(self.record() as u64)
    }
}

fn read(path: &Path, selection: Selection, format: &Format) -> Result<Batch, Error> {
    let unreadable = |source: io::Error| Error::Read { path: path.to_path_buf(), source };
    let mut file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(unreadable(io::Error::other(
            "expected a file: images of CIFAR-10 or CIFAR-100 in their binary format, or of ImageNet as 64×64 planes; folders and PNG files are not read",
        )));
    }
    let (length, record) = (metadata.len(), format.record() as u64);
    if !format.fits(length) {
        let other = [CIFAR10, CIFAR100, IMAGENET16].into_iter().find(|other| other.fits(length));
        return Err(Error::Records {
            path: path.to_path_buf(),
            length,
            record,
            expected: format.expected,
            fits: other.map(|other| other.expected),
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
    let side = format.side / format.shrink;
    let mut values = Vec::with_capacity(chosen.len() * 3 * side * side);
    let mut labels = Vec::with_capacity(chosen.len());
    let mut bytes = vec![0; format.record()];
    for image in chosen {
        file.seek(SeekFrom::Start(image as u64 * record)).map_err(unreadable)?;
        file.read_exact(&mut bytes).map_err(unreadable)?;
        let (label, planes) = bytes.split_at(format.labels);
        if let Some(&label) = label.last() {
            if label >= format.classes {
                return Err(Error::Label {
                    path: path.to_path_buf(),
                    image,
                    label,
                    classes: format.classes,
                    expected: format.expected,
                });
            }
            labels.push(i64::from(label));
        }
        for (channel, plane) in planes.chunks_exact(format.side * format.side).enumerate() {
            let (mean, deviation) = (format.mean[channel], format.deviation[channel]);
            let pixels = shrunk(plane, format.side, format.shrink);
            values.extend(pixels.map(|pixel| (pixel - mean) / deviation));
        }
    }
    let images = Tensor::f_from_slice(&values)?;
    let images = images.f_reshape([wanted as i64, 3, side as i64, side as i64])?;
    let batch = Batch::new(&images)?;
    if labels.is_empty() { Ok(batch) } else { batch.with_labels(&labels) }
}

/// The means of squares of `shrink` by `shrink` pixels, row by row.
fn shrunk(plane: &[u8], side: usize, shrink: usize) -> impl Iterator<Item = f32> {
    let mean = move |row: usize, column: usize| {
        let square = (0..shrink).flat_map(|y| (0..shrink).map(move |x| (y, x)));
        let pixels = square.map(|(y, x)| plane[(row * shrink + y) * side + column * shrink + x]);
        pixels.map(f32::from).sum::<f32>() / (shrink * shrink) as f32
    };
    (0..side / shrink).flat_map(move |row| (0..side / shrink).map(move |column| mean(row, column)))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const IMAGE: usize = 3 * 32 * 32;

    /// A file of records whose image bytes all hold the record's number.
    fn file(labels: usize, records: u8) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        for record in 0..records {
            file.write_all(&vec![9; labels]).unwrap();
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
        assert_eq!(Vec::<i64>::try_from(batch.labels().unwrap()).unwrap(), [9; 3]);
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
    fn larger_images_are_averaged_down() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let ramp: Vec<u8> = (0..3 * 64 * 64).map(|byte| (byte % 64) as u8).collect();
        file.write_all(&ramp).unwrap();
        let batch = imagenet16(file.path(), Selection::First(1)).unwrap();
        assert_eq!(batch.images().size(), [1, 3, 16, 16]);
        assert!(batch.labels().is_none());
        // Columns 8 to 11 of a ramp have mean 9.5.
        let red = batch.images().double_value(&[0, 0, 3, 2]);
        approx::assert_relative_eq!(red, (9.5 - 122.68) / 63.22, max_relative = 1e-6);
    }

    #[test]
    fn a_file_of_the_other_data_set_is_refused() {
        let file = file(2, 3);
        let error = cifar10(file.path(), Selection::First(1)).unwrap_err();
        let text = error.to_string();
        for part in [
            "9222",
            "3073",
            "CIFAR-10",
            "fits the binary version of CIFAR-100",
            file.path().to_str().unwrap(),
        ] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn a_label_that_is_no_class_is_refused_with_its_place() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let mut bytes = vec![0; 2 * (1 + IMAGE)];
        bytes[1 + IMAGE] = 10;
        file.write_all(&bytes).unwrap();
        let error = cifar10(file.path(), Selection::First(2)).unwrap_err().to_string();
        assert!(error.contains("image 1 (counted from 0) has the label 10"), "{error}");
    }

    #[test]
    fn a_folder_is_no_file_of_images() {
        let folder = tempfile::tempdir().unwrap();
        let error = cifar10(folder.path(), Selection::First(2)).unwrap_err();
        assert!(matches!(error, Error::Read { .. }), "{error}");
    }

    #[test]
    fn a_missing_file_is_named() {
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
