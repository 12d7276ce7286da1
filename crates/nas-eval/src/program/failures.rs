//! How a user's program fails.

/// A way in which a user's program fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// It could not be started.
    Start,
    /// It ended before it answered.
    Ended,
    /// It did not answer in time.
    TimedOut,
    /// It printed a JSON object that answers no question.
    NotAnAnswer,
    /// A value is missing, or outside its range.
    Value,
    /// It answered with an error.
    Reported,
}

impl Fault {
    /// In a few words.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Start => "could not be started",
            Self::Ended => "ended before it answered",
            Self::TimedOut => "did not answer in time",
            Self::NotAnAnswer => "printed a line that is no answer",
            Self::Value => "gave an invalid value",
            Self::Reported => "answered with an error",
        }
    }
}

/// One evaluation that failed.
pub(super) struct Failure(pub(super) Fault, pub(super) String);
