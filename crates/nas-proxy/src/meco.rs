//! MeCo, after Jiang, Wang and Bie 2023, "MeCo: Zero-Shot NAS with One Data and Single Forward
//! Pass via Minimum Eigenvalue of Correlation", NeurIPS 36.

use tch::{Device, Kind};

use crate::loss::no_layer;
use crate::pass::WeightedLayer;
use crate::scalars::{finite, total};
use crate::set::Scores;
use crate::{Error, Proxy};

/// Σ over layers with feature maps of the least eigenvalue of the correlation matrix of the first
/// image's channels (equation 5). A channel without variance correlates with nothing. Absent
/// where every layer's is.
pub(crate) fn score(layers: &[WeightedLayer], scores: &mut Scores) -> Result<(), Error> {
    if layers.is_empty() {
        return Err(no_layer(Proxy::MeCo));
    }
    let mut least = Vec::new();
    for layer in layers.iter().filter(|layer| layer.output.dim() == 4) {
        let maps = layer.output.f_detach()?.f_select(0, 0)?.f_flatten(1, -1)?;
        let correlation = maps.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double)?.f_corrcoef()?;
        let correlation = correlation.f_nan_to_num(0.0, 0.0, 0.0)?;
        least.push(correlation.f_linalg_eigvalsh("L")?.f_min()?);
    }
    let sum = total(&least)?;
    scores.set(Proxy::MeCo, finite(sum).filter(|sum| *sum != 0.0));
    Ok(())
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
        let mut scores = Scores::new(&[Proxy::MeCo]);
        score(&[layer(maps), layer(constant)], &mut scores).unwrap();
        assert_relative_eq!(scores.get(Proxy::MeCo).unwrap(), 1.0 - r.abs(), max_relative = 1e-9);
    }
}
