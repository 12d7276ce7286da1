//! Constraints: what every architecture of a space must satisfy.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::{Arch, ComplexityAxis, Decision};

/// A condition that every architecture of a space satisfies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Constraint {
    /// The value of an axis, by its position, lies in a range, both ends included.
    Within {
        /// The axis.
        axis: usize,
        /// The least value.
        at_least: f64,
        /// The greatest value.
        at_most: f64,
    },
    /// These choices, of decisions by their positions, are not taken together: one of the listed
    /// ones at each.
    Forbidden(Vec<(usize, Vec<u8>)>),
}

impl Constraint {
    /// How an architecture of which these decisions are active violates it, if it does.
    pub(crate) fn violation(
        &self,
        axes: &[ComplexityAxis],
        decisions: &[Decision],
        active: &[bool],
        arch: &Arch,
    ) -> Option<String> {
        match self {
            Self::Within { axis: at, at_least, at_most } => {
                let ComplexityAxis { name, .. } = &axes[*at];
                let value = axes[*at].value(decisions, active, arch);
                let outside = value < *at_least || value > *at_most;
                let expected = || range(*at_least, *at_most);
                outside.then(|| format!("{name} is {value}, expected {}", expected()))
            }
            Self::Forbidden(together) => {
                let is_taken = |(at, choices): &(usize, Vec<u8>)| {
                    active[*at] && choices.contains(&arch.choices()[*at])
                };
                together.iter().all(is_taken).then(|| {
                    let mut text = String::new();
                    for (at, _) in together {
                        let choice = &decisions[*at].choices[usize::from(arch.choices()[*at])];
                        let joint = if text.is_empty() { "" } else { " with " };
                        let _ = write!(text, "{joint}{} = {choice}", decisions[*at].name);
                    }
                    text + " is forbidden"
                })
            }
        }
    }

    /// The values of the axis that it allows, in words: `at most 3500`.
    pub fn range(&self) -> Option<String> {
        match self {
            Self::Within { at_least, at_most, .. } => Some(range(*at_least, *at_most)),
            Self::Forbidden(_) => None,
        }
    }

    /// What is wrong with it in a space of these axes and decisions, if anything is.
    pub(crate) fn invalid(
        &self,
        axes: &[ComplexityAxis],
        decisions: &[Decision],
    ) -> Option<String> {
        match self {
            Self::Within { axis: at, at_least, at_most } => {
                let Some(ComplexityAxis { name, .. }) = axes.get(*at) else {
                    return Some(format!("a constraint names axis {at} of {}", axes.len()));
                };
                let is_range = at_least <= at_most;
                let range = || range(*at_least, *at_most);
                (!is_range).then(|| format!("no value of axis `{name}` is {}", range()))
            }
            Self::Forbidden(together) => {
                let exists = |(at, choices): &(usize, Vec<u8>)| {
                    decisions.get(*at).is_some_and(|decision| {
                        let exists = |choice: &u8| usize::from(*choice) < decision.choices.len();
                        !choices.is_empty() && choices.iter().all(exists)
                    })
                };
                let all_exist = !together.is_empty() && together.iter().all(exists);
                (!all_exist).then(|| {
                    "a constraint forbids a choice that the space does not have".to_owned()
                })
            }
        }
    }
}

fn range(at_least: f64, at_most: f64) -> String {
    match (at_least.is_finite(), at_most.is_finite()) {
        (true, true) => format!("{at_least} to {at_most}"),
        (true, false) => format!("at least {at_least}"),
        _ => format!("at most {at_most}"),
    }
}
