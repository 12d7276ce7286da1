//! What can be wrong with a model's proposals and rules.

use serde::Serialize;

/// What is wrong with a proposal or a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The reply contains no JSON.
    NotJson,
    /// JSON of another form than requested.
    Form,
    /// The number of a parent that does not exist.
    UnknownParent,
    /// A decision that the space does not have.
    UnknownDecision,
    /// A choice that its decision does not have.
    UnknownChoice,
    /// More or fewer choices than the space has decisions.
    WrongLength,
    /// Evaluated before, or proposed twice.
    Duplicate,
    /// Without a known value, or beyond a limit.
    NoCandidate,
    /// In another niche.
    OutsideNiche,
    /// The server gives no log-probabilities of the candidates' letters.
    NoProbabilities,
}

impl Fault {
    /// The name, as reports show it.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotJson => "not-json",
            Self::Form => "form",
            Self::UnknownParent => "unknown-parent",
            Self::UnknownDecision => "unknown-decision",
            Self::UnknownChoice => "unknown-choice",
            Self::WrongLength => "wrong-length",
            Self::Duplicate => "duplicate",
            Self::NoCandidate => "no-candidate",
            Self::OutsideNiche => "outside-niche",
            Self::NoProbabilities => "no-probabilities",
        }
    }
}

/// A rejected proposal or rule.
///
/// The message is sent back to the model. Recorded transcripts find a request by its content, so any
/// change of a message makes them useless.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rejected {
    pub fault: Fault,
    /// The architecture in question, as the model writes it.
    pub subject: Option<String>,
    /// What is wrong.
    pub message: String,
}

impl Rejected {
    pub fn new(fault: Fault, message: impl Into<String>) -> Self {
        Self { fault, subject: None, message: message.into() }
    }

    /// What is wrong with what, as the model is told.
    pub fn told(&self) -> String {
        match &self.subject {
            Some(subject) => format!("{subject}: {}", self.message),
            None => self.message.clone(),
        }
    }
}

/// A decision or a choice that the space does not have.
impl From<nas_space::Error> for Rejected {
    fn from(error: nas_space::Error) -> Self {
        let fault = match &error {
            nas_space::Error::UnknownName { kind: "decision", .. } => Fault::UnknownDecision,
            _ => Fault::UnknownChoice,
        };
        Self::new(fault, error.to_string())
    }
}
