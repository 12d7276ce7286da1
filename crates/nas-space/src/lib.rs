//! Search spaces for neural architecture search, as data.
//!
//! A [`Space`] is a list of named [`Decision`]s with their choices; an [`Arch`] is the list of
//! the choices taken. Text form, sampling, mutation, crossover and enumeration are written once,
//! for every space. A cell space also says which graph its decisions label ([`Cell`]), from
//! which reachability and the canonical form follow.
//!
//! [`nasbench201`] is the space of NAS-Bench-201 (Dong & Yang 2020, arXiv 2001.00326) with its
//! published codecs, index order, classes, parameters and FLOPs; [`fbnet`] that of FBNet as
//! HW-NAS-Bench measured it; [`autoformer`] those of AutoFormer; [`pit`] that of PiT.

mod arch;
pub mod autoformer;
mod cell;
mod error;
pub mod fbnet;
mod features;
mod file;
mod measure;
pub mod nasbench201;
pub mod pit;
mod space;
mod variation;

pub use arch::Arch;
pub use cell::{Canonical, Cell};
pub use error::{Error, TextError, nearest};
pub use features::{FeatureGroup, Features};
pub use measure::{Constraint, Factor, Measure};
pub use space::{Activity, Decision, Space};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
