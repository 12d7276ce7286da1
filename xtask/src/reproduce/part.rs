//! What a table or figure of `reports/` is made of.

use super::experiment::Experiment;
use super::page::Page;
use super::results::Results;
use crate::error::Error;

/// A table or figure, or a few that belong together.
pub struct Part {
    /// Its name in `--only`.
    pub name: &'static str,
    /// What it shows, for the help of `--only`.
    pub about: &'static str,
    /// What is run for it.
    pub experiments: fn() -> Vec<Experiment>,
    /// Whether it also shows recorded searches with a language model.
    pub replays: bool,
    /// Its page, made from what the experiments have left.
    pub page: fn(&Results) -> Result<Page, Error>,
}
