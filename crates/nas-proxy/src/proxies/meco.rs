//! MeCo, after Jiang, Wang and Bie 2023, "MeCo: Zero-Shot NAS with One Data and Single Forward
//! Pass via Minimum Eigenvalue of Correlation", NeurIPS 36.

use tch::{Device, Kind};

use crate::definition::{Computation, Definition, Description, Record, Score};
use crate::inputs::Forward;
use crate::pass::WeightedLayer;
use crate::scalars::{finite, total};
use crate::{Needs, NetworkKind};

pub(super) const MECO: Definition = Definition {
    description: Description {
        name: "meco",
        needs: Needs::IMAGES,
        inapplicable: &[(
            NetworkKind::Transformer,
            "where a layer has more channels than tokens, their correlation matrix is singular and \
             its least eigenvalue is 0, whatever the weights",
        )],
        paper: "Jiang et al. 2023, NeurIPS 36 (MeCo)",
        equation: "Σ over weighted layers of the least eigenvalue of the correlation matrix of the \
                   channels' maps, for one image (equation 5)",
        followed: "the first image of the batch, normalised by the batch's statistics; outputs of \
                   convolutions, whose correlations normalisation leaves as they are",
        ..Description::DEFAULT
    },
    computation: Computation::Forward(&[Record::Layers], score),
};

fn score(forward: &Forward) -> Score {
    least_eigenvalues(forward.layers(MECO.name())?)
}

/// Σ over layers with feature maps of the least eigenvalue of the correlation matrix of the first
/// image's channels (equation 5). A channel without variance correlates with nothing. Absent
/// where every layer's is.
fn least_eigenvalues(layers: &[WeightedLayer]) -> Score {
    let mut least = Vec::new();
    for layer in layers.iter().filter(|layer| layer.output.dim() == 4) {
        let maps = layer.output.f_detach()?.f_select(0, 0)?.f_flatten(1, -1)?;
        let correlation = maps.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double)?.f_corrcoef()?;
        let correlation = correlation.f_nan_to_num(0.0, 0.0, 0.0)?;
        least.push(correlation.f_linalg_eigvalsh("L")?.f_min()?);
    }
    let sum = total(&least)?;
    Ok(finite(sum).filter(|sum| *sum != 0.0))
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;
    use tch::Tensor;

    use super::*;
    use crate::tiny::values;

    #[test]
    fn two_channels_in_closed_form() {
        // The least eigenvalue of [[1, r], [r, 1]] is 1 − |r|; a constant channel makes it 0.
        let maps = values(&[1, 2, 3, 3], 1.9);
        let weight = values(&[2, 1, 3, 3], 1.0);
        let layer = |output: Tensor| {
            let weight = weight.shallow_clone();
            WeightedLayer { weight, output, normalised: false }
        };
        let (one, other) = (maps.select(1, 0).flatten(0, -1), maps.select(1, 1).flatten(0, -1));
        let (one, other) = (&one - one.mean(Kind::Double), &other - other.mean(Kind::Double));
        let r = one.dot(&other).double_value(&[])
            / (one.norm().double_value(&[]) * other.norm().double_value(&[]));
        let constant = Tensor::cat(&[maps.narrow(1, 0, 1), maps.narrow(1, 0, 1) * 0.0], 1);
        let found = least_eigenvalues(&[layer(maps), layer(constant)]).unwrap();
        assert_relative_eq!(found.unwrap(), 1.0 - r.abs(), max_relative = 1e-9);
    }
}
