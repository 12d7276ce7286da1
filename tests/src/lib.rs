//! What every end-to-end test needs: where the benchmark files and images are, the compiled
//! tables, and the program.
//!
//! A test that lacks its data ends early and is counted as left out, not as passed: its name goes
//! to standard error and to the file that `PEL_NAS_LEFT_OUT` names. Under `CI=true` it fails.

mod chat_server;
mod data;
mod program;
mod training;

pub use chat_server::{ChatAnswer, ChatServer};
pub use data::{images, mirror, onnx_packages, onnx_runtime, pytorch, tables};
pub use program::{Nas, Ran, run_files};
pub use training::{shapes, trains_by};

/// A space of a user's own, of twelve decisions, that the evaluator under test knows how to answer.
pub const SPACE: &str = include_str!("space.toml");

/// The searcher of the book's page, `random_searcher.py`.
///
/// # Panics
/// If the page lacks it.
pub fn random_searcher() -> &'static str {
    let page = include_str!("../../docs/src/own-searcher.md");
    let (_, block) = page.split_once("```python random_searcher.py\n").expect("it has the block");
    block.split_once("```").expect("the block ends").0
}

/// A table of latencies of all cells of NAS-Bench-201, made up.
pub fn latencies() -> String {
    let row = |table: String, cell| format!("{table}{cell},{}\n", cell % 7 + 1);
    (0..15_625).fold("arch,latency_ms\n".to_owned(), row)
}
