//! SynFlow, after Tanaka, Kunin, Yamins and Ganguli 2020, "Pruning neural networks without any
//! data by iteratively conserving synaptic flow", arXiv 2006.05467, its logarithm, and LogSynFlow.

use crate::definition::{Computation, Definition, Description, Score};
use crate::inputs::FlowGradients;
use crate::scalars::{inner_product, total};
use crate::{Needs, NetworkKind};

/// Why attention rules out each of them.
const TRANSFORMERS: &[(NetworkKind, &str)] = &[(
    NetworkKind::Transformer,
    "without normalisation attention's logits grow with the square of its input, from layer to layer \
     beyond any number; dss is its form for transformers",
)];

pub(super) const SYNFLOW: Definition = Definition {
    description: Description {
        name: "synflow",
        needs: Needs::BACKWARD,
        inapplicable: TRANSFORMERS,
        paper: "Tanaka et al. 2020, arXiv 2006.05467",
        equation: "Σ over weights of |θ ∂R/∂θ|, R the sum of outputs for an image of ones and \
                   parameters |θ| (equation 5)",
        followed: "in f64, normalisation replaced by the identity; Suite-Zero's table holds its \
                   logarithm",
        ..Description::DEFAULT
    },
    computation: Computation::Flow(|flow| Ok(synflow(flow))),
};

pub(super) const LN_SYNFLOW: Definition = Definition {
    description: Description {
        name: "ln_synflow",
        needs: Needs::BACKWARD,
        inapplicable: TRANSFORMERS,
        paper: "Tanaka et al. 2020, arXiv 2006.05467",
        equation: "natural logarithm of synflow",
        followed: "Suite-Zero's table calls this synflow",
        ..Description::DEFAULT
    },
    computation: Computation::Flow(|flow| Ok(synflow(flow).map(f64::ln))),
};

pub(super) const LOG_SYNFLOW: Definition = Definition {
    description: Description {
        name: "log_synflow",
        needs: Needs::BACKWARD,
        inapplicable: TRANSFORMERS,
        paper: "Cavagnero et al. 2023, arXiv 2207.05135",
        equation: "Σ over weights of |θ| ln(∂R/∂θ + 1), R as for synflow (equation 2)",
        followed: "normalisation replaced by the identity, as for synflow",
        ..Description::DEFAULT
    },
    computation: Computation::Flow(log_synflow),
};

/// Absent where no path leads from input to output, or the sum is no finite number even in f64.
fn synflow(flow: &FlowGradients) -> Option<f64> {
    positive(flow.saliency)
}

fn log_synflow(flow: &FlowGradients) -> Score {
    let terms =
        flow.weights.iter().map(|(weight, gradient)| inner_product(weight, &gradient.f_log1p()?));
    Ok(positive(total(&terms.collect::<Result<Vec<_>, _>>()?)?))
}

fn positive(sum: f64) -> Option<f64> {
    (sum.is_finite() && sum > 0.0).then_some(sum)
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;
    use tch::{Kind, TchError, Tensor};

    use super::*;
    use crate::definition::Definition;
    use crate::tiny::try_score_of;
    use crate::{Batch, Error, Network, Pass, Role};

    /// The score for one row of so many pixels.
    fn synflow(network: &dyn Network, pixels: i64) -> Result<Option<f64>, Error> {
        of(&SYNFLOW, network, pixels)
    }

    fn of(
        proxy: &'static Definition,
        network: &dyn Network,
        pixels: i64,
    ) -> Result<Option<f64>, Error> {
        let batch = Batch::gaussian([1, 1, 1, pixels as usize], 0)?;
        try_score_of(proxy, network, &batch)
    }

    /// x → ReLU(x W₁ᵀ + b₁) W₂ᵀ on the flattened image.
    struct TwoLayers {
        first: Tensor,
        bias: Tensor,
        second: Tensor,
        /// Weights that the output does not depend on.
        idle: Tensor,
    }

    impl TwoLayers {
        fn new(first: &[f32], bias: &[f32], second: &[f32]) -> Self {
            let hidden = bias.len() as i64;
            Self {
                first: Tensor::from_slice(first).reshape([hidden, -1]),
                bias: Tensor::from_slice(bias),
                second: Tensor::from_slice(second).reshape([-1, hidden]),
                idle: Tensor::from_slice(&[5.0_f32]),
            }
        }

        fn score(&self) -> Result<Option<f64>, Error> {
            synflow(self, self.first.size()[1])
        }
    }

    impl Network for TwoLayers {
        fn parameters(&self) -> Vec<(Role, Tensor)> {
            vec![
                (Role::Weight, self.first.shallow_clone()),
                (Role::Bias, self.bias.shallow_clone()),
                (Role::Weight, self.second.shallow_clone()),
                (Role::Weight, self.idle.shallow_clone()),
            ]
        }

        fn forward(&self, images: &Tensor, pass: &mut Pass) -> Result<Tensor, TchError> {
            let hidden = images.f_flatten(1, -1)?;
            let hidden = hidden.f_linear(&self.first, Some(&self.bias))?;
            pass.relu(&hidden)?.f_linear(&self.second, None::<&Tensor>)
        }
    }

    #[test]
    fn two_layers_by_hand() {
        // |W₁| = [[1, 2], [3, 4]], |b| = [1, 0.5], |W₂| = [[5, 6]]; hidden = [4, 7.5],
        // R = 5·4 + 6·7.5 = 65. Over W₂, Σ θ ∂R/∂θ = R = 65; over W₁ the part of R that is not
        // due to the bias: 65 − (5·1 + 6·0.5) = 57.
        let network = TwoLayers::new(&[1.0, -2.0, -3.0, 4.0], &[-1.0, 0.5], &[-5.0, 6.0]);
        let score = network.score().unwrap().unwrap();
        assert_relative_eq!(score, 122.0, max_relative = 1e-12);
    }

    #[test]
    fn the_logarithm_of_each_gradient_by_hand() {
        // As above: ∂R/∂W₂ = [4, 7.5], and ∂R/∂W₁ = [[5, 5], [6, 6]] for an image of ones.
        let network = TwoLayers::new(&[1.0, -2.0, -3.0, 4.0], &[-1.0, 0.5], &[-5.0, 6.0]);
        let expected = 5.0 * 5.0_f64.ln()
            + 6.0 * 8.5_f64.ln()
            + (1.0 + 2.0) * 6.0_f64.ln()
            + (3.0 + 4.0) * 7.0_f64.ln();
        let score = of(&LOG_SYNFLOW, &network, 2).unwrap().unwrap();
        assert_relative_eq!(score, expected, max_relative = 1e-12);
        let ln = of(&LN_SYNFLOW, &network, 2).unwrap().unwrap();
        assert_relative_eq!(ln, 122.0_f64.ln(), max_relative = 1e-12);
    }

    #[test]
    fn parameters_are_afterwards_what_they_were() {
        let network = TwoLayers::new(&[1.5, -2.0, -0.0, 4.0], &[-1.0, 0.1], &[-5.0, 6.0]);
        let _ = network.first.set_requires_grad(true);
        let bits = |tensor: &Tensor| -> Vec<u32> {
            let values = Vec::<f32>::try_from(tensor.detach().flatten(0, -1)).unwrap();
            values.into_iter().map(f32::to_bits).collect()
        };
        let before: Vec<_> = network.parameters();
        let before: Vec<_> = before.iter().map(|(_, one)| bits(one)).collect();
        let address = network.second.data_ptr();
        network.score().unwrap();
        let after: Vec<_> = network.parameters();
        assert!(after.iter().all(|(_, one)| one.kind() == Kind::Float));
        let after: Vec<_> = after.iter().map(|(_, one)| bits(one)).collect();
        assert_eq!(before, after);
        assert_eq!(network.second.data_ptr(), address);
        assert!(network.first.requires_grad());
        assert!(!network.second.requires_grad());
        assert!(!network.first.grad().defined());
    }

    #[test]
    fn parameters_are_restored_when_the_pass_fails() {
        let network = TwoLayers::new(&[1.0, -2.0], &[-1.0], &[-5.0]);
        assert!(synflow(&network, 3).is_err());
        assert_eq!(Vec::<f32>::try_from(&network.bias).unwrap(), [-1.0]);
    }

    #[test]
    fn a_cut_network_has_no_score() {
        let network = TwoLayers::new(&[0.0, 0.0], &[0.0], &[1.0]);
        assert_eq!(network.score().unwrap(), None);
    }

    #[test]
    fn an_overflow_is_no_score() {
        let huge = f32::MAX;
        let network = TwoLayers::new(&[huge, huge], &[0.0], &[huge]);
        // Each layer multiplies by 1e38; f32 would have overflowed.
        let score = network.score().unwrap().unwrap();
        assert!(score > 1e76 && score.is_finite(), "{score}");
        let network = TwoLayers::new(&[f32::INFINITY, 1.0], &[0.0], &[1.0]);
        assert_eq!(network.score().unwrap(), None);
    }

    #[test]
    fn a_parameter_listed_twice_is_restored() {
        struct Twice(Tensor);
        impl Network for Twice {
            fn parameters(&self) -> Vec<(Role, Tensor)> {
                vec![(Role::Weight, self.0.shallow_clone()), (Role::Bias, self.0.shallow_clone())]
            }
            fn forward(&self, images: &Tensor, _: &mut Pass) -> Result<Tensor, TchError> {
                images.f_flatten(1, -1)?.f_matmul(&self.0)
            }
        }
        let network = Twice(Tensor::from_slice(&[-3.0_f32]));
        let score = synflow(&network, 1).unwrap();
        assert_eq!(score, Some(3.0));
        assert_eq!(Vec::<f32>::try_from(&network.0).unwrap(), [-3.0]);
    }

    #[test]
    fn gradients_switched_off_outside_do_not_matter() {
        let network = TwoLayers::new(&[1.0], &[0.0], &[2.0]);
        let score = tch::no_grad(|| network.score()).unwrap();
        assert_eq!(score, Some(4.0));
    }
}
