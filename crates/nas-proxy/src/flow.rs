//! The flow through a network: gradients of the sum of its outputs for an image of ones, with the
//! absolute values of all parameters.

use tch::{Device, Kind, TchError, Tensor};

use crate::definition::{Asked, Computation};
use crate::inputs::{FlowGradients, Subject};
use crate::pass::Normalisation;
use crate::scalars::{inner_product, total};
use crate::substitution::Substitution;
use crate::{Error, Network, Pass};

/// Computes the proxies of the flow that were asked for, from one forward and one backward pass.
///
/// In f64 throughout, as the outputs grow with the product of all layers and leave the range of f32.
pub(crate) fn score(subject: &Subject, asked: &mut [Asked]) -> Result<(), Error> {
    let is_flow = |one: &&Asked| matches!(one.definition.computation, Computation::Flow(_));
    let Some(first) = asked.iter().find(is_flow) else { return Ok(()) };
    let Subject { network, batch, .. } = *subject;
    let magnitudes = Substitution::magnitudes(network.parameters())?;
    let weights = magnitudes.weights();
    if weights.is_empty() {
        return Err(Error::no_weights(first.definition.name()));
    }
    let (shape, device) = (batch.image_shape(), batch.device());
    let linear = Pass { normalisation: Normalisation::Identity, ..Pass::plain() };
    let gradients = tch::with_grad(|| flow_gradients(network, shape, device, &weights, linear))?;
    // A weight that the output does not depend on has no gradient at all.
    let weights = weights.into_iter().zip(gradients).filter(|(_, gradient)| gradient.defined());
    let weights: Vec<(&Tensor, Tensor)> = weights.collect();
    let saliencies = weights.iter().map(|(weight, gradient)| inner_product(weight, gradient));
    let saliency = total(&saliencies.collect::<Result<Vec<_>, _>>()?)?;
    let flow = FlowGradients { weights, saliency };
    for one in asked {
        if let Computation::Flow(compute) = one.definition.computation {
            one.score = compute(&flow)?;
        }
    }
    Ok(())
}

/// ∂R/∂θ of each weight, R being the sum of the outputs of a pass for an image of ones; a tensor may
/// be undefined, and there is none at all where R depends on no weight.
pub(crate) fn flow_gradients(
    network: &dyn Network,
    [channels, height, width]: [i64; 3],
    device: Device,
    weights: &[&Tensor],
    mut pass: Pass,
) -> Result<Vec<Tensor>, TchError> {
    let ones = Tensor::f_ones([1, channels, height, width], (Kind::Double, device))?;
    let total = network.forward(&ones, &mut pass)?.f_sum(Kind::Double)?;
    if !total.requires_grad() {
        return Ok(Vec::new());
    }
    Tensor::f_run_backward(&[total], weights, false, false)
}
