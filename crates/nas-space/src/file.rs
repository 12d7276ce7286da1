//! Spaces of a user's own, from TOML.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::Range,
};

use rand::SeedableRng;
use serde::Deserialize;
use toml::Spanned;

use crate::{
    Activity, Cell, ComplexityAxis, Constraint, Decision, Error, Factor, Space,
    decision::{invalid_decision, invalid_name},
};

/// Architectures that are drawn to find one that satisfies the constraints.
const DRAWN: usize = 10_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    decision: Vec<Spanned<DecisionTable>>,
    #[serde(default)]
    descriptions: BTreeMap<String, Spanned<String>>,
    cell: Option<Spanned<CellTable>>,
    #[serde(default)]
    axis: Vec<Spanned<AxisTable>>,
    #[serde(default)]
    constraint: Vec<Spanned<ConstraintTable>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DecisionTable {
    name: String,
    choices: Vec<Name>,
    #[serde(rename = "if")]
    condition: Option<Spanned<BTreeMap<String, Names>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CellTable {
    edges: Vec<(usize, usize)>,
    none: String,
    identity: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AxisTable {
    name: String,
    terms: Option<Vec<Vec<Name>>>,
    count: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConstraintTable {
    axis: Option<String>,
    #[serde(default, deserialize_with = "bound")]
    at_least: Option<f64>,
    #[serde(default, deserialize_with = "bound")]
    at_most: Option<f64>,
    forbid: Option<BTreeMap<String, Names>>,
}

/// A bound that is a number: TOML also has `nan` and `inf`.
fn bound<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    finite(from).map(Some)
}

fn finite<'de, D: serde::Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let number = f64::deserialize(from)?;
    if number.is_finite() {
        return Ok(number);
    }
    Err(serde::de::Error::custom(format!("{number}, expected a finite number")))
}

/// A name, or a number that is one.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a name in quotes or a finite number")]
enum Name {
    Text(String),
    Whole(i64),
    Number(#[serde(deserialize_with = "finite")] f64),
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected a choice, or a list of choices: names in quotes or numbers"
)]
enum Names {
    One(Name),
    Several(Vec<Name>),
}

impl Name {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Whole(number) => number.to_string(),
            Self::Number(number) => number.to_string(),
        }
    }
}

impl Names {
    fn texts(&self) -> Vec<String> {
        match self {
            Self::One(name) => vec![name.text()],
            Self::Several(names) => names.iter().map(Name::text).collect(),
        }
    }
}

/// A file's text, by which errors find the line.
struct Source<'a>(&'a str);

impl Source<'_> {
    fn error(&self, at: Range<usize>, problem: impl Into<String>) -> Error {
        let line = 1 + self.0[..at.start.min(self.0.len())].matches('\n').count();
        Error::File { line, problem: problem.into() }
    }
}

impl Space {
    /// A space from a TOML text:
    ///
    /// ```toml
    /// name = "my-network"
    /// description = "Describes the space to a language model."
    ///
    /// [[decision]]
    /// name = "depth"
    /// choices = [1, 2]
    ///
    /// [[decision]]
    /// name = "kernel 2"
    /// choices = [3, 5]
    /// if = { depth = 2 }             # otherwise it is inactive
    ///
    /// [descriptions]                 # what choices do, where their names are hidden from a language model
    /// 5 = "five positions"
    ///
    /// [[axis]]                       # a number for niches and rules: a sum of products
    /// name = "cost"
    /// terms = [["depth", 10], ["kernel 2", "kernel 2"]]
    ///
    /// [[axis]]                       # or how many decisions take a choice
    /// name = "fives"
    /// count = "5"
    ///
    /// [[constraint]]
    /// axis = "cost"
    /// at_most = 40
    ///
    /// [[constraint]]
    /// forbid = { depth = 2, "kernel 2" = [5] }
    /// ```
    ///
    /// # Errors
    /// [`Error::File`] with the line of the first mistake. Constraints that leave no architecture are
    /// found by drawing 10,000 of them.
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        let source = Source(text);
        let file: File = toml::from_str(text).map_err(|error| {
            source.error(error.span().unwrap_or(0..0), error.message().to_owned())
        })?;
        // A description may have tabs and line breaks of any kind.
        let description = file.description.replace(['\n', '\r', '\t'], " ");
        let of_axes = file.axis.iter().map(|table| (table.get_ref().name.as_str(), table.span()));
        let names = [(file.name.as_str(), 0..0), (description.as_str(), 0..0)].into_iter();
        for (name, at) in names.chain(of_axes) {
            if let Some(problem) = invalid_name(name) {
                return Err(source.error(at, problem));
            }
        }
        let tables: Vec<(&DecisionTable, Range<usize>)> =
            file.decision.iter().map(|table| (table.get_ref(), table.span())).collect();
        let decision = |(table, _): &(&DecisionTable, _)| {
            Decision::new(&table.name, table.choices.iter().map(Name::text))
        };
        let mut decisions: Vec<Decision> = tables.iter().map(decision).collect();
        let check = |decisions: &[Decision]| match invalid_decision(decisions) {
            Some((at, problem)) => Err(source.error(tables[at].1.clone(), problem)),
            None => Ok(()),
        };
        check(&decisions)?;
        for (decision, (_, at)) in decisions.iter().zip(&tables) {
            if let Some((short, long)) = ambiguous(&decision.choices) {
                let problem = format!(
                    "the choices `{short}` and `{long}` of decision `{}` are ambiguous in a text: replace the spaces, for example by _",
                    decision.name
                );
                return Err(source.error(at.clone(), problem));
            }
        }
        let places = tables.iter().map(|(table, _)| table.name.as_str()).zip(0..).collect();
        for (at, (table, _)) in tables.iter().enumerate() {
            if let Some(condition) = &table.condition {
                let on = activity(&source, &tables, &decisions[..at], &places, condition)?;
                decisions[at].active = Some(on);
            }
        }
        check(&decisions)?;
        let slots = vec!["{}"; decisions.len()].join(" ");
        let cell = file.cell.as_ref().map(|table| {
            let cell = cell(table.get_ref(), &decisions);
            cell.map_err(|problem| source.error(table.span(), problem))
        });
        let mut space =
            Self::new(&file.name, &file.description, decisions, slots, cell.transpose()?)
                .map_err(|error| source.error(0..0, bare(error)))?;
        let mut descriptions = Vec::with_capacity(file.descriptions.len());
        for (choice, description) in &file.descriptions {
            let known = space.all_choice_names();
            if !known.contains(&choice.as_str()) {
                let unknown = Error::unknown_name("choice", choice, known);
                return Err(source.error(description.span(), unknown.to_string()));
            }
            if let Some(problem) = invalid_name(description.get_ref()) {
                return Err(source.error(description.span(), problem));
            }
            descriptions.push((choice.clone(), description.get_ref().clone()));
        }
        space = space.with_descriptions(descriptions);
        for table in &file.axis {
            let axis = axis(&space, table.get_ref());
            let axis = axis.map_err(|problem| source.error(table.span(), problem))?;
            space =
                space.with_axis(axis).map_err(|error| source.error(table.span(), bare(error)))?;
            let added = &space.axes()[space.axes().len() - 1];
            if !bounded(added, space.decisions()) {
                let problem = format!("axis `{}`: its values are not all finite", added.name);
                return Err(source.error(table.span(), problem));
            }
        }
        for table in &file.constraint {
            let constraint = constraint(&space, table.get_ref());
            let constraint = constraint.map_err(|problem| source.error(table.span(), problem))?;
            space = space
                .with_constraint(constraint)
                .map_err(|error| source.error(table.span(), bare(error)))?;
            let rng = &mut rand_chacha::ChaCha8Rng::seed_from_u64(0);
            if !(0..DRAWN).any(|_| space.violation(&space.draw(rng)).is_none()) {
                let problem = format!(
                    "none of {DRAWN} random architectures satisfies this constraint and those before it"
                );
                return Err(source.error(table.span(), problem));
            }
        }
        Ok(space)
    }
}

/// Two choices of which one continues the other after a space: in an architecture's text the second
/// could be the first and a choice of the next decision.
fn ambiguous(choices: &[String]) -> Option<(&str, &str)> {
    choices.iter().find_map(|short| {
        let continues = |long: &&String| {
            long.strip_prefix(short.as_str()).is_some_and(|rest| rest.starts_with(' '))
        };
        choices.iter().find(continues).map(|long| (short.as_str(), long.as_str()))
    })
}

/// An error without the space's name: the file is named in its place.
fn bare(error: Error) -> String {
    match error {
        Error::Space { problem, .. } => problem,
        other => other.to_string(),
    }
}

/// The indices of choices by their names.
fn choices(decision: &Decision, names: &Names) -> Result<Vec<u8>, String> {
    let choice = |name: String| {
        decision.choice(&name).map_err(|error| format!("decision `{}`: {error}", decision.name))
    };
    names.texts().into_iter().map(choice).collect()
}

/// When the decision after `earlier` is active.
fn activity(
    source: &Source<'_>,
    tables: &[(&DecisionTable, Range<usize>)],
    earlier: &[Decision],
    places: &HashMap<&str, usize>,
    condition: &Spanned<BTreeMap<String, Names>>,
) -> Result<Activity, Error> {
    let wrong = |problem: String| source.error(condition.span(), problem);
    let name = &tables[earlier.len()].0.name;
    let (on, names) = match condition.get_ref().iter().collect::<Vec<_>>()[..] {
        [one] => one,
        ref several => {
            return Err(wrong(format!(
                "decision `{name}` depends on {} decisions, expected one",
                several.len()
            )));
        }
    };
    let before = |at: &&usize| **at < earlier.len();
    let Some(&decision) = places.get(on.as_str()).filter(before) else {
        if !tables.iter().any(|(table, _)| table.name == *on) {
            let known = tables.iter().map(|(table, _)| table.name.as_str());
            return Err(wrong(Error::unknown_name("decision", on, known).to_string()));
        }
        return Err(wrong(match cycle(tables, name) {
            Some(cycle) => format!("a cycle of conditions: {}", cycle.join(" → ")),
            None => format!("decision `{name}` depends on `{on}`, which must come before it"),
        }));
    };
    let choices = choices(&earlier[decision], names).map_err(wrong)?;
    Ok(Activity { decision, choices })
}

/// The decisions from one back to itself along their conditions, if there is such a cycle.
fn cycle(tables: &[(&DecisionTable, Range<usize>)], from: &str) -> Option<Vec<String>> {
    let mut path = vec![from.to_owned()];
    // Nobody reads a longer one.
    for _ in tables.iter().take(100) {
        let last = path.last()?;
        let (table, _) = tables.iter().find(|(table, _)| table.name == *last)?;
        let next = table.condition.as_ref()?.get_ref().keys().next()?.clone();
        let is_closed = next == from;
        path.push(next);
        if is_closed {
            return Some(path);
        }
    }
    None
}

fn axis(space: &Space, table: &AxisTable) -> Result<ComplexityAxis, String> {
    let AxisTable { name, terms, count } = table;
    let terms = match (terms, count) {
        (Some(terms), None) => {
            let factor = |factor: &Name| match factor {
                Name::Whole(number) => Ok(Factor::Number(*number as f64)),
                Name::Number(number) => Ok(Factor::Number(*number)),
                Name::Text(text) => {
                    let decision = space.decision_named(text);
                    decision.map(Factor::Decision).map_err(|error| error.to_string())
                }
            };
            let term = |term: &Vec<Name>| term.iter().map(factor).collect::<Result<Vec<_>, _>>();
            terms.iter().map(term).collect::<Result<_, _>>()?
        }
        (None, Some(choice)) => vec![vec![Factor::Count(choice.clone())]],
        _ => return Err(format!("axis `{name}`: expected either terms or count")),
    };
    Ok(ComplexityAxis { name: name.clone(), terms })
}

/// Whether an axis is finite for all architectures.
fn bounded(axis: &ComplexityAxis, decisions: &[Decision]) -> bool {
    let greatest = |factor: &Factor| match factor {
        Factor::Number(number) => number.abs(),
        Factor::Decision(at) => {
            let numbers = decisions[*at].choices.iter().flat_map(|choice| choice.parse::<f64>());
            // The greatest one, also among NaN.
            numbers.map(f64::abs).max_by(f64::total_cmp).unwrap_or(0.0)
        }
        Factor::Count(_) => decisions.len() as f64,
    };
    let product = |term: &Vec<Factor>| term.iter().map(greatest).product::<f64>();
    axis.terms.iter().map(product).sum::<f64>().is_finite()
}

fn constraint(space: &Space, table: &ConstraintTable) -> Result<Constraint, String> {
    match (&table.axis, &table.forbid) {
        (Some(name), None) => {
            if table.at_least.or(table.at_most).is_none() {
                return Err(format!("axis `{name}`: expected at_least, at_most or both"));
            }
            let names = space.axes().iter().map(|axis| axis.name.as_str());
            let axis = names.clone().position(|axis| axis == name);
            let axis = axis.ok_or_else(|| Error::unknown_name("axis", name, names).to_string())?;
            Ok(Constraint::Within {
                axis,
                at_least: table.at_least.unwrap_or(f64::NEG_INFINITY),
                at_most: table.at_most.unwrap_or(f64::INFINITY),
            })
        }
        (None, Some(forbid)) if table.at_least.or(table.at_most).is_none() => {
            let together = forbid.iter().map(|(name, names)| {
                let at = space.decision_named(name).map_err(|error| error.to_string())?;
                Ok((at, choices(&space.decisions()[at], names)?))
            });
            Ok(Constraint::Forbidden(together.collect::<Result<_, String>>()?))
        }
        _ => Err("a constraint has either axis with at_least or at_most, or forbid".to_owned()),
    }
}

/// Sequences of operations along the paths of a cell that are told apart at most.
const SEQUENCES: usize = 2000;

/// The graph of a cell, whose decisions are its edges.
fn cell(table: &CellTable, decisions: &[Decision]) -> Result<Cell, String> {
    let CellTable { edges, none, identity } = table;
    for (key, choice) in [("none", none), ("identity", identity)] {
        if !decisions.iter().any(|decision| decision.choices.contains(choice)) {
            return Err(format!("{key}: no decision has the choice `{choice}`"));
        }
    }
    let cell = Cell { edges: edges.clone(), none: none.clone(), identity: identity.clone() };
    if let Some(problem) = cell.invalid(decisions.len()) {
        return Err(problem);
    }
    let conditional = decisions.iter().find(|decision| decision.active.is_some());
    if let Some(decision) = conditional {
        return Err(format!(
            "decision `{}` has an `if`: an edge of a cell is always there, leave it out",
            decision.name
        ));
    }
    let choices = decisions.iter().flat_map(|decision| &decision.choices);
    let operations: HashSet<&String> =
        choices.filter(|choice| *choice != none && *choice != identity).collect();
    let mut sequences = 1_usize;
    for _ in 0..cell.output() {
        sequences = sequences.saturating_mul(operations.len()).saturating_add(1);
    }
    if sequences > SEQUENCES {
        return Err(format!(
            "{} operations on paths of up to {} edges make {sequences} sequences, expected at most {SEQUENCES}: leave [cell] out, or choose fewer",
            operations.len(),
            cell.output()
        ));
    }
    Ok(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = r#"
name = "example"
description = "Two layers at most."

[[decision]]
name = "depth"
choices = [1, 2]

[[decision]]
name = "kernel 2"
choices = [3, 5]
if = { depth = 2 }

[[axis]]
name = "cost"
terms = [["depth", 10], ["kernel 2", "kernel 2"]]

[[constraint]]
axis = "cost"
at_most = 40
"#;

    #[test]
    fn a_space_is_read_with_conditions_axes_and_constraints() {
        let space = Space::from_toml(EXAMPLE).unwrap();
        let all: Vec<String> = space.enumerate().map(|arch| space.format(&arch)).collect();
        // 20 + 25 is more than 40.
        assert_eq!(all, ["1 -", "2 3"]);
        assert_eq!((space.size(), space.allowed(3), space.allowed(2)), (Some(3), Some(2), None));
        let costs: Vec<f64> =
            space.enumerate().map(|arch| space.axis_value(&space.axes()[0], &arch)).collect();
        assert_eq!(costs, [10.0, 29.0]);
        let error = space.check(&space.parse("2 5").unwrap()).unwrap_err().to_string();
        assert!(error.contains("cost is 45, expected at most 40"), "{error}");
    }

    /// The example with one line replaced.
    fn refuse(line: &str, by: &str, expected: &str) {
        assert!(EXAMPLE.contains(line), "{line}");
        let text = EXAMPLE.replace(line, by);
        let message = Space::from_toml(&text).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}\nexpected {expected}");
    }

    #[test]
    fn errors_name_the_line() {
        refuse("choices = [1, 2]", "choices = []", "line 5: decision `depth` has 0 choices");
        refuse(
            "choices = [1, 2]",
            "choices = [1, 1]",
            "choice `1` of decision `depth` occurs twice",
        );
        refuse(
            "\"kernel 2\"\nchoices",
            "\"depth\"\nchoices",
            "line 9: decision `depth` occurs twice",
        );
        refuse(
            "if = { depth = 2 }",
            "if = { dept = 2 }",
            "line 12: unknown decision `dept`, did you mean `depth`?",
        );
        refuse(
            "if = { depth = 2 }",
            "if = { depth = 3 }",
            "line 12: decision `depth`: unknown choice `3`",
        );
        refuse(
            "choices = [1, 2]",
            "choices = [1, 2]\nif = { \"kernel 2\" = 3 }",
            "cycle of conditions: depth → kernel 2 → depth",
        );
        refuse("[\"depth\", 10]", "[\"width\", 10]", "unknown decision `width`");
        refuse("choices = [3, 5]", "choices = [3, \"five\"]", "whose choice `five` is no number");
        refuse(
            "at_most = 40",
            "at_most = 5",
            "line 18: none of 10000 random architectures satisfies",
        );
        refuse("at_most = 40", "most = 40", "unknown field `most`");
        refuse("axis = \"cost\"", "axis = \"const\"", "unknown axis `const`, did you mean `cost`?");
        refuse("name = \"example\"", "name = ", "line 2");
        // NaN and infinities.
        for number in ["nan", "inf", "-inf"] {
            let bound = format!("at_most = {number}");
            refuse("at_most = 40", &bound, "line 20: ");
            refuse("at_most = 40", &bound, "expected a finite number");
            refuse("[1, 2]", &format!("[1, {number}]"), "a finite number");
            refuse("\"depth\", 10", &format!("\"depth\", {number}"), "a finite number");
            refuse("[3, 5]", &format!("[3, 5, \"{number}\"]"), "is no number");
        }
        refuse("\"depth\", 10", "1e200, 1e200", "line 14: axis `cost`: its values are not all");
        refuse("[1, 2]", "[1, \"1 2\"]", "line 5: the choices `1` and `1 2` of decision `depth`");
        refuse("[1, 2]", "[1, \"\"]", "line 5: a name is empty");
        refuse("name = \"depth\"", "name = \" \"", "line 5: a name is empty");
        refuse("[1, 2]", "[1, \" 2\"]", "begins or ends with a space");
        refuse("[1, 2]", "[\"\\u001b[2J\", 2]", "line 5: `\\u{1b}[2J` holds a control character");
        let in_lines = EXAMPLE.replace("Two layers", "Two\\r\\n\\tlayers");
        assert!(Space::from_toml(&in_lines).unwrap().description().contains("Two\r\n\tlayers"));
        refuse("name = \"cost\"", "name = \"co\\nst\"", "`co\\nst` holds a control character");
    }
}
