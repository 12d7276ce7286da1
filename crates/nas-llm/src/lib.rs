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

/// What fuzzing feeds, and is no part of the crate's interface.
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing {
    use nas_partition::Partition;
    use nas_space::{Arch, Space};

    /// A model's reply, as rules and as proposals.
    pub fn reply(space: &Space, text: &str) {
        let parent = Arch::new(vec![0; space.decisions().len()]);
        for proposed in crate::reply::proposals(space, &[&parent], text).into_iter().flatten() {
            let _ = space.check(&proposed.arch);
        }
        crate::reply::rules(space, &Partition::whole(), 0, 1, text);
    }

    /// A line of a transcript.
    pub fn call(line: &[u8]) {
        let _ = crate::replay::read(line);
    }
}
