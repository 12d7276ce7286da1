use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::{Arch, Error, Space};

/// A number that a space tells of an architecture, for example its parameters: a sum of products.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// Unique within the space.
    pub name: String,
    /// The products that are added up.
    pub terms: Vec<Vec<Factor>>,
}

/// What a product is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Factor {
    /// A number.
    Number(f64),
    /// The choice at a decision, by its position, which is a number; 0 where it does not count.
    Decision(usize),
    /// How many decisions take the choice of that name.
    Count(String),
}

/// What every architecture of a space must keep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Constraint {
    /// A measure, by its position, lies in a range, both ends included.
    Within {
        /// The measure.
        measure: usize,
        /// The least value.
        at_least: f64,
        /// The greatest value.
        at_most: f64,
    },
    /// These choices, of decisions by their positions, are not taken together: one of the listed
    /// ones at each.
    Forbidden(Vec<(usize, Vec<u8>)>),
}

impl Space {
    /// The value of one of its measures. `arch` must belong to the space.
    pub fn measured(&self, measure: &Measure, arch: &Arch) -> f64 {
        let active = self.active(arch);
        let factor = |factor: &Factor| match factor {
            Factor::Number(number) => *number,
            Factor::Count(choice) => self.count(arch, choice) as f64,
            Factor::Decision(at) if active[*at] => {
                let choice = usize::from(arch.choices()[*at]);
                // What is no number was refused when the space was made.
                self.decisions()[*at].choices[choice].parse().unwrap_or(0.0)
            }
            Factor::Decision(_) => 0.0,
        };
        measure.terms.iter().map(|term| term.iter().map(factor).product::<f64>()).sum()
    }

    /// The first constraint that an architecture breaks, in words.
    pub(crate) fn broken(&self, arch: &Arch) -> Option<Error> {
        let active = if self.constraints().is_empty() { return None } else { self.active(arch) };
        let broken = |constraint: &Constraint| match constraint {
            Constraint::Within { measure, at_least, at_most } => {
                let measure = &self.measures()[*measure];
                let value = self.measured(measure, arch);
                let text = || {
                    format!("{} is {value}, expected {}", measure.name, range(*at_least, *at_most))
                };
                (value < *at_least || value > *at_most).then(text)
            }
            Constraint::Forbidden(together) => {
                let taken = |(at, choices): &(usize, Vec<u8>)| {
                    active[*at] && choices.contains(&arch.choices()[*at])
                };
                together.iter().all(taken).then(|| {
                    let mut text = String::new();
                    for (at, _) in together {
                        let decision = &self.decisions()[*at];
                        let choice = &decision.choices[usize::from(arch.choices()[*at])];
                        let joint = if text.is_empty() { "" } else { " with " };
                        let _ = write!(text, "{joint}{} = {choice}", decision.name);
                    }
                    text + " is forbidden"
                })
            }
        };
        let problem = self.constraints().iter().find_map(broken)?;
        Some(Error::Constraint { space: self.name().to_owned(), problem })
    }

    /// Why a measure or a constraint cannot be, if it cannot.
    pub(crate) fn unfit_measures(&self) -> Option<String> {
        let decisions = self.decisions();
        for (at, measure) in self.measures().iter().enumerate() {
            let name = &measure.name;
            if self.measures()[..at].iter().any(|earlier| earlier.name == *name) {
                return Some(format!("axis `{name}` occurs twice"));
            }
            for factor in measure.terms.iter().flatten() {
                match factor {
                    Factor::Number(number) if !number.is_finite() => {
                        return Some(format!("axis `{name}` has the factor {number}"));
                    }
                    Factor::Number(_) => {}
                    Factor::Count(choice) => {
                        if let Err(error) = self.check_choice_name(choice) {
                            return Some(format!("axis `{name}`: {error}"));
                        }
                    }
                    Factor::Decision(at) => {
                        let Some(decision) = decisions.get(*at) else {
                            return Some(format!(
                                "axis `{name}` names decision {at} of {}",
                                decisions.len()
                            ));
                        };
                        let is_number =
                            |choice: &&String| choice.parse::<f64>().is_ok_and(f64::is_finite);
                        if let Some(word) =
                            decision.choices.iter().find(|choice| !is_number(choice))
                        {
                            return Some(format!(
                                "axis `{name}` calculates with decision `{}`, whose choice `{word}` is no number",
                                decision.name
                            ));
                        }
                    }
                }
            }
        }
        self.constraints().iter().find_map(|constraint| match constraint {
            Constraint::Within { measure, at_least, at_most } => {
                let Some(measure) = self.measures().get(*measure) else {
                    return Some(format!(
                        "a constraint names axis {measure} of {}",
                        self.measures().len()
                    ));
                };
                let is_range = at_least <= at_most;
                (!is_range).then(|| {
                    format!("nothing keeps {} {}", measure.name, range(*at_least, *at_most))
                })
            }
            Constraint::Forbidden(together) => {
                let fits = |(at, choices): &(usize, Vec<u8>)| {
                    decisions.get(*at).is_some_and(|decision| {
                        !choices.is_empty()
                            && choices
                                .iter()
                                .all(|choice| usize::from(*choice) < decision.choices.len())
                    })
                };
                let is_fit = !together.is_empty() && together.iter().all(fits);
                (!is_fit).then(|| "a constraint forbids what the space does not hold".to_owned())
            }
        })
    }
}

fn range(at_least: f64, at_most: f64) -> String {
    match (at_least.is_finite(), at_most.is_finite()) {
        (true, true) => format!("{at_least} to {at_most}"),
        (true, false) => format!("at least {at_least}"),
        _ => format!("at most {at_most}"),
    }
}
