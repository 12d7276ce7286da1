//! The layers that networks are made of, with their weights.

use tch::Tensor;

/// A convolution without bias; the padding keeps the size at stride 1.
#[derive(Debug)]
pub(crate) struct Convolution {
    /// Of shape (outputs, inputs of a group, kernel, kernel).
    pub weight: Tensor,
    pub stride: i64,
    pub groups: i64,
}

impl Convolution {
    pub fn kernel(&self) -> i64 {
        self.weight.size()[2]
    }
}

/// Batch normalisation with scale, shift and running statistics, each of shape (channels).
#[derive(Debug)]
pub(crate) struct BatchNorm {
    pub weight: Tensor,
    pub bias: Tensor,
    pub running_mean: Tensor,
    pub running_variance: Tensor,
}

impl BatchNorm {
    pub const EPSILON: f64 = 1e-5;
}

/// A linear layer: weight of shape (outputs, inputs), bias of shape (outputs).
#[derive(Debug)]
pub(crate) struct Linear {
    pub weight: Tensor,
    pub bias: Tensor,
}

/// Layer normalisation with scale and shift, each of shape (channels).
#[derive(Debug)]
pub(crate) struct LayerNorm {
    pub weight: Tensor,
    pub bias: Tensor,
}

impl LayerNorm {
    pub const EPSILON: f64 = 1e-5;
}

/// The embedding of an image's patches as tokens, behind a class token, each with its position.
#[derive(Debug)]
pub(crate) struct Patches {
    /// Of shape (channels, 3, side of a patch, side of a patch).
    pub weight: Tensor,
    /// Of shape (channels).
    pub bias: Tensor,
    /// Of shape (1, 1, channels).
    pub class: Tensor,
    /// Of shape (1, 1 + patches, channels).
    pub positions: Tensor,
}
