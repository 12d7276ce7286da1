use nas_partition::Partition;
use nas_space::{Arch, Error, Space};
use serde::{Deserialize, Serialize};

/// A design rule: in some niche, or all, something is worth doing or better avoided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Whether to do it or to avoid it.
    pub polarity: Polarity,
    /// What the rule speaks of.
    pub condition: Condition,
    /// The niche that it holds in, by its position, or `None` for all.
    pub niche: Option<usize>,
    /// Who found it.
    pub author: Author,
    /// Why, in the author's words; empty where there are none.
    pub reason: String,
    /// The generation that it was first stated in.
    pub since: usize,
    /// What the evaluated architectures say of it.
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

/// Who stated a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Author {
    /// A language model.
    Model,
    /// The counts of the search itself.
    Statistics,
    /// Who began the search.
    User,
}

/// A rule that no longer stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dropped {
    /// The rule, with the evidence that it fell by: refuted, or weaker than those that stand.
    pub rule: Rule,
    /// How many architectures were evaluated then.
    pub evaluated: usize,
}

/// What a rule speaks of, in terms that can be checked on any architecture of the space.
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

/// What speaks for a rule and what against it. Of the architectures in its scope that meet the
/// condition, those in the better half by non-domination rank support a `do` and contradict an
/// `avoid`; those in the worse half, and those that could not be evaluated, the other way round.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// Architectures that support the rule, by their position in what was evaluated.
    pub supporting: Vec<usize>,
    /// Architectures that contradict it.
    pub contradicting: Vec<usize>,
    /// The share of supporting ones to be expected if the condition did not matter.
    pub expected: f64,
    /// For each objective, the mean of the architectures that meet the condition less the mean
    /// of the others in scope, in the objective's unit; `None` without either.
    pub effects: Vec<Option<f64>>,
}

impl Polarity {
    /// In a word: `do` or `avoid`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Do => "do",
            Self::Avoid => "avoid",
        }
    }
}

impl Author {
    /// In a word: `model` or `statistics`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Statistics => "statistics",
            Self::User => "user",
        }
    }
}

impl Condition {
    /// What stands in a decision's place where any may meet the condition.
    pub const ANY: &'static str = "any";

    /// A choice at the decision of that name, or at [any](Self::ANY), `at_least` so many times.
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

    /// Whether it speaks of decisions and choices of the space.
    pub(crate) fn is_of(&self, space: &Space) -> bool {
        match self {
            Self::Choice { decision, choice } => space
                .decisions()
                .get(*decision)
                .is_some_and(|at| usize::from(*choice) < at.choices.len()),
            Self::AtLeast { choice, .. } => space.check_choice_name(choice).is_ok(),
        }
    }

    /// Whether some architecture of the niche can meet it, as far as single decisions tell.
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

    /// Whether the architecture meets it.
    pub fn is_met(&self, space: &Space, arch: &Arch) -> bool {
        match self {
            Self::Choice { decision, choice } => arch.choices().get(*decision) == Some(choice),
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
    /// Architectures that bear on the rule.
    pub fn total(&self) -> usize {
        self.supporting.len() + self.contradicting.len()
    }

    /// By how many standard deviations the support exceeds what chance would give; negative where
    /// the evidence speaks against the rule, 0 without any.
    pub fn significance(&self) -> f64 {
        significance(self.supporting.len(), self.total(), self.expected)
    }
}

/// By how many standard deviations a count exceeds what is expected of each of all.
pub(super) fn significance(supporting: usize, all: usize, expected: f64) -> f64 {
    let all = all as f64;
    let deviation = (all * expected * (1.0 - expected)).sqrt();
    if deviation > 0.0 { (supporting as f64 - all * expected) / deviation } else { 0.0 }
}

impl Rule {
    /// Whether both state the same, whoever stated it.
    pub fn states_the_same(&self, other: &Self) -> bool {
        (self.polarity, &self.condition, self.niche)
            == (other.polarity, &other.condition, other.niche)
    }
}
