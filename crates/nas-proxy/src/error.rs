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
        /// What the system says.
        source: io::Error,
    },

    /// A file is not a whole number of image records.
    #[error(
        "{}: {length} bytes are not one or more records of {record} bytes; expected the binary \
         version of {data_set}",
        path.display()
    )]
    Records {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        length: u64,
        /// The length in bytes of one record.
        record: u64,
        /// The data set whose records were expected.
        data_set: &'static str,
    },

    /// A file holds fewer images than were asked for.
    #[error("{}: {wanted} images wanted, {found} found", path.display())]
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
    #[error("{proxy} compares images with each other and needs at least 2 of them, found {found}")]
    BatchTooSmall {
        /// The proxy's name.
        proxy: &'static str,
        /// The number of images in the batch.
        found: usize,
    },

    /// The network passed no tensor through [`Pass::relu`](crate::Pass::relu).
    #[error(
        "NASWOT reads a network's ReLUs, and this one has none: its forward pass never called \
         Pass::relu or Pass::relu_shared"
    )]
    NoRelu,

    /// The network listed no parameter as a weight.
    #[error("SynFlow sums over a network's weights, and this one lists none as Role::Weight")]
    NoWeight,

    /// No proxy has this name.
    #[error("unknown proxy `{name}`; there are {known}")]
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
    #[error("libtorch: {}", first_line(.0))]
    Torch(#[from] TchError),
}

/// What libtorch says, without the C++ back-trace below it.
fn first_line(error: &TchError) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}
