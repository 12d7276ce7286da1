//! GraSP, after Wang, Zhang and Grosse 2020, "Picking Winning Tickets Before Training by
//! Preserving Gradient Flow", arXiv 2002.07376.

use tch::{Kind, TchError, Tensor};

use crate::loss::cross_entropy;
use crate::pass::{Rectification, WeightedLayer};
use crate::scalars::{finite, inner_product, numbers, total};
use crate::set::Scores;
use crate::substitution::Substitution;
use crate::{Batch, Error, Network, Pass, Proxy};

/// By how much the loss changes, to first order, over the step of the difference: small enough for
/// p to be nearly linear over it, large enough to stand above rounding.
fn loss_step(kind: Kind) -> f64 {
    if kind == Kind::Double { 1e-6 } else { 2e-3 }
}

/// The pass whose gradient GraSP takes the derivative of.
pub(crate) struct Base<'a> {
    pub labels: &'a Tensor,
    /// One for each weight, undefined where the loss does not depend on it.
    pub gradients: &'a [Tensor],
    /// The output of each ReLU, positive where a unit was active.
    pub rectified: &'a [Tensor],
    /// For each weight, whether the loss does not depend on its scale.
    pub free: &'a [bool],
}

/// −θᵀ H g (equation 8 summed), g being the gradient of the loss at the weights θ and H its
/// Hessian.
///
/// Twice differentiating a graph takes several times as long as all other proxies together. But
/// only one number is wanted: the derivative of θᵀ∇L(θ + t g) over t. With p(t) = (θ + t g)ᵀ∇L
/// this is p′(0) − gᵀg, and p, to which weights before a normalisation contribute nothing, is
/// nearly linear: a central difference of two passes gives p′. In them units stay active or
/// inactive as they were, since the second derivative of a ReLU is zero, and gradients are those
/// of the other weights alone. In f32 this is within about 0.2 % of gᵀg of what differentiating
/// twice gives; rounding in the passes themselves, which both have, moves the score of networks
/// with large gradients by far more.
pub(crate) fn score(
    network: &dyn Network,
    batch: &Batch,
    base: &Base<'_>,
    scores: &mut Scores,
) -> Result<(), Error> {
    let defined = base.gradients.iter().filter(|gradient| gradient.defined());
    let squares: Result<Vec<Tensor>, TchError> =
        defined.map(|gradient| gradient.f_square()?.f_sum(Kind::Double)).collect();
    let square = total(&squares?)?;
    if square == 0.0 {
        return Ok(());
    }
    let step = loss_step(batch.images().kind()) / square;
    let slope = if base.free.iter().all(|free| *free) {
        0.0
    } else {
        (product(network, batch, base, step)? - product(network, batch, base, -step)?)
            / (2.0 * step)
    };
    scores.set(Proxy::Grasp, finite(square - slope));
    Ok(())
}

/// p(t), without the weights that contribute nothing.
fn product(network: &dyn Network, batch: &Batch, base: &Base<'_>, t: f64) -> Result<f64, Error> {
    let mut along = base.gradients.iter();
    let parameters = Substitution::new(network.parameters(), |role, value| {
        let gradient = if role.is_weight() { along.next() } else { None };
        match gradient.filter(|one| one.defined()) {
            Some(gradient) => value.f_add(&(gradient * t)),
            None => Ok(value.shallow_clone()),
        }
    })?;
    let rectified: Vec<Tensor> = base.rectified.iter().map(Tensor::shallow_clone).collect();
    let rectification = Rectification::Frozen(rectified.into_iter());
    let mut pass = Pass { rectification, ..Pass::plain() };
    let weights = parameters.weights().into_iter().zip(base.free);
    let weights: Vec<&Tensor> = weights.filter(|(_, free)| !**free).map(|(one, _)| one).collect();
    let gradients = tch::with_grad(|| {
        let logits = network.forward(batch.images(), &mut pass)?;
        Tensor::f_run_backward(&[cross_entropy(&logits, base.labels)?], &weights, false, false)
    })?;
    let pairs = weights.iter().zip(&gradients).filter(|(_, gradient)| gradient.defined());
    let products: Result<Vec<Tensor>, TchError> =
        pairs.map(|(weight, gradient)| inner_product(weight, gradient)).collect();
    Ok(total(&products?)?)
}

/// For each weight, whether the loss does not depend on its scale: all its layers' outputs are
/// normalised, and it is orthogonal to its gradient, as it is then but for the ε of normalisation.
/// In f64 none is, as ε shows there.
pub(crate) fn scale_free(
    weights: &[&Tensor],
    gradients: &[Tensor],
    layers: &[WeightedLayer],
) -> Result<Vec<bool>, TchError> {
    const ORTHOGONAL: f64 = 1e-4;
    let of = |weight: &Tensor, gradient: &Tensor| {
        let own = layers.iter().filter(|one| one.weight.data_ptr() == weight.data_ptr());
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
    weights.iter().zip(gradients).map(|(weight, gradient)| of(weight, gradient)).collect()
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use crate::tiny::{Tiny, score_of};
    use crate::{Network, Pass, Proxy};
    use tch::{Kind, Reduction, Tensor};

    /// By differentiating the graph twice.
    fn twice_differentiated(network: &Tiny, batch: &crate::Batch) -> f64 {
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
        let score = score_of(Proxy::Grasp, &network, &batch).unwrap();
        let expected = twice_differentiated(&network, &batch);
        assert_relative_eq!(score, expected, max_relative = 1e-6);
    }

    #[test]
    fn in_single_precision_it_is_close_to_that() {
        let (network, batch) = (Tiny::new(), Tiny::batch());
        let single = batch.to_kind(Kind::Float).unwrap();
        let score = score_of(Proxy::Grasp, &network, &single).unwrap();
        let expected = twice_differentiated(&network, &batch);
        assert_relative_eq!(score, expected, max_relative = 1e-2);
    }
}
