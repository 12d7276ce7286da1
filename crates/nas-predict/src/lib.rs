#![doc = include_str!("../README.md")]

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

pub use acquisition::{acquisition_scores, expected_gains};
pub use error::Error;
pub use few_shot::{FewShot, FewShotFit};
pub use outliers::within_fences;
pub use predictor::{Emphasis, Members, Prediction, Predictor, Settings, reach_of_risk};
pub use quality::Quality;
pub use split::{Split, cross_validation, draw_trained};
pub use table::{Column, Group, Table};
