#![doc = include_str!("../README.md")]

mod archives;
mod baselines;
mod error;
mod evaluated;
mod evaluator;
mod event;
mod feasibility;
mod generation;
mod knowledge;
mod objective;
mod outcome;
mod proposal;
mod proposer;
mod proposers;
mod rejection;
mod replay;
mod request;
mod rng;
mod run;
mod search;
mod settings;
mod state;

#[cfg(feature = "spea2")]
pub use baselines::Spea2;
pub use baselines::{LocalSearch, MapElites, Nsga2, RegularisedEvolution};
pub use error::{BoxError, Error};
pub use evaluated::Evaluated;
pub use evaluator::{Detail, Evaluation, Evaluator};
pub use event::Event;
pub use knowledge::{Author, Condition, DroppedRule, Evidence, KnowledgeBase, Polarity, Rule};
pub use objective::{Objective, Role};
pub use outcome::{Limit, Outcome, Within};
pub use proposal::Proposal;
pub use proposer::{Answer, Proposer};
pub use proposers::{Evolution, FixedList, Random, Statistical};
pub use rejection::{Rejection, Rejections};
pub use replay::ReplayedEvaluator;
pub use request::Request;
pub use rng::SearchRng;
pub use search::Search;
pub use settings::Settings;
pub use state::State;
