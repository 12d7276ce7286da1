use tch::TchError;
use thiserror::Error;

/// What can go wrong when a network is built or run.
#[derive(Debug, Error)]
pub enum Error {
    /// The architecture is not one of the network's space.
    #[error(transparent)]
    Arch(#[from] nas_space::Error),

    /// Patches do not fill the images.
    #[error(
        "images of {side}×{side} pixels are not filled by patches of {patch}×{patch}: expected a multiple of {patch}, for example 224"
    )]
    Side {
        /// Pixels along a side of an image.
        side: u64,
        /// Pixels along a side of a patch.
        patch: u64,
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
