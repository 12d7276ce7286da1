//! The number of parameters.

use crate::Network;
use crate::definition::{Computation, Definition, Description};

pub(super) const PARAMS: Definition = Definition {
    description: Description {
        name: "params",
        paper: "Ning et al. 2021, arXiv 2008.03064",
        equation: "number of trainable parameters",
        followed: "all of them, with biases and normalisation",
        ..Description::DEFAULT
    },
    computation: Computation::Alone(|subject| Ok(Some(count(subject.network)))),
};

fn count(network: &dyn Network) -> f64 {
    let parameters = network.parameters();
    parameters.iter().map(|(_, parameter)| parameter.numel()).sum::<usize>() as f64
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::*;
    use crate::tiny::{Tiny, score_of};

    #[test]
    fn all_parameters_count() {
        let score = score_of(&PARAMS, &Tiny::new(), &Tiny::batch()).unwrap();
        assert_relative_eq!(score, f64::from(54 + 3 + 12 + 12 + 3));
    }
}
