use nas_proxy::Network;
use tch::Tensor;

use crate::{Error, Layer};

/// A network that can be scored by proxies, run as it would be deployed, and listed.
pub trait Model: Network {
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
}

pub(crate) const NO_ATTENTION: &str = "it has no attention";

/// Implements the traits for a network that has `parameters`, says how it walks through its layers
/// for any executor, counts its operations for an image's shape, and tells which proxies it refuses.
macro_rules! model {
    ($network:ty) => {
        impl nas_proxy::Network for $network {
            fn parameters(&self) -> Vec<(nas_proxy::Role, tch::Tensor)> {
                self.parameters.iter().map(|(role, one)| (*role, one.shallow_clone())).collect()
            }

            fn forward(
                &self,
                images: &tch::Tensor,
                pass: &mut nas_proxy::Pass,
            ) -> Result<tch::Tensor, tch::TchError> {
                self.walk(images, &mut crate::executor::Scoring(pass))
            }

            fn unfit(&self, proxy: nas_proxy::Proxy) -> Option<&'static str> {
                Self::refuses(proxy)
            }

            fn flops(&self, shape: [i64; 3], _: tch::Device) -> Result<f64, tch::TchError> {
                Ok(self.operations(shape) as f64)
            }
        }

        impl crate::Model for $network {
            fn forward_inference(&self, images: &tch::Tensor) -> Result<tch::Tensor, crate::Error> {
                Ok(tch::no_grad(|| self.walk(images, &mut crate::executor::Inference))?)
            }

            fn layers(&self) -> Result<Vec<crate::Layer>, crate::Error> {
                let mut listing = crate::executor::Listing(Vec::new());
                self.walk(&(), &mut listing)?;
                Ok(listing.0)
            }
        }
    };
}
pub(crate) use model;
