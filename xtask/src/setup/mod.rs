//! `cargo xtask setup`: libtorch, ONNX Runtime and PyTorch for the workspace.

mod inspect;
pub mod libtorch;
pub mod onnxruntime;
mod python;
pub mod pytorch;
mod recipes;
pub mod say;
mod stamp;
pub mod venv;
mod wheels;
