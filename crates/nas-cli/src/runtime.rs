//! The option that chooses what runs a network whose latency is measured.

/// What runs a network whose latency is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Runtime {
    /// PyTorch's C++ library
    #[default]
    Torch,
    /// ONNX Runtime, with the network as nas export writes it
    Onnx,
}
