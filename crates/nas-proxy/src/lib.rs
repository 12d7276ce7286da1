//! Zero-cost proxies: scores of an untrained network that foretell its trained accuracy.
//!
//! Any type that implements [`Network`] can be scored, be it from a search space or written by
//! hand with the modules of [`tch::nn`]. A [`ProxySet`] computes many proxies of a network on a
//! [`Batch`] at once, on the CPU or on CUDA ([`device`]): those that share a pass share it. A
//! score that does not exist (a singular kernel, a network without a path from input to output,
//! an overflow) is `None`, never a number.
//!
//! Each [`Proxy`] tells its paper and equation, its direction, what it needs, and what is followed
//! where paper and public code differ ([`Proxy::description`]).

// libtorch counts in i64; shapes are far below its range.
#![allow(clippy::cast_possible_wrap)]

mod aggregate;
mod az_nas;
mod batch;
mod device;
mod dss;
mod error;
mod grasp;
mod image_file;
mod images;
mod jacobian;
mod loss;
mod meco;
mod naswot;
mod network;
mod pass;
mod proxy;
mod scalars;
mod set;
mod signs;
mod substitution;
mod synflow;
#[cfg(test)]
mod tiny;
mod zen;
mod zico;

pub use aggregate::RankAggregate;
pub use batch::{Batch, channels_last};
pub use device::{NoCuda, cuda_devices, device};
pub use error::Error;
pub use image_file::{Selection, cifar10, cifar100, imagenet16, imagenet64};
pub use network::{Network, Role};
pub use pass::Pass;
pub use proxy::{Description, Direction, Needs, Proxy};
pub use set::ProxySet;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
