//! What walking through a network does: a pass for a proxy, inference, or a listing. A network
//! describes its layers once, for all of them.

use std::fmt;

use nas_proxy::Pass;
use tch::{Device, Kind, TchError, Tensor};

use crate::Layer;
use crate::attention::{Attention, Grid, HEAD, attend, attend_fused};
use crate::layer::{BatchNorm, Convolution, LayerNorm, Linear, Patches};

/// What to do at each layer.
pub(crate) trait Executor {
    /// What flows between layers.
    type Value;

    /// The name of the part of the network that the following layers belong to.
    fn part(&mut self, _: fmt::Arguments) {}

    /// The ReLU of `layers` layers that read the same value.
    fn relu(&mut self, input: &Self::Value, layers: usize) -> Result<Self::Value, TchError>;

    fn convolution(
        &mut self,
        input: &Self::Value,
        convolution: &Convolution,
    ) -> Result<Self::Value, TchError>;

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

    /// Deals the channels of each group out to as many groups.
    fn shuffle(&mut self, input: &Self::Value, groups: i64) -> Result<Self::Value, TchError>;

    /// An image's tokens, of shape (count, 1 + patches, channels).
    fn patches(&mut self, images: &Self::Value, to: &Patches) -> Result<Self::Value, TchError>;

    fn layer_norm(
        &mut self,
        tokens: &Self::Value,
        norm: &LayerNorm,
    ) -> Result<Self::Value, TchError>;

    /// A linear layer of each token.
    fn linear(&mut self, tokens: &Self::Value, linear: &Linear) -> Result<Self::Value, TchError>;

    fn gelu(&mut self, tokens: &Self::Value) -> Result<Self::Value, TchError>;

    /// What queries, keys and values, side by side, make of each other.
    fn attend(
        &mut self,
        queries_keys_values: &Self::Value,
        attention: &Attention,
        grid: &Grid,
    ) -> Result<Self::Value, TchError>;

    /// The end of a block of tokens, which are handed on.
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

/// A forward pass on behalf of a proxy: ReLU and batch normalisation are the pass's business.
///
/// Values are those of [`Inference`] but for rounding; layers may be computed in faster ways than a
/// deployed network's, whose latency is measured.
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
        let on_cpu = input.device() == Device::Cpu && input.kind() == Kind::Float;
        if on_cpu && stride == 1 {
            average_pool_by_convolution(input, kernel)
        } else {
            average_pool(input, kernel, stride)
        }
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

fn convolve(input: &Tensor, convolution: &Convolution) -> Result<Tensor, TchError> {
    let padding = convolution.kernel() / 2;
    let (stride, dilation, groups) = (convolution.stride, 1, convolution.groups);
    let bias = None::<&Tensor>;
    input.f_conv2d(&convolution.weight, bias, stride, padding, dilation, groups)
}

fn average_pool(input: &Tensor, kernel: i64, stride: i64) -> Result<Tensor, TchError> {
    let padding = if stride == 1 { kernel / 2 } else { 0 };
    let (round_up, count_padding, divisor) = (false, false, None);
    input.f_avg_pool2d(kernel, stride, padding, round_up, count_padding, divisor)
}

/// [`average_pool`] at stride 1, as a sum by a convolution of each channel and a product with
/// 1 / (positions under the kernel). On the CPU, forwards and backwards, libtorch takes half the
/// time for both together.
fn average_pool_by_convolution(input: &Tensor, kernel: i64) -> Result<Tensor, TchError> {
    let (_, channels, height, width) = input.size4()?;
    let options = (input.kind(), input.device());
    let sum = |values: &Tensor, channels: i64| {
        let ones = Tensor::f_ones([channels, 1, kernel, kernel], options)?;
        values.f_conv2d(&ones, None::<&Tensor>, 1, kernel / 2, 1, channels)
    };
    let positions = sum(&Tensor::f_ones([1, 1, height, width], options)?, 1)?;
    sum(input, channels)?.f_mul(&positions.f_reciprocal()?)
}

fn classify(input: &Tensor, classifier: &Linear) -> Result<Tensor, TchError> {
    let features = input.f_mean_dim([2, 3].as_slice(), false, None::<Kind>)?;
    features.f_linear(&classifier.weight, Some(&classifier.bias))
}

/// A patch's pixels as channels, at its place.
fn cut(images: &Tensor, to: &Patches) -> Result<Tensor, TchError> {
    let stride = to.weight.size()[2];
    images.f_conv2d(&to.weight, Some(&to.bias), stride, 0, 1, 1)
}

fn tokens_of(maps: &Tensor, to: &Patches) -> Result<Tensor, TchError> {
    let patches = maps.f_flatten(2, -1)?.f_transpose(1, 2)?;
    let class = to.class.f_expand_as(&patches.f_narrow(1, 0, 1)?)?;
    Tensor::f_cat(&[class, patches], 1)?.f_add(&to.positions)
}

fn classify_tokens(tokens: &Tensor, classifier: &Linear) -> Result<Tensor, TchError> {
    let patches = tokens.f_narrow(1, 1, tokens.size()[1] - 1)?;
    let features = patches.f_mean_dim([1].as_slice(), false, None::<Kind>)?;
    features.f_linear(&classifier.weight, Some(&classifier.bias))
}

fn sum(values: Vec<Tensor>, like: &Tensor) -> Result<Tensor, TchError> {
    let mut values = values.into_iter();
    match values.next() {
        None => like.f_zeros_like(),
        Some(first) => values.try_fold(first, |sum, value| sum.f_add(&value)),
    }
}

/// Writes the layers down, in the order in which the other executors meet them.
pub(crate) struct Listing(pub Vec<Layer>);

impl Executor for Listing {
    type Value = ();

    fn relu(&mut self, (): &(), layers: usize) -> Result<(), TchError> {
        self.0.push(Layer::Relu { layers });
        Ok(())
    }

    fn convolution(&mut self, (): &(), convolution: &Convolution) -> Result<(), TchError> {
        let (outputs, inputs, kernel, _) = convolution.weight.size4()?;
        let Convolution { stride, groups, .. } = *convolution;
        let inputs = inputs * groups;
        self.0.push(Layer::Convolution { kernel, stride, inputs, outputs, groups });
        Ok(())
    }

    fn batch_norm(&mut self, (): &(), norm: &BatchNorm) -> Result<(), TchError> {
        let channels = norm.weight.size1()?;
        self.0.push(Layer::BatchNorm { channels });
        Ok(())
    }

    fn average_pool(&mut self, (): &(), kernel: i64, stride: i64) -> Result<(), TchError> {
        self.0.push(Layer::AveragePool { kernel, stride });
        Ok(())
    }

    fn shuffle(&mut self, (): &(), groups: i64) -> Result<(), TchError> {
        self.0.push(Layer::Shuffle { groups });
        Ok(())
    }

    fn patches(&mut self, (): &(), to: &Patches) -> Result<(), TchError> {
        let (_, tokens, channels) = to.positions.size3()?;
        self.0.push(Layer::Patches { patch: to.weight.size()[2], channels, tokens });
        Ok(())
    }

    fn layer_norm(&mut self, (): &(), norm: &LayerNorm) -> Result<(), TchError> {
        self.0.push(Layer::LayerNorm { channels: norm.weight.size1()? });
        Ok(())
    }

    fn linear(&mut self, (): &(), linear: &Linear) -> Result<(), TchError> {
        let (outputs, inputs) = linear.weight.size2()?;
        self.0.push(Layer::Linear { inputs, outputs });
        Ok(())
    }

    fn gelu(&mut self, (): &()) -> Result<(), TchError> {
        self.0.push(Layer::Gelu);
        Ok(())
    }

    fn attend(&mut self, (): &(), attention: &Attention, _: &Grid) -> Result<(), TchError> {
        self.0.push(Layer::Attention { heads: attention.heads, channels: HEAD });
        Ok(())
    }

    fn classify_tokens(&mut self, (): &(), classifier: &Linear) -> Result<(), TchError> {
        self.classify(&(), classifier)
    }

    fn identity(&self, (): &()) {}

    fn classify(&mut self, (): &(), classifier: &Linear) -> Result<(), TchError> {
        let (outputs, inputs) = classifier.weight.size2()?;
        self.0.push(Layer::GlobalAveragePool);
        self.0.push(Layer::Linear { inputs, outputs });
        Ok(())
    }

    fn sum(&mut self, _: Vec<()>, (): &()) -> Result<(), TchError> {
        Ok(())
    }
}
