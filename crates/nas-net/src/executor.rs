//! What a walk through a network does at each layer. A network describes its layers once, for
//! scoring, inference, listing and every export format.

use std::fmt;

use tch::TchError;

use crate::attention::{Attention, Grid};
use crate::layer::{BatchNorm, Convolution, LayerNorm, Linear, Patches};

/// What to do at each layer: compute it, list it, or write it to a file.
///
/// Every method fails where libtorch does: for values of another shape, or where memory runs out.
pub trait Executor {
    /// The input and output of a layer.
    type Value;

    /// The name of the part of the network that the following layers belong to.
    fn part(&mut self, _: fmt::Arguments) {}

    /// The ReLU of `layers` layers that read the same value.
    fn relu(&mut self, input: &Self::Value, layers: usize) -> Result<Self::Value, TchError>;

    /// A convolution without bias.
    fn convolution(
        &mut self,
        input: &Self::Value,
        convolution: &Convolution,
    ) -> Result<Self::Value, TchError>;

    /// Batch normalisation over the images.
    fn batch_norm(
        &mut self,
        input: &Self::Value,
        norm: &BatchNorm,
    ) -> Result<Self::Value, TchError>;

    /// Average pooling; padding keeps the size at stride 1 and an odd kernel, and does not count.
    fn average_pool(
        &mut self,
        input: &Self::Value,
        kernel: i64,
        stride: i64,
    ) -> Result<Self::Value, TchError>;

    /// Shuffles channels: each group hands one part of its channels to every group.
    fn shuffle(&mut self, input: &Self::Value, groups: i64) -> Result<Self::Value, TchError>;

    /// An image's tokens, of shape (count, 1 + patches, channels).
    fn patches(&mut self, images: &Self::Value, to: &Patches) -> Result<Self::Value, TchError>;

    /// Layer normalisation of each token.
    fn layer_norm(
        &mut self,
        tokens: &Self::Value,
        norm: &LayerNorm,
    ) -> Result<Self::Value, TchError>;

    /// A linear layer of each token.
    fn linear(&mut self, tokens: &Self::Value, linear: &Linear) -> Result<Self::Value, TchError>;

    /// The Gaussian error linear unit.
    fn gelu(&mut self, tokens: &Self::Value) -> Result<Self::Value, TchError>;

    /// Attention with relative positions, of queries, keys and values that lie side by side.
    fn attend(
        &mut self,
        queries_keys_values: &Self::Value,
        attention: &Attention,
        grid: &Grid,
    ) -> Result<Self::Value, TchError>;

    /// The end of a block of tokens; returns the tokens.
    fn block_of_tokens(&mut self, tokens: Self::Value) -> Result<Self::Value, TchError> {
        Ok(tokens)
    }

    /// The mean over all tokens but the class token, then the linear layer.
    fn classify_tokens(
        &mut self,
        tokens: &Self::Value,
        classifier: &Linear,
    ) -> Result<Self::Value, TchError>;

    /// The input once more.
    fn identity(&self, input: &Self::Value) -> Self::Value;

    /// The end of a cell or a residual block.
    fn block(&mut self, _: &Self::Value) {}

    /// The mean over height and width, then the linear layer.
    fn classify(
        &mut self,
        input: &Self::Value,
        classifier: &Linear,
    ) -> Result<Self::Value, TchError>;

    /// The sum of values of one shape; zeros of the shape of `like` if there are none.
    fn sum(
        &mut self,
        values: Vec<Self::Value>,
        like: &Self::Value,
    ) -> Result<Self::Value, TchError>;
}
