//! The loss that gradients are taken of: the mean cross-entropy of the logits.

use tch::{Kind, Reduction, TchError, Tensor};

use crate::{Batch, Error};

/// The mean cross-entropy of logits.
pub(crate) fn cross_entropy(logits: &Tensor, labels: &Tensor) -> Result<Tensor, TchError> {
    logits.f_cross_entropy_loss(labels, None::<&Tensor>, Reduction::Mean, -100, 0.0)
}

/// The batch's labels for a proxy.
///
/// # Errors
/// [`Error::NoLabels`], and [`Error::LabelRange`] for one that is not a class of the logits.
pub(crate) fn labels<'a>(
    batch: &'a Batch,
    logits: &Tensor,
    proxy: &'static str,
) -> Result<&'a Tensor, Error> {
    let labels = batch.labels().ok_or(Error::NoLabels { proxy })?;
    let classes = logits.size().get(1).copied().unwrap_or(0);
    let range = Tensor::f_stack(&[labels.f_min()?, labels.f_max()?], 0)?;
    let range = Vec::<i64>::try_from(range.f_to_kind(Kind::Int64)?)?;
    match range.into_iter().find(|label| !(0..classes).contains(label)) {
        Some(label) => Err(Error::LabelRange { label, classes }),
        None => Ok(labels),
    }
}
