//! The searchers by name, and how a budget is divided into generations.

use std::sync::LazyLock;

use clap::{ValueEnum, builder::PossibleValue};
use nas_eval::{Predictive, Problem};
use nas_llm::ProposalForm;
use nas_partition::Axis;
use nas_search::{Context, Operators, Proposer, SEARCHERS, Selection, Settings};
use serde::{Deserialize, Serialize};

use crate::{failure::Failure, partition::population};

/// Candidates that a choice is made from by default.
pub const CANDIDATES: usize = 12;

/// What proposes architectures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub enum Searcher {
    /// One of nas-search's catalogue.
    Named(&'static nas_search::Searcher),
    /// A language model.
    Llm,
    /// Several that share a search by what each has added.
    Operators,
    /// A predictor, learnt from what was evaluated.
    Predictor,
    /// A list of all architectures.
    Exhaustive,
    /// A command of the user's (`--propose`), by the name that it was given.
    Own(&'static String),
}

static ALL: LazyLock<Vec<Searcher>> = LazyLock::new(|| {
    let named = SEARCHERS.iter().map(Searcher::Named);
    let others = [Searcher::Llm, Searcher::Operators, Searcher::Predictor, Searcher::Exhaustive];
    named.chain(others).collect()
});

impl ValueEnum for Searcher {
    fn value_variants<'a>() -> &'a [Self] {
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            Self::Named(searcher) => searcher.summary,
            Self::Llm => "A language model, only in nas search, with --llm-url or --replay",
            Self::Operators => {
                "Several that share the search by what each has added, only in nas search, with --operators"
            }
            Self::Predictor => {
                "What a predictor expects the front to gain most from, only in nas search"
            }
            Self::Exhaustive => "Evaluates every architecture",
            Self::Own(_) => return None,
        };
        Some(PossibleValue::new(self.name()).help(help))
    }
}

impl From<Searcher> for String {
    fn from(searcher: Searcher) -> Self {
        searcher.name().to_owned()
    }
}

impl From<String> for Searcher {
    /// A name that the catalogue does not have is that of the user's command.
    fn from(name: String) -> Self {
        let found = ALL.iter().find(|searcher| searcher.name() == name).copied();
        found.unwrap_or_else(|| Self::own(name))
    }
}

impl Searcher {
    /// The best searcher without a language model.
    pub const DEFAULT: Self = Self::Named(&SEARCHERS[0]);

    /// The name as it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Named(searcher) => searcher.name,
            Self::Llm => "llm",
            Self::Operators => Operators::NAME,
            Self::Predictor => Predictive::NAME,
            Self::Exhaustive => "exhaustive",
            Self::Own(name) => name,
        }
    }

    /// A command of the user's of this name.
    pub fn own(name: String) -> Self {
        // There are few, which last as long as the program.
        Self::Own(Box::leak(Box::new(name)))
    }

    /// The proposer, or nothing if it requires a model or a list.
    pub fn proposer(
        self,
        problem: &Problem,
        candidates: usize,
    ) -> Result<Option<Box<dyn Proposer>>, Failure> {
        let Self::Named(searcher) = self else { return Ok(None) };
        // The last statistic is the one that costs follow most.
        let axis = problem.statistics.last().cloned();
        let axis = axis.map(|one| Axis::new(one.title(), move |arch| one.of(arch)));
        let sample = || population(problem.space);
        let context = Context { space: problem.space, axis, sample: &sample, candidates };
        Ok(Some((searcher.make)(&context)?))
    }
}

/// One of the operators that share a search, as it is typed: a searcher, or a form in which a language
/// model proposes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum OperatorName {
    Searcher(&'static nas_search::Searcher),
    Model(ProposalForm),
}

static OPERATORS: LazyLock<Vec<OperatorName>> = LazyLock::new(|| {
    let forms = ProposalForm::ALL.into_iter().map(OperatorName::Model);
    forms.chain(SEARCHERS.iter().map(OperatorName::Searcher)).collect()
});

impl OperatorName {
    /// The name as it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Searcher(searcher) => searcher.name,
            Self::Model(form) => form.name(),
        }
    }
}

impl ValueEnum for OperatorName {
    fn value_variants<'a>() -> &'a [Self] {
        &OPERATORS
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            Self::Searcher(searcher) => searcher.summary,
            Self::Model(ProposalForm::Choice) => "A language model that chooses among candidates",
            Self::Model(ProposalForm::Edits) => "A language model that edits members of the front",
            Self::Model(ProposalForm::Whole) => "A language model that writes architectures",
        };
        Some(PossibleValue::new(self.name()).help(help))
    }
}

impl From<OperatorName> for String {
    fn from(operator: OperatorName) -> Self {
        operator.name().to_owned()
    }
}

impl TryFrom<String> for OperatorName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let found = OPERATORS.iter().find(|operator| operator.name() == name).copied();
        found.ok_or_else(|| format!("`{name}` is no operator"))
    }
}

/// How operators that share a search are chosen, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SelectionName {
    /// The best of a draw from what each may add (Thompson sampling)
    #[default]
    Thompson,
    /// In proportion to what each adds beyond chance (probability matching)
    Matching,
}

impl From<SelectionName> for Selection {
    fn from(name: SelectionName) -> Self {
        match name {
            SelectionName::Matching => Self::ProbabilityMatching,
            SelectionName::Thompson => Self::Thompson,
        }
    }
}

/// A search starts with a random sample of a sixth of the budget, at most 100; a generation is a
/// fortieth of the budget, at most 15.
pub fn schedule(evaluations: usize, seed: u64) -> Settings {
    let (initial, generation) = ((evaluations / 6).clamp(1, 100), (evaluations / 40).clamp(1, 15));
    Settings { evaluations, initial, generation, seed, ..Settings::default() }
}

/// Settings that evaluate a list of so many in one generation.
pub fn scan(count: usize, settings: Settings) -> Settings {
    Settings { evaluations: count, initial: 0, generation: count, ..settings }
}
