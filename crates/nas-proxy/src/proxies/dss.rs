//! DSS, the indicator of TF-TAS, after Zhou, Sheng, Zheng, Li, Wu, Hu, Yan and Ji 2022,
//! "Training-free Transformer Architecture Search", arXiv 2203.12217.

use tch::{Device, Kind, TchError, Tensor};

use crate::definition::{Computation, Definition, Description, Score};
use crate::flow::flow_gradients;
use crate::inputs::Subject;
use crate::scalars::{all_finite, total};
use crate::substitution::Substitution;
use crate::{Error, Needs, NetworkKind, Pass, Role};

pub(super) const DSS: Definition = Definition {
    description: Description {
        name: "dss",
        needs: Needs::BACKWARD,
        inapplicable: &[(NetworkKind::Convolutional, "it has no attention")],
        paper: "Zhou et al. 2022, arXiv 2203.12217",
        equation: "Σ over attentions' weights of the product of the nuclear norms of θ and ∂R/∂θ, \
                   plus Σ over all other weights of |θ ∂R/∂θ|; R the sum of outputs for an image of \
                   ones and parameters |θ|",
        followed: "the public code: normalisation stays, and the patch embedding and the classifier \
                   count among the other weights",
        ..Description::DEFAULT
    },
    computation: Computation::Alone(score),
};

/// Σ over attentions' weights of ‖θ‖ ‖∂R/∂θ‖, both nuclear norms, plus Σ over all other weights of
/// |θ ∂R/∂θ|, R being the sum of the outputs for an image of ones, all parameters replaced by their
/// absolute values. In f64; absent where it is no finite number above zero.
fn score(subject: &Subject) -> Score {
    let Subject { network, batch, .. } = *subject;
    let magnitudes = Substitution::magnitudes(network.parameters())?;
    let (roles, weights): (Vec<Role>, Vec<&Tensor>) = magnitudes.weights_with_roles().unzip();
    if !roles.contains(&Role::Attention) {
        return Err(Error::NothingToRead {
            proxy: DSS.name(),
            what: "the weights of attentions",
            remedy: "list them as Role::Attention in Network::parameters",
        });
    }
    let (shape, device) = (batch.image_shape(), batch.device());
    let gradients =
        tch::with_grad(|| flow_gradients(network, shape, device, &weights, Pass::plain()))?;
    let mut sum = Vec::new();
    for ((role, weight), gradient) in roles.into_iter().zip(weights).zip(&gradients) {
        // A weight that the output does not depend on has no gradient at all.
        if !gradient.defined() {
            continue;
        }
        let weight = weight.f_detach()?;
        if role == Role::Attention {
            let [weight, gradient] = [nuclear_norm(&weight)?, nuclear_norm(gradient)?];
            sum.push(Tensor::from(weight * gradient));
        } else {
            sum.push(weight.f_mul(gradient)?.f_abs()?.f_sum(Kind::Double)?);
        }
    }
    let sum = total(&sum)?;
    Ok((sum.is_finite() && sum > 0.0).then_some(sum))
}

/// The sum of the singular values of a matrix, as the roots of the eigenvalues of its product with
/// itself: several times faster than a decomposition, and right to seven digits. NaN where it holds no
/// finite numbers.
fn nuclear_norm(matrix: &Tensor) -> Result<f64, TchError> {
    let matrix = matrix.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double)?;
    let (rows, columns) = matrix.size2()?;
    let transposed = matrix.f_tr()?;
    let gram = if rows < columns {
        matrix.f_matmul(&transposed)?
    } else {
        transposed.f_matmul(&matrix)?
    };
    if !all_finite(&gram)? {
        return Ok(f64::NAN);
    }
    let eigenvalues = Vec::<f64>::try_from(gram.f_linalg_eigvalsh("L")?)?;
    Ok(eigenvalues.into_iter().map(|value| value.max(0.0).sqrt()).sum())
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::*;
    use crate::tiny::{Tiny, numbers, score_of, try_score_of, values};
    use crate::{Batch, Network};

    #[test]
    fn the_nuclear_norm_is_the_sum_of_singular_values() {
        for shape in [[5, 3], [3, 5]] {
            let matrix = values(&shape, 2.3);
            let (_, singular, _) = matrix.svd(true, false);
            assert_relative_eq!(
                nuclear_norm(&matrix).unwrap(),
                singular.sum(Kind::Double).double_value(&[]),
                max_relative = 1e-7
            );
        }
    }

    /// x → x Aᵀ Wᵀ on the flattened image, A an attention's.
    struct Two {
        attention: Tensor,
        other: Tensor,
    }

    impl Network for Two {
        fn parameters(&self) -> Vec<(Role, Tensor)> {
            vec![
                (Role::Attention, self.attention.shallow_clone()),
                (Role::Weight, self.other.shallow_clone()),
            ]
        }

        fn forward(&self, images: &Tensor, _: &mut Pass) -> Result<Tensor, TchError> {
            let hidden = images.f_flatten(1, -1)?.f_linear(&self.attention, None::<&Tensor>)?;
            hidden.f_linear(&self.other, None::<&Tensor>)
        }
    }

    #[test]
    fn two_layers_by_hand() {
        let network = Two {
            attention: Tensor::from_slice(&[1.0, -2.0, 0.0, -2.0]).reshape([2, 2]),
            other: Tensor::from_slice(&[3.0, -4.0]).reshape([1, 2]),
        };
        let batch = Batch::gaussian([1, 1, 1, 2], 0).unwrap().to_kind(Kind::Double).unwrap();
        // R = 3 (1 + 2) + 4 (0 + 2) = 17, all of which passes through W. ∂R/∂A = [[3, 3], [4, 4]]
        // has one singular value, √50; |A| = [[1, 2], [0, 2]] has two whose squares sum to 9 and
        // whose product is 2, so that they sum to √13.
        let score = score_of(&DSS, &network, &batch).unwrap();
        assert_relative_eq!(score, 17.0 + (50.0_f64 * 13.0).sqrt(), max_relative = 1e-9);
        assert_eq!(numbers(&network.attention), [1.0, -2.0, 0.0, -2.0]);
    }

    #[test]
    fn a_network_without_attention_is_refused() {
        let error = try_score_of(&DSS, &Tiny::new(), &Tiny::batch());
        assert!(matches!(error, Err(Error::NothingToRead { proxy: "dss", .. })));
    }
}
