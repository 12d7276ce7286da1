//! The Zen-score, after Lin, Wang, Sun, Chen, Sun, Qian, Li and Jin 2021, "Zen-NAS: A Zero-Shot
//! NAS for High-Performance Image Recognition", arXiv 2102.01063.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use tch::{Kind, TchError, Tensor};

use crate::definition::{Computation, Definition, Description, Score};
use crate::inputs::Subject;
use crate::pass::Normalisation;
use crate::scalars::{finite, total};
use crate::substitution::Substitution;
use crate::{Error, NetworkKind, Pass, Role, channels_last};

pub(super) const ZEN: Definition = Definition {
    description: Description {
        name: "zen",
        inapplicable: &[(
            NetworkKind::Transformer,
            "with Gaussian weights only batch normalisation keeps features in range, and its \
             variances correct the score; a transformer has none",
        )],
        paper: "Lin et al. 2021, arXiv 2102.01063",
        equation: "ln mean over images of Σ |f(x) − f(x + 0.01 ε)| over the features before pooling, \
                   plus Σ over normalisations of ½ ln of the mean variance; x, ε and the weights \
                   standard normal (algorithm 1)",
        followed: "the paper's variances are the batch's; Suite-Zero reads running averages after \
                   two batches. Residual links stay, as in Suite-Zero",
        ..Description::DEFAULT
    },
    computation: Computation::Alone(score),
};

/// How far the second input is from the first, in standard deviations.
const STEP: f64 = 1e-2;

/// ln of the mean over images of Σ |f(x) − f(x + 0.01 ε)| over the features before pooling, plus
/// half the ln of the mean variance at each normalisation (algorithm 1); x, ε and all weights
/// standard normal, biases zero. x and ε have the shape of the batch. Absent where the features
/// do not depend on the input.
fn score(subject: &Subject) -> Score {
    let Subject { network, batch, seed } = *subject;
    let (images, device) = (batch.images(), batch.device());
    let random = &mut ChaCha8Rng::seed_from_u64(seed);
    let mut normal = |shape: &[i64]| -> Result<Tensor, TchError> {
        let count = shape.iter().product::<i64>() as usize;
        let values: Vec<f32> = StandardNormal.sample_iter(&mut *random).take(count).collect();
        let values = Tensor::f_from_slice(&values)?.f_reshape(shape)?;
        let values = if shape.len() == 4 { channels_last(&values)? } else { values };
        values.f_to_device(device)?.f_to_kind(images.kind())
    };
    let input = normal(&images.size())?;
    let perturbed = (normal(&images.size())? * STEP).f_add(&input)?;
    let _gaussian = Substitution::new(network.parameters(), |role, value| match role {
        Role::Weight | Role::Attention => normal(&value.size()),
        Role::Bias => value.f_zeros_like(),
        Role::Normalisation | Role::Embedding => Ok(value.shallow_clone()),
    })?;
    let features = |images: &Tensor, normalisation: Normalisation| {
        let mut pass = Pass { normalisation, ..Pass::plain() };
        let _logits = tch::no_grad(|| network.forward(images, &mut pass))?;
        let Some(features) = pass.features else {
            return Err(Error::NothingToRead {
                proxy: ZEN.name(),
                what: "the feature maps before pooling",
                remedy: "pass them to Pass::features in Network::forward",
            });
        };
        Ok((features, pass.normalisation))
    };
    let (first, normalisation) = features(&input, Normalisation::Variances(Vec::new()))?;
    let (second, _) = features(&perturbed, Normalisation::Batch)?;
    let images = first.size()[0] as f64;
    let response = first.f_sub(&second)?.f_abs()?.f_sum(Kind::Double)?;
    let response = f64::try_from(response)? / images;
    let Normalisation::Variances(variances) = normalisation else { return Ok(None) };
    let variances = variances.iter().map(Tensor::f_log).collect::<Result<Vec<_>, _>>()?;
    Ok(finite(response.ln() + total(&variances)? / 2.0))
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;

    use super::*;
    use crate::tiny::score_of;
    use crate::{Batch, Network};

    /// One convolution of 4 channels to 8, with or without normalisation.
    struct One {
        weight: Tensor,
        normalised: bool,
    }

    impl Network for One {
        fn parameters(&self) -> Vec<(Role, Tensor)> {
            vec![(Role::Weight, self.weight.shallow_clone())]
        }
        fn forward(&self, images: &Tensor, pass: &mut Pass) -> Result<Tensor, TchError> {
            let mut x = images.f_conv2d(&self.weight, None::<&Tensor>, 1, 0, 1, 1)?;
            if self.normalised {
                x = pass.batch_norm(&x, None, None, 1e-5)?;
            }
            pass.features(&x);
            x.f_mean_dim([2, 3].as_slice(), false, None)
        }
    }

    fn score(normalised: bool) -> f64 {
        let weight = Tensor::zeros([8, 4, 3, 3], (Kind::Float, tch::Device::Cpu));
        let batch = Batch::gaussian([16, 4, 18, 18], 1).unwrap();
        score_of(&ZEN, &One { weight, normalised }, &batch).unwrap()
    }

    #[test]
    fn a_convolution_responds_as_expected_of_gaussian_weights() {
        // Each of 8·16·16 outputs changes by 0.01 N(0, 36): by 0.01·6·√(2/π) in the mean.
        let expected = (8.0 * 256.0 * STEP * 6.0 * (2.0 / std::f64::consts::PI).sqrt()).ln();
        assert_abs_diff_eq!(score(false), expected, epsilon = 0.1);
    }

    #[test]
    fn what_normalisation_takes_its_variance_gives_back() {
        assert_abs_diff_eq!(score(true), score(false), epsilon = 0.02);
    }

    #[test]
    fn the_same_seed_gives_the_same_score() {
        assert_abs_diff_eq!(score(true), score(true));
    }
}
