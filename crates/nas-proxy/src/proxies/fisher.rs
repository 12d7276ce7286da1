//! Fisher, after Theis, Korshunova, Tejani and Huszár 2018, "Faster gaze prediction with dense
//! networks and Fisher pruning", arXiv 1801.05787.

use tch::{Kind, TchError, Tensor};

use crate::Needs;
use crate::definition::{Computation, Definition, Description, Score};
use crate::inputs::LayerGradient;
use crate::scalars::{finite, total};

pub(super) const FISHER: Definition = Definition {
    description: Description {
        name: "fisher",
        needs: Needs::LOSS_GRADIENTS,
        paper: "Theis et al. 2018, arXiv 1801.05787, as a proxy in Abdelfattah et al. 2021",
        equation: "Σ over layers and output channels of ½ mean over images of (Σ over positions of \
                   activation · gradient)², times the channel's weights",
        followed: "Suite-Zero: activations are the outputs of convolutions and linear layers before \
                   normalisation, each channel counts once for each of its weights",
        ..Description::DEFAULT
    },
    computation: Computation::LayerGradients(score),
};

/// The sum over layers; absent unless it is above zero.
fn score(layers: &[LayerGradient]) -> Score {
    let sums = tch::no_grad(|| layers.iter().map(of_layer).collect::<Result<Vec<_>, _>>())?;
    Ok(finite(total(&sums)?).filter(|fisher| *fisher > 0.0))
}

/// Σ over channels of ½ mean over images of (Σ over positions of activation · gradient)², times
/// the weights of a channel.
fn of_layer(LayerGradient { layer, gradient }: &LayerGradient) -> Result<Tensor, TchError> {
    let product = layer.output.f_detach()?.f_mul(gradient)?;
    let sensitivity = match product.dim() {
        0..=2 => product,
        _ => product.f_flatten(2, -1)?.f_sum_dim_intlist([2].as_slice(), false, None)?,
    };
    let images = sensitivity.size()[0] as f64;
    let squares = sensitivity.f_square()?.f_sum(Kind::Double)?;
    squares.f_mul_scalar(layer.weights_of_channel() / (2.0 * images))
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::*;
    use crate::loss::cross_entropy;
    use crate::tiny::{Tiny, differences, score_of, values};
    use crate::{Network, Pass};

    #[test]
    fn fisher_is_the_squared_slope_over_each_channels_scale() {
        // The sum over positions of activation · gradient is the slope of the loss over a factor
        // on that image's channel.
        let batch = Tiny::batch();
        let network = Tiny { gates: Some(values(&[6, 3], 1.3) * 0.0 + 1.0), ..Tiny::new() };
        let only_first = |network: &Tiny| {
            let slopes = differences(network.gates.as_ref().unwrap(), || network.loss(&batch));
            let weights_of_channel = 2.0 * 9.0;
            slopes.iter().map(|slope| slope * slope).sum::<f64>() / 2.0 / 6.0 * weights_of_channel
        };
        let expected = only_first(&network);
        let mut pass = Pass { layers: Some(Vec::new()), ..Pass::plain() };
        let _first = network.first.set_requires_grad(true);
        let logits = network.forward(batch.images(), &mut pass).unwrap();
        let layers = pass.layers.unwrap();
        let loss = cross_entropy(&logits, batch.labels().unwrap()).unwrap();
        let gradient = Tensor::run_backward(&[loss], &[&layers[0].output], false, false).remove(0);
        let layer = LayerGradient { layer: &layers[0], gradient: &gradient };
        let found = score(&[layer]).unwrap().unwrap();
        assert_relative_eq!(found, expected, max_relative = 1e-6);
        // The score of the network adds its other two layers.
        assert!(score_of(&FISHER, &network, &batch).unwrap() > found);
    }
}
