#![doc = include_str!("../README.md")]

mod address;
mod attempt;
mod budget;
mod call;
mod chat;
mod chat_model;
mod client;
mod completion;
mod contribution;
mod dialect;
mod endpoint;
mod error;
mod error_body;
mod excerpt;
mod failure;
mod fault;
mod form;
mod json;
mod kind;
mod language_model;
mod limit;
mod pace;
mod place;
mod prompt;
mod prompting;
mod proxy;
mod recall;
mod refusal;
mod replay;
mod reply;
mod schema;
mod secrets;
mod stream;
mod transcript;
mod turn;
mod usage;

pub use address::shown_url;
pub use budget::Budget;
pub use chat::{ChatRequest, Message, Reply, Role, Schema};
pub use chat_model::ChatModel;
pub use client::Client;
pub use contribution::{Contribution, Failures, Generation, Tally};
pub use endpoint::{Endpoint, Prices};
pub use error::Error;
pub use fault::Fault;
pub use json::extract_json;
pub use kind::Kind;
pub use language_model::LanguageModel;
pub use limit::Limit;
pub use prompting::{Prompting, Style};
pub use recall::recall_best;
pub use replay::{Failed, Replay};
pub use transcript::{TRANSCRIPT_VERSION, Transcript};
pub use usage::Usage;

/// The entry points of the fuzz tests; not part of the crate's interface.
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing {
    use nas_partition::Partition;
    use nas_space::{Arch, Space};

    /// A model's reply, as rules and as proposals.
    pub fn reply(space: &Space, text: &str) {
        let parent = Arch::new(vec![0; space.decisions().len()]);
        for proposal in crate::reply::proposals(space, &[&parent], text).into_iter().flatten() {
            let _ = space.check(&proposal.arch);
        }
        crate::reply::rules(space, &Partition::whole(), 0, 1, text);
    }

    /// A line of a transcript.
    pub fn call(line: &[u8]) {
        let _ = crate::replay::read(line);
    }
}
