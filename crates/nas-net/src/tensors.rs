//! Layers on tensors, as scoring and inference compute them alike.

use tch::{Device, Kind, TchError, Tensor};

use crate::layer::{Convolution, Linear, Patches};

/// A convolution.
pub(crate) fn convolve(input: &Tensor, convolution: &Convolution) -> Result<Tensor, TchError> {
    let padding = convolution.kernel() / 2;
    let (stride, dilation, groups) = (convolution.stride, 1, convolution.groups);
    let bias = None::<&Tensor>;
    input.f_conv2d(&convolution.weight, bias, stride, padding, dilation, groups)
}

/// Average pooling; padding keeps the size at stride 1, and does not count.
pub(crate) fn average_pool(input: &Tensor, kernel: i64, stride: i64) -> Result<Tensor, TchError> {
    let padding = if stride == 1 { kernel / 2 } else { 0 };
    let (round_up, count_padding, divisor) = (false, false, None);
    input.f_avg_pool2d(kernel, stride, padding, round_up, count_padding, divisor)
}

/// [`average_pool`], in the way that is faster where it is differentiated.
pub(crate) fn average_pool_with_gradient(
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

/// The mean over height and width, then the linear layer.
pub(crate) fn classify(input: &Tensor, classifier: &Linear) -> Result<Tensor, TchError> {
    let features = input.f_mean_dim([2, 3].as_slice(), false, None::<Kind>)?;
    features.f_linear(&classifier.weight, Some(&classifier.bias))
}

/// Maps of patches: the channels that each patch's pixels become, at its place.
pub(crate) fn cut(images: &Tensor, to: &Patches) -> Result<Tensor, TchError> {
    let stride = to.weight.size()[2];
    images.f_conv2d(&to.weight, Some(&to.bias), stride, 0, 1, 1)
}

/// Tokens: the class token, then the patches, each with its position.
pub(crate) fn tokens_of(maps: &Tensor, to: &Patches) -> Result<Tensor, TchError> {
    let patches = maps.f_flatten(2, -1)?.f_transpose(1, 2)?;
    let class = to.class.f_expand_as(&patches.f_narrow(1, 0, 1)?)?;
    Tensor::f_cat(&[class, patches], 1)?.f_add(&to.positions)
}

/// The mean over all tokens but the class token, then the linear layer.
pub(crate) fn classify_tokens(tokens: &Tensor, classifier: &Linear) -> Result<Tensor, TchError> {
    let patches = tokens.f_narrow(1, 1, tokens.size()[1] - 1)?;
    let features = patches.f_mean_dim([1].as_slice(), false, None::<Kind>)?;
    features.f_linear(&classifier.weight, Some(&classifier.bias))
}

/// The sum of tensors of one shape; zeros of the shape of `like` if there are none.
pub(crate) fn sum(values: Vec<Tensor>, like: &Tensor) -> Result<Tensor, TchError> {
    let mut values = values.into_iter();
    match values.next() {
        None => like.f_zeros_like(),
        Some(first) => values.try_fold(first, |sum, value| sum.f_add(&value)),
    }
}
