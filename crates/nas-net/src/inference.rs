//! A walk that computes a network as it would be deployed.

use tch::{TchError, Tensor};

use crate::attention::{Attention, Grid, attend_fused};
use crate::executor::Executor;
use crate::layer::{BatchNorm, Convolution, LayerNorm, Linear, Patches};
use crate::tensors::{average_pool, classify, classify_tokens, convolve, cut, sum, tokens_of};

/// What a deployed network does: batch normalisation by the running statistics.
pub(crate) struct Inference;

impl Executor for Inference {
    type Value = Tensor;

    fn relu(&mut self, input: &Tensor, _: usize) -> Result<Tensor, TchError> {
        input.f_relu()
    }

    fn convolution(
        &mut self,
        input: &Tensor,
        convolution: &Convolution,
    ) -> Result<Tensor, TchError> {
        convolve(input, convolution)
    }

    fn batch_norm(&mut self, input: &Tensor, norm: &BatchNorm) -> Result<Tensor, TchError> {
        let momentum = 0.0;
        input.f_batch_norm(
            Some(&norm.weight),
            Some(&norm.bias),
            Some(&norm.running_mean),
            Some(&norm.running_variance),
            false,
            momentum,
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
        average_pool(input, kernel, stride)
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
        tokens.f_linear(&linear.weight, Some(&linear.bias))
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
        attend_fused(queries_keys_values, attention, grid)
    }

    fn classify_tokens(
        &mut self,
        tokens: &Tensor,
        classifier: &Linear,
    ) -> Result<Tensor, TchError> {
        classify_tokens(tokens, classifier)
    }

    fn identity(&self, input: &Tensor) -> Tensor {
        input.shallow_clone()
    }

    fn classify(&mut self, input: &Tensor, classifier: &Linear) -> Result<Tensor, TchError> {
        classify(input, classifier)
    }

    fn sum(&mut self, values: Vec<Tensor>, like: &Tensor) -> Result<Tensor, TchError> {
        sum(values, like)
    }
}
