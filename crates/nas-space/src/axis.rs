//! Complexity axes of a space of a user's own: numbers that are computed from an architecture.

use serde::{Deserialize, Serialize};

use crate::{Arch, Decision, decision::check_choice_name};

/// A number that a space computes from an architecture, for example its parameters: a sum of
/// products.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComplexityAxis {
    /// Unique within the space.
    pub name: String,
    /// The products that are added up.
    pub terms: Vec<Vec<Factor>>,
}

/// A factor of a product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Factor {
    /// A number.
    Number(f64),
    /// The choice at a decision, by its position, which is a number; 0 where it is inactive.
    Decision(usize),
    /// How many decisions take the choice of that name.
    Count(String),
}

impl ComplexityAxis {
    /// The value for an architecture of which these decisions are active.
    pub(crate) fn value(&self, decisions: &[Decision], active: &[bool], arch: &Arch) -> f64 {
        let chosen = |at: usize| decisions[at].choices[usize::from(arch.choices()[at])].as_str();
        let factor = |factor: &Factor| match factor {
            Factor::Number(number) => *number,
            Factor::Count(choice) => {
                let takes = |at: &usize| active[*at] && chosen(*at) == choice;
                (0..decisions.len()).filter(takes).count() as f64
            }
            // A choice that is no number was refused when the space was made.
            Factor::Decision(at) if active[*at] => chosen(*at).parse().unwrap_or(0.0),
            Factor::Decision(_) => 0.0,
        };
        self.terms.iter().map(|term| term.iter().map(factor).product::<f64>()).sum()
    }
}

/// What is wrong with the axes of a space of these decisions, if anything is.
pub(crate) fn invalid_axis(axes: &[ComplexityAxis], decisions: &[Decision]) -> Option<String> {
    axes.iter().enumerate().find_map(|(at, axis)| {
        let name = &axis.name;
        if axes[..at].iter().any(|earlier| earlier.name == *name) {
            return Some(format!("axis `{name}` occurs twice"));
        }
        axis.terms.iter().flatten().find_map(|factor| invalid_factor(name, factor, decisions))
    })
}

fn invalid_factor(axis: &str, factor: &Factor, decisions: &[Decision]) -> Option<String> {
    match factor {
        Factor::Number(number) => {
            (!number.is_finite()).then(|| format!("axis `{axis}` has the factor {number}"))
        }
        Factor::Count(choice) => {
            let error = check_choice_name(decisions, choice).err()?;
            Some(format!("axis `{axis}`: {error}"))
        }
        Factor::Decision(at) => {
            let Some(decision) = decisions.get(*at) else {
                let count = decisions.len();
                return Some(format!("axis `{axis}` names decision {at} of {count}"));
            };
            let is_number = |choice: &&String| choice.parse::<f64>().is_ok_and(f64::is_finite);
            let word = decision.choices.iter().find(|choice| !is_number(choice))?;
            Some(format!(
                "axis `{axis}` calculates with decision `{}`, whose choice `{word}` is no number",
                decision.name
            ))
        }
    }
}
