//! The layers of a network as a list.

use std::fmt;

use tch::{TchError, Tensor};

use crate::attention::{Attention, Grid, HEAD};
use crate::executor::Executor;
use crate::layer::{BatchNorm, Convolution, LayerNorm, Linear, Patches};
use crate::names::Names;
use crate::weights::Weighted;

/// One layer in the list of a network's layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// ReLU; `layers` of them read the same tensor, as the operations of a cell do.
    Relu {
        /// How many.
        layers: usize,
    },
    /// A convolution with a square kernel and no bias.
    Convolution {
        /// Height and width of the kernel.
        kernel: i64,
        /// Steps between outputs.
        stride: i64,
        /// Input channels.
        inputs: i64,
        /// Output channels.
        outputs: i64,
        /// Groups of channels that are convolved separately.
        groups: i64,
    },
    /// A linear map of square patches to tokens, a class token, and positions.
    Patches {
        /// Height and width of a patch.
        patch: i64,
        /// Channels of a token.
        channels: i64,
        /// Tokens, with the class token.
        tokens: i64,
    },
    /// A shuffle of channels: each group hands one part of its channels to every group.
    Shuffle {
        /// Groups.
        groups: i64,
    },
    /// Batch normalisation with scale and shift.
    BatchNorm {
        /// Channels.
        channels: i64,
    },
    /// Average pooling with a square kernel; padding, if any, does not count.
    AveragePool {
        /// Height and width of the kernel.
        kernel: i64,
        /// Steps between outputs.
        stride: i64,
    },
    /// The mean over height and width, or over all tokens but the class token.
    GlobalAveragePool,
    /// Layer normalisation with scale and shift.
    LayerNorm {
        /// Channels.
        channels: i64,
    },
    /// The Gaussian error linear unit.
    Gelu,
    /// Attention with relative positions, between the projection to queries, keys and values and
    /// that of its result.
    Attention {
        /// Heads.
        heads: i64,
        /// Channels of a head's queries, keys and values.
        channels: i64,
    },
    /// A linear layer with bias.
    Linear {
        /// Input features.
        inputs: i64,
        /// Output features.
        outputs: i64,
    },
}

impl fmt::Display for Layer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Relu { layers: 1 } => write!(formatter, "relu"),
            Self::Relu { layers } => write!(formatter, "relu, shared by {layers}"),
            Self::Convolution { kernel, stride, inputs, outputs, groups } => {
                write!(formatter, "conv {kernel}×{kernel}, stride {stride}, {inputs} → {outputs}")?;
                if groups > 1 { write!(formatter, ", {groups} groups") } else { Ok(()) }
            }
            Self::Patches { patch, channels, tokens } => {
                write!(formatter, "patches {patch}×{patch}, {tokens} tokens of {channels}")
            }
            Self::Shuffle { groups } => write!(formatter, "shuffle {groups} groups"),
            Self::LayerNorm { channels } => write!(formatter, "layer norm {channels}"),
            Self::Gelu => write!(formatter, "gelu"),
            Self::Attention { heads, channels } => {
                write!(formatter, "attention, {heads} heads of {channels}")
            }
            Self::BatchNorm { channels } => write!(formatter, "batch norm {channels}"),
            Self::AveragePool { kernel, stride } => {
                write!(formatter, "average pool {kernel}×{kernel}, stride {stride}")
            }
            Self::GlobalAveragePool => write!(formatter, "global average pool"),
            Self::Linear { inputs, outputs } => write!(formatter, "linear {inputs} → {outputs}"),
        }
    }
}

/// Lists the layers in the order in which they are computed, and their weights by their names in a state dict
/// of PyTorch.
#[derive(Default)]
pub(crate) struct Listing {
    pub layers: Vec<Layer>,
    pub state: Vec<(String, Tensor)>,
    names: Names,
}

impl Listing {
    /// Adds a layer with weights.
    fn weighted<L: Weighted>(&mut self, layer: &L, as_listed: Layer) {
        let name = self.names.layer(L::KIND);
        let weights = layer.weights().into_iter();
        self.state
            .extend(weights.map(|(end, weight)| (format!("{name}{end}"), weight.shallow_clone())));
        self.layers.push(as_listed);
    }
}

impl Executor for Listing {
    type Value = ();

    fn part(&mut self, part: fmt::Arguments) {
        self.names.part(part);
    }

    fn relu(&mut self, (): &(), layers: usize) -> Result<(), TchError> {
        self.layers.push(Layer::Relu { layers });
        Ok(())
    }

    fn convolution(&mut self, (): &(), convolution: &Convolution) -> Result<(), TchError> {
        let (outputs, inputs, kernel, _) = convolution.weight.size4()?;
        let Convolution { stride, groups, .. } = *convolution;
        let inputs = inputs * groups;
        let layer = Layer::Convolution { kernel, stride, inputs, outputs, groups };
        self.weighted(convolution, layer);
        Ok(())
    }

    fn batch_norm(&mut self, (): &(), norm: &BatchNorm) -> Result<(), TchError> {
        let channels = norm.weight.size1()?;
        self.weighted(norm, Layer::BatchNorm { channels });
        Ok(())
    }

    fn average_pool(&mut self, (): &(), kernel: i64, stride: i64) -> Result<(), TchError> {
        self.layers.push(Layer::AveragePool { kernel, stride });
        Ok(())
    }

    fn shuffle(&mut self, (): &(), groups: i64) -> Result<(), TchError> {
        self.layers.push(Layer::Shuffle { groups });
        Ok(())
    }

    fn patches(&mut self, (): &(), to: &Patches) -> Result<(), TchError> {
        let (_, tokens, channels) = to.positions.size3()?;
        self.weighted(to, Layer::Patches { patch: to.weight.size()[2], channels, tokens });
        Ok(())
    }

    fn layer_norm(&mut self, (): &(), norm: &LayerNorm) -> Result<(), TchError> {
        self.weighted(norm, Layer::LayerNorm { channels: norm.weight.size1()? });
        Ok(())
    }

    fn linear(&mut self, (): &(), linear: &Linear) -> Result<(), TchError> {
        let (outputs, inputs) = linear.weight.size2()?;
        self.weighted(linear, Layer::Linear { inputs, outputs });
        Ok(())
    }

    fn gelu(&mut self, (): &()) -> Result<(), TchError> {
        self.layers.push(Layer::Gelu);
        Ok(())
    }

    fn attend(&mut self, (): &(), attention: &Attention, _: &Grid) -> Result<(), TchError> {
        self.weighted(attention, Layer::Attention { heads: attention.heads, channels: HEAD });
        Ok(())
    }

    fn classify_tokens(&mut self, (): &(), classifier: &Linear) -> Result<(), TchError> {
        self.classify(&(), classifier)
    }

    fn identity(&self, (): &()) {}

    fn classify(&mut self, (): &(), classifier: &Linear) -> Result<(), TchError> {
        self.layers.push(Layer::GlobalAveragePool);
        self.linear(&(), classifier)
    }

    fn sum(&mut self, _: Vec<()>, (): &()) -> Result<(), TchError> {
        Ok(())
    }
}
