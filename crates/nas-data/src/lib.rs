#![doc = include_str!("../README.md")]

mod arrays;
mod augment;
mod batches;
mod cifar;
mod dataset;
mod error;
mod files;
mod folder;
mod scale;
mod shape;
mod split;
mod survey;

pub use augment::Augmentation;
pub use batches::{Batch, Batches, Epoch};
pub use dataset::{Dataset, HELD_OUT, Options, PartName, SIDES};
pub use error::Error;
pub use shape::{Shape, Values};
pub use survey::{Survey, divisor};
