//! The product of weights and their gradients: the sensitivity of Mozer and Smolensky 1988,
//! "Skeletonization", NeurIPS 1.

use crate::Needs;
use crate::definition::{Computation, Definition, Description, Score};
use crate::inputs::WeightGradients;
use crate::scalars::{finite, inner_product};

pub(super) const PLAIN: Definition = Definition {
    description: Description {
        name: "plain",
        needs: Needs::LOSS_GRADIENTS,
        paper: "Mozer and Smolensky 1988, as a proxy in Abdelfattah et al. 2021",
        equation: "Σ over weights of θ ∂L/∂θ",
        followed: "Suite-Zero: signed. A weight before batch normalisation adds exactly zero but for \
                   rounding, as the loss does not depend on its scale; what is left is the part of \
                   layers without normalisation",
        ..Description::DEFAULT
    },
    computation: Computation::WeightGradients(&[], score),
};

fn score(loss: &WeightGradients) -> Score {
    Ok(finite(loss.sum(inner_product)?))
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::*;
    use crate::tiny::{Tiny, score_of};

    #[test]
    fn it_is_the_product_with_finite_differences() {
        let (network, batch) = (Tiny::new(), Tiny::batch());
        let expected: f64 = network.saliencies(&batch).iter().sum();
        let score = score_of(&PLAIN, &network, &batch).unwrap();
        assert_relative_eq!(score, expected, max_relative = 1e-6);
    }
}
