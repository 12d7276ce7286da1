//! Rows of the files in `reports/data/`.

use serde::{Deserialize, Serialize};

/// The scores of one search.
#[derive(Debug, Clone, Deserialize)]
pub struct Scores {
    pub dataset: String,
    pub device: String,
    pub searcher: String,
    pub seed: u64,
    pub evaluations: u64,
    pub hypervolume_ratio: Option<f64>,
    pub hypervolume: Option<f64>,
    pub igd: Option<f64>,
    pub igd_plus: Option<f64>,
    pub coverage: f64,
    /// The given rules that hold at the end, by their positions from 1 on.
    #[serde(default)]
    pub rules: String,
}

/// A network on a search's front.
#[derive(Debug, Clone, Deserialize)]
pub struct OnFront {
    pub dataset: String,
    pub device: String,
    pub searcher: String,
    pub seed: u64,
    pub connected: bool,
    pub seen: f64,
    pub test_accuracy_percent: f64,
    pub latency_ms: f64,
}

/// How well a method ranks vision transformers: all of them, and those of each width.
#[derive(Debug, Clone, Deserialize)]
pub struct Rank {
    pub method: String,
    pub spearman: Option<f64>,
    #[serde(rename = "embedding dimension = 192")]
    pub of_192: Option<f64>,
    #[serde(rename = "embedding dimension = 216")]
    pub of_216: Option<f64>,
    #[serde(rename = "embedding dimension = 240")]
    pub of_240: Option<f64>,
    /// The share of the trained accuracies that lie in the predicted interval.
    pub inside_percent: Option<f64>,
}

/// A vision transformer on the front of a search.
#[derive(Debug, Clone, Deserialize)]
pub struct Transformer {
    pub arch: String,
    pub predicted_accuracy_percent: f64,
    pub predicted_low_percent: f64,
    pub predicted_high_percent: f64,
    pub latency_ms: f64,
    pub latency_spread_ms: f64,
    pub parameters: f64,
}

/// A rule that a search begins with.
#[derive(Debug, Clone, Deserialize)]
pub struct Rule {
    pub polarity: String,
    pub decision: String,
    pub choice: String,
    pub at_least: Option<u32>,
}

/// The scores of a recorded search with a language model.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Recorded {
    pub method: String,
    pub seed: u64,
    pub generations: u32,
    pub evaluated: u64,
    pub calls: Option<u64>,
    pub prompt_tokens: Option<u64>,
    pub completion_tokens: Option<u64>,
    /// The time of the calls when they were recorded.
    pub seconds: Option<f64>,
    pub made: Option<u64>,
    pub taken: Option<u64>,
    pub duplicates: Option<u64>,
    /// How many of the rules that the search began with hold at its end.
    pub rules_standing: u64,
    pub coverage: f64,
    pub hypervolume_ratio: f64,
    /// Of the proposals of the model alone.
    pub own_coverage: Option<f64>,
    pub own_hypervolume_ratio: Option<f64>,
}

/// A recorded search after one of its generations.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Generation {
    pub method: String,
    pub seed: u64,
    pub generations: u32,
    pub after: u64,
    pub evaluated: u64,
    pub hypervolume_ratio: Option<f64>,
    pub coverage: f64,
}

/// A cell that a model named from memory.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Memorised {
    pub model: String,
    pub dataset: String,
    pub named: u64,
    pub index: Option<u64>,
    pub test_accuracy_percent: Option<f64>,
    pub rank: Option<u64>,
    pub fault: Option<String>,
}
