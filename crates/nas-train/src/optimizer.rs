//! Steps of SGD and AdamW on one vector of weights.

use tch::{TchError, Tensor};

use crate::recipe::{Optimizer, Recipe};

const MOMENTUM: f64 = 0.9;
const BETAS: [f64; 2] = [0.9, 0.999];
const EPSILON: f64 = 1e-8;

/// The state of an optimizer.
#[derive(Debug)]
pub(crate) struct Steps {
    kind: Optimizer,
    /// The mean of gradients; of AdamW also that of their squares. Of the length of the weights.
    pub moments: Vec<Tensor>,
    /// What each weight decays by, times the learning rate.
    decays: Tensor,
    clip: f64,
    /// Steps so far.
    pub count: u64,
}

impl Steps {
    /// The state before the first step; `decays` is 1 where weights decay, else 0.
    pub fn new(recipe: &Recipe, decays: &Tensor) -> Result<Self, TchError> {
        let count = match recipe.optimizer {
            Optimizer::Sgd => 1,
            Optimizer::Adamw => 2,
        };
        let moments = (0..count).map(|_| decays.f_zeros_like()).collect::<Result<_, _>>()?;
        Ok(Self {
            kind: recipe.optimizer,
            moments,
            decays: decays.f_mul_scalar(recipe.weight_decay)?,
            clip: recipe.clip,
            count: 0,
        })
    }

    /// Changes weights by their gradients.
    pub fn step(
        &mut self,
        weights: &mut Tensor,
        gradients: &Tensor,
        learning_rate: f64,
    ) -> Result<(), TchError> {
        self.count += 1;
        let gradients = self.clipped(gradients)?;
        let decays = &self.decays;
        let change = match (self.kind, &mut self.moments[..]) {
            (Optimizer::Adamw, [mean, squares]) => {
                let [beta, beta_of_squares] = BETAS;
                let _ = mean.f_lerp_(&gradients, 1.0 - beta)?;
                let _ = squares.f_lerp_(&gradients.f_square()?, 1.0 - beta_of_squares)?;
                // Both begin at 0.
                let steps = self.count as f64;
                let scale = 1.0 - beta.powf(steps);
                let scale_of_squares = (1.0 - beta_of_squares.powf(steps)).sqrt();
                let root =
                    squares.f_sqrt()?.f_div_scalar(scale_of_squares)?.f_add_scalar(EPSILON)?;
                mean.f_div(&root)?.f_div_scalar(scale)?.f_add(&decays.f_mul(weights)?)?
            }
            (_, moments) => {
                let gradients = gradients.f_add(&decays.f_mul(weights)?)?;
                let momentum = &mut moments[0];
                let _ = momentum.f_mul_scalar_(MOMENTUM)?.f_add_(&gradients)?;
                momentum.f_mul_scalar(MOMENTUM)?.f_add(&gradients)?
            }
        };
        let _ = weights.f_sub_(&change.f_mul_scalar(learning_rate)?)?;
        Ok(())
    }

    /// Gradients with a norm of at most the limit.
    fn clipped(&self, gradients: &Tensor) -> Result<Tensor, TchError> {
        if self.clip == 0.0 {
            return Ok(gradients.shallow_clone());
        }
        let norm = gradients.f_norm()?.f_add_scalar(f64::MIN_POSITIVE)?;
        gradients.f_mul(&norm.f_reciprocal()?.f_mul_scalar(self.clip)?.f_clamp_max(1.0)?)
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;
    use nas_data::Shape;
    use nas_proxy::NetworkKind;

    use super::*;

    fn recipe(optimizer: Optimizer, clip: f64) -> Recipe {
        let shape = Shape::Sequence { channels: 1, length: 1 };
        let recipe = Recipe::default_for(NetworkKind::Convolutional, shape);
        Recipe { optimizer, clip, weight_decay: 0.1, ..recipe }
    }

    /// The weights after steps with the gradients 1, 2, …; the first of two weights decays.
    fn after(recipe: &Recipe, steps: u64) -> Vec<f64> {
        let mut weights = Tensor::from_slice(&[1.0, 1.0]);
        let mut state = Steps::new(recipe, &Tensor::from_slice(&[1.0, 0.0])).unwrap();
        for step in 1..=steps {
            let gradient = Tensor::from_slice(&[step as f64; 2]);
            state.step(&mut weights, &gradient, 0.01).unwrap();
        }
        Vec::try_from(weights).unwrap()
    }

    #[test]
    fn steps_of_sgd_follow_nesterovs_momentum() {
        let recipe = recipe(Optimizer::Sgd, 0.0);
        // 1 − 0.01 (1 + 0.9 · 1)
        assert_relative_eq!(after(&recipe, 1)[1], 0.981, max_relative = 1e-12);
        // Then the momentum is 0.9 + 2.
        assert_relative_eq!(
            after(&recipe, 2)[1],
            0.981 - 0.01 * (2.0 + 0.9 * 2.9),
            max_relative = 1e-12
        );
        assert_relative_eq!(after(&recipe, 1)[0], 1.0 - 0.01 * 1.9 * 1.1, max_relative = 1e-12);
    }

    #[test]
    fn steps_of_adamw_do_not_depend_on_the_size_of_gradients() {
        let recipe = recipe(Optimizer::Adamw, 0.0);
        assert_relative_eq!(after(&recipe, 1)[1], 1.0 - 0.01, max_relative = 1e-6);
        // Decay is apart from the gradient.
        assert_relative_eq!(after(&recipe, 1)[0], 1.0 - 0.01 * 1.1, max_relative = 1e-6);
        let mean: f64 = (0.09 + 0.2) / (1.0 - 0.81);
        let squares: f64 = (0.999 * 0.001 + 0.004) / (1.0 - 0.999 * 0.999);
        assert_relative_eq!(
            after(&recipe, 2)[1],
            0.99 - 0.01 * mean / squares.sqrt(),
            max_relative = 1e-6
        );
    }

    #[test]
    fn long_gradients_are_cut_to_their_limit() {
        let recipe = recipe(Optimizer::Sgd, 1.0);
        // The norm of (1, 1) is cut to 1.
        assert_relative_eq!(after(&recipe, 1)[1], 1.0 - 0.019 / 2_f64.sqrt(), max_relative = 1e-9);
        let no_gradient = Tensor::from_slice(&[0.0, 0.0]);
        let mut weights = Tensor::from_slice(&[1.0, 1.0]);
        let mut state = Steps::new(&recipe, &Tensor::from_slice(&[0.0, 0.0])).unwrap();
        state.step(&mut weights, &no_gradient, 0.01).unwrap();
        assert_eq!(Vec::<f64>::try_from(weights).unwrap(), [1.0, 1.0]);
    }
}
