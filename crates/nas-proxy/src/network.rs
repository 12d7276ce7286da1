//! The trait of networks that can be scored: parameters with roles, and a forward pass.

use tch::{Device, Kind, TchError, Tensor};

use crate::Pass;

/// The kinds of network that some proxies do not apply to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NetworkKind {
    /// Convolutions with batch normalisation and ReLU, without attention.
    Convolutional,
    /// Attention and MLPs with layer normalisation and GELU.
    Transformer,
}

/// What a parameter is to a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The weight of a convolution or a linear layer, over which saliencies such as SynFlow's sum.
    Weight,
    /// A weight of an attention: the projection to queries, keys and values, or that of its result.
    Attention,
    /// The bias of a convolution or a linear layer.
    Bias,
    /// Scale or shift of a normalisation.
    Normalisation,
    /// A token or a position that is learnt.
    Embedding,
}

impl Role {
    /// Whether it is a weight, of an attention or not.
    pub fn is_weight(self) -> bool {
        matches!(self, Self::Weight | Self::Attention)
    }
}

/// A network that can be scored.
///
/// The crate's example `score_your_own` implements it for a network of plain [`tch::nn`] modules.
pub trait Network {
    /// Every parameter with its role, as shallow clones of the leaf tensors that
    /// [`forward`](Self::forward) reads: a proxy may change their values for the time of a pass.
    fn parameters(&self) -> Vec<(Role, Tensor)>;

    /// Maps images of shape (count, channels, height, width) to logits of shape (count, classes).
    ///
    /// Every ReLU has to go through [`Pass::relu`] or [`Pass::relu_shared`] and every
    /// normalisation through [`Pass::batch_norm`] or [`Pass::layer_norm`]; they do what the proxy
    /// needs there. Some proxies read more, and fail where it is not shown to them:
    /// [`Pass::weighted`], [`Pass::block`] and [`Pass::features`]. No layer may depend on the element
    /// type, since SynFlow passes double precision.
    fn forward(&self, images: &Tensor, pass: &mut Pass) -> Result<Tensor, TchError>;

    /// Its kind. Proxies that do not apply to the kind are refused
    /// ([`Proxy::inapplicable`](crate::Proxy::inapplicable)); without a kind, none are.
    fn kind(&self) -> Option<NetworkKind> {
        None
    }

    /// Floating-point operations of one image of shape (channels, height, width).
    ///
    /// Unless a network has its own convention, these are the multiply-accumulates of the layers
    /// that it shows to [`Pass::weighted`], counted in a forward pass; 0 if it shows none.
    fn flops(&self, [channels, height, width]: [i64; 3], device: Device) -> Result<f64, TchError> {
        counted_flops(self, [channels, height, width], device)
    }
}

/// The multiply-accumulates of the layers that a network shows to [`Pass::weighted`], in a forward pass of one
/// image of shape (channels, height, width).
///
/// # Errors
/// Those of libtorch.
pub fn counted_flops(
    network: &(impl Network + ?Sized),
    [channels, height, width]: [i64; 3],
    device: Device,
) -> Result<f64, TchError> {
    let kind = network.parameters().first().map_or(Kind::Float, |(_, one)| one.kind());
    let image = Tensor::f_zeros([1, channels, height, width], (kind, device))?;
    let mut pass = Pass::plain();
    let _logits = tch::no_grad(|| network.forward(&image, &mut pass))?;
    Ok(pass.multiply_accumulates)
}
