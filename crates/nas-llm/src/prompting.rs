//! How a language model is asked.

use crate::Disguise;

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
    /// How many candidates the model chooses from, where it [chooses](Style::chooses).
    pub candidates: usize,
    /// Whether it chooses twice, the second time from the candidates in the reverse order, since models
    /// prefer what comes first.
    pub both_orders: bool,
    /// Whether it is shown what became of its last proposals, and asked which values it expects of new
    /// ones.
    pub memory: bool,
    /// Whether one more call in each generation states what to try in every niche, which the calls of the
    /// niches then see.
    pub navigator: bool,
    /// Neutral names for decisions and choices, so that the model cannot use what it knows of a benchmark.
    pub disguise: Option<Disguise>,
}

impl Default for Prompting {
    /// The method of PEL-NAS: ten generations without a limit of calls.
    fn default() -> Self {
        Self {
            style: Style::CoEvolution,
            crossover: 0.5,
            generations: 10,
            calls: None,
            candidates: 12,
            both_orders: false,
            memory: false,
            navigator: false,
            disguise: None,
        }
    }
}

impl Prompting {
    /// The number of calls of a generation in so many niches, if nothing is asked again.
    pub fn calls_of_generation(&self, niches: usize) -> u64 {
        self.stages() * niches as u64 + u64::from(self.navigator)
    }

    /// The number of calls of one niche in one generation, if nothing is asked again.
    pub fn stages(&self) -> u64 {
        match self.style {
            Style::CoEvolution => 2,
            Style::Choose | Style::Rank => 1 + u64::from(self.both_orders),
            Style::Estimate => self.candidates as u64,
            Style::WithoutRules | Style::Plain | Style::LatencyOriented => 1,
        }
    }
}

/// What the model is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Stage 1 asks for rules, stage 2 for proposals from parents and rules: the whole method.
    CoEvolution,
    /// Proposals from parents alone: the method without its knowledge base.
    WithoutRules,
    /// A choice among candidates that the search draws as [`Request::slate`](nas_search::Request::slate):
    /// each is new and in the niche, so every choice is accepted.
    Choose,
    /// The same, but the candidates are ranked by the probabilities that the model gives to their letters,
    /// in a call whose reply is one letter. For servers that give log-probabilities, which give those of the
    /// 20 likeliest tokens: at most [`RANKED`](crate::RANKED) candidates are shown, and of those only such
    /// whose letter is among these tokens are chosen.
    Rank,
    /// The model is asked for the values that it expects of each candidate, in a call for each; the search
    /// takes those whose values would add most to the niche's front.
    Estimate,
    /// Architectures, without parents or rules.
    Plain,
    /// The same, over the whole range of latency.
    LatencyOriented,
}

impl Style {
    /// Whether it is a choice among candidates.
    pub fn chooses(self) -> bool {
        matches!(self, Self::Choose | Self::Rank | Self::Estimate)
    }

    /// Whether proposals are made from parents.
    pub fn has_parents(self) -> bool {
        matches!(self, Self::CoEvolution | Self::WithoutRules) || self.chooses()
    }
}

/// The form in which a model proposes architectures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProposalForm {
    /// Whole architectures.
    #[default]
    Whole,
    /// Edits of parents.
    Edits,
    /// A choice among candidates.
    Choice,
}

impl ProposalForm {
    /// All forms.
    pub const ALL: [Self; 3] = [Self::Choice, Self::Edits, Self::Whole];

    /// The name of a model as one of several operators, when it proposes in this form.
    pub fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Edits => "edit",
            Self::Choice => "choose",
        }
    }
}
