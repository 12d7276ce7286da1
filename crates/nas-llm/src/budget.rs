//! What calls may use, and the count of what they used.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::{Error, Limit, Prices, Usage, usage::CallUsage};

/// What all calls together may use; what is not set is not bounded.
///
/// It is checked before each call. Calls are counted when they begin, and are never more than allowed.
/// Tokens and money are known only afterwards, so calls that run at the same time may exceed them by
/// what those calls use.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Calls, however many attempts they need.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<u64>,
    /// Tokens of prompts and replies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Money in the currency of the endpoint's prices, which must be set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub money: Option<f64>,
}

impl Budget {
    pub(crate) fn check(&self, prices: Option<Prices>) -> Result<(), Error> {
        let Some(money) = self.money else { return Ok(()) };
        if !(money.is_finite() && money >= 0.0) {
            let expected = "a number of at least 0";
            return Err(Error::Setting { name: "money", got: money.to_string(), expected });
        }
        if prices.is_none() {
            let (got, expected) = ("not set".to_owned(), "prices, because the budget bounds money");
            return Err(Error::Setting { name: "prices", got, expected });
        }
        Ok(())
    }
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

    /// Counts a call that begins, unless the budget is spent.
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

    /// Counts what a call that ended has used.
    pub(crate) fn end(&self, call: &CallUsage, failed: bool) {
        let mut usage = self.lock();
        usage.attempts += u64::from(call.attempts);
        usage.failed += u64::from(failed);
        for kind in &call.failures {
            *usage.failures.entry(*kind).or_default() += 1;
        }
        usage.prompt_tokens = usage.prompt_tokens.saturating_add(call.tokens.prompt);
        usage.completion_tokens = usage.completion_tokens.saturating_add(call.tokens.completion);
        usage.thinking_tokens = usage.thinking_tokens.saturating_add(call.tokens.thinking);
        usage.estimated += u64::from(call.tokens.estimated);
        usage.seconds = exact_sum(usage.seconds, call.seconds, 1e6);
        if let Some(cost) = call.cost {
            usage.cost = Some(exact_sum(usage.cost.unwrap_or(0.0), cost, 1e12));
        }
    }

    pub(crate) fn usage(&self) -> Usage {
        self.lock().clone()
    }

    /// The counts are valid even if a thread panicked while it held them.
    fn lock(&self) -> MutexGuard<'_, Usage> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A sum in whole parts of a unit. It does not depend on the order in which calls end, so that a
/// replay reports the same as the recorded run.
fn exact_sum(sum: f64, one: f64, parts: f64) -> f64 {
    ((sum * parts).round() + (one * parts).round()) / parts
}
