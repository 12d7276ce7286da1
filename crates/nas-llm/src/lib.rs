#![doc = include_str!("../README.md")]

mod address;
mod attempt;
mod blocking;
mod budget;
mod calibration;
mod call;
mod chat;
mod chat_model;
mod choice;
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
mod letters;
mod limit;
mod memory;
mod names;
mod navigator;
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
mod slate;
mod stream;
mod transcript;
mod turn;
mod usage;

pub use address::shown_url;
pub use budget::Budget;
pub use calibration::Calibration;
pub use chat::{ChatRequest, Message, Reply, Role, Schema};
pub use chat_model::ChatModel;
pub use choice::{Chosen, Scores, choose};
pub use client::Client;
pub use contribution::{Contribution, Failures, Generation, Tally};
pub use endpoint::{Endpoint, Prices};
pub use error::Error;
pub use fault::Fault;
pub use json::extract_json;
pub use kind::Kind;
pub use language_model::{LanguageModel, ModelOperator};
pub use letters::RANKED;
pub use limit::Limit;
pub use names::Disguise;
pub use prompting::{Prompting, ProposalForm, Style};
pub use recall::{Recall, recall_best};
pub use replay::{Failed, Replay};
pub use transcript::{TRANSCRIPT_VERSION, Transcript};
pub use usage::Usage;

/// The entry points of the fuzz tests; not part of the crate's interface.
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing {
    use nas_partition::Partition;
    use nas_search::Request;
    use nas_space::{Arch, Space};

    use crate::{names::Names, prompt::Subject};

    /// A model's reply, as rules and as proposals.
    pub fn reply(space: &Space, text: &str) {
        let Ok(names) = Names::own(space) else { return };
        let whole = Partition::whole();
        let parent = Arch::new(vec![0; space.decisions().len()]);
        for proposal in crate::reply::proposals(&names, &[], &[&parent], text).into_iter().flatten()
        {
            let _ = space.check(&proposal.arch);
        }
        let request = Request::new(space, &whole, &[]);
        crate::reply::rules(Subject::new(&request, &names), text);
    }

    /// A line of a transcript.
    pub fn call(line: &[u8]) {
        let _ = crate::replay::read(line);
    }
}
