//! A walk that computes a network for a proxy.

use nas_proxy::Pass;
use tch::{TchError, Tensor};

use crate::attention::{Attention, Grid, attend};
use crate::executor::Executor;
use crate::layer::{BatchNorm, Convolution, LayerNorm, Linear, Patches};
use crate::tensors::{
    average_pool_with_gradient, classify, classify_tokens, convolve, cut, sum, tokens_of,
};

/// A forward pass for a proxy: ReLU and normalisation go through its [`Pass`].
///
/// Values are those of [`Inference`](crate::inference::Inference) but for rounding; a layer may be
/// computed in a faster way than in a deployed network, whose latency is measured.
pub(crate) struct Scoring<'a>(pub &'a mut Pass);

impl Executor for Scoring<'_> {
    type Value = Tensor;

    fn relu(&mut self, input: &Tensor, layers: usize) -> Result<Tensor, TchError> {
        self.0.relu_shared(input, layers)
    }

    fn convolution(
        &mut self,
        input: &Tensor,
        convolution: &Convolution,
    ) -> Result<Tensor, TchError> {
        let output = convolve(input, convolution)?;
        self.0.weighted(&convolution.weight, &output);
        Ok(output)
    }

    fn batch_norm(&mut self, input: &Tensor, norm: &BatchNorm) -> Result<Tensor, TchError> {
        let (weight, bias) = (Some(&norm.weight), Some(&norm.bias));
        self.0.batch_norm(input, weight, bias, BatchNorm::EPSILON)
    }

    fn average_pool(
        &mut self,
        input: &Tensor,
        kernel: i64,
        stride: i64,
    ) -> Result<Tensor, TchError> {
        average_pool_with_gradient(input, kernel, stride)
    }

    fn shuffle(&mut self, input: &Tensor, groups: i64) -> Result<Tensor, TchError> {
        input.f_channel_shuffle(groups)
    }

    fn patches(&mut self, images: &Tensor, to: &Patches) -> Result<Tensor, TchError> {
        let maps = cut(images, to)?;
        self.0.weighted(&to.weight, &maps);
        tokens_of(&maps, to)
    }

    fn layer_norm(&mut self, tokens: &Tensor, norm: &LayerNorm) -> Result<Tensor, TchError> {
        self.0.layer_norm(tokens, &norm.weight, &norm.bias, LayerNorm::EPSILON)
    }

    fn linear(&mut self, tokens: &Tensor, linear: &Linear) -> Result<Tensor, TchError> {
        let output = tokens.f_linear(&linear.weight, Some(&linear.bias))?;
        // What follows reads the view that is shown, so that it has a gradient.
        let channels_first = output.f_transpose(1, 2)?;
        self.0.weighted(&linear.weight, &channels_first);
        channels_first.f_transpose(1, 2)
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
        attend(queries_keys_values, attention, grid)
    }

    /// Tokens are maps one pixel wide.
    fn block_of_tokens(&mut self, tokens: Tensor) -> Result<Tensor, TchError> {
        let maps = tokens.f_transpose(1, 2)?.f_unsqueeze(-1)?;
        self.0.block(&maps);
        maps.f_squeeze_dim(-1)?.f_transpose(1, 2)
    }

    fn classify_tokens(
        &mut self,
        tokens: &Tensor,
        classifier: &Linear,
    ) -> Result<Tensor, TchError> {
        let logits = classify_tokens(tokens, classifier)?;
        self.0.weighted(&classifier.weight, &logits);
        Ok(logits)
    }

    fn identity(&self, input: &Tensor) -> Tensor {
        input.shallow_clone()
    }

    fn block(&mut self, output: &Tensor) {
        self.0.block(output);
    }

    fn classify(&mut self, input: &Tensor, classifier: &Linear) -> Result<Tensor, TchError> {
        self.0.features(input);
        let logits = classify(input, classifier)?;
        self.0.weighted(&classifier.weight, &logits);
        Ok(logits)
    }

    fn sum(&mut self, values: Vec<Tensor>, like: &Tensor) -> Result<Tensor, TchError> {
        sum(values, like)
    }
}
