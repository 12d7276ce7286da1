use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};

use crate::{Error, Kind, Prices};

/// What all calls together may spend; what is not set is not bounded.
///
/// It is checked before a call. Calls are counted when they begin and are never more than allowed;
/// tokens and money are known afterwards, so that calls side by side may pass them by what those
/// calls take.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Calls, whatever attempts they take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<u64>,
    /// Tokens of prompts and replies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Money in the currency of the endpoint's prices, which must be set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub money: Option<f64>,
}

/// What a budget bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Calls.
    Calls,
    /// Tokens.
    Tokens,
    /// Money.
    Money,
}

impl fmt::Display for Limit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Calls => "calls",
            Self::Tokens => "tokens",
            Self::Money => "money",
        })
    }
}

impl Budget {
    pub(crate) fn check(&self, prices: Option<Prices>) -> Result<(), Error> {
        let Some(money) = self.money else { return Ok(()) };
        if !(money.is_finite() && money >= 0.0) {
            let expected = "a number of at least 0";
            return Err(Error::Setting { name: "money", got: money.to_string(), expected });
        }
        if prices.is_none() {
            let (got, expected) = ("not set".to_owned(), "prices, for the budget bounds money");
            return Err(Error::Setting { name: "prices", got, expected });
        }
        Ok(())
    }
}

/// What calls have taken.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Usage {
    /// Calls that were begun; one that the budget refused is none.
    pub calls: u64,
    /// HTTP requests.
    pub attempts: u64,
    /// Calls without a reply, those that the budget refused among them.
    pub failed: u64,
    /// Failed attempts, and calls that failed before any, by kind.
    pub failures: BTreeMap<Kind, u64>,
    /// Tokens of prompts.
    pub prompt_tokens: u64,
    /// Tokens of replies.
    pub completion_tokens: u64,
    /// Calls whose tokens are estimated, for the server did not count them.
    pub estimated: u64,
    /// The calls' seconds, added up though they may have run side by side.
    pub seconds: f64,
    /// Money, where the endpoint has prices.
    pub cost: Option<f64>,
}

/// Tokens of one attempt or several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tokens {
    pub(crate) prompt: u64,
    pub(crate) completion: u64,
    pub(crate) estimated: bool,
}

impl Tokens {
    /// A sum is estimated if a part of it is.
    pub(crate) fn add(&mut self, other: Self) {
        self.prompt = self.prompt.saturating_add(other.prompt);
        self.completion = self.completion.saturating_add(other.completion);
        self.estimated |= other.estimated;
    }
}

/// What one call has taken.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tally {
    /// HTTP requests; none for a call that was refused before the first.
    pub(crate) attempts: u32,
    /// The failed attempts, or the failure before any.
    pub(crate) failures: Vec<Kind>,
    pub(crate) tokens: Tokens,
    pub(crate) seconds: f64,
    pub(crate) cost: Option<f64>,
}

/// Counts calls against a budget.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    budget: Budget,
    usage: Mutex<Usage>,
}

impl Meter {
    pub(crate) fn new(budget: Budget) -> Self {
        Self { budget, usage: Mutex::default() }
    }

    /// Counts a call that begins, unless something is spent.
    pub(crate) fn begin(&self) -> Result<(), Error> {
        let mut usage = self.lock();
        let tokens = usage.prompt_tokens.saturating_add(usage.completion_tokens);
        let limits = [
            (Limit::Calls, self.budget.calls.map(|calls| calls as f64), usage.calls as f64),
            (Limit::Tokens, self.budget.tokens.map(|tokens| tokens as f64), tokens as f64),
            (Limit::Money, self.budget.money, usage.cost.unwrap_or(0.0)),
        ];
        for (which, limit, spent) in limits {
            if let Some(limit) = limit.filter(|limit| spent >= *limit) {
                return Err(Error::BudgetSpent { which, limit, spent });
            }
        }
        usage.calls += 1;
        Ok(())
    }

    /// Counts what a call that ended has taken.
    pub(crate) fn end(&self, tally: &Tally, failed: bool) {
        let mut usage = self.lock();
        usage.attempts += u64::from(tally.attempts);
        usage.failed += u64::from(failed);
        for kind in &tally.failures {
            *usage.failures.entry(*kind).or_default() += 1;
        }
        usage.prompt_tokens = usage.prompt_tokens.saturating_add(tally.tokens.prompt);
        usage.completion_tokens = usage.completion_tokens.saturating_add(tally.tokens.completion);
        usage.estimated += u64::from(tally.tokens.estimated);
        usage.seconds = exact_sum(usage.seconds, tally.seconds, 1e6);
        if let Some(cost) = tally.cost {
            usage.cost = Some(exact_sum(usage.cost.unwrap_or(0.0), cost, 1e12));
        }
    }

    pub(crate) fn usage(&self) -> Usage {
        self.lock().clone()
    }

    /// The counts hold whatever became of a thread that had them.
    fn lock(&self) -> MutexGuard<'_, Usage> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
/// A sum in whole parts of a unit: the same in whatever order calls end, so that a replay's report
/// is that of the recorded run.
fn exact_sum(sum: f64, one: f64, parts: f64) -> f64 {
    ((sum * parts).round() + (one * parts).round()) / parts
}
