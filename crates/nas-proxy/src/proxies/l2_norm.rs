//! The norm of the weights, as a proxy in Abdelfattah, Mehrotra, Dudziak and Lane 2021, "Zero-Cost
//! Proxies for Lightweight NAS", arXiv 2101.08134.

use crate::Error;
use crate::definition::{Computation, Definition, Description, Score};
use crate::inputs::Subject;
use crate::scalars::{finite, total};
use crate::substitution::Substitution;

pub(super) const L2_NORM: Definition = Definition {
    description: Description {
        name: "l2_norm",
        paper: "Abdelfattah et al. 2021, arXiv 2101.08134",
        equation: "Σ over weight tensors of their Euclidean norm",
        followed: "biases and normalisation do not count. With random weights it measures the number \
                   of weighted layers and their widths, and beyond that only chance",
        ..Description::DEFAULT
    },
    computation: Computation::Alone(score),
};

fn score(subject: &Subject) -> Score {
    let parameters = Substitution::none(subject.network.parameters())?;
    let weights = parameters.weights();
    if weights.is_empty() {
        return Err(Error::no_weights(L2_NORM.name()));
    }
    let norms = weights.into_iter().map(|weight| weight.f_detach()?.f_norm());
    let norms = norms.collect::<Result<Vec<_>, _>>()?;
    Ok(finite(total(&norms)?))
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::*;
    use crate::tiny::{Tiny, numbers, score_of};

    #[test]
    fn it_is_the_sum_of_the_norms() {
        let network = Tiny::new();
        let norm = |tensor| numbers(tensor).iter().map(|value| value * value).sum::<f64>().sqrt();
        let norms = norm(&network.first) + norm(&network.second) + norm(&network.logits);
        let score = score_of(&L2_NORM, &network, &Tiny::batch()).unwrap();
        assert_relative_eq!(score, norms, max_relative = 1e-12);
    }
}
