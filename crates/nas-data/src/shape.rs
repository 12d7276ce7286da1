//! The shape of an example, and its values.

use std::fmt;

/// The shape of an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// Values lie row by row, the channels of a pixel side by side.
    Image {
        /// 1 for grey images, 3 for colours.
        channels: usize,
        /// Rows of pixels.
        height: usize,
        /// Columns of pixels.
        width: usize,
    },
    /// Values lie channel by channel.
    Sequence {
        /// Values at each time.
        channels: usize,
        /// Times.
        length: usize,
    },
}

impl Shape {
    /// The number of values.
    pub fn count(self) -> usize {
        match self {
            Self::Image { channels, height, width } => channels * height * width,
            Self::Sequence { channels, length } => channels * length,
        }
    }

    /// The number of channels.
    pub fn channels(self) -> usize {
        match self {
            Self::Image { channels, .. } | Self::Sequence { channels, .. } => channels,
        }
    }

    /// The channel of the value at a position.
    pub(crate) fn channel_at(self, position: usize) -> usize {
        match self {
            Self::Image { channels, .. } => position % channels,
            Self::Sequence { length, .. } => position / length,
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image { channels: 1, height, width } => {
                write!(formatter, "grey images of {width}×{height} pixels")
            }
            Self::Image { channels: 3, height, width } => {
                write!(formatter, "images of {width}×{height} pixels")
            }
            Self::Image { channels, height, width } => {
                write!(formatter, "images of {width}×{height} pixels with {channels} channels")
            }
            Self::Sequence { channels: 1, length } => {
                write!(formatter, "sequences of {length} values")
            }
            Self::Sequence { channels, length } => {
                write!(formatter, "sequences of {length} values in {channels} channels")
            }
        }
    }
}

/// Values of examples, one after the other.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Pixels from 0 to 255.
    Bytes(Vec<u8>),
    /// Numbers of an array.
    Floats(Vec<f32>),
}
