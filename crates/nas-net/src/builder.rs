//! New layers, with initial weights drawn from a seed.

use nas_proxy::{Role, channels_last};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::Distribution;
use tch::{Device, Kind, TchError, Tensor};

use crate::layer::{BatchNorm, Convolution, LayerNorm, Linear, Patches};

/// How parameters are initialised.
#[derive(Clone, Copy, Debug)]
pub enum Initial {
    /// As PyTorch does: weights and biases uniform within ±1/√(inputs of a unit), which is
    /// `kaiming_uniform_` with a = √5 (He et al. 2015, arXiv 1502.01852).
    Uniform,
    /// Convolutions normal with the deviation √(2 / (outputs · kernel²)), linear layers with 0.001;
    /// biases zero.
    Normal,
    /// Linear layers, tokens and positions normal with the deviation 0.02, biases of linear layers
    /// zero; convolutions as PyTorch does.
    Transformer,
}

/// The deviation of a transformer's parameters.
const TRANSFORMER: f64 = 0.02;

/// Makes layers with initial weights from one seed. Every method fails where the device is out of
/// memory.
#[derive(Debug)]
pub struct Builder {
    random: ChaCha8Rng,
    device: Device,
    initial: Initial,
    parameters: Vec<(Role, Tensor)>,
}

impl Builder {
    /// Layers on a device; equal seeds give equal parameters.
    pub fn new(seed: u64, device: Device, initial: Initial) -> Self {
        Self { random: ChaCha8Rng::seed_from_u64(seed), device, initial, parameters: Vec::new() }
    }

    /// A convolution of all channels at once.
    pub fn convolution(
        &mut self,
        inputs: i64,
        outputs: i64,
        kernel: i64,
        stride: i64,
    ) -> Result<Convolution, TchError> {
        self.grouped_convolution(inputs, outputs, kernel, stride, 1)
    }

    /// A convolution with a square kernel, in groups of channels.
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

    /// The embedding of `count` square patches of `patch` pixels along a side, with so many input channels, in
    /// so many channels.
    pub fn patches(
        &mut self,
        inputs: i64,
        patch: i64,
        count: i64,
        channels: i64,
    ) -> Result<Patches, TchError> {
        let fan_in = inputs * patch * patch;
        let weight = self.uniform(&[channels, inputs, patch, patch], fan_in)?;
        let bias = self.uniform(&[channels], fan_in)?;
        Ok(Patches {
            weight: self.parameter(Role::Weight, &channels_last(&weight)?)?,
            bias: self.parameter(Role::Bias, &bias)?,
            class: self.embedding(&[1, 1, channels])?,
            positions: self.embedding(&[1, 1 + count, channels])?,
        })
    }

    /// A parameter of a transformer, such as a token or a position.
    pub fn embedding(&mut self, shape: &[i64]) -> Result<Tensor, TchError> {
        let values = self.normal(shape, TRANSFORMER)?;
        self.parameter(Role::Embedding, &values)
    }

    /// Layer normalisation of so many channels.
    pub fn layer_norm(&mut self, channels: i64) -> Result<LayerNorm, TchError> {
        let options = (Kind::Float, self.device);
        Ok(LayerNorm {
            weight: self.parameter(Role::Normalisation, &Tensor::f_ones(channels, options)?)?,
            bias: self.parameter(Role::Normalisation, &Tensor::f_zeros(channels, options)?)?,
        })
    }

    /// Batch normalisation of so many channels.
    pub fn batch_norm(&mut self, channels: i64) -> Result<BatchNorm, TchError> {
        let options = (Kind::Float, self.device);
        Ok(BatchNorm {
            weight: self.parameter(Role::Normalisation, &Tensor::f_ones(channels, options)?)?,
            bias: self.parameter(Role::Normalisation, &Tensor::f_zeros(channels, options)?)?,
            running_mean: Tensor::f_zeros(channels, options)?,
            running_variance: Tensor::f_ones(channels, options)?,
        })
    }

    /// A linear layer with bias.
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

    /// All parameters made so far, in the order in which they were made.
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
