#![doc = include_str!("../README.md")]

mod batch;
mod checkpoint;
mod error;
mod flat;
mod loss;
mod optimizer;
mod recipe;
mod training;

pub use checkpoint::Checkpoint;
pub use error::Error;
pub use recipe::{Optimizer, Recipe};
pub use training::{Go, Metrics, Scores, Setting, Teacher, Training};
