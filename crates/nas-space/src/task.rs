//! What a network is built for.

/// The images that a network takes, and the classes that it predicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Task {
    /// Channels of an image: 1 of grey ones, 3 of colours.
    pub channels: usize,
    /// Height and width of an image, in pixels.
    pub side: usize,
    /// Classes.
    pub classes: usize,
}
