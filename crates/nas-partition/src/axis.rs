use std::{fmt, sync::Arc};

use nas_space::{Arch, Space};

use crate::Error;

/// A measure of an architecture's complexity.
#[derive(Clone)]
pub struct Axis {
    name: String,
    value: Value,
}

#[derive(Clone)]
enum Value {
    /// What each choice of each decision adds: whole numbers.
    Sum(Vec<Vec<f64>>),
    Function(Arc<dyn Fn(&Arch) -> f64 + Send + Sync>),
}

impl Axis {
    /// An axis from any function of the architecture, for example its FLOPs.
    pub fn new(
        name: impl Into<String>,
        value: impl Fn(&Arch) -> f64 + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), value: Value::Function(Arc::new(value)) }
    }

    /// How many decisions take the choice of that name, in the architecture as written.
    ///
    /// # Errors
    /// A name that the space does not know; the nearest is suggested.
    pub fn count(space: &Space, choice: &str) -> Result<Self, Error> {
        Self::sum(space, choice, choice.to_owned(), |is_choice| is_choice)
    }

    /// How many decisions take any other choice than the one of that name: with `none`, the
    /// number of operations present.
    ///
    /// # Errors
    /// A name that the space does not know; the nearest is suggested.
    pub fn count_others(space: &Space, choice: &str) -> Result<Self, Error> {
        Self::sum(space, choice, format!("not {choice}"), |is_choice| !is_choice)
    }

    fn sum(
        space: &Space,
        choice: &str,
        name: String,
        counts: impl Fn(bool) -> bool,
    ) -> Result<Self, Error> {
        space.check_choice_name(choice)?;
        let added = |known: &String| f64::from(u8::from(counts(known == choice)));
        let decisions = space.decisions().iter();
        let added = decisions.map(|decision| decision.choices.iter().map(added).collect());
        Ok(Self { name, value: Value::Sum(added.collect()) })
    }

    /// The axis's name, for example `nor_conv_3x3`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the axis only takes whole numbers.
    pub fn is_integral(&self) -> bool {
        matches!(self.value, Value::Sum(_))
    }

    /// The architecture's position on the axis.
    pub fn value(&self, arch: &Arch) -> f64 {
        match &self.value {
            Value::Sum(added) => {
                let choices = added.iter().zip(arch.choices());
                choices.filter_map(|(added, choice)| added.get(usize::from(*choice))).sum()
            }
            Value::Function(value) => value(arch),
        }
    }

    /// The least and the greatest value of architectures with this choice at this decision, as far
    /// as the axis knows.
    pub(crate) fn range_with(&self, decision: usize, choice: u8) -> (f64, f64) {
        let Value::Sum(added) = &self.value else { return (f64::NEG_INFINITY, f64::INFINITY) };
        let extreme = |better: fn(f64, f64) -> f64| {
            let each = added.iter().enumerate().map(|(at, added)| {
                let added = if at == decision {
                    added.get(usize::from(choice)).copied()
                } else {
                    added.iter().copied().reduce(better)
                };
                added.unwrap_or_default()
            });
            each.sum::<f64>()
        };
        (extreme(f64::min), extreme(f64::max))
    }
}

impl fmt::Debug for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Axis").field("name", &self.name).finish_non_exhaustive()
    }
}
