#![doc = include_str!("../README.md")]
// The README shows a whole build.rs.
#![allow(clippy::needless_doctest_main)]

mod attention;
mod autoformer;
mod builder;
mod error;
mod executor;
pub mod export;
mod fbnet;
mod forward;
mod layer;
mod listing;
mod names;
mod nasbench201;
mod network;
mod scoring;
mod tensors;
mod walk;
mod weights;

pub use autoformer::AutoFormerNetwork;
pub use error::Error;
pub use fbnet::FbnetNetwork;
pub use listing::Layer;
pub use nas_space::Task;
pub use nasbench201::{NasBench201Network, Scale};
pub use network::BuiltNetwork;
pub use walk::Walkable;

/// What a network of another space is made of: layers with initial weights from a seed
/// ([`Builder`](build::Builder)), and one walk through them ([`Walk`](build::Walk)).
pub mod build {
    pub use crate::attention::{Attention, Grid};
    pub use crate::builder::{Builder, Initial};
    pub use crate::executor::Executor;
    pub use crate::layer::{BatchNorm, Convolution, LayerNorm, Linear, Patches};
    pub use crate::network::Built;
    pub use crate::walk::Walk;
}
