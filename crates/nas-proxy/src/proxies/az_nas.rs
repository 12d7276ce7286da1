//! Three of the four proxies of AZ-NAS, after Lee and Ham 2024, "AZ-NAS: Assembling Zero-Cost
//! Proxies for Network Architecture Search", arXiv 2403.19232; the fourth is FLOPs.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, TchError, Tensor};

use crate::definition::{Computation, Definition, Description, Record, Score};
use crate::inputs::Forward;
use crate::scalars::{all_finite, finite};
use crate::{Error, Needs, channels_last};

pub(super) const AZ_EXPRESSIVITY: Definition = Definition {
    description: Description {
        name: "az_expressivity",
        needs: Needs::IMAGES,
        paper: "Lee and Ham 2024, arXiv 2403.19232",
        equation: "Σ over blocks of the entropy of the normalised eigenvalues of the channels' \
                   covariance (equations 1 and 2)",
        followed: "the network's own initial weights",
        ..Description::DEFAULT
    },
    computation: Computation::Forward(&[Record::Blocks], expressivity),
};

pub(super) const AZ_PROGRESSIVITY: Definition = Definition {
    description: Description {
        name: "az_progressivity",
        needs: Needs::IMAGES,
        paper: "Lee and Ham 2024, arXiv 2403.19232",
        equation: "least difference of that entropy between a block and the one before (equation 3)",
        followed: "the network's own initial weights",
        ..Description::DEFAULT
    },
    computation: Computation::Forward(&[Record::Blocks], progressivity),
};

pub(super) const AZ_TRAINABILITY: Definition = Definition {
    description: Description {
        name: "az_trainability",
        needs: Needs::IMAGE_GRADIENTS,
        paper: "Lee and Ham 2024, arXiv 2403.19232",
        equation: "mean over blocks of 2 − σ − 1/σ, σ the spectral norm of the block's approximated \
                   Jacobian (equations 4 to 6), from random signs as its output's gradient",
        followed: "the network's own initial weights",
        ..Description::DEFAULT
    },
    computation: Computation::Forward(&[Record::Blocks], trainability),
};

/// The sum of the blocks' entropies; absent where a block's output does not vary.
fn expressivity(forward: &Forward) -> Score {
    Ok(finite(entropies(forward)?.iter().sum()))
}

/// The least difference of two entropies in a row; absent as expressivity is.
fn progressivity(forward: &Forward) -> Score {
    let entropies = entropies(forward)?;
    let steps = entropies.windows(2).map(|pair| pair[1] - pair[0]);
    let (least, sum) = (steps.fold(f64::INFINITY, f64::min), entropies.iter().sum::<f64>());
    Ok(finite(least).filter(|_| sum.is_finite()))
}

/// For each block's output, the entropy of the normalised eigenvalues of the covariance of its
/// channels over images and positions; NaN where it does not vary.
fn entropies<'a>(forward: &'a Forward) -> Result<&'a [f64], Error> {
    if let Some(entropies) = forward.block_entropies.get() {
        return Ok(entropies);
    }
    let entropies = blocks(forward)?.iter().map(entropy).collect::<Result<Vec<f64>, TchError>>()?;
    Ok(forward.block_entropies.get_or_init(|| entropies))
}

fn entropy(features: &Tensor) -> Result<f64, TchError> {
    let rows = by_position(&features.f_detach()?)?;
    let centred = rows.f_sub(&rows.f_mean_dim([0].as_slice(), true, None)?)?;
    let covariance = centred.f_tr()?.f_matmul(&centred)?;
    let covariance = covariance.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double)?;
    if !all_finite(&covariance)? {
        return Ok(f64::NAN);
    }
    let eigenvalues = Vec::<f64>::try_from(covariance.f_linalg_eigvalsh("L")?)?;
    let sum: f64 = eigenvalues.iter().sum();
    let shares = eigenvalues.into_iter().map(|value| value / sum);
    Ok(shares.map(|share| -share * (share.max(0.0) + 1e-8).ln()).sum())
}

/// Trainability: the mean over blocks but the first of 2 − σ − 1/σ, σ being the spectral norm of
/// the mean over images and positions of g_in g_outᵀ, where g_out are random signs at the block's
/// output and g_in is the gradient that they make at its input. A block that halves the size has
/// the positions that it merges as channels. Absent where a block passes no gradient, or passes
/// it as it is.
fn trainability(forward: &Forward) -> Score {
    let (blocks, keep_graph) = (blocks(forward)?, forward.keep_graph);
    let random = &mut ChaCha8Rng::seed_from_u64(forward.subject.seed);
    let mut sum = 0.0;
    // From the last block to the first, each of which is freed once it was passed.
    for pair in blocks.windows(2).rev() {
        let [input, output] = pair else { continue };
        let signs = random_signs(output, random)?;
        let gradient = tch::with_grad(|| {
            let total = output.f_mul(&signs)?.f_sum(None)?;
            if !total.requires_grad() || !input.requires_grad() {
                return Ok(None);
            }
            Tensor::f_run_backward(&[total], &[input], keep_graph, false).map(Some)
        })?;
        let gradient = gradient.map(|mut list| list.remove(0)).filter(Tensor::defined);
        let Some(gradient) = gradient else { return Ok(None) };
        let stride = gradient.size()[2] / signs.size()[2].max(1);
        let gradient = if stride > 1 { gradient.f_pixel_unshuffle(stride)? } else { gradient };
        let (inward, outward) = (by_position(&gradient)?, by_position(&signs)?);
        let jacobian = inward.f_tr()?.f_matmul(&outward)?;
        let jacobian = jacobian.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double)?;
        let jacobian = jacobian.f_div_scalar(outward.size()[0] as f64)?;
        // The spectral norm is the root of the largest eigenvalue of the product with itself.
        let gram = jacobian.f_tr()?.f_matmul(&jacobian)?;
        if !all_finite(&gram)? {
            return Ok(None);
        }
        let norm = f64::try_from(gram.f_linalg_eigvalsh("L")?.f_max()?)?.max(0.0).sqrt();
        if norm == 0.0 || (stride == 1 && gradient.f_equal(&signs)?) {
            return Ok(None);
        }
        sum += 2.0 - norm - norm.recip();
    }
    Ok(finite(sum / (blocks.len() - 1) as f64))
}

/// Values of −1 and 1 in the shape, type and place of a tensor.
fn random_signs(like: &Tensor, random: &mut ChaCha8Rng) -> Result<Tensor, TchError> {
    let signs: Vec<f32> =
        (0..like.numel()).map(|_| if random.random::<bool>() { 1.0 } else { -1.0 }).collect();
    let signs = channels_last(&Tensor::f_from_slice(&signs)?.f_reshape(like.size())?)?;
    signs.f_to_device(like.device())?.f_to_kind(like.kind())
}

/// Feature maps as rows of channels, one for each image and position.
fn by_position(maps: &Tensor) -> Result<Tensor, TchError> {
    let channels = maps.size()[1];
    maps.f_permute([0, 2, 3, 1])?.f_reshape([-1, channels])
}

/// The outputs of the blocks: two or more.
fn blocks<'a>(forward: &'a Forward) -> Result<&'a [Tensor], Error> {
    let blocks = &forward.blocks;
    if blocks.len() >= 2 && blocks.iter().all(|block| block.dim() == 4) {
        return Ok(blocks);
    }
    Err(Error::NothingToRead {
        proxy: "AZ-NAS",
        what: "the outputs of two or more blocks",
        remedy: "pass them to Pass::block in Network::forward",
    })
}

#[cfg(test)]
mod tests {
    use approx::{assert_abs_diff_eq, assert_relative_eq};

    use std::cell::OnceCell;

    use super::*;
    use crate::inputs::Subject;
    use crate::tiny::{Tiny, values};

    /// The scores of three blocks or two: expressivity, progressivity, trainability.
    fn of(blocks: Vec<Tensor>) -> [Option<f64>; 3] {
        let (network, batch) = (Tiny::new(), Tiny::batch());
        let subject = Subject { network: &network, batch: &batch, seed: 3 };
        let forward = Forward {
            subject: &subject,
            patterns: None,
            layers: Vec::new(),
            blocks,
            keep_graph: false,
            block_entropies: OnceCell::new(),
        };
        [expressivity(&forward), progressivity(&forward), trainability(&forward)]
            .map(Result::unwrap)
    }

    #[test]
    fn entropies_of_two_channels_in_closed_form() {
        let spread = |a: f64, b: f64| {
            // Four positions; the channels are uncorrelated, their variances a² and b².
            Tensor::from_slice(&[a, a, -a, -a, b, -b, b, -b]).reshape([1, 2, 2, 2])
        };
        let entropy = |a: f64, b: f64| {
            let shares = [a * a, b * b].map(|variance| variance / (a * a + b * b));
            -shares.iter().map(|share| share * (share + 1e-8).ln()).sum::<f64>()
        };
        let [expressivity, progressivity, trainability] =
            of(vec![spread(1.0, 1.0), spread(1.0, 3.0), spread(1.0, 2.0)]);
        let each = [entropy(1.0, 1.0), entropy(1.0, 3.0), entropy(1.0, 2.0)];
        assert_relative_eq!(expressivity.unwrap(), each.iter().sum::<f64>(), max_relative = 1e-9);
        assert_relative_eq!(progressivity.unwrap(), each[1] - each[0], max_relative = 1e-9);
        assert_eq!(trainability, None, "there is no graph between them");
    }

    #[test]
    fn trainability_of_a_linear_block_is_that_of_its_matrix() {
        // g_in = Wᵀ g_out, and signs are uncorrelated: the mean of g_in g_outᵀ tends to Wᵀ.
        let weight = values(&[3, 3], 2.9);
        let squared = weight.tr().matmul(&weight).linalg_eigvalsh("L").max();
        let norm = squared.double_value(&[]).sqrt();
        let input = values(&[256, 3, 16, 16], 0.7).set_requires_grad(true);
        let kernel = weight.reshape([3, 3, 1, 1]);
        let output = input.conv2d(&kernel, None::<&Tensor>, 1, 0, 1, 1);
        let score = of(vec![input, output])[2].unwrap();
        assert_abs_diff_eq!(score, 2.0 - norm - 1.0 / norm, epsilon = 0.04);
    }

    #[test]
    fn an_identity_has_no_trainability() {
        let input = values(&[2, 3, 4, 4], 0.7).set_requires_grad(true);
        let output = &input * 1.0;
        assert_eq!(of(vec![input, output])[2], None);
    }
}
