//! The errors of the crate.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::PartName;

/// What can be wrong with a data set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },

    /// Nothing that this crate reads.
    #[error(
        "{}: {problem}; expected a folder with a folder of PNG or JPEG files for each class (or such in \
         train/ and val/), binary files of CIFAR-10 or CIFAR-100, or an .npz file with arrays x and y",
        path.display()
    )]
    Unknown {
        /// The file or folder.
        path: PathBuf,
        /// What it is.
        problem: String,
    },

    /// A class without examples.
    #[error("{}: the class {class} has no {what}: add some, or remove it", path.display())]
    EmptyClass {
        /// The folder or file.
        path: PathBuf,
        /// The class.
        class: String,
        /// What it lacks: `PNG or JPEG files`, or `examples`.
        what: &'static str,
    },

    /// Fewer than two classes.
    #[error(
        "{}: one class, {class}: a classifier needs at least two", path.display()
    )]
    OneClass {
        /// The folder or file.
        path: PathBuf,
        /// The class.
        class: String,
    },

    /// Two classes whose names differ by case only.
    #[error(
        "{}: the classes {first} and {second} differ by case only: rename one, or move its files into the \
         other", path.display()
    )]
    ClassesByCase {
        /// The folder.
        path: PathBuf,
        /// A class.
        first: String,
        /// The other one.
        second: String,
    },

    /// A class that only one part of the data has.
    #[error("{}: the class {class} is in the {part} part but not in the training part", path.display())]
    UnknownClass {
        /// The folder or file.
        path: PathBuf,
        /// The class.
        class: String,
        /// The part that has it.
        part: PartName,
    },

    /// No examples.
    #[error("{}: no {what}", path.display())]
    Empty {
        /// The folder or file.
        path: PathBuf,
        /// What is missing.
        what: &'static str,
    },

    /// A file is not a whole number of CIFAR's records.
    #[error(
        "{}: {length} bytes are no whole number of records of CIFAR-10 (3,073 bytes) or CIFAR-100 (3,074)",
        path.display()
    )]
    Records {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        length: u64,
    },

    /// A label that is no class.
    #[error(
        "{}: example {example} (counted from 0) has the label {label}, expected 0 to {}", path.display(),
        classes - 1
    )]
    Label {
        /// The file.
        path: PathBuf,
        /// The position of the example.
        example: usize,
        /// Its label.
        label: i64,
        /// The number of classes.
        classes: usize,
    },

    /// An array that is missing or of the wrong form.
    #[error("{}: {array}: {problem}", path.display())]
    Array {
        /// The file.
        path: PathBuf,
        /// The array's name.
        array: String,
        /// What is wrong, and what to do.
        problem: String,
    },

    /// A value that is NaN or infinite.
    #[error(
        "{}: {array}: example {example} (counted from 0) has the value {value}: replace or remove it first",
        path.display()
    )]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// The array's name.
        array: String,
        /// The position of the example.
        example: usize,
        /// The value.
        value: f32,
    },

    /// Images of several sizes, or not square, and no size was asked for.
    #[error("{}: {sizes}: a size is needed to which they are scaled, such as --size {suggested}", path.display())]
    Sizes {
        /// The folder.
        path: PathBuf,
        /// The sizes in words.
        sizes: String,
        /// A size to ask for.
        suggested: usize,
    },

    /// A size that no image is scaled to.
    #[error("size {size}: expected {} to {} pixels", crate::SIDES.start(), crate::SIDES.end())]
    Size {
        /// The size as given.
        size: usize,
    },

    /// A size where examples are not scaled.
    #[error("{}: its examples are {what}, which are not scaled: leave the size out", path.display())]
    NotScaled {
        /// The file.
        path: PathBuf,
        /// What its examples are.
        what: &'static str,
    },

    /// Files that are no images.
    #[error("{}", Unreadable(files))]
    Unreadable {
        /// Each file with what is wrong with it.
        files: Vec<(PathBuf, String)>,
    },

    /// A share that cannot be held out.
    #[error("hold-out {share}: expected a share of more than 0 and less than 1, such as 0.2")]
    HoldOut {
        /// The share as given.
        share: f64,
    },

    /// Nothing was held out, and there is no other part to measure accuracy on.
    #[error(
        "{}: no class has two examples, so none can be held out to measure accuracy on", path.display()
    )]
    NothingHeldOut {
        /// The folder or file.
        path: PathBuf,
    },
}

impl Error {
    /// A reading error of a path.
    pub(crate) fn read(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Read { path, source }
    }
}

/// Files that an error lists.
const LISTED: usize = 5;

struct Unreadable<'a>(&'a [(PathBuf, String)]);

impl fmt::Display for Unreadable<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(files) = self;
        let count = files.len();
        write!(
            formatter,
            "{count} {} not be read:",
            if count == 1 { "file can" } else { "files can" }
        )?;
        for (file, problem) in files.iter().take(LISTED) {
            write!(formatter, "\n  {}: {problem}", file.display())?;
        }
        if count > LISTED {
            write!(formatter, "\n  and {} more", count - LISTED)?;
        }
        Ok(())
    }
}
