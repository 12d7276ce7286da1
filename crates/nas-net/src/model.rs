use std::path::Path;

use nas_proxy::Network;
use tch::Tensor;

use crate::{Description, Error, Layer};

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

    /// The network with its weights as a file in the ONNX format, operator set 20, for square images of
    /// `side` pixels.
    ///
    /// It computes what [`Model::forward_inference`] does: from `images` of shape (batch, 3, side, side)
    /// `logits` of shape (batch, classes), floats of 32 bits, for a batch of any length. Initializers are
    /// the parameters and running statistics, by their names in the module of [`Model::to_python`].
    ///
    /// # Errors
    /// [`Error::Torch`] for a side that the network does not take.
    fn to_onnx(&self, side: usize, description: &Description) -> Result<Vec<u8>, Error>;

    /// The network as a Python module, a class `Network` that needs nothing but PyTorch. It begins as
    /// PyTorch's layers do; the initializers of the ONNX file are a state dict of it.
    ///
    /// # Errors
    /// None for a network of this crate.
    fn to_python(&self, description: &Description) -> Result<String, Error>;

    /// Writes the network with its weights into a file of TorchScript, traced for square images of
    /// `side` pixels, which takes any number of them. Computes what [`Model::forward_inference`] does.
    ///
    /// While it is traced, no parameter has a gradient.
    ///
    /// # Errors
    /// [`Error::Torch`] for a side that the network does not take, or where the file cannot be written.
    fn save_torchscript(&self, side: usize, file: &Path) -> Result<(), Error>;
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

            fn to_onnx(
                &self,
                side: usize,
                description: &crate::Description,
            ) -> Result<Vec<u8>, crate::Error> {
                let walk = |images: &_, writer: &mut _| self.walk(images, writer);
                Ok(crate::export::onnx(side as i64, description, walk)?)
            }

            fn to_python(&self, description: &crate::Description) -> Result<String, crate::Error> {
                let walk = |images: &_, writer: &mut _| self.walk(images, writer);
                Ok(crate::export::python(description, walk)?)
            }

            fn save_torchscript(
                &self,
                side: usize,
                file: &std::path::Path,
            ) -> Result<(), crate::Error> {
                crate::export::save_torchscript(&self.parameters, side as i64, file, |images| {
                    tch::no_grad(|| self.walk(images, &mut crate::executor::Inference))
                })
            }
        }
    };
}
pub(crate) use model;
