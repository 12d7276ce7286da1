//! The names under which a model sees a space: its own, or a disguise.

use nas_search::{Condition, SearchRng};
use nas_space::{Arch, Constraint, Decision, Space};
use rand::{SeedableRng as _, seq::SliceRandom};
use serde::{Deserialize, Serialize};

use crate::Error;

/// The name of a disguised space, and its description in prompts.
const NAME: &str = "S";
const DESCRIPTION: &str = "a family of networks whose parts have neutral names.";

/// Neutral names for a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disguise {
    /// The seed of the names and of their order.
    pub seed: u64,
    /// Whether the model sees [what choices do](Space::described), without their names.
    pub described: bool,
}

/// The names under which a model sees a space.
///
/// Architectures, conditions and texts are changed into what the model sees, and its architectures and
/// conditions back.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    real: Space,
    /// The space as the model sees it.
    space: Space,
    is_disguise: bool,
    /// Whether the model sees what disguised choices do.
    is_described: bool,
    /// For each decision that it sees, the decision of the real space.
    decisions: Vec<usize>,
    /// For each real decision and each of its choices, the choice that it sees.
    choices: Vec<Vec<u8>>,
    /// The real name of each choice, and the one that it sees; none where they are equal.
    renamed: Vec<(String, String)>,
    /// Real names in texts and what it sees in their place, the longest first.
    words: Vec<(String, String)>,
}

impl Names {
    /// Neutral names, or the space's own.
    pub fn of(space: &Space, disguise: Option<Disguise>) -> Result<Self, Error> {
        match disguise {
            Some(disguise) => Self::disguised(space, disguise),
            None => Self::own(space),
        }
    }

    /// The space's own names, short ones where it has them: prompts are shorter.
    pub fn own(space: &Space) -> Result<Self, Error> {
        let decisions: Vec<usize> = (0..space.decisions().len()).collect();
        let decision_name = |at: usize| space.decisions()[decisions[at]].name.clone();
        let names: Vec<&str> = space.all_choice_names();
        // A sign such as `-` has no meaning for a model.
        let is_word = |name: &&str| name.chars().any(char::is_alphanumeric);
        let short = |name| Some(space.short_name(name)).filter(is_word).unwrap_or(name);
        let renamed = names.iter().map(|name| ((*name).to_owned(), short(name).to_owned()));
        Self::new(
            space,
            (space.name(), space.description()),
            decisions.clone(),
            decision_name,
            renamed.collect(),
        )
    }

    /// Neutral names in random order: decisions are `d1`, `d2` and so on, choices `c1`, `c2`
    /// and so on. Choices with equal names have equal names. Decisions that others depend on keep their
    /// order.
    pub fn disguised(space: &Space, disguise: Disguise) -> Result<Self, Error> {
        let Disguise { seed, described } = disguise;
        let mut rng = SearchRng::seed_from_u64(seed);
        let mut decisions: Vec<usize> = (0..space.decisions().len()).collect();
        if !space.is_conditional() {
            decisions.shuffle(&mut rng);
        }
        let mut names: Vec<&str> = space.all_choice_names();
        names.shuffle(&mut rng);
        let renamed =
            names.iter().zip(1..).map(|(name, at)| ((*name).to_owned(), format!("c{at}")));
        let decision_name = |at: usize| format!("d{}", at + 1);
        let names =
            Self::new(space, (NAME, DESCRIPTION), decisions, decision_name, renamed.collect())?;
        Ok(Self { is_disguise: true, is_described: described, ..names })
    }

    /// Decisions in this order and with these names by their place in it, choices in the order of what
    /// they are renamed to.
    fn new(
        space: &Space,
        (name, description): (&str, &str),
        decisions: Vec<usize>,
        named: impl Fn(usize) -> String,
        renamed: Vec<(String, String)>,
    ) -> Result<Self, Error> {
        let real = space.decisions();
        let place = |choice: &String| renamed.iter().position(|(name, _)| name == choice);
        // The choices of a decision, by index, in the order in which the model sees them.
        let ordered = |decision: &Decision| {
            let mut order: Vec<usize> = (0..decision.choices.len()).collect();
            order.sort_by_key(|choice| place(&decision.choices[*choice]));
            order
        };
        let mut choices: Vec<Vec<u8>> = Vec::with_capacity(real.len());
        for decision in real {
            let mut seen = vec![0; decision.choices.len()];
            for (place, choice) in ordered(decision).into_iter().enumerate() {
                seen[choice] = place as u8;
            }
            choices.push(seen);
        }
        let shown = decisions.iter().enumerate().map(|(at, &of)| {
            let decision = &real[of];
            let of_choice = |choice: usize| {
                let name = &decision.choices[choice];
                place(name).map_or_else(|| name.clone(), |place| renamed[place].1.clone())
            };
            let shown = Decision::new(named(at), ordered(decision).into_iter().map(of_choice));
            match &decision.active {
                None => shown,
                // The order of decisions is kept where one depends on another.
                Some(active) => {
                    let seen = active.choices.iter();
                    let seen = seen.map(|choice| choices[active.decision][usize::from(*choice)]);
                    shown.active_while(active.decision, seen.collect::<Vec<u8>>())
                }
            }
        });
        let shown: Vec<Decision> = shown.collect();
        let of_decisions = decisions.iter().zip(&shown);
        let of_decisions =
            of_decisions.map(|(&at, shown)| (real[at].name.clone(), shown.name.clone()));
        // A number in a text may be any number.
        let of_choices = renamed.iter().filter(|(name, _)| name.parse::<f64>().is_err()).cloned();
        let mut words: Vec<(String, String)> = of_decisions.chain(of_choices).collect();
        words.retain(|(real, shown)| real != shown);
        words.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        let text = vec!["{}"; shown.len()].join(" ");
        let shown = Space::new(name, description, shown, text, None);
        let wrong = |error: nas_space::Error| Error::Prompt {
            template: "space",
            reason: error.to_string(),
        };
        Ok(Self {
            real: space.clone(),
            space: shown.map_err(wrong)?,
            is_disguise: false,
            is_described: false,
            decisions,
            choices,
            renamed,
            words,
        })
    }

    /// Whether the names are neutral ones.
    pub fn is_disguise(&self) -> bool {
        self.is_disguise
    }

    /// Short names with what they are short for; neutral ones with what their choices do, where the model is to
    /// see it.
    pub fn legend(&self) -> Vec<(&str, &str)> {
        if self.is_disguise {
            let described = self.renamed.iter().filter(|_| self.is_described);
            let legend = described
                .filter_map(|(real, shown)| Some((shown.as_str(), self.real.described(real)?)));
            return legend.collect();
        }
        let short = self.renamed.iter().filter(|(real, shown)| real != shown);
        short.map(|(real, shown)| (shown.as_str(), real.as_str())).collect()
    }

    /// What the space's constraints ask for, in the names that the model sees.
    pub fn constraints(&self) -> Vec<String> {
        let stated = |constraint: &Constraint| match constraint {
            Constraint::Within { axis, .. } => {
                let range = constraint.range().unwrap_or_default();
                format!("{} {range}", self.text(&self.real.axes()[*axis].name))
            }
            Constraint::Forbidden(together) => {
                let taken = together.iter().map(|(at, choices)| {
                    let decision = &self.space.decisions()[self.shown_decision(*at)];
                    let name = |choice: &u8| {
                        let seen = self.choices[*at][usize::from(*choice)];
                        decision.choices[usize::from(seen)].as_str()
                    };
                    let names: Vec<&str> = choices.iter().map(name).collect();
                    format!("{} = {}", decision.name, names.join(" or "))
                });
                format!("not {}", taken.collect::<Vec<_>>().join(" with "))
            }
        };
        self.real.constraints().iter().map(stated).collect()
    }

    /// The space as the model sees it.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// The choice that the model means by a name at a decision that it sees. A name that is seen short may
    /// be written out.
    pub fn choice(&self, decision: usize, name: &str) -> Result<u8, nas_space::Error> {
        self.space.decisions()[decision].choice(self.short(name))
    }

    /// The name that the model sees, in place of one that it may write out.
    pub fn short<'a>(&'a self, name: &'a str) -> &'a str {
        let short = self.renamed.iter().find(|(real, _)| !self.is_disguise && real == name);
        short.map_or(name, |(_, short)| short)
    }

    /// The architecture, as the model sees it, in a text form of the space.
    pub fn parse(&self, text: &str) -> Option<Arch> {
        let real = self.real.parse(text).ok().filter(|_| !self.is_disguise)?;
        Some(self.shown(&real))
    }

    /// A real architecture as the model sees it.
    pub fn shown(&self, arch: &Arch) -> Arch {
        let choices = arch.choices();
        let seen = |&at: &usize| self.choices[at][usize::from(choices[at])];
        Arch::new(self.decisions.iter().map(seen).collect::<Vec<u8>>())
    }

    /// The real architecture that the model means.
    pub fn real(&self, shown: &Arch) -> Arch {
        let mut real = vec![0; self.decisions.len()];
        for (&at, &choice) in self.decisions.iter().zip(shown.choices()) {
            real[at] = self.real_choice_of(at, choice);
        }
        Arch::new(real)
    }

    /// A real condition as the model sees it.
    pub fn shown_condition(&self, condition: &Condition) -> Condition {
        match condition {
            Condition::Choice { decision, choice } => Condition::Choice {
                decision: self.shown_decision(*decision),
                choice: self.choices[*decision][usize::from(*choice)],
            },
            Condition::AtLeast { choice, count } => {
                let pair = self.renamed.iter().find(|(real, _)| real == choice);
                let choice = pair.map_or(choice, |(_, shown)| shown).clone();
                Condition::AtLeast { choice, count: *count }
            }
        }
    }

    /// The real condition that the model means.
    pub fn real_condition(&self, shown: &Condition) -> Condition {
        match shown {
            Condition::Choice { decision, choice } => {
                let (decision, choice) = self.real_choice(*decision, *choice);
                Condition::Choice { decision, choice }
            }
            Condition::AtLeast { choice, count } => {
                let pair = self.renamed.iter().find(|(_, shown)| shown == choice);
                let choice = pair.map_or(choice, |(real, _)| real).clone();
                Condition::AtLeast { choice, count: *count }
            }
        }
    }

    /// A text with the names that the model sees.
    pub fn text(&self, text: &str) -> String {
        if self.words.is_empty() {
            return text.to_owned();
        }
        let mut shown = String::with_capacity(text.len());
        let mut rest = text;
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        while let Some(next) = rest.chars().next() {
            let starts = !shown.chars().next_back().is_some_and(is_part) || !is_part(next);
            let found = self.words.iter().filter(|_| starts).find(|(real, _)| {
                let after = rest.strip_prefix(real.as_str());
                after.is_some_and(|after| {
                    !after.starts_with(is_part) || !real.chars().next_back().is_some_and(is_part)
                })
            });
            let taken = if let Some((real, neutral)) = found {
                shown.push_str(neutral);
                real.len()
            } else {
                shown.push(next);
                next.len_utf8()
            };
            rest = &rest[taken..];
        }
        shown
    }

    fn shown_decision(&self, real: usize) -> usize {
        self.decisions.iter().position(|at| *at == real).unwrap_or(real)
    }

    /// The real decision and choice that the model means.
    pub fn real_choice(&self, decision: usize, choice: u8) -> (usize, u8) {
        let decision = self.decisions[decision];
        (decision, self.real_choice_of(decision, choice))
    }

    fn real_choice_of(&self, decision: usize, shown: u8) -> u8 {
        self.choices[decision].iter().position(|seen| *seen == shown).unwrap_or_default() as u8
    }
}
