//! A search space as data: its decisions, and what follows from them for every architecture.

use serde::{Deserialize, Serialize};

use crate::{
    Activity, Arch, Cell, ComplexityAxis, Constraint, Decision, Error,
    axis::invalid_axis,
    decision::{INACTIVE, all_choice_names, check_choice_name, invalid_decision},
};

/// In a space's text form, the place of a decision's choice.
const SLOT: &str = "{}";

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
    descriptions: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    axes: Vec<ComplexityAxis>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    constraints: Vec<Constraint>,
}

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
            descriptions: Vec::new(),
            axes: Vec::new(),
            constraints: Vec::new(),
        };
        space.validated()
    }

    /// The space with one more complexity axis.
    ///
    /// # Errors
    /// A name that occurs twice, a factor that is no number.
    pub fn with_axis(mut self, axis: ComplexityAxis) -> Result<Self, Error> {
        self.axes.push(axis);
        self.validated()
    }

    /// The space without the architectures that violate a constraint.
    ///
    /// # Errors
    /// A constraint on what the space does not have.
    pub fn with_constraint(mut self, constraint: Constraint) -> Result<Self, Error> {
        self.constraints.push(constraint);
        self.validated()
    }

    /// The space with short names for choices, as pairs of the full and the short name.
    #[must_use]
    pub fn with_short_names(mut self, names: &[(&str, &str)]) -> Self {
        let owned = |(full, short): &(&str, &str)| ((*full).to_owned(), (*short).to_owned());
        self.short_names = names.iter().map(owned).collect();
        self
    }

    /// The space with descriptions of choices, as pairs of the choice's name and what it does. They say it
    /// without the name, so that they can stand for it.
    #[must_use]
    pub fn with_descriptions(
        mut self,
        descriptions: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        self.descriptions = descriptions.into_iter().collect();
        self
    }

    fn validated(self) -> Result<Self, Error> {
        match self.problem() {
            None => Ok(self),
            Some(problem) => Err(Error::Space { space: self.name, problem }),
        }
    }

    /// What contradicts itself in the space, if anything does.
    fn problem(&self) -> Option<String> {
        if self.decisions.is_empty() {
            return Some("it has no decisions".into());
        }
        if let Some((_, problem)) = invalid_decision(&self.decisions) {
            return Some(problem);
        }
        let literals: Vec<&str> = self.literals().collect();
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
        let cell = self.cell.as_ref().and_then(|cell| cell.invalid(self.decisions.len()));
        cell.or_else(|| invalid_axis(&self.axes, &self.decisions)).or_else(|| {
            let invalid = |one: &Constraint| one.invalid(&self.axes, &self.decisions);
            self.constraints.iter().find_map(invalid)
        })
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

    /// The complexity axes, if the space has any of its own.
    pub fn axes(&self) -> &[ComplexityAxis] {
        &self.axes
    }

    /// The constraints that its architectures satisfy.
    pub fn constraints(&self) -> &[Constraint] {
        &self.constraints
    }

    /// What the text form has before, between and after the choices.
    pub(crate) fn literals(&self) -> impl Iterator<Item = &str> {
        self.text.split(SLOT)
    }

    /// The short name of a choice; the name itself where it has no other.
    pub fn short_name<'a>(&'a self, choice: &'a str) -> &'a str {
        let pair = self.short_names.iter().find(|(full, _)| full == choice);
        pair.map_or(choice, |(_, short)| short.as_str())
    }

    /// What a choice does. A choice whose name is a number is described by that number.
    pub fn described<'a>(&'a self, choice: &'a str) -> Option<&'a str> {
        let pair = self.descriptions.iter().find(|(name, _)| name == choice);
        let described = pair.map(|(_, description)| description.as_str());
        described.or_else(|| choice.parse::<f64>().is_ok().then_some(choice))
    }

    /// The name of the choice with this short name; the short name itself where none has it.
    pub(crate) fn full_name<'a>(&'a self, short_name: &'a str) -> &'a str {
        let pair = self.short_names.iter().find(|(_, short)| short == short_name);
        pair.map_or(short_name, |(full, _)| full.as_str())
    }

    /// The names of all choices of all decisions, each once, in order.
    pub fn all_choice_names(&self) -> Vec<&str> {
        all_choice_names(&self.decisions)
    }

    /// Whether any decision offers a choice of that name; the error suggests the nearest.
    pub fn check_choice_name(&self, name: &str) -> Result<(), Error> {
        check_choice_name(&self.decisions, name)
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

    /// The names of an architecture's choices, one for each decision; `-` where one is inactive.
    /// `arch` must belong to the space.
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

    /// The value of one of its axes. `arch` must belong to the space.
    pub fn axis_value(&self, axis: &ComplexityAxis, arch: &Arch) -> f64 {
        axis.value(&self.decisions, &self.active(arch), arch)
    }

    /// Whether some decision is not always active.
    pub fn is_conditional(&self) -> bool {
        self.decisions.iter().any(|decision| decision.active.is_some())
    }

    /// Whether each decision is active. `arch` must have a choice for each decision.
    pub fn active(&self, arch: &Arch) -> Vec<bool> {
        let mut active = Vec::with_capacity(self.decisions.len());
        for at in 0..self.decisions.len() {
            active.push(self.is_active(at, &active, arch.choices()));
        }
        active
    }

    /// Whether a decision is active, given the earlier ones.
    pub(crate) fn is_active(&self, at: usize, active: &[bool], choices: &[u8]) -> bool {
        let met = |on: &Activity| active[on.decision] && on.choices.contains(&choices[on.decision]);
        self.decisions[at].active.as_ref().is_none_or(met)
    }

    /// The architecture with the first choice at every inactive decision: the form in which each
    /// network is one architecture. `arch` must have a choice for each decision.
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

    /// Whether `arch` has one valid choice for each decision, the first where one is inactive,
    /// and satisfies all constraints.
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
        self.violation(arch).map_or(Ok(()), Err)
    }

    /// The first constraint that an architecture violates.
    pub(crate) fn violation(&self, arch: &Arch) -> Option<Error> {
        if self.constraints.is_empty() {
            return None;
        }
        let active = self.active(arch);
        let violation =
            |one: &Constraint| one.violation(&self.axes, &self.decisions, &active, arch);
        let problem = self.constraints.iter().find_map(violation)?;
        Some(Error::Constraint { space: self.name.clone(), problem })
    }

    /// The number of architectures that satisfy the constraints, which are counted one by one; `None`
    /// where there are more than `most`, whether they satisfy them or not.
    pub fn allowed(&self, most: u64) -> Option<u64> {
        let size = self.size().filter(|size| *size <= most)?;
        Some(if self.constraints.is_empty() { size } else { self.enumerate().count() as u64 })
    }

    /// The number of architectures, whether they satisfy the constraints or not; `None` above
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
    fn inactive_decisions_are_settled_written_and_read() {
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
        refuse(on(1, &[0]), "`b` depends on one that does not come before it");
        refuse(on(7, &[0]), "`b` depends on one that does not come before it");
        refuse(on(0, &[]), "`b` is never active");
        refuse(on(0, &[2]), "choice 2 of `a`, which has 2");
        let mut dash = on(0, &[1]);
        dash[0].choices[0] = INACTIVE.to_owned();
        refuse(dash, "reserved for inactive decisions");
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
