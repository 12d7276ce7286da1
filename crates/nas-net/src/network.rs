//! What every network of this crate offers: scoring, inference, a list of its layers, and export.

use nas_proxy::Network;
use tch::Tensor;

use crate::walk::Walkable;
use crate::{Error, Layer};

/// A network that can be scored by proxies, run as it would be deployed, listed, and exported
/// ([`export`](crate::export)).
pub trait BuiltNetwork: Network {
    /// Logits of shape (count, classes) as a deployed network computes them, by the running
    /// statistics of batch normalisation and without gradients: what to measure latency of.
    ///
    /// Images have shape (count, 3, height, width); they are fastest with their channels last in
    /// memory ([`nas_proxy::channels_last`]).
    ///
    /// # Errors
    /// [`Error::Torch`] for images of another shape, or where memory runs out.
    fn forward_inference(&self, images: &Tensor) -> Result<Tensor, Error>;

    /// The layers in the order in which they are computed.
    ///
    /// # Errors
    /// None for a network of this crate.
    fn layers(&self) -> Result<Vec<Layer>, Error>;

    /// The network for the export formats of this crate.
    fn walkable(&self) -> Walkable<'_>;
}

/// Implements the traits for a network of a kind that has `parameters`, walks through its layers
/// with any executor, and counts its operations for an image's shape.
macro_rules! impl_network {
    ($network:ty, $kind:expr) => {
        impl nas_proxy::Network for $network {
            fn parameters(&self) -> Vec<(nas_proxy::Role, tch::Tensor)> {
                self.parameters.iter().map(|(role, one)| (*role, one.shallow_clone())).collect()
            }

            fn forward(
                &self,
                images: &tch::Tensor,
                pass: &mut nas_proxy::Pass,
            ) -> Result<tch::Tensor, tch::TchError> {
                self.walk(images, &mut crate::scoring::Scoring(pass))
            }

            fn kind(&self) -> Option<nas_proxy::NetworkKind> {
                Some($kind)
            }

            fn flops(&self, shape: [i64; 3], _: tch::Device) -> Result<f64, tch::TchError> {
                Ok(self.operations(shape) as f64)
            }
        }

        impl crate::BuiltNetwork for $network {
            fn forward_inference(&self, images: &tch::Tensor) -> Result<tch::Tensor, crate::Error> {
                Ok(tch::no_grad(|| self.walk(images, &mut crate::inference::Inference))?)
            }

            fn layers(&self) -> Result<Vec<crate::Layer>, crate::Error> {
                let mut listing = crate::listing::Listing(Vec::new());
                self.walk(&(), &mut listing)?;
                Ok(listing.0)
            }

            fn walkable(&self) -> crate::walk::Walkable<'_> {
                crate::walk::Walkable(self)
            }
        }

        impl crate::walk::Walk for $network {
            fn write(
                &self,
                images: &crate::walk::Symbol,
                writer: &mut dyn crate::executor::Executor<Value = crate::walk::Symbol>,
            ) -> Result<crate::walk::Symbol, tch::TchError> {
                self.walk(images, writer)
            }
        }
    };
}
pub(crate) use impl_network;
