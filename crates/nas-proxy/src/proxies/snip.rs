//! SNIP, after Lee, Ajanthan and Torr 2019, "SNIP: Single-shot Network Pruning based on Connection
//! Sensitivity", arXiv 1810.02340.

use tch::Kind;

use crate::Needs;
use crate::definition::{Computation, Definition, Description, Score};
use crate::inputs::WeightGradients;
use crate::scalars::finite;

pub(super) const SNIP: Definition = Definition {
    description: Description {
        name: "snip",
        needs: Needs::LOSS_GRADIENTS,
        paper: "Lee et al. 2019, arXiv 1810.02340, as a proxy in Abdelfattah et al. 2021",
        equation: "Σ over weights of |θ ∂L/∂θ| (equation 4 before its normalisation)",
        followed: "Suite-Zero: the sum over the whole network",
        ..Description::DEFAULT
    },
    computation: Computation::WeightGradients(&[], score),
};

fn score(loss: &WeightGradients) -> Score {
    let saliency = loss
        .sum(|weight, gradient| weight.f_detach()?.f_mul(gradient)?.f_abs()?.f_sum(Kind::Double))?;
    Ok(finite(saliency))
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::*;
    use crate::tiny::{Tiny, score_of};

    #[test]
    fn it_is_the_magnitude_of_the_product_with_finite_differences() {
        let (network, batch) = (Tiny::new(), Tiny::batch());
        let expected: f64 = network.saliencies(&batch).iter().map(|one| one.abs()).sum();
        let score = score_of(&SNIP, &network, &batch).unwrap();
        assert_relative_eq!(score, expected, max_relative = 1e-6);
    }
}
