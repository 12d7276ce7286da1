//! Design rules and their evidence.

use nas_partition::Partition;
use nas_space::{Arch, Error, Space};
use serde::{Deserialize, Serialize};

/// A design rule: what to do or to avoid in one niche, or in all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Whether to do it or to avoid it.
    pub polarity: Polarity,
    /// Which architectures follow the rule.
    pub condition: Condition,
    /// The niche that it applies to, by its position, or `None` for all.
    pub niche: Option<usize>,
    /// Who stated it.
    pub author: Author,
    /// Why, in the author's words; empty where there are none.
    pub reason: String,
    /// The generation that it was first stated in.
    pub since: usize,
    /// The architectures that support and contradict it.
    pub evidence: Evidence,
}

/// Whether a rule recommends or warns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Polarity {
    /// Architectures that meet the condition are the better ones.
    Do,
    /// They are the worse ones.
    Avoid,
}

/// Who states rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Author {
    /// A language model.
    Model,
    /// The search itself, from its counts.
    Statistics,
    /// The user, before the search.
    User,
}

/// A rule that no longer holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DroppedRule {
    /// The rule, with the evidence for which it was dropped: refuted, or weaker than the rules that
    /// were kept.
    pub rule: Rule,
    /// The number of architectures evaluated by then.
    pub evaluated: usize,
}

/// A condition that can be checked on any architecture of the space.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Condition {
    /// A choice at one decision.
    Choice {
        /// The decision, by its position.
        decision: usize,
        /// The choice's index.
        choice: u8,
    },
    /// A choice by its name, at this many decisions or more.
    AtLeast {
        /// The choice's name.
        choice: String,
        /// The number of decisions, at least 1.
        count: usize,
    },
}

/// The evidence for and against a rule. Of the architectures in its scope that meet the condition,
/// those in the better half by non-domination rank support a `do` and contradict an `avoid`; those
/// in the worse half, and those that could not be evaluated, do the opposite.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// Architectures that support the rule, by their position among the evaluated ones.
    pub supporting: Vec<usize>,
    /// Architectures that contradict it, in the same way.
    pub contradicting: Vec<usize>,
    /// The share of supporting ones that is expected if the condition does not matter.
    pub expected: f64,
    /// For each objective, the mean of the architectures that meet the condition minus the mean
    /// of the others in scope, in the objective's unit; `None` where one of the means is missing.
    pub effects: Vec<Option<f64>>,
}

impl Polarity {
    /// The name: `do` or `avoid`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Do => "do",
            Self::Avoid => "avoid",
        }
    }
}

impl Author {
    /// The name, as files and reports show it: `model`, `statistics` or `user`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Statistics => "statistics",
            Self::User => "user",
        }
    }
}

impl Condition {
    /// The name in a decision's place that stands for any decision.
    pub const ANY: &'static str = "any";

    /// A choice at the decision of that name; with [`any`](Self::ANY) in the decision's place, a
    /// choice at `at_least` decisions.
    ///
    /// # Errors
    /// [`Error::UnknownName`] for a decision or a choice that the space does not have.
    pub fn parse(
        space: &Space,
        decision: &str,
        choice: &str,
        at_least: usize,
    ) -> Result<Self, Error> {
        if decision == Self::ANY {
            space.check_choice_name(choice)?;
            let count = at_least.clamp(1, space.decisions().len());
            return Ok(Self::AtLeast { choice: choice.to_owned(), count });
        }
        let decision = space.decision_named(decision)?;
        let choice = space.decisions()[decision].choice(choice)?;
        Ok(Self::Choice { decision, choice })
    }

    /// Whether the space has its decision and choice.
    pub(crate) fn is_of(&self, space: &Space) -> bool {
        match self {
            Self::Choice { decision, choice } => space
                .decisions()
                .get(*decision)
                .is_some_and(|at| usize::from(*choice) < at.choices.len()),
            Self::AtLeast { choice, .. } => space.check_choice_name(choice).is_ok(),
        }
    }

    /// Whether some architecture of the niche can meet it, judged decision by decision.
    pub fn is_possible(&self, space: &Space, partition: &Partition, niche: usize) -> bool {
        let admits = |decision, choice| partition.admits(niche, decision, choice);
        match self {
            Self::Choice { decision, choice } => admits(*decision, *choice),
            Self::AtLeast { choice, .. } => {
                space.decisions().iter().enumerate().any(|(decision, at)| {
                    at.choice(choice).is_ok_and(|choice| admits(decision, choice))
                })
            }
        }
    }

    /// Whether the architecture meets it. A decision that is inactive in it takes no choice.
    pub fn is_met(&self, space: &Space, arch: &Arch) -> bool {
        match self {
            Self::Choice { decision, choice } => {
                arch.choices().get(*decision) == Some(choice)
                    && (!space.is_conditional() || space.active(arch)[*decision])
            }
            Self::AtLeast { choice, count } => space.count(arch, choice) >= *count,
        }
    }

    /// In words, for example `0→3 = skip_connect` or `nor_conv_3x3 at 2 or more`.
    pub fn describe(&self, space: &Space) -> String {
        match self {
            Self::Choice { decision, choice } => match space.decisions().get(*decision) {
                Some(at) => format!("{} = {}", at.name, at.choices[usize::from(*choice)]),
                None => format!("decision {decision}"),
            },
            Self::AtLeast { choice, count } => format!("{choice} at {count} or more"),
        }
    }
}

impl Evidence {
    /// The number of architectures that support or contradict the rule.
    pub fn total(&self) -> usize {
        self.supporting.len() + self.contradicting.len()
    }

    /// By how many standard deviations the support exceeds the expected one; negative where the
    /// evidence contradicts the rule, 0 without evidence.
    pub fn significance(&self) -> f64 {
        significance(self.supporting.len(), self.total(), self.expected)
    }
}

/// By how many standard deviations `supporting` of `all` exceed their expected share.
pub(super) fn significance(supporting: usize, all: usize, expected: f64) -> f64 {
    let all = all as f64;
    let deviation = (all * expected * (1.0 - expected)).sqrt();
    if deviation > 0.0 { (supporting as f64 - all * expected) / deviation } else { 0.0 }
}

impl Rule {
    /// Whether both state the same, whoever their authors are.
    pub fn states_the_same(&self, other: &Self) -> bool {
        (self.polarity, &self.condition, self.niche)
            == (other.polarity, &other.condition, other.niche)
    }
}
