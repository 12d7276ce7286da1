//! What a budget bounds.

use std::fmt;

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
