//! Labelled examples in parts: to train on, to choose by, and to report.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use crate::cifar;
use crate::files::{self, Files, Header};
use crate::split::hold_out;
use crate::survey::Survey;
use crate::{Error, Shape, arrays, folder, scale};

/// Sides of images, in pixels, that images are scaled to.
pub const SIDES: RangeInclusive<usize> = 4..=4096;

/// The share of each class that is held out where the data have no part to measure accuracy on.
pub const HELD_OUT: f64 = 0.2;

/// Bytes of decoded images that are kept in memory, so that they are decoded once.
const KEPT: usize = 2 << 30;

/// How data are read.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The share of each class that is held out of the training part, where there is no validation part.
    pub hold_out: f64,
    /// The seed that draws what is held out.
    pub seed: u64,
    /// The side in pixels that images are scaled to: the shorter side gets it, and the square in the middle is
    /// kept. Without it all images must be squares of one size.
    pub size: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self { hold_out: HELD_OUT, seed: 0, size: None }
    }
}

/// A part of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PartName {
    /// What weights are learnt from.
    Train,
    /// What accuracy is measured on while networks are chosen.
    Validation,
    /// What the accuracy of the result is reported on, if there is such a part.
    Test,
}

impl PartName {
    /// All parts.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];
}

impl fmt::Display for PartName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Train => "training",
            Self::Validation => "validation",
            Self::Test => "test",
        })
    }
}

/// An example: its position in the store, and its class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Example {
    pub at: u32,
    pub label: u32,
}

/// Where the values of examples are.
#[derive(Debug)]
pub(crate) enum Store {
    Files(Files),
    /// Values of all examples, `length` of each.
    Bytes {
        values: Vec<u8>,
        length: usize,
    },
    Floats {
        values: Vec<f32>,
        length: usize,
    },
}

/// The values of one example.
pub(crate) enum One<'a> {
    Bytes(Cow<'a, [u8]>),
    Floats(&'a [f32]),
}

impl Store {
    /// The values of an example, or its file and what is wrong with it.
    pub fn read(&self, at: usize) -> Result<One<'_>, (PathBuf, String)> {
        match self {
            Self::Files(files) => {
                let pixels = files.pixels(at);
                pixels.map(One::Bytes).map_err(|problem| (files.path(at).to_owned(), problem))
            }
            Self::Bytes { values, length } => {
                Ok(One::Bytes(values[at * length..][..*length].into()))
            }
            Self::Floats { values, length } => Ok(One::Floats(&values[at * length..][..*length])),
        }
    }

    /// A name of an example for people.
    pub fn name(&self, at: usize) -> String {
        match self {
            Self::Files(files) => files.path(at).display().to_string(),
            Self::Bytes { .. } | Self::Floats { .. } => format!("example {at}"),
        }
    }
}

/// A data set: classes, the shape of an example, and its parts. Values are read when they are needed.
#[derive(Debug)]
pub struct Dataset {
    path: PathBuf,
    classes: Vec<String>,
    shape: Option<Shape>,
    /// Sizes (width, height) of images that are files, with how many have each.
    sizes: BTreeMap<(usize, usize), usize>,
    /// Files that are no images, by extension.
    others: BTreeMap<String, usize>,
    pub(crate) store: Store,
    parts: [Vec<Example>; 3],
}

impl Dataset {
    /// Opens a folder of images by class, a folder or file of CIFAR, or an .npz file, whichever `path` is. Of
    /// images in files only the beginnings are read.
    ///
    /// # Errors
    /// What [`Error`] says of the path, the classes, the labels and the arrays.
    pub fn open(path: &Path, options: &Options) -> Result<Self, Error> {
        if !(options.hold_out > 0.0 && options.hold_out < 1.0) {
            return Err(Error::HoldOut { share: options.hold_out });
        }
        if let Some(size) = options.size.filter(|size| !SIDES.contains(size)) {
            return Err(Error::Size { size });
        }
        let metadata = std::fs::metadata(path).map_err(Error::read(path))?;
        let mut opened = if metadata.is_dir() {
            match cifar::files_of(path)? {
                Some(found) => Self::of_cifar(path, &found.train, &found.test)?,
                None => Self::of_images(path, options.size)?,
            }
        } else {
            match path.extension().and_then(|end| end.to_str()) {
                Some("npz") => Self::of_arrays(path)?,
                Some("bin") => Self::of_cifar(path, &[path.to_owned()], &[])?,
                end => {
                    let end =
                        end.map(|end| format!(" with the extension .{end}")).unwrap_or_default();
                    let problem = format!("a file{end}");
                    return Err(Error::Unknown { path: path.to_owned(), problem });
                }
            }
        };
        opened.scale(options.size)?;
        opened.check_classes()?;
        let classes = opened.classes.len();
        let [train, validation, _] = &mut opened.parts;
        if validation.is_empty() {
            *validation = hold_out(train, classes, options.hold_out, options.seed);
        }
        if validation.is_empty() {
            return Err(Error::NothingHeldOut { path: path.to_owned() });
        }
        Ok(opened)
    }

    fn of_cifar(path: &Path, train: &[PathBuf], test: &[PathBuf]) -> Result<Self, Error> {
        let files: Vec<&Path> = train.iter().chain(test).map(PathBuf::as_path).collect();
        let (records, mut examples) = cifar::read_all(&files)?;
        let test = examples.split_off(train.len());
        Ok(Self {
            path: path.to_owned(),
            classes: records.classes,
            shape: Some(cifar::SHAPE),
            sizes: BTreeMap::new(),
            others: BTreeMap::new(),
            store: Store::Bytes { values: records.pixels, length: cifar::SHAPE.count() },
            parts: [examples.concat(), Vec::new(), test.concat()],
        })
    }

    fn of_arrays(path: &Path) -> Result<Self, Error> {
        let arrays = arrays::read(path)?;
        Ok(Self {
            path: path.to_owned(),
            classes: (0..arrays.classes).map(|class| class.to_string()).collect(),
            shape: Some(arrays.shape),
            sizes: BTreeMap::new(),
            others: BTreeMap::new(),
            store: arrays.store,
            parts: [arrays.train, arrays.validation, arrays.test],
        })
    }

    fn of_images(path: &Path, side: Option<usize>) -> Result<Self, Error> {
        let listed = folder::list(path)?;
        if listed.files.is_empty() {
            return Err(Error::Empty { path: path.to_owned(), what: "PNG or JPEG files" });
        }
        let headers: Vec<Header> =
            listed.files.iter().filter_map(|file| files::header(file).ok()).collect();
        let grey = !headers.is_empty() && headers.iter().all(|header| header.grey);
        let mut sizes = BTreeMap::new();
        for header in &headers {
            *sizes.entry((header.width, header.height)).or_default() += 1;
        }
        let channels = if grey { 1 } else { 3 };
        let shape = match (side, sizes.first_key_value()) {
            (Some(side), _) => Some(Shape::Image { channels, height: side, width: side }),
            (None, Some((&(width, height), _))) if sizes.len() == 1 => {
                Some(Shape::Image { channels, height, width })
            }
            _ => None,
        };
        Ok(Self {
            path: path.to_owned(),
            classes: listed.classes,
            shape,
            sizes,
            others: listed.others,
            store: Store::Files(Files::new(listed.files, grey, side, KEPT)),
            parts: [listed.train, listed.validation, listed.test],
        })
    }

    /// Scales images in memory to a size; files are scaled when they are read.
    fn scale(&mut self, to: Option<usize>) -> Result<(), Error> {
        let Some(side) = to else { return Ok(()) };
        let Some(shape) = self.shape else { return Ok(()) };
        let Shape::Image { channels, height, width } = shape else {
            return Err(Error::NotScaled { path: self.path.clone(), what: "sequences" });
        };
        if (height, width) == (side, side) {
            return Ok(());
        }
        let scaled = Shape::Image { channels, height: side, width: side };
        match &mut self.store {
            Store::Bytes { values, length } => {
                let images = values.chunks_exact(*length);
                let all = images.map(|image| scale::square(image, channels, width, height, side));
                *values = all.collect::<Vec<_>>().concat();
                *length = scaled.count();
            }
            Store::Floats { .. } => {
                return Err(Error::NotScaled { path: self.path.clone(), what: "images of floats" });
            }
            Store::Files(_) => {}
        }
        self.shape = Some(scaled);
        Ok(())
    }

    /// Refuses one class, and classes without examples to train on.
    fn check_classes(&self) -> Result<(), Error> {
        if let [class] = &self.classes[..] {
            return Err(Error::OneClass { path: self.path.clone(), class: class.clone() });
        }
        let counts = self.counts(PartName::Train);
        match counts.iter().position(|count| *count == 0) {
            Some(class) => Err(Error::EmptyClass {
                path: self.path.clone(),
                class: self.classes[class].clone(),
                what: "examples to train on",
            }),
            None => Ok(()),
        }
    }

    /// The folder or file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names of the classes, by label.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The shape of an example.
    ///
    /// # Errors
    /// [`Error::Sizes`] where images have several sizes, or are not square, and no size was asked for.
    pub fn shape(&self) -> Result<Shape, Error> {
        match self.shape {
            Some(Shape::Image { height, width, .. }) if height != width => Err(self.sizes_differ()),
            Some(shape) => Ok(shape),
            None => Err(self.sizes_differ()),
        }
    }

    fn sizes_differ(&self) -> Error {
        let size = |(width, height): (usize, usize)| format!("{width}×{height}");
        let least = self.sizes.keys().map(|(width, height)| *width.min(height)).min();
        let ends = self.sizes.keys().next().zip(self.sizes.keys().next_back());
        let found = match (ends, self.shape) {
            (_, Some(shape)) => format!("{shape}, which are not square"),
            (Some((from, to)), None) => {
                let count = self.sizes.len();
                format!("images of {count} sizes, from {} to {} pixels", size(*from), size(*to))
            }
            (None, None) => "no image could be read".to_owned(),
        };
        // A common size that no image has to be enlarged for.
        let least = least.unwrap_or(32);
        let suggested =
            [224, 128, 96, 64, 32].into_iter().find(|side| *side <= least).unwrap_or(32);
        Error::Sizes { path: self.path.clone(), sizes: found, suggested }
    }

    /// Numbers of files of other kinds, by extension; they are left out.
    pub fn other_files(&self) -> &BTreeMap<String, usize> {
        &self.others
    }

    /// The number of examples in a part.
    pub fn count(&self, part: PartName) -> usize {
        self.part(part).len()
    }

    /// The number of examples of each class in a part.
    pub fn counts(&self, part: PartName) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        for example in self.part(part) {
            counts[example.label as usize] += 1;
        }
        counts
    }

    pub(crate) fn part(&self, part: PartName) -> &[Example] {
        &self.parts[part as usize]
    }

    /// A number that changes with the examples and their labels: of files by their names and lengths, of others
    /// by their values.
    pub fn checksum(&self) -> u32 {
        let mut hash = crc32fast::Hasher::new();
        match &self.store {
            Store::Files(files) => files.hash(&self.path, &mut hash),
            Store::Bytes { values, .. } => hash.update(values),
            Store::Floats { values, .. } => {
                for value in values {
                    hash.update(&value.to_le_bytes());
                }
            }
        }
        for example in self.parts.iter().flatten() {
            hash.update(&example.at.to_le_bytes());
            hash.update(&example.label.to_le_bytes());
        }
        hash.finalize()
    }

    /// Reads everything once: what cannot be read, means and deviations, and examples that occur twice.
    /// `progress` is called with the number of examples read so far, from several threads.
    pub fn survey(&self, threads: usize, progress: impl Fn(usize) + Sync) -> Survey {
        Survey::of(self, threads, &progress)
    }

    /// Leaves out files that cannot be read.
    ///
    /// # Errors
    /// [`Error::EmptyClass`] where a class has no others.
    pub fn without(&mut self, files: &[(PathBuf, String)]) -> Result<(), Error> {
        let unreadable: std::collections::HashSet<&Path> =
            files.iter().map(|(file, _)| file.as_path()).collect();
        if let Store::Files(files) = &self.store {
            for part in &mut self.parts {
                part.retain(|example| !unreadable.contains(files.path(example.at as usize)));
            }
        }
        self.check_classes()
    }
}
