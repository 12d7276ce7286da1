//! The layers that networks are made of, and how they begin.

use std::fmt;

use nas_proxy::{Role, channels_last};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::Distribution;
use tch::{Device, Kind, TchError, Tensor};

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

/// What becomes of an image's patches: tokens, behind a class token, each with its position.
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

/// How parameters begin.
#[derive(Clone, Copy)]
pub(crate) enum Initial {
    /// As PyTorch's do: weights and biases uniform within ±1/√(inputs of a unit), which is
    /// `kaiming_uniform_` with a = √5 (He et al. 2015, arXiv 1502.01852).
    Uniform,
    /// Convolutions normal with the deviation √(2 / (outputs · kernel²)), linear layers with 0.001;
    /// biases zero.
    Normal,
    /// Linear layers, tokens and positions normal with the deviation 0.02, biases of linear layers
    /// zero; convolutions as PyTorch's.
    Transformer,
}

/// Makes layers from one seed.
pub(crate) struct Builder {
    random: ChaCha8Rng,
    device: Device,
    initial: Initial,
    parameters: Vec<(Role, Tensor)>,
}

impl Builder {
    pub fn new(seed: u64, device: Device, initial: Initial) -> Self {
        Self { random: ChaCha8Rng::seed_from_u64(seed), device, initial, parameters: Vec::new() }
    }

    pub fn convolution(
        &mut self,
        inputs: i64,
        outputs: i64,
        kernel: i64,
        stride: i64,
    ) -> Result<Convolution, TchError> {
        self.grouped_convolution(inputs, outputs, kernel, stride, 1)
    }

    pub fn grouped_convolution(
        &mut self,
        inputs: i64,
        outputs: i64,
        kernel: i64,
        stride: i64,
        groups: i64,
    ) -> Result<Convolution, TchError> {
        let shape = [outputs, inputs / groups, kernel, kernel];
        let weight = match self.initial {
            Initial::Normal => {
                self.normal(&shape, (2.0 / (outputs * kernel * kernel) as f64).sqrt())
            }
            Initial::Uniform | Initial::Transformer => {
                self.uniform(&shape, shape[1] * kernel * kernel)
            }
        }?;
        let weight = self.parameter(Role::Weight, &channels_last(&weight)?)?;
        Ok(Convolution { weight, stride, groups })
    }

    pub fn patches(&mut self, patch: i64, count: i64, channels: i64) -> Result<Patches, TchError> {
        let fan_in = 3 * patch * patch;
        let weight = self.uniform(&[channels, 3, patch, patch], fan_in)?;
        let bias = self.uniform(&[channels], fan_in)?;
        Ok(Patches {
            weight: self.parameter(Role::Weight, &channels_last(&weight)?)?,
            bias: self.parameter(Role::Bias, &bias)?,
            class: self.embedding(&[1, 1, channels])?,
            positions: self.embedding(&[1, 1 + count, channels])?,
        })
    }

    pub fn embedding(&mut self, shape: &[i64]) -> Result<Tensor, TchError> {
        let values = self.normal(shape, TRANSFORMER)?;
        self.parameter(Role::Embedding, &values)
    }

    pub fn layer_norm(&mut self, channels: i64) -> Result<LayerNorm, TchError> {
        let options = (Kind::Float, self.device);
        Ok(LayerNorm {
            weight: self.parameter(Role::Normalisation, &Tensor::f_ones(channels, options)?)?,
            bias: self.parameter(Role::Normalisation, &Tensor::f_zeros(channels, options)?)?,
        })
    }

    pub fn batch_norm(&mut self, channels: i64) -> Result<BatchNorm, TchError> {
        let options = (Kind::Float, self.device);
        Ok(BatchNorm {
            weight: self.parameter(Role::Normalisation, &Tensor::f_ones(channels, options)?)?,
            bias: self.parameter(Role::Normalisation, &Tensor::f_zeros(channels, options)?)?,
            running_mean: Tensor::f_zeros(channels, options)?,
            running_variance: Tensor::f_ones(channels, options)?,
        })
    }

    pub fn linear(&mut self, inputs: i64, outputs: i64) -> Result<Linear, TchError> {
        self.linear_of(Role::Weight, inputs, outputs)
    }

    /// A linear layer whose weight has a role.
    pub fn linear_of(&mut self, role: Role, inputs: i64, outputs: i64) -> Result<Linear, TchError> {
        let shape = [outputs, inputs];
        let weight = match self.initial {
            Initial::Uniform => self.uniform(&shape, inputs),
            Initial::Normal => self.normal(&shape, 0.001),
            Initial::Transformer => self.normal(&shape, TRANSFORMER),
        }?;
        let bias = match self.initial {
            Initial::Uniform => self.uniform(&[outputs], inputs)?,
            _ => Tensor::f_zeros(outputs, (Kind::Float, Device::Cpu))?,
        };
        Ok(Linear {
            weight: self.parameter(role, &weight)?,
            bias: self.parameter(Role::Bias, &bias)?,
        })
    }

    /// All parameters made so far, in the order of their making.
    pub fn into_parameters(self) -> Vec<(Role, Tensor)> {
        self.parameters
    }

    fn uniform(&mut self, shape: &[i64], fan_in: i64) -> Result<Tensor, TchError> {
        let bound = 1.0 / (fan_in as f32).sqrt();
        let length: i64 = shape.iter().product();
        let values: Vec<f32> =
            (0..length).map(|_| self.random.random_range(-bound..bound)).collect();
        Tensor::f_from_slice(&values)?.f_reshape(shape)
    }

    fn normal(&mut self, shape: &[i64], deviation: f64) -> Result<Tensor, TchError> {
        let length = shape.iter().product::<i64>() as usize;
        let normal = rand_distr::StandardNormal.sample_iter(&mut self.random);
        let values: Vec<f32> =
            normal.take(length).map(|value: f32| value * deviation as f32).collect();
        Tensor::f_from_slice(&values)?.f_reshape(shape)
    }

    fn parameter(&mut self, role: Role, value: &Tensor) -> Result<Tensor, TchError> {
        let parameter = value.f_to_device(self.device)?.f_set_requires_grad(true)?;
        self.parameters.push((role, parameter.shallow_clone()));
        Ok(parameter)
    }
}

/// The deviation of a transformer's parameters.
const TRANSFORMER: f64 = 0.02;

/// One layer in a listing of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// ReLU; `layers` of them read the same tensor, as the operations of a cell do.
    Relu {
        /// How many.
        layers: usize,
    },
    /// A convolution with a square kernel and no bias.
    Convolution {
        /// Height and width of the kernel.
        kernel: i64,
        /// Steps between outputs.
        stride: i64,
        /// Input channels.
        inputs: i64,
        /// Output channels.
        outputs: i64,
        /// Groups of channels that are convolved apart.
        groups: i64,
    },
    /// A linear map of square patches to tokens, a class token, and positions.
    Patches {
        /// Height and width of a patch.
        patch: i64,
        /// Channels of a token.
        channels: i64,
        /// Tokens, with the class token.
        tokens: i64,
    },
    /// Channels of groups dealt out to the groups behind.
    Shuffle {
        /// Groups.
        groups: i64,
    },
    /// Batch normalisation with scale and shift.
    BatchNorm {
        /// Channels.
        channels: i64,
    },
    /// Average pooling with a square kernel; padding, if any, does not count.
    AveragePool {
        /// Height and width of the kernel.
        kernel: i64,
        /// Steps between outputs.
        stride: i64,
    },
    /// The mean over height and width, or over all tokens but the class token.
    GlobalAveragePool,
    /// Layer normalisation with scale and shift.
    LayerNorm {
        /// Channels.
        channels: i64,
    },
    /// The Gaussian error linear unit.
    Gelu,
    /// Attention with relative positions, between the projection to queries, keys and values and
    /// that of its result.
    Attention {
        /// Heads.
        heads: i64,
        /// Channels of a head's queries, keys and values.
        channels: i64,
    },
    /// A linear layer with bias.
    Linear {
        /// Input features.
        inputs: i64,
        /// Output features.
        outputs: i64,
    },
}

impl fmt::Display for Layer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Relu { layers: 1 } => write!(formatter, "relu"),
            Self::Relu { layers } => write!(formatter, "relu, shared by {layers}"),
            Self::Convolution { kernel, stride, inputs, outputs, groups } => {
                write!(formatter, "conv {kernel}×{kernel}, stride {stride}, {inputs} → {outputs}")?;
                if groups > 1 { write!(formatter, ", {groups} groups") } else { Ok(()) }
            }
            Self::Patches { patch, channels, tokens } => {
                write!(formatter, "patches {patch}×{patch}, {tokens} tokens of {channels}")
            }
            Self::Shuffle { groups } => write!(formatter, "shuffle {groups} groups"),
            Self::LayerNorm { channels } => write!(formatter, "layer norm {channels}"),
            Self::Gelu => write!(formatter, "gelu"),
            Self::Attention { heads, channels } => {
                write!(formatter, "attention, {heads} heads of {channels}")
            }
            Self::BatchNorm { channels } => write!(formatter, "batch norm {channels}"),
            Self::AveragePool { kernel, stride } => {
                write!(formatter, "average pool {kernel}×{kernel}, stride {stride}")
            }
            Self::GlobalAveragePool => write!(formatter, "global average pool"),
            Self::Linear { inputs, outputs } => write!(formatter, "linear {inputs} → {outputs}"),
        }
    }
}
