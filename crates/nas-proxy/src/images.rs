//! The proxies of the batch's images: one forward pass for all of them, and one backward pass for
//! those that share a gradient.

use tch::{Kind, TchError, Tensor};

use crate::pass::{Pass, Rectification};
use crate::scalars::all_finite;
use crate::set::Scores;
use crate::signs::Signs;
use crate::substitution::Substitution;
use crate::{Batch, Error, Network, Proxy, az_nas, grasp, jacobian, loss, meco, naswot};

pub(crate) const LOSS: [Proxy; 5] =
    [Proxy::Fisher, Proxy::GradNorm, Proxy::Grasp, Proxy::Plain, Proxy::Snip];
pub(crate) const JACOBIAN: [Proxy; 2] = [Proxy::EpeNas, Proxy::Jacov];
pub(crate) const BLOCKS: [Proxy; 3] =
    [Proxy::AzExpressivity, Proxy::AzProgressivity, Proxy::AzTrainability];
const SIGNS: [Proxy; 2] = [Proxy::Naswot, Proxy::Swap];

/// Whether any of these proxies was asked for.
pub(crate) fn wanted(scores: &Scores) -> bool {
    let groups = [&LOSS[..], &JACOBIAN, &BLOCKS, &SIGNS, &[Proxy::MeCo]];
    groups.into_iter().any(|group| scores.wants_any(group))
}

/// Computes those that were asked for. All are absent if the logits are not finite, since then
/// some activation was not, or the same for all images, since then no path leads to them.
pub(crate) fn score(
    network: &dyn Network,
    batch: &Batch,
    seed: u64,
    scores: &mut Scores,
) -> Result<(), Error> {
    let (for_loss, for_jacobian) = (scores.wants_any(&LOSS), scores.wants_any(&JACOBIAN));
    let for_trainability = scores.wants(Proxy::AzTrainability);
    let backward = for_loss || for_jacobian || for_trainability;

    let parameters = Substitution::none(network.parameters())?;
    let images = batch.images().f_detach()?.f_set_requires_grad(for_jacobian)?;
    let mut pass = Pass::plain();
    if scores.wants_any(&SIGNS) {
        let (kernel, patterns) = (scores.wants(Proxy::Naswot), scores.wants(Proxy::Swap));
        pass.signs = Some(Signs::new(batch.count(), batch.device(), kernel, patterns));
    }
    if scores.wants_any(&[Proxy::Fisher, Proxy::Grasp, Proxy::MeCo]) {
        pass.layers = Some(Vec::new());
    }
    if scores.wants_any(&BLOCKS) {
        pass.blocks = Some(Vec::new());
    }
    if scores.wants(Proxy::Grasp) {
        pass.rectification = Rectification::Keeping(Vec::new());
    }
    let mut forward = || network.forward(&images, &mut pass);
    let logits = if backward { tch::with_grad(forward) } else { tch::no_grad(&mut forward) }?;

    if !depends_on_images(&logits)? {
        return Ok(());
    }
    if let Some(signs) = &pass.signs {
        naswot::score(signs, scores)?;
    }
    let layers = pass.layers.as_deref().unwrap_or_default();
    let blocks = pass.blocks.as_deref().unwrap_or_default();
    if scores.wants(Proxy::MeCo) {
        meco::score(layers, scores)?;
    }
    if scores.wants_any(&BLOCKS) {
        az_nas::entropies(blocks, scores)?;
    }
    // The last to read the graph frees it.
    if for_trainability {
        let keep = for_jacobian || for_loss;
        az_nas::trainability(blocks, seed, keep, scores)?;
    }
    if for_jacobian {
        jacobian::score(&logits, &images, batch.labels(), for_loss, scores)?;
    }
    if for_loss {
        let labels = labels(batch, &logits, scores, &LOSS)?;
        let gradients = loss::score(&logits, labels, &parameters.weights(), layers, scores)?;
        if let Rectification::Keeping(rectified) = pass.rectification {
            let free = grasp::scale_free(&parameters.weights(), &gradients, layers)?;
            drop(parameters);
            let base =
                grasp::Base { labels, gradients: &gradients, rectified: &rectified, free: &free };
            grasp::score(network, batch, &base, scores)?;
        }
    }
    Ok(())
}

/// Whether logits are finite and not the same for all images, if there are several.
fn depends_on_images(logits: &Tensor) -> Result<bool, TchError> {
    let logits = logits.f_detach()?;
    let same = || logits.f_eq_tensor(&logits.f_narrow(0, 0, 1)?)?.f_all();
    Ok(all_finite(&logits)? && (logits.size()[0] < 2 || !bool::try_from(same()?)?))
}

/// The batch's labels, each one of the logits' classes.
pub(crate) fn labels<'a>(
    batch: &'a Batch,
    logits: &Tensor,
    scores: &Scores,
    proxies: &[Proxy],
) -> Result<&'a Tensor, Error> {
    let asked = proxies.iter().copied().find(|&proxy| scores.wants(proxy));
    let proxy = asked.map_or("the loss", Proxy::name);
    let labels = batch.labels().ok_or(Error::NoLabels { proxy })?;
    let classes = logits.size().get(1).copied().unwrap_or(0);
    let range = Tensor::f_stack(&[labels.f_min()?, labels.f_max()?], 0)?;
    let range = Vec::<i64>::try_from(range.f_to_kind(Kind::Int64)?)?;
    match range.into_iter().find(|label| !(0..classes).contains(label)) {
        Some(label) => Err(Error::LabelRange { label, classes }),
        None => Ok(labels),
    }
}
