//! The errors of the crate, and the suggestion of the nearest known name.

use std::fmt;

/// What can be wrong with a space, an architecture, its text, or a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text of an architecture does not follow the space's text form.
    #[error("{0}")]
    Text(TextError),
    /// An unknown name; the nearest known one is suggested where one is near.
    #[error("unknown {kind} `{name}`{}", suggestion(.nearest.as_ref(), .known))]
    UnknownName {
        /// What kind of thing the name is for, for example `operation`.
        kind: &'static str,
        /// The name as given.
        name: String,
        /// The nearest known name, where one is near.
        nearest: Option<String>,
        /// Every known name.
        known: Vec<String>,
    },
    /// The number of choices is not the number of decisions of the space.
    #[error("an architecture of {space} has {expected} choices, this one has {found}")]
    Length {
        /// The space's name.
        space: String,
        /// The space's number of decisions.
        expected: usize,
        /// The architecture's number of choices.
        found: usize,
    },
    /// A choice index is beyond the decision's choices.
    #[error("decision {decision} has choices 0 to {last}, not {found}")]
    Choice {
        /// The decision's name.
        decision: String,
        /// The last valid index.
        last: usize,
        /// The index as given.
        found: u8,
    },
    /// An inactive decision has another choice than its first.
    #[error("decision {decision} is inactive in this architecture: expected its first choice")]
    Inactive {
        /// The decision's name.
        decision: String,
    },
    /// An architecture that violates a constraint of its space.
    #[error("not in {space}: {problem}")]
    Constraint {
        /// The space's name.
        space: String,
        /// Which constraint, and how.
        problem: String,
    },
    /// A file that does not describe a space.
    #[error("line {line}: {problem}")]
    File {
        /// The line, from 1 on.
        line: usize,
        /// What is wrong there.
        problem: String,
    },
    /// A space whose description contradicts itself.
    #[error("space {space}: {problem}")]
    Space {
        /// The space's name.
        space: String,
        /// What is wrong.
        problem: String,
    },
    /// An index beyond a benchmark's architectures.
    #[error("index {index} is not in NAS-Bench-201: expected 0 to {last}")]
    Index {
        /// The index as given.
        index: usize,
        /// The last valid index.
        last: usize,
    },
}

/// Where and how the text of an architecture differs from its space's text form.
///
/// Its message shows the text with a caret under the position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextError {
    /// The text as given.
    pub text: String,
    /// Characters before the problem, counted from 0.
    pub position: usize,
    /// What is wrong there and what was expected.
    pub problem: String,
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, position, problem } = self;
        write!(
            f,
            "malformed architecture: {problem} at position {position}\n  {text}\n  {:>width$}",
            "^",
            width = position + 1
        )
    }
}

impl Error {
    pub(crate) fn text(text: &str, byte: usize, problem: impl Into<String>) -> Self {
        Self::Text(TextError {
            text: text.to_owned(),
            position: text[..byte].chars().count(),
            problem: problem.into(),
        })
    }

    /// An unknown name, with the nearest of `known` as a suggestion.
    pub fn unknown_name<'a>(
        kind: &'static str,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let known: Vec<String> = known.into_iter().map(str::to_owned).collect();
        Self::UnknownName {
            kind,
            name: name.to_owned(),
            nearest: nearest(name, known.iter().map(String::as_str)).map(str::to_owned),
            known,
        }
    }
}

/// The nearest name and all known ones, as far as there are any.
fn suggestion(nearest: Option<&String>, known: &[String]) -> String {
    let all = known.join(", ");
    match nearest {
        _ if known.is_empty() => "; there are none".to_owned(),
        Some(nearest) => format!(", did you mean `{nearest}`? known: {all}"),
        None => format!("; known: {all}"),
    }
}

/// The name of `known` that is most like `name`, where one is near enough to suggest.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&name, &candidate.to_lowercase()), candidate))
        .filter(|(similarity, _)| *similarity > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

pub(crate) fn did_you_mean(nearest: Option<&String>) -> String {
    nearest.map_or_else(String::new, |name| format!(", did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested_and_a_far_one_is_not() {
        let devices = ["edgegpu", "raspi4", "edgetpu"];
        assert_eq!(nearest("raspi", devices), Some("raspi4"));
        assert_eq!(nearest("EdgeGPU", devices), Some("edgegpu"));
        assert_eq!(nearest("xyz", devices), None);
    }

    #[test]
    fn a_text_error_points_at_the_character() {
        let error = Error::text("|é~0|", 3, "no operation");
        assert_eq!(
            error.to_string(),
            "malformed architecture: no operation at position 2\n  |é~0|\n    ^"
        );
    }
}
