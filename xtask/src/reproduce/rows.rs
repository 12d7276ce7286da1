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
    /// The share of single proposals that entered their niche's front, and the mean percentile of what
    /// they add.
    #[serde(default)]
    pub entered: Option<f64>,
    #[serde(default)]
    pub percentile: Option<f64>,
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
    pub arm: String,
    pub model: String,
    pub dataset: String,
    pub device: String,
    pub seed: u64,
    pub evaluated: u64,
    pub calls: u64,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    /// The time of the calls when they were recorded.
    pub seconds: f64,
    /// Proposals of the model, those that the search took, and of the others those that were there already
    /// and those that were outside the niche.
    pub made: u64,
    pub taken: u64,
    pub duplicates: u64,
    pub outside: u64,
    pub hypervolume_ratio: f64,
    pub igd: f64,
    pub coverage: f64,
    /// The model's proposals that have true values; the share that entered their niche's front, and the
    /// mean percentile of what they add.
    pub proposals: u64,
    pub entered: Option<f64>,
    pub percentile: Option<f64>,
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
