//! One module for each command of the program.

pub mod benchmark;
pub mod chat_test;
pub mod compare;
pub mod doctor;
pub mod download;
pub mod export;
pub mod front;
pub mod images;
pub mod knowledge;
pub mod latency;
#[cfg(feature = "torch")]
pub mod live;
#[cfg(not(feature = "torch"))]
#[path = "no_torch.rs"]
pub mod live;
pub mod memorise_test;
pub mod model;
pub mod niches;
pub mod predict;
pub mod report;
pub mod runs;
pub mod score;
pub mod score_merge;
pub mod search;
pub mod space;
pub mod worker;
