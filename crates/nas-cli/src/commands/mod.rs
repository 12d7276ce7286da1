//! One module for each command of the program.

use std::{
    cell::OnceCell,
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
};

pub mod benchmark;
pub mod chat_test;
pub mod compare;
pub mod doctor;
pub mod download;
pub mod export;
pub mod front;
pub mod images;
pub mod knowledge;
pub mod latency;
#[cfg(feature = "torch")]
pub mod live;
#[cfg(not(feature = "torch"))]
#[path = "no_torch.rs"]
pub mod live;
pub mod memorise_test;
pub mod model;
pub mod niches;
pub mod predict;
pub mod report;
pub mod runs;
pub mod score;
pub mod score_merge;
pub mod search;
pub mod space;
pub mod worker;

/// What workers of a search need to know of it.
#[derive(Debug, Default)]
#[cfg_attr(not(feature = "torch"), allow(dead_code))]
pub struct Workers {
    /// The folder of a generation's work, once there is one.
    pub folder: OnceCell<PathBuf>,
    /// Ends them.
    pub stop: Arc<AtomicBool>,
    /// How many are at work at a time, where it was said.
    pub count: Option<u16>,
}

/// What runs a network whose latency is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Runtime {
    /// PyTorch's C++ library
    #[default]
    Torch,
    /// ONNX Runtime, with the network as nas export writes it
    Onnx,
}
