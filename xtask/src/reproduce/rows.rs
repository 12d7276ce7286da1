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
    /// Of operators that share a search, the share of the first among what was proposed since the row
    /// before.
    #[serde(default)]
    pub first_operator: Option<f64>,
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
    /// Networks that were trained for a predictor.
    pub trained: u64,
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

/// The choices of one kind in a skill test: percentiles of what they add among the candidates.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SkillScore {
    pub model: String,
    /// How it was asked.
    pub prompting: String,
    pub disguised: bool,
    /// Which choices: in one order of the candidates, both together, by statistics.
    pub choice: String,
    pub situations: u64,
    pub choices: u64,
    /// The mean over situations, and its interval.
    pub percentile: f64,
    pub low: f64,
    pub high: f64,
    /// The standard deviation over situations.
    pub deviation: f64,
    /// The percentile of the best choices.
    pub best: f64,
    /// The mean place of the choices in the list that the model saw: 0 is the first.
    pub place: Option<f64>,
    /// What neutral names change, and its interval.
    pub difference: Option<f64>,
    pub difference_low: Option<f64>,
    pub difference_high: Option<f64>,
}

/// Whether the values that are expected of candidates are in the order of the true ones.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EstimateScore {
    pub model: String,
    pub objective: String,
    /// Whose: of the model, or of the nearest evaluated architectures.
    pub values: String,
    pub situations: u64,
    /// The mean rank correlation of situations, and its interval.
    pub correlation: f64,
    pub low: f64,
    pub high: f64,
}

/// How often a model knows which of two cells is more accurate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PairsScore {
    pub model: String,
    /// Whether it was shown the cells' accuracies before.
    pub known: bool,
    pub disguised: bool,
    pub pairs: u64,
    /// The share of pairs whose stated accuracies are in the right order, and its interval.
    pub right: f64,
    pub low: f64,
    pub high: f64,
    /// The share of accuracies that are stated to 0.05 points.
    pub exact: f64,
    /// The share of pairs in which the cell with more FLOPs is more accurate, and its interval.
    pub by_flops: f64,
    pub flops_low: f64,
    pub flops_high: f64,
}
