//! Parameters with other values for the time of a pass.

use tch::{Kind, TchError, Tensor};

use crate::Role;

/// A network's parameters with other values, and with gradients, for as long as this lives.
pub(crate) struct Substitution {
    parameters: Vec<Replaced>,
}

struct Replaced {
    role: Role,
    parameter: Tensor,
    /// The original values, in the original memory.
    original: Tensor,
    required_gradient: bool,
}

impl Substitution {
    /// Replaces each parameter by what `value` returns for its role and its value.
    pub fn new(
        parameters: Vec<(Role, Tensor)>,
        mut value: impl FnMut(Role, &Tensor) -> Result<Tensor, TchError>,
    ) -> Result<Self, TchError> {
        let mut replaced = Self { parameters: Vec::with_capacity(parameters.len()) };
        for (role, mut parameter) in parameters {
            let original = parameter.f_detach()?;
            let value = value(role, &original)?;
            let required_gradient = parameter.requires_grad();
            parameter.f_set_data(&value)?;
            let _ = parameter.f_set_requires_grad(true)?;
            replaced.parameters.push(Replaced { role, parameter, original, required_gradient });
        }
        Ok(replaced)
    }

    /// The magnitudes of the parameters, in f64.
    pub fn magnitudes(parameters: Vec<(Role, Tensor)>) -> Result<Self, TchError> {
        Self::new(parameters, |_, value| value.f_to_kind(Kind::Double)?.f_abs())
    }

    /// The parameters as they are, with gradients.
    pub fn none(parameters: Vec<(Role, Tensor)>) -> Result<Self, TchError> {
        Self::new(parameters, |_, value| Ok(value.shallow_clone()))
    }

    /// The weights of convolutions, linear layers and attentions.
    pub fn weights(&self) -> Vec<&Tensor> {
        self.weights_with_roles().map(|(_, weight)| weight).collect()
    }

    pub fn weights_with_roles(&self) -> impl Iterator<Item = (Role, &Tensor)> {
        let weights = self.parameters.iter().filter(|one| one.role.is_weight());
        weights.map(|one| (one.role, &one.parameter))
    }
}

impl Drop for Substitution {
    fn drop(&mut self) {
        // In reverse, so that a parameter listed twice ends with its first, true values. Both
        // calls undo ones that succeeded on the same tensor and so cannot fail.
        for one in self.parameters.iter_mut().rev() {
            let _ = one.parameter.f_set_data(&one.original);
            let _ = one.parameter.f_set_requires_grad(one.required_gradient);
        }
    }
}
