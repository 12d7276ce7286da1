//! Images in memory, scaled to a side.

use image::imageops::{self, FilterType};
use image::{ImageBuffer, Luma};

/// The square in the middle of an image, scaled to a side; values lie row by row, the channels of a pixel
/// side by side.
pub(crate) fn square(
    image: &[u8],
    channels: usize,
    width: usize,
    height: usize,
    side: usize,
) -> Vec<u8> {
    let middle = width.min(height);
    let (left, top) = ((width - middle) / 2, (height - middle) / 2);
    let mut scaled = vec![0; channels * side * side];
    for channel in 0..channels {
        let value = |x: u32, y: u32| {
            Luma([image[((top + y as usize) * width + left + x as usize) * channels + channel]])
        };
        let plane = ImageBuffer::from_fn(middle as u32, middle as u32, value);
        let plane = imageops::resize(&plane, side as u32, side as u32, FilterType::Triangle);
        for (pixel, value) in plane.into_raw().into_iter().enumerate() {
            scaled[pixel * channels + channel] = value;
        }
    }
    scaled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_scaled_apart_and_the_middle_is_kept() {
        // Three columns of four by two pixels, with a frame left and right that goes.
        let image: Vec<u8> = (0..2 * 4)
            .flat_map(|pixel| match pixel % 4 {
                0 | 3 => [255, 255],
                _ => [10, 20],
            })
            .collect();
        assert_eq!(square(&image, 2, 4, 2, 3), [10, 20].repeat(9));
    }
}
