//! Tensors to numbers.

use tch::{Kind, TchError, Tensor};

/// Whether a tensor holds neither NaN nor an infinite value.
pub(crate) fn all_finite(tensor: &Tensor) -> Result<bool, TchError> {
    bool::try_from(tensor.f_isfinite()?.f_all()?)
}

/// Tensors without dimensions as numbers, fetched from their device at once.
pub(crate) fn numbers(scalars: &[Tensor]) -> Result<Vec<f64>, TchError> {
    if scalars.is_empty() {
        return Ok(Vec::new());
    }
    Vec::<f64>::try_from(Tensor::f_stack(scalars, 0)?.f_to_kind(Kind::Double)?)
}

/// The sum of tensors without dimensions, in f64.
pub(crate) fn total(scalars: &[Tensor]) -> Result<f64, TchError> {
    Ok(numbers(scalars)?.iter().sum())
}

/// The inner product of a weight and its gradient, in f64 and without dimensions.
pub(crate) fn inner_product(weight: &Tensor, gradient: &Tensor) -> Result<Tensor, TchError> {
    weight.f_detach()?.f_mul(gradient)?.f_sum(Kind::Double)
}

/// The value, if it is finite.
pub(crate) fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}
