//! Objectives that are computed here: zero-cost proxies, and latency measured on this machine.
//!
//! Both work on the networks of a [`Blueprint`], and once for each network: isomorphic
//! architectures share their values.

mod blueprint;
mod latency;
mod proxy_score;
mod scoring;

pub use blueprint::{Blueprint, Build, Computed, Networks, ReadImages};
pub use latency::{MeasuredLatency, Runtime};
pub use proxy_score::{Compute, ProxyScore, TRAINING_FREE, TRAINING_FREE_TRANSFORMER};
pub use scoring::Scoring;

#[cfg(test)]
mod tests;
