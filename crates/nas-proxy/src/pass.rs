//! One forward pass: what happens at the layers of a network, and what is recorded there.

use tch::{TchError, Tensor};

use crate::patterns::ActivationPatterns;

/// One forward pass for proxies: what they do at a network's layers, and what they record.
#[derive(Debug, Default)]
pub struct Pass {
    pub(crate) normalisation: Normalisation,
    pub(crate) rectification: Rectification,
    /// The activation patterns at every ReLU.
    pub(crate) patterns: Option<ActivationPatterns>,
    /// The outputs of the weighted layers.
    pub(crate) layers: Option<Vec<WeightedLayer>>,
    /// The outputs of the blocks.
    pub(crate) blocks: Option<Vec<Tensor>>,
    /// The last feature maps before pooling.
    pub(crate) features: Option<Tensor>,
    pub(crate) multiply_accumulates: f64,
}

/// What happens at a normalisation.
#[derive(Debug, Default)]
pub(crate) enum Normalisation {
    /// It is computed, with the batch's own statistics.
    #[default]
    Batch,
    /// The identity, which makes a network of positive weights linear on positive input.
    Identity,
    /// It is computed, and the mean variance of its channels is recorded.
    Variances(Vec<Tensor>),
}

/// What happens at a ReLU.
#[derive(Debug, Default)]
pub(crate) enum Rectification {
    /// It is computed.
    #[default]
    Plain,
    /// It is computed, and its output is recorded: positive where a unit is active.
    Keeping(Vec<Tensor>),
    /// Units are active as they were in another pass, whose ReLUs come in the same order: the
    /// network is smooth, with the gradients that it had there.
    Frozen(std::vec::IntoIter<Tensor>),
}

/// The output of a convolution or linear layer.
#[derive(Debug)]
pub(crate) struct WeightedLayer {
    /// Of shape (channels, …).
    pub weight: Tensor,
    /// Of shape (count, channels, …).
    pub output: Tensor,
    /// Whether the output goes into a batch normalisation next.
    pub normalised: bool,
}

impl WeightedLayer {
    /// The number of weights of each output channel.
    pub fn weights_of_channel(&self) -> f64 {
        self.weight.numel() as f64 / self.output.size()[1].max(1) as f64
    }
}

impl Pass {
    /// A pass that records nothing, with the batch's own statistics in batch normalisation.
    pub fn plain() -> Self {
        Self::default()
    }

    /// ReLU of a tensor of any shape whose first dimension is the image.
    pub fn relu(&mut self, input: &Tensor) -> Result<Tensor, TchError> {
        self.relu_shared(input, 1)
    }

    /// The ReLU of `layers` layers that read the same tensor, computed once.
    ///
    /// In a cell, several operations often begin with a ReLU of the same node. Their patterns are
    /// equal, and a proxy counts them `layers` times, as if each layer computed its own.
    pub fn relu_shared(&mut self, input: &Tensor, layers: usize) -> Result<Tensor, TchError> {
        let output = match &mut self.rectification {
            Rectification::Plain => input.f_relu()?,
            Rectification::Keeping(outputs) => {
                let output = input.f_relu()?;
                outputs.push(output.f_detach()?);
                output
            }
            Rectification::Frozen(outputs) => match outputs.next() {
                // Apply to the input what a ReLU does to a gradient: it passes where the output was
                // positive.
                Some(output) => output.f_threshold_backward(input, 0.0)?,
                None => return Err(TchError::Shape("more ReLUs than in the first pass".into())),
            },
        };
        if let Some(patterns) = &mut self.patterns {
            patterns.add(&output.f_detach()?, layers)?;
        }
        Ok(output)
    }

    /// Batch normalisation with scale `weight` and shift `bias`, each of shape (channels).
    ///
    /// It always takes mean and variance from the batch: the running statistics of an untrained
    /// network carry no information. Running statistics are neither read nor updated. Under
    /// SynFlow it is the identity (Tanaka et al. 2020, appendix on batch normalisation).
    pub fn batch_norm(
        &mut self,
        input: &Tensor,
        weight: Option<&Tensor>,
        bias: Option<&Tensor>,
        epsilon: f64,
    ) -> Result<Tensor, TchError> {
        if let Some(layer) = self.layers.as_mut().and_then(|layers| layers.last_mut()) {
            layer.normalised |= layer.output.data_ptr() == input.data_ptr();
        }
        let momentum = 0.0;
        match &mut self.normalisation {
            Normalisation::Identity => Ok(input.shallow_clone()),
            Normalisation::Batch => {
                input.f_batch_norm(weight, bias, None, None, true, momentum, epsilon, true)
            }
            Normalisation::Variances(variances) => {
                let none = None::<&Tensor>;
                let (output, _, inverse_deviation) =
                    input.f_native_batch_norm(weight, bias, none, none, true, momentum, epsilon)?;
                let variance = inverse_deviation.f_pow_tensor_scalar(-2)?.f_add_scalar(-epsilon)?;
                variances.push(variance.f_mean(None)?);
                Ok(output)
            }
        }
    }

    /// Layer normalisation of the last dimension, with scale `weight` and shift `bias`, each of shape
    /// (channels). Under SynFlow it is the identity, as batch normalisation is.
    pub fn layer_norm(
        &mut self,
        input: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        epsilon: f64,
    ) -> Result<Tensor, TchError> {
        match self.normalisation {
            Normalisation::Identity => Ok(input.shallow_clone()),
            _ => input.f_layer_norm(weight.size(), Some(weight), Some(bias), epsilon, true),
        }
    }

    /// Shows the output, of shape (count, channels, …), of a convolution or linear layer with
    /// this weight, of shape (channels, …); for Fisher, MeCo and FLOPs.
    pub fn weighted(&mut self, weight: &Tensor, output: &Tensor) {
        if output.dim() < 2 {
            return;
        }
        let (weight, output) = (weight.shallow_clone(), output.shallow_clone());
        let layer = WeightedLayer { weight, output, normalised: false };
        let values_of_image = layer.output.numel() as f64 / layer.output.size()[0] as f64;
        self.multiply_accumulates += layer.weights_of_channel() * values_of_image;
        if let Some(layers) = &mut self.layers {
            layers.push(layer);
        }
    }

    /// Shows the output, of shape (count, channels, height, width), of a block that the network
    /// is a chain of (a cell, a residual block), in order; for AZ-NAS.
    pub fn block(&mut self, output: &Tensor) {
        if let Some(blocks) = &mut self.blocks {
            blocks.push(output.shallow_clone());
        }
    }

    /// Shows the last feature maps, of shape (count, channels, height, width), before they are
    /// pooled for the classifier; for Zen.
    pub fn features(&mut self, maps: &Tensor) {
        self.features = Some(maps.shallow_clone());
    }
}
