//! The norm of the gradient of the loss, as a proxy in Abdelfattah, Mehrotra, Dudziak and Lane 2021,
//! "Zero-Cost Proxies for Lightweight NAS", arXiv 2101.08134.

use crate::Needs;
use crate::definition::{Computation, Definition, Description};
use crate::scalars::finite;

pub(super) const GRAD_NORM: Definition = Definition {
    description: Description {
        name: "grad_norm",
        needs: Needs::LOSS_GRADIENTS,
        paper: "Abdelfattah et al. 2021, arXiv 2101.08134",
        equation: "Σ over weight tensors of the Euclidean norm of ∂L/∂θ (section 3.1)",
        followed: "mean cross-entropy; biases and normalisation do not count",
        ..Description::DEFAULT
    },
    computation: Computation::WeightGradients(&[], |loss| Ok(finite(loss.norm))),
};

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::*;
    use crate::tiny::{Tiny, score_of};

    #[test]
    fn it_is_the_norm_of_finite_differences() {
        let (network, batch) = (Tiny::new(), Tiny::batch());
        let gradients = network.loss_gradients(&batch);
        let norms = gradients.iter().map(|one| one.iter().map(|g| g * g).sum::<f64>().sqrt());
        let expected: f64 = norms.sum();
        let score = score_of(&GRAD_NORM, &network, &batch).unwrap();
        assert_relative_eq!(score, expected, max_relative = 1e-6);
    }
}
