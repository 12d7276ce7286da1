//! What training makes small.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Beta, Distribution};
use tch::{Kind, Reduction, TchError, Tensor};

use crate::recipe::Recipe;

/// The labels of a batch, mixed with those in the reverse order.
pub(crate) struct Mixed {
    pub examples: Tensor,
    labels: Tensor,
    /// The share of the batch in its own order, where it is mixed.
    share: Option<f64>,
}

impl Mixed {
    /// Mixes a batch with itself in the reverse order; not at all without mixup.
    pub fn of(
        examples: Tensor,
        labels: Tensor,
        recipe: &Recipe,
        step: u64,
    ) -> Result<Self, TchError> {
        if recipe.mixup == 0.0 {
            return Ok(Self { examples, labels, share: None });
        }
        let mut random = ChaCha8Rng::seed_from_u64(recipe.seed ^ step.rotate_left(32));
        // The recipe was checked: α is above 0.
        let share = Beta::new(recipe.mixup, recipe.mixup);
        let share = share.map_or(0.5, |beta| beta.sample(&mut random));
        let examples = examples
            .f_mul_scalar(share)?
            .f_add(&examples.f_flip([0])?.f_mul_scalar(1.0 - share)?)?;
        Ok(Self { examples, labels, share: Some(share) })
    }

    /// The cross-entropy of logits of shape (count, classes), in nats, the mean over examples.
    pub fn cross_entropy(
        &self,
        logits: &Tensor,
        class_weights: Option<&Tensor>,
        smoothing: f64,
    ) -> Result<Tensor, TchError> {
        let to = |labels: &Tensor| {
            logits.f_cross_entropy_loss(labels, class_weights, Reduction::Mean, -100, smoothing)
        };
        let loss = to(&self.labels)?;
        let Some(share) = self.share else { return Ok(loss) };
        let other = to(&self.labels.f_flip([0])?)?;
        loss.f_mul_scalar(share)?.f_add(&other.f_mul_scalar(1.0 - share)?)
    }
}

/// The divergence of a network's probabilities from a teacher's, both at a temperature, times its square, so
/// that gradients keep their size (Hinton et al. 2015, arXiv 1503.02531, section 2).
pub(crate) fn distillation(
    logits: &Tensor,
    teacher: &Tensor,
    temperature: f64,
) -> Result<Tensor, TchError> {
    let ours = logits.f_div_scalar(temperature)?.f_log_softmax(1, None::<Kind>)?;
    let theirs = teacher.f_div_scalar(temperature)?.f_log_softmax(1, None::<Kind>)?;
    let divergence =
        theirs.f_exp()?.f_mul(&theirs.f_sub(&ours)?)?.f_sum_dim_intlist(1, false, None::<Kind>)?;
    divergence.f_mean(None::<Kind>)?.f_mul_scalar(temperature * temperature)
}
