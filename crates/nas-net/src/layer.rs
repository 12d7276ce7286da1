//! The layers that networks are made of, with their weights.

use tch::Tensor;

/// A convolution without bias; the padding keeps the size at stride 1.
#[derive(Debug)]
pub struct Convolution {
    /// Of shape (outputs, inputs of a group, kernel, kernel).
    pub(crate) weight: Tensor,
    pub(crate) stride: i64,
    pub(crate) groups: i64,
}

impl Convolution {
    pub(crate) fn kernel(&self) -> i64 {
        self.weight.size()[2]
    }
}

/// Batch normalisation with scale, shift and running statistics, each of shape (channels).
#[derive(Debug)]
pub struct BatchNorm {
    pub(crate) weight: Tensor,
    pub(crate) bias: Tensor,
    pub(crate) running_mean: Tensor,
    pub(crate) running_variance: Tensor,
}

impl BatchNorm {
    pub(crate) const EPSILON: f64 = 1e-5;
}

/// A linear layer: weight of shape (outputs, inputs), bias of shape (outputs).
#[derive(Debug)]
pub struct Linear {
    pub(crate) weight: Tensor,
    pub(crate) bias: Tensor,
}

/// Layer normalisation with scale and shift, each of shape (channels).
#[derive(Debug)]
pub struct LayerNorm {
    pub(crate) weight: Tensor,
    pub(crate) bias: Tensor,
}

impl LayerNorm {
    pub(crate) const EPSILON: f64 = 1e-5;
}

/// The embedding of an image's patches as tokens, behind a class token, each with its position.
#[derive(Debug)]
pub struct Patches {
    /// Of shape (channels, input channels, side of a patch, side of a patch).
    pub(crate) weight: Tensor,
    /// Of shape (channels).
    pub(crate) bias: Tensor,
    /// Of shape (1, 1, channels).
    pub(crate) class: Tensor,
    /// Of shape (1, 1 + patches, channels).
    pub(crate) positions: Tensor,
}
