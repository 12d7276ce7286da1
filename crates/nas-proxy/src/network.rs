use tch::{TchError, Tensor};

use crate::naswot::HammingKernel;

/// What a parameter is to a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The weight of a convolution or a linear layer: what saliencies such as SynFlow's sum over.
    Weight,
    /// The bias of a convolution or a linear layer.
    Bias,
    /// Scale or shift of a normalisation.
    Normalisation,
}

/// A network that can be scored.
///
/// The crate's example `score_your_own` implements it for a network of plain [`tch::nn`] modules.
pub trait Network {
    /// Every parameter with its role, as shallow clones of the leaf tensors that
    /// [`forward`](Self::forward) reads: a proxy may change their values for the time of a pass.
    fn parameters(&self) -> Vec<(Role, Tensor)>;

    /// Maps images of shape (count, channels, height, width) to logits of shape (count, classes).
    ///
    /// Every ReLU has to go through [`Pass::relu`] or [`Pass::relu_shared`] and every batch
    /// normalisation through [`Pass::batch_norm`]; they do what the proxy needs there. No layer
    /// may depend on the element type, since SynFlow passes double precision.
    fn forward(&self, images: &Tensor, pass: &mut Pass) -> Result<Tensor, TchError>;
}

/// One forward pass on behalf of a proxy.
#[derive(Debug)]
pub struct Pass {
    mode: Mode,
}

#[derive(Debug)]
enum Mode {
    Plain,
    Recording(HammingKernel),
    Linearised,
}

impl Pass {
    /// A pass that records nothing, with the batch's own statistics in batch normalisation.
    pub fn plain() -> Self {
        Self { mode: Mode::Plain }
    }

    /// A pass that compares the activation patterns of `images` images at every ReLU.
    pub(crate) fn recording(images: i64) -> Self {
        Self { mode: Mode::Recording(HammingKernel::new(images)) }
    }

    /// A pass without batch normalisation, which makes a network of positive weights linear on
    /// positive input.
    pub(crate) fn linearised() -> Self {
        Self { mode: Mode::Linearised }
    }

    /// The kernel of a recording pass.
    pub(crate) fn into_kernel(self) -> Option<HammingKernel> {
        match self.mode {
            Mode::Recording(kernel) => Some(kernel),
            Mode::Plain | Mode::Linearised => None,
        }
    }

    /// ReLU of a tensor of any shape whose first dimension is the image.
    pub fn relu(&mut self, input: &Tensor) -> Result<Tensor, TchError> {
        self.relu_shared(input, 1)
    }

    /// The ReLU of `layers` layers that read the same tensor, computed once.
    ///
    /// In a cell, several operations often begin with a ReLU of the same node. Their patterns are
    /// equal, and a proxy counts them `layers` times, as if each were computed by itself.
    pub fn relu_shared(&mut self, input: &Tensor, layers: usize) -> Result<Tensor, TchError> {
        let output = input.f_relu()?;
        if let Mode::Recording(kernel) = &mut self.mode {
            kernel.add(&output, layers)?;
        }
        Ok(output)
    }

    /// Batch normalisation with scale `weight` and shift `bias`, each of shape (channels).
    ///
    /// It always takes mean and variance from the batch: the running statistics of an untrained
    /// network say nothing about it. Running statistics are neither read nor updated. Under
    /// SynFlow it is the identity (Tanaka et al. 2020, appendix on batch normalisation).
    pub fn batch_norm(
        &self,
        input: &Tensor,
        weight: Option<&Tensor>,
        bias: Option<&Tensor>,
        epsilon: f64,
    ) -> Result<Tensor, TchError> {
        if matches!(self.mode, Mode::Linearised) {
            return Ok(input.shallow_clone());
        }
        let momentum = 0.0;
        input.f_batch_norm(weight, bias, None, None, true, momentum, epsilon, true)
    }
}
