use nas_pareto::Direction;
use serde::Serialize;

/// What is optimised: a name, a unit, and which way is better.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Objective {
    /// For example `latency`.
    pub name: String,
    /// The unit's symbol, for example `ms`; empty where there is none.
    pub unit: String,
    /// Which way is better.
    #[serde(serialize_with = "direction_name")]
    pub direction: Direction,
}

impl Objective {
    /// An objective of which less is better.
    pub fn minimise(name: impl Into<String>, unit: impl Into<String>) -> Self {
        Self { name: name.into(), unit: unit.into(), direction: Direction::Minimise }
    }

    /// An objective of which more is better.
    pub fn maximise(name: impl Into<String>, unit: impl Into<String>) -> Self {
        Self { name: name.into(), unit: unit.into(), direction: Direction::Maximise }
    }

    /// An objective from its column's title, as [`column`](Self::column) writes it: what follows
    /// the last underscore is the unit, if it is `percent`, `ms` or `mJ`.
    pub fn from_column(title: &str, direction: Direction) -> Self {
        let units = [("_percent", "%"), ("_ms", "ms"), ("_mJ", "mJ")];
        let found = units.iter().find_map(|(end, unit)| Some((title.strip_suffix(end)?, *unit)));
        let (name, unit) = found.unwrap_or((title, ""));
        Self { name: name.to_owned(), unit: unit.to_owned(), direction }
    }

    /// The value as a cost: less is better.
    pub fn cost(&self, value: f64) -> f64 {
        self.direction.minimised(value)
    }

    /// Name and unit as a column's title, for example `latency_ms`, with `%` as `percent`.
    pub fn column(&self) -> String {
        column(&self.name, &self.unit)
    }
}

pub(crate) fn column(name: &str, unit: &str) -> String {
    match unit {
        "" => name.to_owned(),
        "%" => format!("{name}_percent"),
        unit => format!("{name}_{unit}"),
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // The signature that serde asks for.
fn direction_name<S: serde::Serializer>(direction: &Direction, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(match direction {
        Direction::Minimise => "minimise",
        Direction::Maximise => "maximise",
    })
}
