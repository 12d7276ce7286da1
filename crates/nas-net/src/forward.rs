//! A walk that computes a network as it is trained, or as it would be deployed.

use tch::{Kind, TchError, Tensor};

use crate::attention::{Attention, Grid, attend_fused};
use crate::executor::Executor;
use crate::layer::{BatchNorm, Convolution, LayerNorm, Linear, Patches};
use crate::tensors::{
    average_pool, average_pool_with_gradient, classify, classify_tokens, convolve, cut, sum,
    tokens_of,
};

/// How much of the new mean and variance of a batch the running ones take, as PyTorch does by default.
const MOMENTUM: f64 = 0.1;

/// A plain forward pass.
pub(crate) struct Forward {
    /// Whether batch normalisation is by the statistics of the batch, which the running ones follow; else
    /// by the running ones.
    pub training: bool,
    /// The type that convolutions and linear layers between the first and the last are computed in, if it is
    /// another than that of the weights.
    pub computed_in: Option<Kind>,
}

impl Forward {
    /// As a network is deployed.
    pub fn deployed() -> Self {
        Self { training: false, computed_in: None }
    }

    fn cast(&self, tensor: &Tensor) -> Result<Tensor, TchError> {
        match self.computed_in {
            Some(kind) if kind != tensor.kind() => tensor.f_to_kind(kind),
            _ => Ok(tensor.shallow_clone()),
        }
    }
}

impl Executor for Forward {
    type Value = Tensor;

    fn relu(&mut self, input: &Tensor, _: usize) -> Result<Tensor, TchError> {
        input.f_relu()
    }

    fn convolution(
        &mut self,
        input: &Tensor,
        convolution: &Convolution,
    ) -> Result<Tensor, TchError> {
        let weight = self.cast(&convolution.weight)?;
        convolve(&self.cast(input)?, &Convolution { weight, ..*convolution })
    }

    fn batch_norm(&mut self, input: &Tensor, norm: &BatchNorm) -> Result<Tensor, TchError> {
        input.f_batch_norm(
            Some(&norm.weight),
            Some(&norm.bias),
            Some(&norm.running_mean),
            Some(&norm.running_variance),
            self.training,
            MOMENTUM,
            BatchNorm::EPSILON,
            true,
        )
    }

    fn average_pool(
        &mut self,
        input: &Tensor,
        kernel: i64,
        stride: i64,
    ) -> Result<Tensor, TchError> {
        if self.training {
            average_pool_with_gradient(input, kernel, stride)
        } else {
            average_pool(input, kernel, stride)
        }
    }

    fn shuffle(&mut self, input: &Tensor, groups: i64) -> Result<Tensor, TchError> {
        input.f_channel_shuffle(groups)
    }

    fn patches(&mut self, images: &Tensor, to: &Patches) -> Result<Tensor, TchError> {
        tokens_of(&cut(images, to)?, to)
    }

    fn layer_norm(&mut self, tokens: &Tensor, norm: &LayerNorm) -> Result<Tensor, TchError> {
        let (weight, bias) = (Some(&norm.weight), Some(&norm.bias));
        tokens.f_layer_norm(norm.weight.size(), weight, bias, LayerNorm::EPSILON, true)
    }

    fn linear(&mut self, tokens: &Tensor, linear: &Linear) -> Result<Tensor, TchError> {
        let (weight, bias) = (self.cast(&linear.weight)?, self.cast(&linear.bias)?);
        self.cast(tokens)?.f_linear(&weight, Some(&bias))
    }

    fn gelu(&mut self, tokens: &Tensor) -> Result<Tensor, TchError> {
        tokens.f_gelu("none")
    }

    fn attend(
        &mut self,
        queries_keys_values: &Tensor,
        attention: &Attention,
        grid: &Grid,
    ) -> Result<Tensor, TchError> {
        // Positions are of the weights' type.
        let kind = attention.keys.rows.kind();
        attend_fused(&queries_keys_values.f_to_kind(kind)?, attention, grid)
    }

    fn classify_tokens(
        &mut self,
        tokens: &Tensor,
        classifier: &Linear,
    ) -> Result<Tensor, TchError> {
        classify_tokens(&tokens.f_to_kind(classifier.weight.kind())?, classifier)
    }

    fn identity(&self, input: &Tensor) -> Tensor {
        input.shallow_clone()
    }

    fn classify(&mut self, input: &Tensor, classifier: &Linear) -> Result<Tensor, TchError> {
        classify(&input.f_to_kind(classifier.weight.kind())?, classifier)
    }

    fn sum(&mut self, values: Vec<Tensor>, like: &Tensor) -> Result<Tensor, TchError> {
        sum(values, like)
    }
}
