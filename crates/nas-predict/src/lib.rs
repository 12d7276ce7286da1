//! Accuracy of neural architectures from their features and a few labels.
//!
//! A [`Table`] holds architectures as rows: what they are made of, for any space, and scores such
//! as zero-cost proxies. A [`Predictor`] learns from the labels of some rows: the mean of
//! gradient-boosted trees and a Gaussian process with a share of a linear trend, with intervals
//! calibrated by leaving each label out in turn. [`worth_of_labels`] tells which labels to buy next. [`draw_labels`] and [`cross_validation`] split honestly;
//! [`rank`] tells how good an order is.

mod acquisition;
mod boosted;
mod calibration;
mod error;
mod few_shot;
mod gaussian_process;
mod likelihood;
mod linear;
mod moments;
mod outliers;
mod predictor;
mod quality;
pub mod rank;
mod scale;
mod split;
mod table;

pub use acquisition::worth_of_labels;
pub use error::Error;
pub use few_shot::{FewShot, FewShotFit};
pub use outliers::within_fences;
pub use predictor::{Members, Prediction, Predictor, Settings};
pub use quality::Quality;
pub use split::{Split, cross_validation, draw_labels};
pub use table::{Column, Group, Table};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
