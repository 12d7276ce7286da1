//! Image files: their sizes, and their pixels.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{BufReader, Cursor};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageReader};

/// Extensions of the files that are read, in lower case.
pub(crate) const EXTENSIONS: [&str; 3] = ["png", "jpg", "jpeg"];

/// What an image file's beginning says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub width: usize,
    pub height: usize,
    pub grey: bool,
}

/// Image files, which are decoded when they are read.
#[derive(Debug)]
pub(crate) struct Files {
    paths: Vec<PathBuf>,
    /// Whether they are read as grey images; else as red, green and blue.
    grey: bool,
    /// The side that they are scaled to, if they are.
    side: Option<usize>,
    /// Pixels of files that were read before.
    kept: Vec<OnceLock<Box<[u8]>>>,
    /// Bytes of pixels that may still be kept.
    room: AtomicUsize,
}

impl Files {
    pub fn new(paths: Vec<PathBuf>, grey: bool, side: Option<usize>, room: usize) -> Self {
        let kept = paths.iter().map(|_| OnceLock::new()).collect();
        Self { paths, grey, side, kept, room: AtomicUsize::new(room) }
    }

    pub fn path(&self, at: usize) -> &Path {
        &self.paths[at]
    }

    /// Hashes the names below a folder, and the lengths; that of a file that is gone is 0.
    pub fn hash(&self, folder: &Path, hash: &mut crc32fast::Hasher) {
        for path in &self.paths {
            let name = path.strip_prefix(folder).unwrap_or(path);
            hash.update(name.as_os_str().as_encoded_bytes());
            hash.update(&fs::metadata(path).map_or(0, |file| file.len()).to_le_bytes());
        }
    }

    /// The pixels of an image, row by row, the channels of a pixel side by side; or what is wrong.
    pub fn pixels(&self, at: usize) -> Result<Cow<'_, [u8]>, String> {
        if let Some(kept) = self.kept[at].get() {
            return Ok(kept.as_ref().into());
        }
        let pixels = decode(&self.paths[at], self.grey, self.side)?;
        let taken = self.room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |room| {
            room.checked_sub(pixels.len())
        });
        if taken.is_ok() {
            return Ok(self.kept[at].get_or_init(|| pixels.into()).as_ref().into());
        }
        Ok(pixels.into())
    }
}

/// What the beginning of a file says, turned as it is to be shown.
pub(crate) fn header(path: &Path) -> Result<Header, image::ImageError> {
    let mut decoder = reader(path)?.into_decoder()?;
    let (width, height) = decoder.dimensions();
    let grey = !decoder.color_type().has_color();
    let turned = decoder.orientation().is_ok_and(|orientation| {
        use image::metadata::Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
        matches!(orientation, Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH)
    });
    let (width, height) = if turned { (height, width) } else { (width, height) };
    Ok(Header { width: width as usize, height: height as usize, grey })
}

/// The format is that of the content, whatever the file's name.
fn reader(path: &Path) -> Result<ImageReader<BufReader<File>>, image::ImageError> {
    Ok(ImageReader::open(path)?.with_guessed_format()?)
}

/// The pixels of a file. A scaled image is the largest square in the middle. Transparency is left out, and
/// of 16 bits the upper 8 are kept.
fn decode(path: &Path, grey: bool, side: Option<usize>) -> Result<Vec<u8>, String> {
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    if bytes.starts_with(&START_OF_JPEG) && !is_whole_jpeg(&bytes) {
        return Err("the JPEG file is cut off before its end".to_owned());
    }
    let image = decoded(&bytes).map_err(|error| error.to_string())?;
    // Before scaling, which would mix colours with those of transparent pixels.
    let image = if grey {
        DynamicImage::ImageLuma8(image.into_luma8())
    } else {
        DynamicImage::ImageRgb8(image.into_rgb8())
    };
    let (width, height) = (image.width(), image.height());
    Ok(match side.map(|side| side as u32) {
        Some(side) if (width, height) != (side, side) => {
            let middle = width.min(height);
            let (left, top) = ((width - middle) / 2, (height - middle) / 2);
            let square = image.crop_imm(left, top, middle, middle);
            square.resize_exact(side, side, FilterType::Triangle).into_bytes()
        }
        _ => image.into_bytes(),
    })
}

/// An image, turned as it is to be shown.
fn decoded(bytes: &[u8]) -> Result<DynamicImage, image::ImageError> {
    let mut decoder = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?.into_decoder()?;
    let orientation = decoder.orientation();
    let mut image = DynamicImage::from_decoder(decoder)?;
    if let Ok(orientation) = orientation {
        image.apply_orientation(orientation);
    }
    Ok(image)
}

const START_OF_JPEG: [u8; 2] = [0xff, 0xd8];
const START_OF_SCAN: u8 = 0xda;
const END_OF_JPEG: [u8; 2] = [0xff, 0xd9];

/// Whether a JPEG file has an end. Decoders fill what is missing with grey.
fn is_whole_jpeg(bytes: &[u8]) -> bool {
    let mut at = START_OF_JPEG.len();
    // Segments before the pixels, which may contain a small image with an end of its own.
    while let Some(&[0xff, marker, high, low]) = bytes.get(at..at + 4) {
        if marker == START_OF_SCAN {
            return bytes[at..].windows(2).any(|pair| pair == END_OF_JPEG);
        }
        at += 2 + usize::from(u16::from_be_bytes([high, low]));
    }
    // Not laid out like this, such as with fill bytes: whether it can be decoded will be seen.
    at < bytes.len()
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, ImageBuffer, LumaA, Rgb, RgbImage, Rgba, RgbaImage};

    use super::*;

    fn saved(folder: &Path, name: &str, image: impl Into<DynamicImage>) -> PathBuf {
        let path = folder.join(name);
        image.into().save(&path).unwrap();
        path
    }

    #[test]
    fn colours_stay_and_transparency_goes() {
        let folder = tempfile::tempdir().unwrap();
        let clear = RgbaImage::from_pixel(2, 2, Rgba([10, 20, 30, 0]));
        let path = saved(folder.path(), "clear.png", clear);
        assert_eq!(decode(&path, false, None).unwrap(), [10, 20, 30].repeat(4));
        assert_eq!(header(&path).unwrap(), Header { width: 2, height: 2, grey: false });
        let deep = ImageBuffer::from_pixel(1, 1, Rgb([0x12_34_u16, 0xff_ff, 0]));
        let path = saved(folder.path(), "deep.png", DynamicImage::ImageRgb16(deep));
        assert_eq!(decode(&path, false, None).unwrap(), [0x12, 0xff, 0]);
        let half = ImageBuffer::from_pixel(1, 1, LumaA([7_u8, 128]));
        let path = saved(folder.path(), "half.png", DynamicImage::ImageLumaA8(half));
        assert!(header(&path).unwrap().grey);
        assert_eq!(decode(&path, true, None).unwrap(), [7]);
        assert_eq!(decode(&path, false, None).unwrap(), [7; 3]);
    }

    #[test]
    fn a_scaled_image_is_the_square_in_the_middle() {
        let folder = tempfile::tempdir().unwrap();
        // Black, white, black, each as wide as it is high.
        let wide =
            GrayImage::from_fn(30, 10, |x, _| [if (10..20).contains(&x) { 255 } else { 0 }].into());
        let path = saved(folder.path(), "wide.png", wide);
        assert_eq!(decode(&path, true, Some(5)).unwrap(), [255; 25]);
        assert_eq!(decode(&path, true, Some(20)).unwrap().len(), 400);
    }

    #[test]
    fn a_name_does_not_matter_and_a_cut_file_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let picture =
            RgbImage::from_fn(64, 64, |x, y| Rgb([x as u8 * 4, y as u8 * 4, (x * y) as u8]));
        let path = saved(folder.path(), "picture.jpeg", picture);
        let renamed = folder.path().join("picture.png");
        std::fs::copy(&path, &renamed).unwrap();
        assert_eq!(decode(&path, false, None).unwrap(), decode(&renamed, false, None).unwrap());
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        assert!(header(&path).is_ok(), "its beginning is whole");
        assert_eq!(
            decode(&path, false, None).unwrap_err(),
            "the JPEG file is cut off before its end"
        );
        let picture = RgbImage::from_fn(64, 64, |x, y| Rgb([x as u8, y as u8, (x * y) as u8]));
        let png = saved(folder.path(), "other.png", picture);
        let bytes = std::fs::read(&png).unwrap();
        std::fs::write(&png, &bytes[..bytes.len() - 30]).unwrap();
        assert!(decode(&png, false, None).is_err());
        std::fs::write(&path, "not an image").unwrap();
        assert!(header(&path).is_err());
    }

    #[test]
    fn pixels_are_kept_as_long_as_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["a.png", "b.png"]
            .map(|name| saved(folder.path(), name, GrayImage::from_pixel(4, 4, [9].into())));
        let files = Files::new(paths.to_vec(), true, None, 20);
        for at in 0..2 {
            assert_eq!(*files.pixels(at).unwrap(), [9; 16]);
        }
        for path in &paths {
            std::fs::remove_file(path).unwrap();
        }
        assert_eq!(*files.pixels(0).unwrap(), [9; 16]);
        assert!(files.pixels(1).is_err());
    }
}
