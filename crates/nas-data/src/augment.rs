//! Random changes of images that keep their class.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::Shape;

/// Random changes of an image in training. Sequences are not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Augmentation {
    /// Pixels of zeros that are added at each side before an image of the former size is cut out at random.
    pub crop: usize,
    /// Whether half of the images are mirrored, left to right.
    pub flip: bool,
    /// The side in pixels of a square of zeros somewhere in the image (DeVries and Taylor 2017, arXiv
    /// 1708.04552); 0 for none.
    pub cutout: usize,
}

impl Augmentation {
    /// Writes an example, changed at random, to the end of `into`.
    pub(crate) fn apply<T: Copy + Default>(
        self,
        values: &[T],
        shape: Shape,
        random: &mut ChaCha8Rng,
        into: &mut Vec<T>,
    ) {
        let Shape::Image { channels, height, width } = shape else {
            into.extend(values);
            return;
        };
        if self == Self::default() {
            into.extend(values);
            return;
        }
        // A shift leaves at least one row and column.
        let most = self.crop.min(height.min(width) - 1);
        let shift =
            |random: &mut ChaCha8Rng| random.random_range(0..=2 * most) as isize - most as isize;
        let (down, right) = (shift(random), shift(random));
        let mirrored = self.flip && random.random_bool(0.5);
        let begin = into.len();
        into.resize(begin + values.len(), T::default());
        let image = &mut into[begin..];
        let row_length = width * channels;
        for row in 0..height {
            let Some(from) = row.checked_add_signed(down).filter(|from| *from < height) else {
                continue;
            };
            let from = &values[from * row_length..][..row_length];
            let to = &mut image[row * row_length..][..row_length];
            // Columns of the result that the shifted image has.
            let first = right.min(0).unsigned_abs();
            let last = width - right.max(0).unsigned_abs();
            let source = &from[right.max(0) as usize * channels..][..(last - first) * channels];
            let target = &mut to[first * channels..last * channels];
            target.copy_from_slice(source);
            if mirrored {
                mirror(to, channels);
            }
        }
        if self.cutout > 0 {
            cut_out(image, (channels, height, width), self.cutout, random);
        }
    }
}

/// Turns a row of pixels round.
fn mirror<T: Copy>(row: &mut [T], channels: usize) {
    let width = row.len() / channels;
    for column in 0..width / 2 {
        for channel in 0..channels {
            row.swap(column * channels + channel, (width - 1 - column) * channels + channel);
        }
    }
}

/// Sets a square around a random pixel to zeros, as far as it lies in the image.
fn cut_out<T: Copy + Default>(
    image: &mut [T],
    (channels, height, width): (usize, usize, usize),
    side: usize,
    random: &mut ChaCha8Rng,
) {
    let mut range = |length: usize| {
        let middle = random.random_range(0..length);
        let begin = middle.saturating_sub(side / 2);
        begin..(middle + side.div_ceil(2)).min(length)
    };
    let (rows, columns) = (range(height), range(width));
    for row in rows {
        let row = &mut image[row * width * channels..][..width * channels];
        row[columns.start * channels..columns.end * channels].fill(T::default());
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    const SHAPE: Shape = Shape::Image { channels: 2, height: 6, width: 5 };

    fn changed(augmentation: Augmentation, values: &[u8], seed: u64) -> Vec<u8> {
        let mut into = vec![77];
        augmentation.apply(values, SHAPE, &mut ChaCha8Rng::seed_from_u64(seed), &mut into);
        assert_eq!((into[0], into.len()), (77, 1 + values.len()));
        into.split_off(1)
    }

    /// Pixels with their row and column, from 1.
    fn image() -> Vec<u8> {
        (0..6).flat_map(|row| (0..5).flat_map(move |column| [row + 1, column + 1])).collect()
    }

    #[test]
    fn nothing_changes_without_augmentation() {
        assert_eq!(changed(Augmentation::default(), &image(), 3), image());
    }

    #[test]
    fn half_of_the_images_are_mirrored() {
        let flip = Augmentation { flip: true, ..Augmentation::default() };
        let mirrored = |seed| {
            let result = changed(flip, &image(), seed);
            let turned: Vec<u8> = (0..6)
                .flat_map(|row| (0..5).flat_map(move |column| [row + 1, 5 - column]))
                .collect();
            assert!(result == image() || result == turned);
            result == turned
        };
        let count = (0..400).filter(|seed| mirrored(*seed)).count();
        assert!((150..250).contains(&count), "{count}");
    }

    #[test]
    fn a_crop_moves_the_image_and_fills_with_zeros() {
        let crop = Augmentation { crop: 2, ..Augmentation::default() };
        let mut shifts = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let result = changed(crop, &image(), seed);
            let pixel = |row: usize, column: usize| &result[(row * 5 + column) * 2..][..2];
            let middle = pixel(3, 2);
            let (down, right) = (i16::from(middle[0]) - 4, i16::from(middle[1]) - 3);
            shifts.insert((down, right));
            for row in 0..6 {
                for column in 0..5 {
                    let (from_row, from_column) = (row as i16 + down, column as i16 + right);
                    let inside = (0..6).contains(&from_row) && (0..5).contains(&from_column);
                    let expected =
                        if inside { [from_row as u8 + 1, from_column as u8 + 1] } else { [0, 0] };
                    assert_eq!(pixel(row, column), expected);
                }
            }
        }
        assert_eq!(shifts.len(), 25, "each shift occurs");
    }

    #[test]
    fn a_cut_out_square_is_of_zeros_and_of_the_size() {
        let cutout = Augmentation { cutout: 3, ..Augmentation::default() };
        let sizes: Vec<usize> = (0..100)
            .map(|seed| {
                changed(cutout, &image(), seed).chunks(2).filter(|one| *one == [0, 0]).count()
            })
            .collect();
        assert_eq!(sizes.iter().max(), Some(&9));
        assert_eq!(sizes.iter().min(), Some(&4), "at a corner");
    }
}
