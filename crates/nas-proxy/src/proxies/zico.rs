//! ZiCo, after Li, Yang, Bhardwaj and Marculescu 2023, "ZiCo: Zero-shot NAS via Inverse
//! Coefficient of Variation on Gradients", arXiv 2301.11300.

use tch::{Kind, TchError, Tensor};

use crate::definition::{Computation, Definition, Description, Score};
use crate::inputs::Subject;
use crate::loss::{cross_entropy, labels};
use crate::scalars::numbers;
use crate::substitution::Substitution;
use crate::{Error, Needs, Pass};

pub(super) const ZICO: Definition = Definition {
    description: Description {
        name: "zico",
        needs: Needs::LOSS_GRADIENTS,
        // Two halves, and batch statistics of each.
        least_images: 4,
        paper: "Li et al. 2023, arXiv 2301.11300",
        equation: "Σ over weight tensors of ln Σ over weights of mean |∂L/∂θ| / deviation over two \
                   halves of the batch (equation 16)",
        followed: "the public code: the deviation is that of the signed gradients",
        ..Description::DEFAULT
    },
    computation: Computation::Alone(score),
};

/// Σ over weight tensors of ln Σ over weights of mean |∂L/∂θ| / deviation of ∂L/∂θ, over the two
/// halves of the batch (equation 16). Weights without deviation and tensors without such weights
/// do not count; absent where none is left.
fn score(subject: &Subject) -> Score {
    let parameters = Substitution::none(subject.network.parameters())?;
    let weights = parameters.weights();
    if weights.is_empty() {
        return Err(Error::no_weights(ZICO.name()));
    }
    let batch = subject.batch;
    let half = batch.count() as i64 / 2;
    let gradients = |first: i64| -> Result<Vec<Tensor>, Error> {
        tch::with_grad(|| {
            let images = batch.images().f_narrow(0, first, half)?;
            let logits = subject.network.forward(&images, &mut Pass::plain())?;
            let labels = labels(batch, &logits, ZICO.name())?.f_narrow(0, first, half)?;
            let loss = cross_entropy(&logits, &labels)?;
            if !loss.requires_grad() {
                return Ok(Vec::new());
            }
            Ok(Tensor::f_run_backward(&[loss], &weights, false, false)?)
        })
    };
    let (one, other) = (gradients(0)?, gradients(half)?);
    let pairs = one.iter().zip(&other).filter(|(one, other)| one.defined() && other.defined());
    let sums = pairs.map(|(one, other)| ratios(one, other)).collect::<Result<Vec<_>, _>>()?;
    let sums: Vec<f64> = numbers(&sums)?.into_iter().filter(|&sum| sum > 0.0).collect();
    let logarithm: f64 = sums.iter().map(|sum| sum.ln()).sum();
    Ok((!sums.is_empty() && logarithm.is_finite()).then_some(logarithm))
}

/// Σ of mean |g| / deviation of g. Of two values a and b these are (|a| + |b|) / 2 and |a − b| / 2.
fn ratios(one: &Tensor, other: &Tensor) -> Result<Tensor, TchError> {
    let ratio = one.f_abs()?.f_add(&other.f_abs()?)?.f_div(&one.f_sub(other)?.f_abs()?)?;
    // Where both are equal the quotient is infinite, or none if both are zero.
    ratio.f_nan_to_num(0.0, 0.0, 0.0)?.f_sum(Kind::Double)
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::*;
    use crate::Batch;
    use crate::tiny::{Tiny, score_of, try_score_of};

    #[test]
    fn it_is_that_of_finite_differences_on_each_half() {
        let (network, batch) = (Tiny::new(), Tiny::batch());
        let half = |first: i64, labels: &[i64]| {
            let images = batch.images().narrow(0, first, 3);
            network.loss_gradients(&Batch::new(&images).unwrap().with_labels(labels).unwrap())
        };
        let (one, other) = (half(0, &[0, 2, 1]), half(3, &[1, 0, 2]));
        let tensors = one.iter().zip(&other).map(|(one, other)| {
            let ratios = one.iter().zip(other).map(|(a, b)| {
                let (mean, centre) = (f64::midpoint(a.abs(), b.abs()), f64::midpoint(*a, *b));
                let variance = f64::midpoint((a - centre).powi(2), (b - centre).powi(2));
                mean / variance.sqrt()
            });
            ratios.sum::<f64>().ln()
        });
        let score = score_of(&ZICO, &network, &batch).unwrap();
        assert_relative_eq!(score, tensors.sum::<f64>(), max_relative = 1e-4);
    }

    #[test]
    fn three_images_are_too_few() {
        let batch = Batch::new(&Tiny::batch().images().narrow(0, 0, 3)).unwrap();
        let batch = batch.with_labels(&[0, 1, 2]).unwrap();
        let error = try_score_of(&ZICO, &Tiny::new(), &batch).unwrap_err();
        assert!(error.to_string().contains("at least 4 images, found 3"), "{error}");
    }
}
