//! GraSP, after Wang, Zhang and Grosse 2020, "Picking Winning Tickets Before Training by
//! Preserving Gradient Flow", arXiv 2002.07376.

use tch::{Kind, TchError, Tensor};

use crate::definition::{Computation, Definition, Description, Record, Score};
use crate::inputs::{Subject, WeightGradients};
use crate::loss::cross_entropy;
use crate::pass::Rectification;
use crate::scalars::{finite, inner_product, numbers, total};
use crate::substitution::Substitution;
use crate::{Error, Needs, Pass};

pub(super) const GRASP: Definition = Definition {
    description: Description {
        name: "grasp",
        needs: Needs::LOSS_GRADIENTS,
        paper: "Wang et al. 2020, arXiv 2002.07376, as a proxy in Abdelfattah et al. 2021",
        equation: "−Σ θ (H ∂L/∂θ), H the Hessian of the loss (equation 8)",
        followed: "temperature 1 and one batch for both gradients, as in Suite-Zero; the paper has \
                   200 and two batches",
        ..Description::DEFAULT
    },
    computation: Computation::WeightGradients(&[Record::Layers, Record::Relus], score),
};

/// By how much the loss changes, to first order, over the step of the difference: small enough for
/// p to be nearly linear over it, large enough to exceed rounding.
fn loss_step(kind: Kind) -> f64 {
    if kind == Kind::Double { 1e-6 } else { 2e-3 }
}

/// −θᵀ H g (equation 8 summed), g being the gradient of the loss at the weights θ and H its
/// Hessian.
///
/// Twice differentiating a graph takes several times as long as all other proxies together. But
/// only one number is needed: the derivative of θᵀ∇L(θ + t g) over t. With p(t) = (θ + t g)ᵀ∇L
/// this is p′(0) − gᵀg, and p, to which weights before a normalisation contribute nothing, is
/// nearly linear: a central difference of two passes gives p′. In them units stay active or
/// inactive as they were, since the second derivative of a ReLU is zero, and gradients are those
/// of the other weights alone. In f32 this is within about 0.2 % of gᵀg of what differentiating
/// twice gives; rounding in the passes themselves, which both have, moves the score of networks
/// with large gradients by far more.
fn score(loss: &WeightGradients) -> Score {
    let squares = loss.pairs().map(|(_, gradient)| gradient.f_square()?.f_sum(Kind::Double));
    let square = total(&squares.collect::<Result<Vec<_>, TchError>>()?)?;
    if square == 0.0 {
        return Ok(None);
    }
    let free = scale_free(loss)?;
    let step = loss_step(loss.subject.batch.images().kind()) / square;
    let slope = if free.iter().all(|free| *free) {
        0.0
    } else {
        (product(loss, &free, step)? - product(loss, &free, -step)?) / (2.0 * step)
    };
    Ok(finite(square - slope))
}

/// p(t), without the weights that contribute nothing.
fn product(loss: &WeightGradients, free: &[bool], t: f64) -> Result<f64, Error> {
    let Subject { network, batch, .. } = *loss.subject;
    let mut along = loss.gradients.iter();
    let parameters = Substitution::new(network.parameters(), |role, value| {
        let gradient = if role.is_weight() { along.next() } else { None };
        match gradient.filter(|one| one.defined()) {
            Some(gradient) => value.f_add(&(gradient * t)),
            None => Ok(value.shallow_clone()),
        }
    })?;
    let relus: Vec<Tensor> = loss.relus.iter().map(Tensor::shallow_clone).collect();
    let rectification = Rectification::Frozen(relus.into_iter());
    let mut pass = Pass { rectification, ..Pass::plain() };
    let weights = parameters.weights().into_iter().zip(free);
    let weights: Vec<&Tensor> = weights.filter(|(_, free)| !**free).map(|(one, _)| one).collect();
    let gradients = tch::with_grad(|| {
        let logits = network.forward(batch.images(), &mut pass)?;
        Tensor::f_run_backward(&[cross_entropy(&logits, loss.labels)?], &weights, false, false)
    })?;
    let pairs = weights.iter().zip(&gradients).filter(|(_, gradient)| gradient.defined());
    let products: Result<Vec<Tensor>, TchError> =
        pairs.map(|(weight, gradient)| inner_product(weight, gradient)).collect();
    Ok(total(&products?)?)
}

/// For each weight, whether the loss does not depend on its scale: all its layers' outputs are
/// normalised, and it is orthogonal to its gradient, which then holds up to the ε of normalisation.
/// In f64 no weight counts as such, since ε matters there.
fn scale_free(loss: &WeightGradients) -> Result<Vec<bool>, TchError> {
    const ORTHOGONAL: f64 = 1e-4;
    let of = |weight: &Tensor, gradient: &Tensor| {
        let own = loss.layers.iter().filter(|one| one.weight.data_ptr() == weight.data_ptr());
        let (all, normalised) = own.fold((0, 0), |(all, normalised), layer| {
            (all + 1, normalised + usize::from(layer.normalised))
        });
        if weight.kind() == Kind::Double || all == 0 || normalised < all {
            return Ok(false);
        }
        if !gradient.defined() {
            return Ok(true);
        }
        let product = inner_product(weight, gradient)?;
        let sizes = numbers(&[product, weight.f_detach()?.f_norm()?, gradient.f_norm()?])?;
        Ok(sizes[0].abs() <= ORTHOGONAL * sizes[1] * sizes[2])
    };
    loss.weights
        .iter()
        .zip(&loss.gradients)
        .map(|(weight, gradient)| of(weight, gradient))
        .collect()
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use tch::Reduction;

    use super::*;
    use crate::tiny::{Tiny, score_of};
    use crate::{Batch, Network};

    /// By differentiating the graph twice.
    fn twice_differentiated(network: &Tiny, batch: &Batch) -> f64 {
        let weights = [&network.first, &network.second, &network.logits];
        for weight in weights {
            let _ = weight.set_requires_grad(true);
        }
        let logits = network.forward(batch.images(), &mut Pass::plain()).unwrap();
        let labels = batch.labels().unwrap();
        let loss = logits.cross_entropy_loss(labels, None::<&Tensor>, Reduction::Mean, -100, 0.0);
        let gradients = Tensor::run_backward(&[loss], &weights, true, true);
        let products = gradients.iter().map(|one| (one.detach() * one).sum(Kind::Double));
        let product = products.reduce(|sum, one| sum + one).unwrap();
        let curvatures = Tensor::run_backward(&[product], &weights, false, false);
        let terms = weights.iter().zip(&curvatures);
        terms.map(|(w, h)| -(w.detach() * h).sum(Kind::Double).double_value(&[])).sum()
    }

    #[test]
    fn it_is_what_differentiating_twice_gives() {
        let (network, batch) = (Tiny::new(), Tiny::batch());
        let score = score_of(&GRASP, &network, &batch).unwrap();
        let expected = twice_differentiated(&network, &batch);
        assert_relative_eq!(score, expected, max_relative = 1e-6);
    }

    #[test]
    fn in_single_precision_it_is_close_to_that() {
        let (network, batch) = (Tiny::new(), Tiny::batch());
        let single = batch.to_kind(Kind::Float).unwrap();
        let score = score_of(&GRASP, &network, &single).unwrap();
        let expected = twice_differentiated(&network, &batch);
        assert_relative_eq!(score, expected, max_relative = 1e-2);
    }
}
