//! Zero-cost proxies: scores of an untrained network that foretell its trained accuracy.
//!
//! Any type that implements [`Network`] can be scored, be it from a search space or written by
//! hand with the modules of [`tch::nn`]. [`score`] computes proxies of a network on a [`Batch`],
//! on the CPU or on CUDA ([`device`]). A score that does not exist (a singular kernel, a network
//! without a path from input to output, an overflow) is `None`, never a number.
//!
//! | proxy | of | needs images |
//! | --- | --- | --- |
//! | [`Proxy::Naswot`] | Mellor et al. 2021, arXiv 2006.04647 | yes |
//! | [`Proxy::SynFlow`] | Tanaka et al. 2020, arXiv 2006.05467 | no |
//! | [`Proxy::LnSynFlow`] | its logarithm | no |

// libtorch counts in i64; shapes are far below its range.
#![allow(clippy::cast_possible_wrap)]

mod batch;
mod cifar;
mod device;
mod error;
mod naswot;
mod network;
mod proxy;
mod synflow;

pub use batch::{Batch, channels_last};
pub use cifar::{Selection, cifar10, cifar100};
pub use device::device;
pub use error::Error;
pub use network::{Network, Pass, Role};
pub use proxy::{Description, Direction, Proxy, score};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
