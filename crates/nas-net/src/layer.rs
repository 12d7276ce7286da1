//! The layers that networks are made of, and how they begin.

use std::fmt;

use nas_proxy::{Role, channels_last};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, TchError, Tensor};

/// A convolution without bias; the padding keeps the size at stride 1.
#[derive(Debug)]
pub(crate) struct Convolution {
    /// Of shape (outputs, inputs, kernel, kernel).
    pub weight: Tensor,
    pub stride: i64,
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

/// Makes layers with PyTorch's default initialisation, from one seed.
///
/// Weights of convolutions and linear layers are uniform within ±1/√(inputs of a unit), which is
/// `kaiming_uniform_` with a = √5 (He et al. 2015, arXiv 1502.01852); so are biases.
pub(crate) struct Builder {
    random: ChaCha8Rng,
    device: Device,
    parameters: Vec<(Role, Tensor)>,
}

impl Builder {
    pub fn new(seed: u64, device: Device) -> Self {
        Self { random: ChaCha8Rng::seed_from_u64(seed), device, parameters: Vec::new() }
    }

    pub fn convolution(
        &mut self,
        inputs: i64,
        outputs: i64,
        kernel: i64,
        stride: i64,
    ) -> Result<Convolution, TchError> {
        let fan_in = inputs * kernel * kernel;
        let weight = self.uniform(&[outputs, inputs, kernel, kernel], fan_in)?;
        let weight = self.parameter(Role::Weight, &channels_last(&weight)?)?;
        Ok(Convolution { weight, stride })
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
        let weight = self.uniform(&[outputs, inputs], inputs)?;
        let bias = self.uniform(&[outputs], inputs)?;
        Ok(Linear {
            weight: self.parameter(Role::Weight, &weight)?,
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

    fn parameter(&mut self, role: Role, value: &Tensor) -> Result<Tensor, TchError> {
        let parameter = value.f_to_device(self.device)?.f_set_requires_grad(true)?;
        self.parameters.push((role, parameter.shallow_clone()));
        Ok(parameter)
    }
}

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
    /// The mean over height and width.
    GlobalAveragePool,
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
            Self::Convolution { kernel, stride, inputs, outputs } => {
                write!(formatter, "conv {kernel}×{kernel}, stride {stride}, {inputs} → {outputs}")
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
