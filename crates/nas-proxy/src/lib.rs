#![doc = include_str!("../README.md")]
// The README shows a whole build.rs.
#![allow(clippy::needless_doctest_main)]

mod aggregate;
mod batch;
mod batch_pass;
mod definition;
mod device;
mod error;
mod flow;
mod image_file;
mod inputs;
mod loss;
mod network;
mod pass;
mod patterns;
mod proxies;
mod scalars;
mod set;
mod substitution;
#[cfg(test)]
mod tiny;

pub use aggregate::RankAggregate;
pub use batch::{Batch, channels_last};
pub use definition::{Description, Direction, Needs};
pub use device::{NoCuda, cuda_devices, device};
pub use error::Error;
pub use image_file::{Selection, cifar10, cifar100, imagenet16, imagenet64};
pub use network::{Network, NetworkKind, Role, counted_flops};
pub use pass::Pass;
pub use proxies::Proxy;
pub use set::ProxySet;
