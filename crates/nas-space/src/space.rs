use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::{
    Arch, Cell, Constraint, Error, Measure,
    error::{did_you_mean, nearest},
};

/// A search space as data: named decisions with their choices, a text form, and, for cell
/// spaces, the graph that the decisions label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Space {
    name: String,
    description: String,
    decisions: Vec<Decision>,
    text: String,
    cell: Option<Cell>,
    short_names: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    measures: Vec<Measure>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    constraints: Vec<Constraint>,
}

/// One decision of a space: a name and at most 256 named choices, and when it counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Unique within the space, for example `0→1`.
    pub name: String,
    /// The choices' names, unique within the decision.
    pub choices: Vec<String>,
    /// What it depends on; nothing if it always counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<Activity>,
}

/// When a decision counts: while an earlier one counts and takes one of these choices. A layer
/// beyond a network's depth does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// The earlier decision, by its position.
    pub decision: usize,
    /// Its choices, by their indices.
    pub choices: Vec<u8>,
}

impl Decision {
    /// A decision that always counts.
    pub fn new(
        name: impl Into<String>,
        choices: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let choices = choices.into_iter().map(Into::into).collect();
        Self { name: name.into(), choices, active: None }
    }

    /// The same, but only while an earlier decision takes one of these choices.
    #[must_use]
    pub fn active_while(self, decision: usize, choices: impl Into<Vec<u8>>) -> Self {
        Self { active: Some(Activity { decision, choices: choices.into() }), ..self }
    }

    /// The index of a choice by its name, or an error that suggests the nearest name.
    pub fn choice(&self, name: &str) -> Result<u8, Error> {
        match self.choices.iter().position(|choice| choice == name) {
            Some(index) => Ok(index as u8),
            None => {
                Err(Error::unknown_name("choice", name, self.choices.iter().map(String::as_str)))
            }
        }
    }
}

/// Stands in a space's text form for the choice of the next decision.
const SLOT: &str = "{}";

/// Stands in the text of an architecture for the choice of a decision that does not count.
const INACTIVE: &str = "-";

impl Space {
    /// A space from its parts.
    ///
    /// `text` is the text form of an architecture: it holds `{}` once for each decision, in
    /// order, where the choice's name goes, with other characters between any two.
    ///
    /// # Errors
    /// No decision, a decision without choices or with more than 256, a name that occurs twice,
    /// a text form that does not fit, a cell whose edges are not the decisions.
    pub fn new(
        name: impl Into<String>,
        description: impl Into<String>,
        decisions: Vec<Decision>,
        text: impl Into<String>,
        cell: Option<Cell>,
    ) -> Result<Self, Error> {
        let space = Self {
            name: name.into(),
            description: description.into(),
            decisions,
            text: text.into(),
            cell,
            short_names: Vec::new(),
            measures: Vec::new(),
            constraints: Vec::new(),
        };
        space.consistent()
    }

    fn consistent(self) -> Result<Self, Error> {
        match self.contradiction().or_else(|| self.unfit_measures()) {
            None => Ok(self),
            Some(problem) => Err(Error::Space { space: self.name, problem }),
        }
    }

    /// The space with one more measure of its architectures.
    ///
    /// # Errors
    /// A name that occurs twice, a factor that is no number.
    pub fn with_measure(mut self, measure: Measure) -> Result<Self, Error> {
        self.measures.push(measure);
        self.consistent()
    }

    /// The space without the architectures that break a constraint.
    ///
    /// # Errors
    /// A constraint on what the space does not have.
    pub fn with_constraint(mut self, constraint: Constraint) -> Result<Self, Error> {
        self.constraints.push(constraint);
        self.consistent()
    }

    /// What it measures of its architectures.
    pub fn measures(&self) -> &[Measure] {
        &self.measures
    }

    /// What its architectures keep.
    pub fn constraints(&self) -> &[Constraint] {
        &self.constraints
    }

    /// The space with short names for choices, as pairs of the full and the short name.
    #[must_use]
    pub fn with_short_names(mut self, names: &[(&str, &str)]) -> Self {
        let owned = |(full, short): &(&str, &str)| ((*full).to_owned(), (*short).to_owned());
        self.short_names = names.iter().map(owned).collect();
        self
    }

    fn contradiction(&self) -> Option<String> {
        if self.decisions.is_empty() {
            return Some("it has no decisions".into());
        }
        if let Some((_, problem)) = unfit_decision(&self.decisions) {
            return Some(problem);
        }
        let literals: Vec<&str> = self.text.split(SLOT).collect();
        if literals.len() != self.decisions.len() + 1 {
            return Some(format!(
                "its text form `{}` has {} slots for {} decisions",
                self.text,
                literals.len() - 1,
                self.decisions.len()
            ));
        }
        if literals[1..literals.len() - 1].contains(&"") {
            return Some(format!("its text form `{}` has two slots side by side", self.text));
        }
        self.cell.as_ref().and_then(|cell| cell.contradiction(&self.decisions))
    }

    /// Whether some decision does not always count.
    pub fn is_conditional(&self) -> bool {
        self.decisions.iter().any(|decision| decision.active.is_some())
    }

    /// Whether each decision counts. `arch` must have a choice for each decision.
    pub fn active(&self, arch: &Arch) -> Vec<bool> {
        let mut active = Vec::with_capacity(self.decisions.len());
        for at in 0..self.decisions.len() {
            active.push(self.counts(at, &active, arch.choices()));
        }
        active
    }

    /// Whether a decision counts, given the earlier ones.
    pub(crate) fn counts(&self, at: usize, active: &[bool], choices: &[u8]) -> bool {
        let met = |on: &Activity| active[on.decision] && on.choices.contains(&choices[on.decision]);
        self.decisions[at].active.as_ref().is_none_or(met)
    }

    /// The architecture with the first choice at every decision that does not count: the form in
    /// which each network is one architecture. `arch` must have a choice for each decision.
    #[must_use]
    pub fn settle(&self, arch: Arch) -> Arch {
        if !self.is_conditional() {
            return arch;
        }
        let active = self.active(&arch).into_iter().zip(arch.choices());
        Arch::new(
            active.map(|(active, &choice)| if active { choice } else { 0 }).collect::<Vec<u8>>(),
        )
    }

    /// The space's name, for example `nasbench201`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the space holds, in a sentence or two.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The decisions, in the order of an architecture's choices.
    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// The graph that the decisions label, if this is a cell space.
    pub fn cell(&self) -> Option<&Cell> {
        self.cell.as_ref()
    }

    /// The number of architectures, whether they keep the constraints or not; `None` above
    /// `u64::MAX`.
    pub fn size(&self) -> Option<u64> {
        // Of each decision and what depends on it, for each of its choices; from the last to the
        // first, for a decision depends on an earlier one.
        let mut below: Vec<Vec<Option<u64>>> =
            self.decisions.iter().map(|decision| vec![Some(1); decision.choices.len()]).collect();
        let mut all = Some(1u64);
        for at in (0..self.decisions.len()).rev() {
            let mine = below[at].iter().try_fold(0u64, |sum, part| sum.checked_add((*part)?));
            let times = |size: Option<u64>| size?.checked_mul(mine?);
            match &self.decisions[at].active {
                None => all = times(all),
                Some(on) => {
                    for &choice in &on.choices {
                        let part = &mut below[on.decision][usize::from(choice)];
                        *part = times(*part);
                    }
                }
            }
        }
        all
    }

    /// Whether `arch` has one valid choice for each decision, the first where one does not count,
    /// and keeps all constraints.
    pub fn check(&self, arch: &Arch) -> Result<(), Error> {
        if arch.choices().len() != self.decisions.len() {
            return Err(Error::Length {
                space: self.name.clone(),
                expected: self.decisions.len(),
                found: arch.choices().len(),
            });
        }
        for (decision, &choice) in self.decisions.iter().zip(arch.choices()) {
            if usize::from(choice) >= decision.choices.len() {
                return Err(Error::Choice {
                    decision: decision.name.clone(),
                    last: decision.choices.len() - 1,
                    found: choice,
                });
            }
        }
        if self.is_conditional() {
            let mut idle = self.active(arch).into_iter().zip(arch.choices()).zip(&self.decisions);
            if let Some((_, decision)) = idle.find(|((active, choice), _)| !active && **choice > 0)
            {
                return Err(Error::Inactive { decision: decision.name.clone() });
            }
        }
        self.broken(arch).map_or(Ok(()), Err)
    }

    /// The names of the choices taken, one for each decision; `-` where one does not count. `arch`
    /// must belong to the space.
    pub fn choice_names<'a>(&'a self, arch: &'a Arch) -> impl Iterator<Item = &'a str> {
        let active = if self.is_conditional() { self.active(arch) } else { Vec::new() };
        self.decisions.iter().zip(arch.choices()).enumerate().map(
            move |(at, (decision, &choice))| match active.get(at) {
                Some(false) => INACTIVE,
                _ => decision.choices[usize::from(choice)].as_str(),
            },
        )
    }

    /// How many decisions take the choice of that name. `arch` must belong to the space.
    pub fn count(&self, arch: &Arch, choice: &str) -> usize {
        self.choice_names(arch).filter(|name| *name == choice).count()
    }

    /// The position of the decision of that name; an arrow may be written `->`.
    ///
    /// # Errors
    /// [`Error::UnknownName`] with the nearest known name.
    pub fn decision_named(&self, name: &str) -> Result<usize, Error> {
        let plain = |name: &str| name.replace("->", "→").replace(' ', "");
        let found = self.decisions.iter().position(|at| plain(&at.name) == plain(name));
        found.ok_or_else(|| {
            let known = self.decisions.iter().map(|decision| decision.name.as_str());
            Error::unknown_name("decision", name, known)
        })
    }

    /// Whether any decision offers a choice of that name; the error suggests the nearest.
    pub fn check_choice_name(&self, name: &str) -> Result<(), Error> {
        let known = self.all_choice_names();
        if known.contains(&name) {
            return Ok(());
        }
        Err(Error::unknown_name("operation", name, known))
    }

    /// The names of all choices of all decisions, each once, in order.
    pub fn all_choice_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for choice in self.decisions.iter().flat_map(|decision| &decision.choices) {
            if !names.contains(&choice.as_str()) {
                names.push(choice);
            }
        }
        names
    }

    /// The text form of an architecture. `arch` must belong to the space.
    pub fn format(&self, arch: &Arch) -> String {
        let mut literals = self.text.split(SLOT);
        let mut text = literals.next().unwrap_or_default().to_owned();
        for (name, literal) in self.choice_names(arch).zip(literals) {
            text.push_str(name);
            text.push_str(literal);
        }
        text
    }

    /// The choices by their short names, separated by spaces: for tables that people read, where
    /// [`Self::format`] would be too long. `arch` must belong to the space.
    pub fn short(&self, arch: &Arch) -> String {
        self.short_names(arch).collect::<Vec<_>>().join(" ")
    }

    /// The choices by their short names, one for each decision. `arch` must belong to the space.
    pub fn short_names<'a>(&'a self, arch: &'a Arch) -> impl Iterator<Item = &'a str> {
        self.choice_names(arch).map(|name| self.short_name(name))
    }

    /// The short name of a choice; the name itself where it has no other.
    pub fn short_name<'a>(&'a self, choice: &'a str) -> &'a str {
        let pair = self.short_names.iter().find(|(full, _)| full == choice);
        pair.map_or(choice, |(_, short)| short.as_str())
    }

    /// An architecture from its choices' short or full names, separated by spaces, as
    /// [`Self::short`] writes them.
    ///
    /// # Errors
    /// [`Error::Text`] with the position of the first name that is no choice, or the end of the
    /// text where names are missing.
    pub fn parse_short(&self, text: &str) -> Result<Arch, Error> {
        let mut names = text.split_whitespace();
        let mut choices = Vec::with_capacity(self.decisions.len());
        let mut active = Vec::with_capacity(self.decisions.len());
        for (at, decision) in self.decisions.iter().enumerate() {
            let Some(name) = names.next() else {
                let problem = format!("expected a choice for {}", decision.name);
                return Err(Error::text(text, text.len(), problem));
            };
            active.push(self.counts(at, &active, &choices));
            if !active[at] {
                if name != INACTIVE {
                    let problem =
                        format!("{} does not count here: expected `{INACTIVE}`", decision.name);
                    return Err(Error::text(text, position(text, name), problem));
                }
                choices.push(0);
                continue;
            }
            let full = self.short_names.iter().find(|(_, short)| short == name);
            let choice = decision.choice(full.map_or(name, |(full, _)| full));
            choices.push(
                choice
                    .map_err(|error| Error::text(text, position(text, name), error.to_string()))?,
            );
        }
        match names.next() {
            Some(name) => Err(Error::text(text, position(text, name), "expected the end")),
            None => Ok(Arch::new(choices)),
        }
    }

    /// An architecture from its text form.
    ///
    /// # Errors
    /// [`Error::Text`] with the position of the first character that does not fit.
    pub fn parse(&self, text: &str) -> Result<Arch, Error> {
        let mut literals = self.text.split(SLOT);
        let mut at = skip(text, 0, literals.next().unwrap_or_default())?;
        let mut choices = Vec::with_capacity(self.decisions.len());
        let mut active = Vec::with_capacity(self.decisions.len());
        for (decision, literal) in self.decisions.iter().zip(literals) {
            active.push(self.counts(choices.len(), &active, &choices));
            if !active[choices.len()] {
                choices.push(0);
                at = skip(text, skip(text, at, INACTIVE)?, literal)?;
                continue;
            }
            let rest = &text[at..];
            // A choice's name may hold the literal that follows it, so the longest name wins.
            let fitting = decision
                .choices
                .iter()
                .enumerate()
                .filter(|(_, name)| {
                    rest.strip_prefix(name.as_str()).is_some_and(|r| r.starts_with(literal))
                })
                .max_by_key(|(_, name)| name.len());
            let Some((choice, name)) = fitting else {
                return Err(unfit(text, at, decision, literal));
            };
            choices.push(choice as u8);
            at = skip(text, at + name.len(), literal)?;
        }
        if at < text.len() {
            return Err(Error::text(text, at, "expected the end"));
        }
        Ok(Arch::new(choices))
    }
}

/// The first decision that cannot be, by its position, and why.
pub(crate) fn unfit_decision(decisions: &[Decision]) -> Option<(usize, String)> {
    let is_conditional = decisions.iter().any(|decision| decision.active.is_some());
    let mut names = HashSet::with_capacity(decisions.len());
    for (at, decision) in decisions.iter().enumerate() {
        let Decision { name, choices, .. } = decision;
        if let Some(problem) =
            std::iter::once(name).chain(choices).find_map(|name| unfit_name(name))
        {
            return Some((at, problem));
        }
        if !names.insert(name) {
            return Some((at, format!("decision `{name}` occurs twice")));
        }
        if choices.is_empty() || choices.len() > 256 {
            let count = choices.len();
            return Some((at, format!("decision `{name}` has {count} choices, expected 1 to 256")));
        }
        for (place, choice) in choices.iter().enumerate() {
            if choices[..place].contains(choice) {
                return Some((at, format!("choice `{choice}` of decision `{name}` occurs twice")));
            }
            if choice == INACTIVE && is_conditional {
                let problem = format!(
                    "choice `{INACTIVE}` of decision `{name}` stands for a decision that does not count"
                );
                return Some((at, problem));
            }
        }
        if let Some(problem) = unfit_condition(decisions, at) {
            return Some((at, problem));
        }
    }
    None
}

/// Why a name cannot be: control characters would reach terminals and files.
pub(crate) fn unfit_name(name: &str) -> Option<String> {
    let shown = name.escape_debug();
    name.contains(char::is_control).then(|| format!("`{shown}` holds a control character"))
}

/// Why the condition of a decision cannot be, if it cannot.
fn unfit_condition(decisions: &[Decision], at: usize) -> Option<String> {
    let Decision { name, active, .. } = &decisions[at];
    let Activity { decision, choices } = active.as_ref()?;
    let Some(earlier) = decisions[..at].get(*decision) else {
        return Some(format!("decision `{name}` depends on one that is not decided before it"));
    };
    if choices.is_empty() {
        return Some(format!(
            "decision `{name}` never counts: no choice of `{}` activates it",
            earlier.name
        ));
    }
    let beyond = choices.iter().find(|choice| usize::from(**choice) >= earlier.choices.len())?;
    Some(format!(
        "decision `{name}` depends on choice {beyond} of `{}`, which has {}",
        earlier.name,
        earlier.choices.len()
    ))
}

/// Where a part of the text, borrowed from it, begins.
fn position(text: &str, part: &str) -> usize {
    part.as_ptr() as usize - text.as_ptr() as usize
}

fn skip(text: &str, at: usize, literal: &str) -> Result<usize, Error> {
    if text[at..].starts_with(literal) {
        return Ok(at + literal.len());
    }
    let fits = literal
        .char_indices()
        .zip(text[at..].chars())
        .take_while(|((_, expected), found)| expected == found)
        .map(|((i, c), _)| i + c.len_utf8())
        .last()
        .unwrap_or(0);
    Err(Error::text(text, at + fits, format!("expected `{}`", &literal[fits..])))
}

fn unfit(text: &str, at: usize, decision: &Decision, literal: &str) -> Error {
    let rest = &text[at..];
    // The word that stands where the choice should be: as long as it could be a name.
    let word = rest
        .split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.' || c == '-'))
        .next()
        .unwrap_or_default();
    if let Some(name) = decision.choices.iter().find(|name| *name == word) {
        return match skip(text, at + name.len(), literal) {
            Err(error) => error,
            Ok(_) => Error::text(text, at, "unexpected text"),
        };
    }
    let names = || decision.choices.iter().map(String::as_str);
    let problem = if word.is_empty() {
        format!("expected one of {} for {}", names().collect::<Vec<_>>().join(", "), decision.name)
    } else {
        let near = nearest(word, names()).map(str::to_owned);
        format!("unknown operation `{word}`{}", did_you_mean(near.as_ref()))
    };
    Error::text(text, at, problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(name: &str, choices: &[&str]) -> Decision {
        Decision::new(name, choices.iter().copied())
    }

    fn space() -> Space {
        Space::new(
            "test",
            "",
            vec![decision("width", &["1", "16", "160"]), decision("kernel", &["3", "5"])],
            "w{}k{}.",
            None,
        )
        .unwrap()
    }

    fn check_error(text: &str, expected: &str) {
        let message = space().parse(text).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }

    #[test]
    fn every_architecture_reads_back_from_its_text() {
        let space = space();
        for arch in space.enumerate() {
            assert_eq!(space.parse(&space.format(&arch)), Ok(arch));
        }
    }

    #[test]
    fn short_names_read_back_and_mistakes_are_pointed_at() {
        let space = space().with_short_names(&[("160", "wide")]);
        for arch in space.enumerate() {
            assert_eq!(space.parse_short(&space.short(&arch)), Ok(arch));
        }
        assert_eq!(space.parse_short(" 160  5"), space.parse_short("wide 5"));
        for (text, expected) in [
            ("16 4", "unknown choice `4`; known: 3, 5 at position 3"),
            ("16", "expected a choice for kernel at position 2"),
            ("16 3 3", "expected the end at position 5"),
        ] {
            let message = space.parse_short(text).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn text_errors_say_where_and_what_was_expected() {
        check_error("x16k3.", "expected `w` at position 0");
        check_error("w17k3.", "unknown operation `17k3.`");
        check_error("w16k3", "expected `.` at position 5");
        check_error("w16k3..", "expected the end at position 6");
        check_error("w16k", "expected one of 3, 5 for kernel at position 4");
        check_error("", "expected `w` at position 0");
    }

    #[test]
    fn contradictory_spaces_are_refused() {
        let refuse = |decisions, text: &str, expected: &str| {
            let message = Space::new("s", "", decisions, text, None).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        };
        refuse(vec![], "", "no decisions");
        refuse(vec![decision("a", &[])], "{}", "0 choices");
        refuse(vec![decision("a", &["x", "x"])], "{}", "`x` of decision `a` occurs twice");
        refuse(vec![decision("a", &["x"]), decision("a", &["x"])], "{}-{}", "`a` occurs twice");
        refuse(vec![decision("a", &["x"])], "none", "0 slots for 1 decisions");
        refuse(
            vec![decision("a", &["x"]), decision("b", &["x"])],
            "{}{}",
            "two slots side by side",
        );
    }

    /// One or two layers; the second has a kernel only if there are two, and a dilation only if that
    /// is 3.
    fn conditional() -> Space {
        let decisions = vec![
            decision("depth", &["1", "2"]),
            decision("kernel 1", &["3", "5"]),
            decision("kernel 2", &["3", "5"]).active_while(0, [1]),
            decision("dilation 2", &["1", "2", "4"]).active_while(2, [0]),
        ];
        Space::new("conditional", "", decisions, "d{} {} {}/{}", None).unwrap()
    }

    #[test]
    fn what_does_not_count_is_settled_written_and_read() {
        let space = conditional();
        let all: Vec<Arch> = space.enumerate().collect();
        // One layer: 2; two: 2 · (3 + 1).
        assert_eq!((all.len(), space.size()), (10, Some(10)));
        assert!(all.is_sorted());
        for arch in &all {
            assert_eq!(space.check(arch), Ok(()));
            assert_eq!(space.settle(arch.clone()), *arch);
            assert_eq!(space.parse(&space.format(arch)).as_ref(), Ok(arch));
            assert_eq!(space.parse_short(&space.short(arch)).as_ref(), Ok(arch));
        }
        let one = space.settle(Arch::new([0, 1, 1, 2]));
        assert_eq!(space.format(&one), "d1 5 -/-");
        assert_eq!((space.count(&one, "3"), space.count(&one, "5")), (0, 1));
        let error = space.check(&Arch::new([0, 1, 1, 0])).unwrap_err().to_string();
        assert!(error.contains("kernel 2"), "{error}");
        let error = space.parse("d1 5 3/-").unwrap_err().to_string();
        assert!(error.contains("expected `-` at position 5"), "{error}");
    }

    #[test]
    fn conditions_go_from_earlier_to_later_decisions() {
        let refuse = |decisions: Vec<Decision>, expected: &str| {
            let text = vec![SLOT; decisions.len()].join(" ");
            let message = Space::new("s", "", decisions, text, None).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        };
        let on = |at: usize, choices: &[u8]| {
            vec![decision("a", &["x", "y"]), decision("b", &["x"]).active_while(at, choices)]
        };
        refuse(on(1, &[0]), "`b` depends on one that is not decided before it");
        refuse(on(7, &[0]), "`b` depends on one that is not decided before it");
        refuse(on(0, &[]), "`b` never counts");
        refuse(on(0, &[2]), "choice 2 of `a`, which has 2");
        let mut dash = on(0, &[1]);
        dash[0].choices[0] = INACTIVE.to_owned();
        refuse(dash, "stands for a decision that does not count");
    }

    #[test]
    fn foreign_architectures_are_refused() {
        assert!(matches!(space().check(&Arch::new([0])), Err(Error::Length { .. })));
        assert!(matches!(space().check(&Arch::new([0, 2])), Err(Error::Choice { .. })));
        assert_eq!(space().check(&Arch::new([2, 1])), Ok(()));
    }

    #[test]
    fn the_size_of_a_huge_space_is_unknown_not_wrong() {
        let decisions: Vec<Decision> =
            (0..64).map(|i| decision(&i.to_string(), &["a", "b"])).collect();
        let text = vec![SLOT; 64].join("-");
        assert_eq!(Space::new("s", "", decisions, text, None).unwrap().size(), None);
        assert_eq!(space().size(), Some(6));
    }
}
