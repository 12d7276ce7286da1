//! Architectures as [`tch`] networks, ready for [`nas_proxy`] and for measuring.
//!
//! [`NasBench201Network`] is the network around a cell of
//! [`nas_space::nasbench201`], with the benchmark's layers in the benchmark's order.

// libtorch counts in i64; shapes are far below its range.
#![allow(clippy::cast_possible_wrap)]

mod error;
mod executor;
mod layer;
mod nasbench201;

pub use error::Error;
pub use layer::Layer;
pub use nasbench201::NasBench201Network;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
