//! `cargo xtask setup`: libtorch and ONNX Runtime for the workspace.

mod inspect;
pub mod libtorch;
pub mod onnxruntime;
mod python;
mod recipes;
pub mod say;
mod stamp;
mod wheels;
