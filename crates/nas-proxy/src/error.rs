//! The errors of the crate.

use std::io;
use std::path::PathBuf;

use tch::TchError;
use thiserror::Error;

/// What can go wrong when a network is scored.
#[derive(Debug, Error)]
pub enum Error {
    /// A file of images cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },

    /// A file is not a whole number of image records.
    #[error(
        "{}: {length} bytes are not one or more records of {record} bytes; expected {expected}{}",
        path.display(),
        fits.map(|other| format!("; its length fits {other}")).unwrap_or_default()
    )]
    Records {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        length: u64,
        /// The length in bytes of one record.
        record: u64,
        /// What was expected.
        expected: &'static str,
        /// What else its length fits.
        fits: Option<&'static str>,
    },

    /// A file has a label that none of its classes has.
    #[error(
        "{}: image {image} (counted from 0) has the label {label}, and there are {classes} \
         classes; expected {expected}",
        path.display()
    )]
    Label {
        /// The file.
        path: PathBuf,
        /// The place of the image in it.
        image: usize,
        /// Its label.
        label: u8,
        /// The number of classes.
        classes: u8,
        /// What was expected.
        expected: &'static str,
    },

    /// A file holds fewer images than were asked for.
    #[error("{}: {wanted} images requested, {found} found", path.display())]
    TooFewImages {
        /// The file.
        path: PathBuf,
        /// The number of images asked for.
        wanted: usize,
        /// The number of images in the file.
        found: usize,
    },

    /// A tensor is not a batch of images.
    #[error(
        "expected images of shape (count, channels, height, width) in floating point, none of \
         these zero; found shape {shape:?} in {kind:?}"
    )]
    NotImages {
        /// The shape found.
        shape: Vec<i64>,
        /// The element type found.
        kind: tch::Kind,
    },

    /// A batch holds NaN or an infinite value.
    #[error("the images hold values that are not finite numbers")]
    NotFinite,

    /// The batch is too small for the proxy.
    #[error("{proxy} needs at least {needed} images, found {found}")]
    BatchTooSmall {
        /// The proxy's name.
        proxy: &'static str,
        /// The least number of images.
        needed: usize,
        /// The number of images in the batch.
        found: usize,
    },

    /// The network's forward pass did not show what the proxy reads.
    #[error("{proxy} reads {what}, and this network shows none: {remedy}")]
    NothingToRead {
        /// The proxy's name.
        proxy: &'static str,
        /// What it reads.
        what: &'static str,
        /// How a network can show it.
        remedy: &'static str,
    },

    /// The proxy does not apply to networks of this kind.
    #[error("{proxy} does not apply to this network: {reason}")]
    Inapplicable {
        /// The proxy's name.
        proxy: &'static str,
        /// Why.
        reason: &'static str,
    },

    /// The batch has no labels.
    #[error(
        "{proxy} needs a label for each image, and this batch has none: give it some with \
         Batch::with_labels or Batch::with_random_labels"
    )]
    NoLabels {
        /// The proxy's name.
        proxy: &'static str,
    },

    /// There are not as many labels as images.
    #[error("{labels} labels for {images} images; expected one for each")]
    LabelCount {
        /// The number of images.
        images: usize,
        /// The number of labels.
        labels: usize,
    },

    /// A label is not one of the network's classes.
    #[error(
        "label {label} is not one of the network's {classes} classes, counted from 0: are the \
         images of another data set?"
    )]
    LabelRange {
        /// The label.
        label: i64,
        /// The length of the network's logits.
        classes: i64,
    },

    /// A proxy does not rank the networks of a reference.
    #[error("{proxy} is undefined, or the same, for all {networks} networks; it cannot rank any")]
    Reference {
        /// The proxy's name.
        proxy: &'static str,
        /// The number of networks.
        networks: usize,
    },

    /// No proxy has this name.
    #[error("unknown proxy `{name}`; known: {known}")]
    UnknownProxy {
        /// The name given.
        name: String,
        /// All names.
        known: String,
    },

    /// No device has a name of this form.
    #[error("unknown device `{name}`; expected cpu, cuda or cuda:INDEX")]
    UnknownDevice {
        /// The name given.
        name: String,
    },

    /// The CUDA device is not there.
    #[error("no device {name}: {reason}")]
    NoCuda {
        /// The name given.
        name: String,
        /// Why it cannot be used.
        reason: String,
    },

    /// libtorch refused an operation, for example for lack of memory.
    #[error("libtorch: {}{}", first_line(.0), memory_hint(.0))]
    Torch(#[from] TchError),
}

impl Error {
    pub(crate) fn no_weights(proxy: &'static str) -> Self {
        Self::NothingToRead {
            proxy,
            what: "a network's weights",
            remedy: "list them as Role::Weight in Network::parameters",
        }
    }

    pub(crate) fn no_layers(proxy: &'static str) -> Self {
        Self::NothingToRead {
            proxy,
            what: "the outputs of weighted layers",
            remedy: "pass them to Pass::weighted in Network::forward",
        }
    }
}

/// The message of libtorch, without the C++ back-trace below it.
fn first_line(error: &TchError) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}

fn memory_hint(error: &TchError) -> &'static str {
    let text = error.to_string();
    if text.contains("out of memory") || text.contains("can't allocate memory") {
        "\nFewer images in a batch, or fewer networks at a time, need less memory."
    } else {
        ""
    }
}
