//! The versions that the workspace is built and tested with.

/// The only libtorch that the `tch` of this workspace accepts.
pub const LIBTORCH: &str = "2.11.0";

pub const ONNX_RUNTIME: &str = "1.28.0";
