//! Architectures as [`tch`] networks, ready for [`nas_proxy`] and for measuring.
//!
//! [`NasBench201Network`] is the network around a cell of [`nas_space::nasbench201`], with the
//! benchmark's layers in the benchmark's order; [`FbnetNetwork`] and [`AutoFormerNetwork`] are those of
//! [`nas_space::fbnet`] and [`nas_space::autoformer`]. Each is a [`Model`].

// libtorch counts in i64; shapes are far below its range.
#![allow(clippy::cast_possible_wrap)]

mod attention;
mod autoformer;
mod error;
mod executor;
mod export;
mod fbnet;
mod layer;
mod model;
mod nasbench201;

pub use autoformer::AutoFormerNetwork;
pub use error::Error;
pub use export::Description;
pub use fbnet::FbnetNetwork;
pub use layer::Layer;
pub use model::Model;
pub use nasbench201::NasBench201Network;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
