//! A measure of an architecture's complexity.

use std::{fmt, sync::Arc};

use nas_space::{Arch, Space};

use crate::{Effects, Error};

/// A measure of an architecture's complexity.
#[derive(Clone)]
pub struct Axis {
    name: String,
    value: Value,
}

#[derive(Clone)]
enum Value {
    /// A whole number, such as the number of decisions that take certain choices: what each choice of
    /// each decision adds.
    Count(Vec<Vec<f64>>),
    /// A number, and what each choice of each decision adds to it.
    Sum(f64, Vec<Vec<f64>>),
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

    /// The number of decisions that take the choice of that name, in the architecture as written.
    ///
    /// # Errors
    /// A name that the space does not have; the nearest name is suggested.
    pub fn count(space: &Space, choice: &str) -> Result<Self, Error> {
        Self::counting(space, &[choice], choice.to_owned(), true)
    }

    /// The number of decisions that take any other choice than those of these names: with `none`, the
    /// number of operations; with `none` and `skip_connect`, the number of operations that compute.
    ///
    /// # Errors
    /// A name that the space does not have; the nearest name is suggested.
    pub fn count_others(space: &Space, choices: &[&str]) -> Result<Self, Error> {
        Self::counting(space, choices, format!("not {}", choices.join(" or ")), false)
    }

    /// A random number that is always the same for an architecture: the control that shows what
    /// niches contribute by themselves.
    pub fn random(seed: u64) -> Self {
        Self::new("random", move |arch| {
            // The finaliser of SplitMix64 (Steele et al. 2014) over all choices.
            let mixed = arch.choices().iter().fold(seed, |state, &choice| {
                let mut mixed = (state ^ u64::from(choice)).wrapping_add(0x9e37_79b9_7f4a_7c15);
                mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                mixed ^ (mixed >> 31)
            });
            mixed as f64 / u64::MAX as f64
        })
    }

    /// A value predicted from what each choice adds to it, such as the latency on a device on which a
    /// few architectures were measured.
    pub fn predicted(name: impl Into<String>, effects: &Effects) -> Self {
        let value = Value::Sum(effects.mean(), effects.added().to_vec());
        Self { name: name.into(), value }
    }

    /// The number that a decision takes, and all numbers that it chooses from.
    ///
    /// # Errors
    /// A decision that the space does not have, or whose choices are not increasing whole numbers.
    pub(crate) fn of_decision(space: &Space, name: &str) -> Result<(Self, Vec<f64>), Error> {
        let decisions = space.decisions();
        let Some(at) = decisions.iter().position(|decision| decision.name == name) else {
            let names = decisions.iter().map(|decision| decision.name.as_str());
            return Err(nas_space::Error::unknown_name("decision", name, names).into());
        };
        let numbers = decisions[at].choices.iter().map(|choice| choice.parse::<u32>().ok());
        let numbers: Option<Vec<f64>> = numbers.map(|number| number.map(f64::from)).collect();
        let rising = |numbers: &Vec<f64>| numbers.windows(2).all(|pair| pair[0] < pair[1]);
        let numbers = numbers.filter(rising).ok_or_else(|| Error::Numbers {
            decision: name.to_owned(),
            choices: decisions[at].choices.clone(),
        })?;
        let mut added: Vec<Vec<f64>> =
            decisions.iter().map(|decision| vec![0.0; decision.choices.len()]).collect();
        added[at].clone_from(&numbers);
        Ok((Self { name: name.to_owned(), value: Value::Count(added) }, numbers))
    }

    fn counting(space: &Space, choices: &[&str], name: String, these: bool) -> Result<Self, Error> {
        choices.iter().try_for_each(|choice| space.check_choice_name(choice))?;
        let added =
            |choice: &String| f64::from(u8::from(choices.contains(&choice.as_str()) == these));
        let decisions = space.decisions().iter();
        let added = decisions.map(|decision| decision.choices.iter().map(added).collect());
        Ok(Self { name, value: Value::Count(added.collect()) })
    }

    /// The axis's name, for example `nor_conv_3x3`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the axis only takes whole numbers.
    pub fn is_integral(&self) -> bool {
        matches!(self.value, Value::Count(_))
    }

    /// The architecture's position on the axis.
    pub fn value(&self, arch: &Arch) -> f64 {
        match &self.value {
            Value::Count(added) => sum(added, arch),
            Value::Sum(base, added) => base + sum(added, arch),
            Value::Function(value) => value(arch),
        }
    }

    /// The least and the greatest value of architectures with this choice at this decision; infinite
    /// for an axis that is any function.
    pub(crate) fn range_with(&self, decision: usize, choice: u8) -> (f64, f64) {
        let (base, added) = match &self.value {
            Value::Count(added) => (0.0, added),
            Value::Sum(base, added) => (*base, added),
            Value::Function(_) => return (f64::NEG_INFINITY, f64::INFINITY),
        };
        let extreme = |better: fn(f64, f64) -> f64| {
            let each = added.iter().enumerate().map(|(at, added)| {
                let added = if at == decision {
                    added.get(usize::from(choice)).copied()
                } else {
                    added.iter().copied().reduce(better)
                };
                added.unwrap_or_default()
            });
            base + each.sum::<f64>()
        };
        (extreme(f64::min), extreme(f64::max))
    }
}

/// The sum of what an architecture's choices add.
fn sum(added: &[Vec<f64>], arch: &Arch) -> f64 {
    let choices = added.iter().zip(arch.choices());
    choices.filter_map(|(added, choice)| added.get(usize::from(*choice))).sum()
}

impl fmt::Debug for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Axis").field("name", &self.name).finish_non_exhaustive()
    }
}
