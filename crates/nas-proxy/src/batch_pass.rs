//! The shared passes over the batch: one forward pass, and one backward pass for each gradient that
//! a proxy reads.

use std::cell::OnceCell;

use tch::{Device, Kind, TchError, Tensor};

use crate::definition::{Asked, Computation, Definition, Record};
use crate::inputs::{Forward, ImageGradients, LayerGradient, Subject, WeightGradients};
use crate::loss::{cross_entropy, labels};
use crate::pass::{Pass, Rectification, WeightedLayer};
use crate::patterns::ActivationPatterns;
use crate::scalars::{all_finite, total};
use crate::substitution::Substitution;
use crate::{Batch, Error};

/// Computes the proxies of these passes that were asked for. All are absent if the logits are not
/// finite, since then some activation was not, or the same for all images, since then no path
/// leads to them.
pub(crate) fn score(subject: &Subject, asked: &mut [Asked]) -> Result<(), Error> {
    let of = |wanted: fn(Computation) -> bool| {
        asked.iter().map(|one| one.definition).filter(move |one| wanted(one.computation))
    };
    let forward = || of(|computation| matches!(computation, Computation::Forward(..)));
    let forward_backward = forward().filter(|one| one.description.needs.backward).count();
    let for_images = of(|one| matches!(one, Computation::ImageGradients(_))).next().is_some();
    let for_loss = of(is_of_loss).next().is_some();
    if forward().next().is_none() && !for_images && !for_loss {
        return Ok(());
    }
    let records = |record| of(|_| true).any(|one| one.computation.records().contains(&record));

    let Subject { network, batch, .. } = *subject;
    let parameters = Substitution::none(network.parameters())?;
    let images = batch.images().f_detach()?.f_set_requires_grad(for_images)?;
    let mut pass = Pass::plain();
    let (kernel, patterns) = (records(Record::HammingKernel), records(Record::ActivationPatterns));
    if kernel || patterns {
        let patterns = ActivationPatterns::new(batch.count(), batch.device(), kernel, patterns);
        pass.patterns = Some(patterns);
    }
    pass.layers = records(Record::Layers).then(Vec::new);
    pass.blocks = records(Record::Blocks).then(Vec::new);
    if records(Record::Relus) {
        pass.rectification = Rectification::Keeping(Vec::new());
    }
    let backward = for_images || for_loss || forward_backward > 0;
    let mut run = || network.forward(&images, &mut pass);
    let logits = if backward { tch::with_grad(run) } else { tch::no_grad(&mut run) }?;
    if !depends_on_images(&logits)? {
        return Ok(());
    }
    // The last to read the graph frees it.
    let recorded = Forward {
        subject,
        patterns: pass.patterns,
        layers: pass.layers.unwrap_or_default(),
        blocks: pass.blocks.unwrap_or_default(),
        keep_graph: for_images || for_loss || forward_backward > 1,
        block_entropies: OnceCell::new(),
    };
    for one in &mut *asked {
        if let Computation::Forward(_, compute) = one.definition.computation {
            one.score = compute(&recorded)?;
        }
    }
    if for_images && let Some(gradients) = image_gradients(batch, &images, &logits, for_loss)? {
        for one in &mut *asked {
            if let Computation::ImageGradients(compute) = one.definition.computation {
                one.score = compute(&gradients)?;
            }
        }
    }
    if for_loss {
        let relus = match pass.rectification {
            Rectification::Keeping(relus) => relus,
            _ => Vec::new(),
        };
        score_loss(subject, &logits, &parameters.weights(), &recorded.layers, relus, asked)?;
    }
    Ok(())
}

fn is_of_loss(computation: Computation) -> bool {
    matches!(computation, Computation::WeightGradients(..) | Computation::LayerGradients(_))
}

/// Whether logits are finite and not the same for all images, if there are several.
fn depends_on_images(logits: &Tensor) -> Result<bool, TchError> {
    let logits = logits.f_detach()?;
    let same = || logits.f_eq_tensor(&logits.f_narrow(0, 0, 1)?)?.f_all();
    Ok(all_finite(&logits)? && (logits.size()[0] < 2 || !bool::try_from(same()?)?))
}

/// None where an image has no gradient.
fn image_gradients<'a>(
    batch: &'a Batch,
    images: &Tensor,
    logits: &Tensor,
    keep_graph: bool,
) -> Result<Option<ImageGradients<'a>>, Error> {
    let total = tch::with_grad(|| logits.f_sum(None))?;
    if !total.requires_grad() {
        return Ok(None);
    }
    let gradient = Tensor::f_run_backward(&[total], &[images], keep_graph, false)?.remove(0);
    if !gradient.defined() {
        return Ok(None);
    }
    let rows = gradient.f_flatten(1, -1)?.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double)?;
    let correlation = rows.f_corrcoef()?;
    if !all_finite(&correlation)? {
        return Ok(None);
    }
    let classes = logits.size().get(1).copied().unwrap_or(0);
    Ok(Some(ImageGradients { correlation, labels: batch.labels(), classes }))
}

/// The proxies of the gradient of the loss, from one backward pass; absent where the loss does not
/// change. The graph is freed.
fn score_loss(
    subject: &Subject,
    logits: &Tensor,
    weights: &[&Tensor],
    layers: &[WeightedLayer],
    relus: Vec<Tensor>,
    asked: &mut [Asked],
) -> Result<(), Error> {
    let first = |wanted: fn(Computation) -> bool| {
        let mut definitions = asked.iter().map(|one| one.definition);
        definitions.find(|one| wanted(one.computation)).map(Definition::name)
    };
    let name = first(is_of_loss).unwrap_or_default();
    let labels = labels(subject.batch, logits, name)?;
    if weights.is_empty() {
        return Err(Error::no_weights(name));
    }
    let for_layers = first(|one| matches!(one, Computation::LayerGradients(_)));
    if let Some(name) = for_layers.filter(|_| layers.is_empty()) {
        return Err(Error::no_layers(name));
    }
    let loss = tch::with_grad(|| cross_entropy(logits, labels))?;
    if !loss.requires_grad() {
        return Ok(());
    }
    let for_weights = first(|one| matches!(one, Computation::WeightGradients(..))).is_some();
    let weights = if for_weights { weights } else { &[] };
    let is_read = |layer: &&WeightedLayer| for_layers.is_some() && layer.output.requires_grad();
    let layers_read: Vec<&WeightedLayer> = layers.iter().filter(is_read).collect();
    let outputs = layers_read.iter().map(|layer| &layer.output);
    let inputs: Vec<&Tensor> = weights.iter().copied().chain(outputs).collect();
    if inputs.is_empty() {
        return Ok(());
    }
    let mut gradients = Tensor::f_run_backward(&[loss], &inputs, false, false)?;
    let of_outputs = gradients.split_off(weights.len());
    let pairs = layers_read.into_iter().zip(&of_outputs);
    let pairs = pairs.filter(|(_, gradient)| gradient.defined());
    let pairs: Vec<LayerGradient> =
        pairs.map(|(layer, gradient)| LayerGradient { layer, gradient }).collect();
    for one in &mut *asked {
        if let Computation::LayerGradients(compute) = one.definition.computation {
            one.score = compute(&pairs)?;
        }
    }
    // A weight that the loss does not depend on has no gradient at all.
    let defined = gradients.iter().filter(|gradient| gradient.defined());
    let norms = defined.map(Tensor::f_norm).collect::<Result<Vec<_>, _>>()?;
    let norm = total(&norms)?;
    if norm == 0.0 {
        return Ok(());
    }
    let gradients = WeightGradients { subject, labels, weights, gradients, norm, layers, relus };
    for one in asked {
        if let Computation::WeightGradients(_, compute) = one.definition.computation {
            one.score = compute(&gradients)?;
        }
    }
    Ok(())
}
