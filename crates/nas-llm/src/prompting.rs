//! How a language model is asked.

/// How the model is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prompting {
    /// What it is asked for.
    pub style: Style,
    /// The probability that a niche is asked for crossover rather than mutation; 0.5 as in PEL-NAS.
    pub crossover: f64,
    /// The number of planned generations, so that calls are kept for the later ones.
    pub generations: usize,
    /// The largest number of calls of all generations together; `None` for no limit.
    pub calls: Option<u64>,
}

/// What the model is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Stage 1 asks for rules, stage 2 for proposals from parents and rules: the whole method.
    CoEvolution,
    /// Proposals from parents alone: the method without its knowledge base.
    WithoutRules,
    /// Architectures, without parents or rules.
    Plain,
    /// The same, over the whole range of latency.
    LatencyOriented,
}

impl Style {
    /// The number of calls of one niche in one generation, if nothing is asked again.
    pub fn stages(self) -> u64 {
        if self == Self::CoEvolution { 2 } else { 1 }
    }

    /// Whether proposals are made from parents.
    pub fn has_parents(self) -> bool {
        matches!(self, Self::CoEvolution | Self::WithoutRules)
    }
}
