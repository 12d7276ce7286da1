use std::{fmt, sync::Arc};

use nas_space::{Arch, Space};

use crate::Error;

/// A measure of an architecture's complexity.
#[derive(Clone)]
pub struct Axis {
    name: String,
    integral: bool,
    value: Arc<dyn Fn(&Arch) -> f64 + Send + Sync>,
}

impl Axis {
    /// An axis from any function of the architecture, for example its FLOPs.
    pub fn new(
        name: impl Into<String>,
        value: impl Fn(&Arch) -> f64 + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), integral: false, value: Arc::new(value) }
    }

    /// How many decisions take the choice of that name, in the architecture as written.
    ///
    /// # Errors
    /// A name that the space does not know; the nearest is suggested.
    pub fn count(space: &Space, choice: &str) -> Result<Self, Error> {
        space.check_choice_name(choice)?;
        let (space, name) = (space.clone(), choice.to_owned());
        Ok(Self {
            name: choice.to_owned(),
            integral: true,
            value: Arc::new(move |arch| space.count(arch, &name) as f64),
        })
    }

    /// How many decisions take any other choice than the one of that name: with `none`, the
    /// number of operations present.
    ///
    /// # Errors
    /// A name that the space does not know; the nearest is suggested.
    pub fn count_others(space: &Space, choice: &str) -> Result<Self, Error> {
        let counted = Self::count(space, choice)?;
        let decisions = space.decisions().len() as f64;
        Ok(Self {
            name: format!("not {choice}"),
            integral: true,
            value: Arc::new(move |arch| decisions - counted.value(arch)),
        })
    }

    /// The axis's name, for example `nor_conv_3x3`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the axis only takes whole numbers.
    pub fn is_integral(&self) -> bool {
        self.integral
    }

    /// The architecture's position on the axis.
    pub fn value(&self, arch: &Arch) -> f64 {
        (self.value)(arch)
    }
}

impl fmt::Debug for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Axis").field("name", &self.name).finish_non_exhaustive()
    }
}
