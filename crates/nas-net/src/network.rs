//! What every network offers: scoring, inference, a list of its layers, and export. All of it follows
//! from one walk through its layers.

use nas_proxy::{Network, NetworkKind, Pass, Role};
use tch::{Device, Kind, TchError, Tensor};

use crate::forward::Forward;
use crate::listing::Listing;
use crate::scoring::Scoring;
use crate::walk::{Walk, Walkable};
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

    /// Logits of shape (count, classes) with their gradients, as a network is trained: batch normalisation
    /// is by the statistics of the batch, and the running ones follow.
    ///
    /// `computed_in` is the type of convolutions and linear layers, such as [`Kind::BFloat16`] on a GPU; weights
    /// and logits keep theirs.
    ///
    /// # Errors
    /// [`Error::Torch`] for images of another shape, or where memory runs out.
    fn forward_training(&self, images: &Tensor, computed_in: Option<Kind>)
    -> Result<Tensor, Error>;

    /// All weights and running statistics with their names in the Python module
    /// ([`export::python`](crate::export::python)), as shallow clones, in the order of the layers.
    ///
    /// # Errors
    /// None for a network of this crate.
    fn state(&self) -> Result<Vec<(String, Tensor)>, Error>;

    /// Channels of the images.
    fn channels(&self) -> usize;

    /// The layers in the order in which they are computed.
    ///
    /// # Errors
    /// None for a network of this crate.
    fn layers(&self) -> Result<Vec<Layer>, Error>;

    /// The network for the export formats of this crate.
    fn walkable(&self) -> Walkable<'_>;
}

/// A network with its weights.
#[derive(Debug)]
pub struct Built<N>(
    /// Its layers.
    pub N,
);

impl<N: Walk> Network for Built<N> {
    fn parameters(&self) -> Vec<(Role, Tensor)> {
        self.0.parameters().iter().map(|(role, one)| (*role, one.shallow_clone())).collect()
    }

    fn forward(&self, images: &Tensor, pass: &mut Pass) -> Result<Tensor, TchError> {
        self.0.walk(images, &mut Scoring(pass))
    }

    fn kind(&self) -> Option<NetworkKind> {
        Some(N::KIND)
    }

    fn flops(&self, shape: [i64; 3], device: Device) -> Result<f64, TchError> {
        match self.0.operations() {
            Some(operations) => Ok(operations as f64),
            None => nas_proxy::counted_flops(self, shape, device),
        }
    }
}

impl<N: Walk> BuiltNetwork for Built<N> {
    fn forward_inference(&self, images: &Tensor) -> Result<Tensor, Error> {
        Ok(tch::no_grad(|| self.0.walk(images, &mut Forward::deployed()))?)
    }

    fn forward_training(
        &self,
        images: &Tensor,
        computed_in: Option<Kind>,
    ) -> Result<Tensor, Error> {
        Ok(self.0.walk(images, &mut Forward { training: true, computed_in })?)
    }

    fn state(&self) -> Result<Vec<(String, Tensor)>, Error> {
        let mut listing = Listing::default();
        self.0.walk(&(), &mut listing)?;
        Ok(listing.state)
    }

    fn channels(&self) -> usize {
        // The first layer's weight has the shape (outputs, inputs, …).
        self.0.parameters().first().map_or(0, |(_, weight)| weight.size()[1] as usize)
    }

    fn layers(&self) -> Result<Vec<Layer>, Error> {
        let mut listing = Listing::default();
        self.0.walk(&(), &mut listing)?;
        Ok(listing.layers)
    }

    fn walkable(&self) -> Walkable<'_> {
        Walkable(&self.0)
    }
}
