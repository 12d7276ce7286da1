//! What a search has learnt: design rules with their evidence, and the effect of every choice.

mod base;
mod markdown;
mod rule;
mod scope;
#[cfg(test)]
mod tests;

pub use base::KnowledgeBase;
pub use rule::{Author, Condition, DroppedRule, Evidence, Polarity, Rule};
