//! The proxies of the loss's gradient with respect to the weights, as collected by Abdelfattah,
//! Mehrotra, Dudziak and Lane 2021, "Zero-Cost Proxies for Lightweight NAS", arXiv 2101.08134.

use tch::{Kind, Reduction, TchError, Tensor};

use crate::pass::WeightedLayer;
use crate::scalars::{finite, total};
use crate::set::Scores;
use crate::synflow::no_weight;
use crate::{Error, Proxy};

/// The mean cross-entropy of logits.
pub(crate) fn cross_entropy(logits: &Tensor, labels: &Tensor) -> Result<Tensor, TchError> {
    logits.f_cross_entropy_loss(labels, None::<&Tensor>, Reduction::Mean, -100, 0.0)
}

/// Those of the loss that need more than the gradients of layers' outputs.
const OF_WEIGHTS: [Proxy; 4] = [Proxy::GradNorm, Proxy::Grasp, Proxy::Plain, Proxy::Snip];

/// GradNorm, SNIP, plain and Fisher from one gradient of the loss, absent where the loss does not
/// change. That of the weights is returned if one of [`OF_WEIGHTS`] was asked for: a tensor for
/// each weight, undefined where the loss does not depend on it; none at all where it depends on no
/// weight. The graph is freed.
pub(crate) fn score(
    logits: &Tensor,
    labels: &Tensor,
    weights: &[&Tensor],
    layers: &[WeightedLayer],
    scores: &mut Scores,
) -> Result<Vec<Tensor>, Error> {
    if weights.is_empty() {
        return Err(no_weight(Proxy::GradNorm));
    }
    let for_fisher = scores.wants(Proxy::Fisher);
    if for_fisher && layers.is_empty() {
        return Err(no_layer(Proxy::Fisher));
    }
    let loss = tch::with_grad(|| cross_entropy(logits, labels))?;
    if !loss.requires_grad() {
        return Ok(Vec::new());
    }
    let outputs = layers.iter().filter(|layer| for_fisher && layer.output.requires_grad());
    let outputs: Vec<&WeightedLayer> = outputs.collect();
    let weights = if scores.wants_any(&OF_WEIGHTS) { weights } else { &[] };
    let inputs: Vec<&Tensor> =
        weights.iter().copied().chain(outputs.iter().map(|layer| &layer.output)).collect();
    if inputs.is_empty() {
        return Ok(Vec::new());
    }
    let mut gradients = Tensor::f_run_backward(&[loss], &inputs, false, false)?;
    let (of_weights, of_outputs) = gradients.split_at(weights.len());
    // A weight that the loss does not depend on has no gradient at all.
    let pairs = weights.iter().copied().zip(of_weights);
    let pairs: Vec<(&Tensor, &Tensor)> = pairs.filter(|(_, gradient)| gradient.defined()).collect();

    let mut sums = Sums::default();
    tch::no_grad(|| {
        for (weight, gradient) in &pairs {
            sums.norms.push(gradient.f_norm()?);
            let saliency = weight.f_detach()?.f_mul(gradient)?;
            sums.signed.push(saliency.f_sum(Kind::Double)?);
            sums.magnitudes.push(saliency.f_abs()?.f_sum(Kind::Double)?);
        }
        let of_outputs = outputs.iter().zip(of_outputs).filter(|(_, one)| one.defined());
        for (layer, gradient) in of_outputs {
            sums.fisher.push(fisher(layer, gradient)?);
        }
        Ok::<(), TchError>(())
    })?;
    let fisher = total(&sums.fisher)?;
    scores.set(Proxy::Fisher, finite(fisher).filter(|fisher| *fisher > 0.0));
    let norm = total(&sums.norms)?;
    if norm == 0.0 {
        return Ok(Vec::new());
    }
    scores.set(Proxy::GradNorm, finite(norm));
    scores.set(Proxy::Plain, finite(total(&sums.signed)?));
    scores.set(Proxy::Snip, finite(total(&sums.magnitudes)?));
    gradients.truncate(weights.len());
    Ok(gradients)
}

#[derive(Default)]
struct Sums {
    norms: Vec<Tensor>,
    signed: Vec<Tensor>,
    magnitudes: Vec<Tensor>,
    fisher: Vec<Tensor>,
}

/// Σ over channels of ½ mean over images of (Σ over positions of activation · gradient)², times
/// the weights of a channel.
fn fisher(layer: &WeightedLayer, gradient: &Tensor) -> Result<Tensor, TchError> {
    let product = layer.output.f_detach()?.f_mul(gradient)?;
    let sensitivity = match product.dim() {
        0..=2 => product,
        _ => product.f_flatten(2, -1)?.f_sum_dim_intlist([2].as_slice(), false, None)?,
    };
    let images = sensitivity.size()[0] as f64;
    let squares = sensitivity.f_square()?.f_sum(Kind::Double)?;
    squares.f_mul_scalar(layer.weights_of_channel() / (2.0 * images))
}

pub(crate) fn no_layer(proxy: Proxy) -> Error {
    Error::NothingToRead {
        proxy: proxy.name(),
        what: "the outputs of weighted layers",
        remedy: "pass them to Pass::weighted in Network::forward",
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::*;
    use crate::tiny::{Tiny, differences, score_of, values};
    use crate::{Network, Pass};

    #[test]
    fn saliencies_are_those_of_finite_differences() {
        let (network, batch) = (Tiny::new(), Tiny::batch());
        let gradients = network.loss_gradients(&batch);
        let norms = gradients.iter().map(|one| one.iter().map(|g| g * g).sum::<f64>().sqrt());
        let weights = network.weights();
        let products = weights.iter().flatten().zip(gradients.iter().flatten());
        let products: Vec<f64> = products.map(|(weight, gradient)| weight * gradient).collect();
        let (plain, snip) = (products.iter().sum(), products.iter().map(|p| p.abs()).sum());
        for (proxy, expected) in
            [(Proxy::GradNorm, norms.sum()), (Proxy::Plain, plain), (Proxy::Snip, snip)]
        {
            let score = score_of(proxy, &network, &batch).unwrap();
            assert_relative_eq!(score, expected, max_relative = 1e-6);
        }
    }

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
        let mut scores = Scores::new(&[Proxy::Fisher]);
        let labels = batch.labels().unwrap();
        score(&logits, labels, &[&network.first], &layers[..1], &mut scores).unwrap();
        let found = scores.get(Proxy::Fisher).unwrap();
        assert_relative_eq!(found, expected, max_relative = 1e-6);
        // The score of the network adds its other two layers.
        assert!(score_of(Proxy::Fisher, &network, &batch).unwrap() > found);
    }

    #[test]
    fn labels_have_to_be_classes_of_the_network() {
        let batch = Tiny::batch().with_labels(&[0, 1, 2, 3, 0, 0]).unwrap();
        let set = crate::ProxySet::new([Proxy::Snip]);
        let error = set.score(&Tiny::new(), &batch).unwrap_err().to_string();
        assert!(error.contains("label 3") && error.contains("3 classes"), "{error}");
        let unlabelled = crate::Batch::new(batch.images()).unwrap();
        assert!(matches!(set.score(&Tiny::new(), &unlabelled), Err(Error::NoLabels { .. })));
    }
}
