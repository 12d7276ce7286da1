//! Language models for architecture search.
//!
//! [`LanguageModel`] is the model as a proposer of [`nas_search`]: in each niche and generation it
//! states design rules and proposes architectures, and what it says is validated.
//!
//! [`Model`] asks any OpenAI-compatible `/v1/chat/completions` for text or JSON, live through a
//! [`Client`] with retries, budgets and calls side by side, or from a recorded [`Transcript`]
//! through a [`Replay`]; who asks need not know which. [`extract_json`] finds the JSON in what a
//! model says. A key never reaches a log, an error, a transcript or a URL.

mod address;
mod attempt;
mod budget;
mod chat;
mod client;
mod dialect;
mod endpoint;
mod error;
mod json;
mod memorise;
mod model;
mod prompt;
mod proposer;
mod refusal;
mod replay;
mod reply;
mod report;
mod secrets;
mod transcript;

pub use budget::{Budget, Limit, Usage};
pub use chat::{ChatRequest, Message, Reply, Role, Schema};
pub use client::Client;
pub use endpoint::{Endpoint, Prices};
pub use error::{Error, Kind};
pub use json::extract_json;
pub use memorise::memorised;
pub use model::{Failed, Model};
pub use proposer::{LanguageModel, Prompting, Style};
pub use replay::Replay;
pub use reply::Fault;
pub use report::{Failures, Generation, ModelReport, Tally};
pub use transcript::{TRANSCRIPT_VERSION, Transcript};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
