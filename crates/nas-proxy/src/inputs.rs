//! What a proxy is computed from: the network and the batch, and what shared passes make of them.

use std::cell::OnceCell;

use tch::{TchError, Tensor};

use crate::pass::WeightedLayer;
use crate::patterns::ActivationPatterns;
use crate::scalars::total;
use crate::{Batch, Error, Network};

/// A network to be scored, and on which images.
pub(crate) struct Subject<'a> {
    pub network: &'a dyn Network,
    pub batch: &'a Batch,
    /// The seed of random numbers that a proxy draws.
    pub seed: u64,
}

/// ∂R/∂θ of the weights, R being the sum of the outputs for an image of ones, all parameters
/// replaced by their absolute values and normalisation by the identity; in f64.
pub(crate) struct FlowGradients<'a> {
    /// |θ|, and ∂R/∂θ where R depends on it.
    pub weights: Vec<(&'a Tensor, Tensor)>,
    /// Σ |θ ∂R/∂θ|.
    pub saliency: f64,
}

/// What a forward pass of the batch recorded, as far as a proxy asked for it.
pub(crate) struct Forward<'a> {
    pub subject: &'a Subject<'a>,
    pub patterns: Option<ActivationPatterns>,
    pub layers: Vec<WeightedLayer>,
    pub blocks: Vec<Tensor>,
    /// Whether another proxy reads the graph of the pass later.
    pub keep_graph: bool,
    /// Computed by the first proxy that reads it.
    pub block_entropies: OnceCell<Vec<f64>>,
}

impl Forward<'_> {
    /// The activation patterns.
    ///
    /// # Errors
    /// [`Error::NothingToRead`] for a network without ReLUs.
    pub fn patterns(&self, proxy: &'static str) -> Result<&ActivationPatterns, Error> {
        let patterns = self.patterns.as_ref().filter(|patterns| patterns.any());
        patterns.ok_or(Error::NothingToRead {
            proxy,
            what: "a network's ReLUs",
            remedy: "compute them with Pass::relu or Pass::relu_shared in Network::forward",
        })
    }

    /// The outputs of the weighted layers.
    ///
    /// # Errors
    /// [`Error::NothingToRead`] where the network shows none.
    pub fn layers(&self, proxy: &'static str) -> Result<&[WeightedLayer], Error> {
        if self.layers.is_empty() { Err(Error::no_layers(proxy)) } else { Ok(&self.layers) }
    }
}

/// The gradients of the summed logits with respect to each image of the batch.
pub(crate) struct ImageGradients<'a> {
    /// The correlation of the images' gradients, of shape (images, images), in f64 on the CPU.
    pub correlation: Tensor,
    pub labels: Option<&'a Tensor>,
    pub classes: i64,
}

/// The gradient of the loss with respect to each weight.
pub(crate) struct WeightGradients<'a> {
    pub subject: &'a Subject<'a>,
    pub labels: &'a Tensor,
    pub weights: &'a [&'a Tensor],
    /// One for each weight, undefined where the loss does not depend on it.
    pub gradients: Vec<Tensor>,
    /// Σ over weight tensors of the Euclidean norm of the gradient, above 0.
    pub norm: f64,
    /// The outputs of the weighted layers, if they were recorded.
    pub layers: &'a [WeightedLayer],
    /// The output of each ReLU, if they were recorded: positive where a unit was active.
    pub relus: Vec<Tensor>,
}

impl WeightGradients<'_> {
    /// The weights that the loss depends on, with their gradients.
    pub fn pairs(&self) -> impl Iterator<Item = (&Tensor, &Tensor)> {
        let pairs = self.weights.iter().copied().zip(&self.gradients);
        pairs.filter(|(_, gradient)| gradient.defined())
    }

    /// The sum over weight tensors of a term of each weight and its gradient, in f64.
    pub fn sum(
        &self,
        term: impl Fn(&Tensor, &Tensor) -> Result<Tensor, TchError>,
    ) -> Result<f64, TchError> {
        tch::no_grad(|| {
            let terms = self.pairs().map(|(weight, gradient)| term(weight, gradient));
            total(&terms.collect::<Result<Vec<_>, _>>()?)
        })
    }
}

/// A weighted layer, and the gradient of the loss with respect to its output.
pub(crate) struct LayerGradient<'a> {
    pub layer: &'a WeightedLayer,
    pub gradient: &'a Tensor,
}
