#![doc = include_str!("../README.md")]

mod checksum;
mod compile;
pub mod container;
#[cfg(feature = "download")]
mod download;
mod error;
mod fbnet;
mod fidelity;
mod location;
mod manifest;
mod nasbench201;
mod parse;
mod proxies;
mod raw;
mod scores;
mod table;
mod vit_bench;

pub use checksum::fingerprint;
pub use compile::{Compiled, compile};
#[cfg(feature = "download")]
pub use download::{Downloader, Outcome, Progress};
pub use error::{Error, TableProblem};
pub use fbnet::FbnetBlocks;
pub use fidelity::{Epochs, Fidelity, Seeds, Split};
pub use location::{Origin, TABLES_VARIABLE, TablesDir, tables_dir};
pub use manifest::{CostColumn, Costs, Entry, Group, Manifest};
pub use nasbench201::NasBench201;
pub use parse::suite_zero::SUITE_ZERO;
pub use proxies::PublishedProxies;
pub use raw::raw_path;
pub use scores::{ScoreHeader, ScoreTable, ScoreWriter};
pub use vit_bench::{VitBench, VitDataset, VitFamily};
