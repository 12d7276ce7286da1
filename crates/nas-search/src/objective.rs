//! What is optimised.

use nas_pareto::Direction;
use serde::{Deserialize, Serialize};

/// What is optimised: a name, a unit, which value is better, and the part it plays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Objective {
    /// For example `latency`.
    pub name: String,
    /// The unit's symbol, for example `ms`; empty where there is none.
    pub unit: String,
    /// Whether less or more is better.
    #[serde(with = "DirectionName")]
    pub direction: Direction,
    /// What it measures. Objectives are found by their role, never by their position.
    #[serde(default)]
    pub role: Role,
}

/// What an objective measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// How well a network does its task: measured, predicted, or estimated by a zero-cost score.
    Accuracy,
    /// The time of one inference.
    Latency,
    /// The energy of one inference.
    Energy,
    /// The memory that an inference needs.
    Memory,
    /// The size of the network: parameters, or bytes of weights.
    Size,
    /// Anything else.
    #[default]
    Other,
}

/// A direction's name in files.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Direction", rename_all = "lowercase")]
enum DirectionName {
    Minimise,
    Maximise,
}

impl Objective {
    /// An objective of which less is better, with the role [`Role::Other`].
    pub fn minimise(name: impl Into<String>, unit: impl Into<String>) -> Self {
        Self::new(name, unit, Direction::Minimise, Role::Other)
    }

    /// An objective of which more is better, with the role [`Role::Other`].
    pub fn maximise(name: impl Into<String>, unit: impl Into<String>) -> Self {
        Self::new(name, unit, Direction::Maximise, Role::Other)
    }

    /// An accuracy in %, for example `test_accuracy`; more is better.
    pub fn accuracy(name: impl Into<String>) -> Self {
        Self::new(name, "%", Direction::Maximise, Role::Accuracy)
    }

    /// The latency in ms; less is better.
    pub fn latency() -> Self {
        Self::new("latency", "ms", Direction::Minimise, Role::Latency)
    }

    /// The energy in mJ; less is better.
    pub fn energy() -> Self {
        Self::new("energy", "mJ", Direction::Minimise, Role::Energy)
    }

    /// The same objective with another role.
    #[must_use]
    pub fn with_role(self, role: Role) -> Self {
        Self { role, ..self }
    }

    fn new(
        name: impl Into<String>,
        unit: impl Into<String>,
        direction: Direction,
        role: Role,
    ) -> Self {
        Self { name: name.into(), unit: unit.into(), direction, role }
    }

    /// An objective from its column's title, as [`column`](Self::column) writes it: what follows
    /// the last underscore is the unit, if it is `percent`, `ms` or `mJ`.
    ///
    /// The role follows from unit and name:
    ///
    /// | unit and name | role |
    /// | --- | --- |
    /// | ms | latency |
    /// | mJ | energy |
    /// | %, and the name contains `accuracy` | accuracy |
    /// | the name begins with `memory`, `ram` or `peak` | memory |
    /// | the name begins with `parameters`, `size`, `weights` or `flash` | size |
    /// | any other | other |
    ///
    /// ```
    /// use nas_pareto::Direction;
    /// use nas_search::{Objective, Role};
    ///
    /// let latency = Objective::from_column("latency_ms", Direction::Minimise);
    /// assert_eq!(latency, Objective::latency());
    /// assert_eq!(Objective::from_column("peak_kib", Direction::Minimise).role, Role::Memory);
    /// ```
    pub fn from_column(title: &str, direction: Direction) -> Self {
        let units = [("_percent", "%"), ("_ms", "ms"), ("_mJ", "mJ")];
        let found = units.iter().find_map(|(end, unit)| Some((title.strip_suffix(end)?, *unit)));
        let (name, unit) = found.unwrap_or((title, ""));
        let begins = |words: &[&str]| words.iter().any(|word| name.starts_with(word));
        let role = match unit {
            "ms" => Role::Latency,
            "mJ" => Role::Energy,
            "%" if name.contains("accuracy") => Role::Accuracy,
            _ if begins(&["memory", "ram", "peak"]) => Role::Memory,
            _ if begins(&["parameters", "size", "weights", "flash"]) => Role::Size,
            _ => Role::Other,
        };
        Self::new(name, unit, direction, role)
    }

    /// The position of the first objective with the role.
    pub fn position(objectives: &[Self], role: Role) -> Option<usize> {
        objectives.iter().position(|objective| objective.role == role)
    }

    /// The position of the cost that matters most: latency; without one the first objective that is
    /// minimised; without any the last objective. `None` only without objectives.
    ///
    /// Automatic niches follow it.
    pub fn main_cost(objectives: &[Self]) -> Option<usize> {
        let is_cost = |objective: &Self| objective.direction == Direction::Minimise;
        Self::position(objectives, Role::Latency)
            .or_else(|| objectives.iter().position(is_cost))
            .or_else(|| objectives.len().checked_sub(1))
    }

    /// The objectives' directions, in order.
    pub fn directions(objectives: &[Self]) -> Vec<Direction> {
        objectives.iter().map(|objective| objective.direction).collect()
    }

    /// The value, if it is one that the objective can have: finite; an accuracy in % between 0 and
    /// 100; a latency or energy above 0; a memory or size not below 0.
    ///
    /// # Errors
    /// What is expected, in words.
    pub fn checked(&self, value: f64) -> Result<f64, String> {
        let (least, most, expected) = self.range();
        // No comparison with NaN is true.
        if least <= value && value <= most { Ok(value) } else { Err(expected.to_owned()) }
    }

    /// The nearest number that the objective can have: a prediction may lie beyond it.
    pub fn nearest(&self, value: f64) -> f64 {
        let (least, most, _) = self.range();
        value.clamp(least, most)
    }

    fn range(&self) -> (f64, f64, &'static str) {
        match self.role {
            Role::Accuracy if self.unit == "%" => (0.0, 100.0, "a finite number between 0 and 100"),
            Role::Accuracy | Role::Other => (f64::MIN, f64::MAX, "a finite number"),
            // Nothing runs in no time, or at no cost.
            Role::Latency | Role::Energy => {
                (f64::MIN_POSITIVE, f64::MAX, "a finite number above 0")
            }
            Role::Memory | Role::Size => (0.0, f64::MAX, "a finite number of at least 0"),
        }
    }

    /// Whether these values look like fractions where the objective is in %: none is above 1, and one
    /// is above 0.
    pub fn are_fractions(&self, values: impl IntoIterator<Item = f64>) -> bool {
        let greatest = values.into_iter().fold(0.0, f64::max);
        self.role == Role::Accuracy && self.unit == "%" && 0.0 < greatest && greatest <= 1.0
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

/// The title of a column of values with this name and unit.
pub(crate) fn column(name: &str, unit: &str) -> String {
    match unit {
        "" => name.to_owned(),
        "%" => format!("{name}_percent"),
        unit => format!("{name}_{unit}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_nearest_value_is_one_that_the_objective_can_have(value in prop::num::f64::ANY) {
            prop_assume!(!value.is_nan());
            for title in ["accuracy_percent", "latency_ms", "energy_mJ", "peak_kib", "size", "error"] {
                let objective = Objective::from_column(title, Direction::Minimise);
                let nearest = objective.nearest(value);
                prop_assert_eq!(objective.checked(nearest), Ok(nearest));
                if let Ok(value) = objective.checked(value) {
                    prop_assert_eq!(nearest.to_bits(), value.to_bits());
                }
            }
        }
    }

    #[test]
    fn the_role_follows_from_a_columns_title() {
        for (title, role) in [
            ("latency_ms", Role::Latency),
            ("energy_mJ", Role::Energy),
            ("top1_accuracy_percent", Role::Accuracy),
            ("accuracy", Role::Other),
            ("sparsity_percent", Role::Other),
            ("memory_kib", Role::Memory),
            ("ram", Role::Memory),
            ("peak_memory", Role::Memory),
            ("parameters", Role::Size),
            ("flash_kib", Role::Size),
            ("f1", Role::Other),
        ] {
            assert_eq!(Objective::from_column(title, Direction::Minimise).role, role, "{title}");
        }
    }

    #[test]
    fn the_main_cost_is_latency_or_else_the_first_cost() {
        let accuracy = || Objective::accuracy("accuracy");
        let check = |objectives: &[Objective], expected| {
            assert_eq!(Objective::main_cost(objectives), expected, "{objectives:?}");
        };
        check(&[accuracy(), Objective::energy(), Objective::latency()], Some(2));
        check(&[Objective::energy(), accuracy()], Some(0));
        check(&[accuracy(), Objective::maximise("throughput", "")], Some(1));
        check(&[], None);
    }

    #[test]
    fn an_objective_is_read_from_json_with_and_without_a_role() {
        let latency = Objective::latency();
        let json = serde_json::to_string(&latency).unwrap();
        let expected = r#"{"name":"latency","unit":"ms","direction":"minimise","role":"latency"}"#;
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_str::<Objective>(&json).unwrap(), latency);
        let without = json.replace(r#","role":"latency""#, "");
        let read: Objective = serde_json::from_str(&without).unwrap();
        assert_eq!(read, latency.with_role(Role::Other));
    }
}
