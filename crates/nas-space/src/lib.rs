#![doc = include_str!("../README.md")]

mod arch;
pub mod autoformer;
mod axis;
mod canonical;
mod cell;
mod constraint;
mod decision;
mod error;
pub mod fbnet;
mod features;
mod file;
pub mod nasbench201;
pub mod pit;
mod reachability;
mod space;
mod task;
mod text;
mod variation;

pub use arch::Arch;
pub use axis::{ComplexityAxis, Factor};
pub use canonical::Canonical;
pub use cell::Cell;
pub use constraint::Constraint;
pub use decision::{Activity, Decision};
pub use error::{Error, TextError, nearest};
pub use features::{FeatureGroup, Features};
pub use space::Space;
pub use task::Task;
