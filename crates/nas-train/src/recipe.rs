//! How a network is trained: everything that can be chosen, with its defaults.

use nas_data::{Augmentation, Shape};
use nas_proxy::NetworkKind;
use serde::{Deserialize, Serialize};

use crate::Error;

/// How a network is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Recipe {
    /// Passes through the training part.
    pub epochs: u32,
    /// Examples in a step.
    pub batch: usize,
    /// What changes the weights.
    pub optimizer: Optimizer,
    /// The learning rate after the warm-up; from there it falls to 0 as half a cosine (Loshchilov and Hutter
    /// 2017, arXiv 1608.03983).
    pub learning_rate: f64,
    /// The share of all steps in which the learning rate rises from 0.
    pub warm_up: f64,
    /// What weights shrink by, times the learning rate, in each step; normalisations, biases and positions do not.
    pub weight_decay: f64,
    /// The share of a label that is spread over all classes (Szegedy et al. 2016, arXiv 1512.00567).
    pub label_smoothing: f64,
    /// Pixels by which images are moved at random at most.
    pub crop: usize,
    /// Whether half of the images are mirrored, left to right.
    pub flip: bool,
    /// The side of a square that is cut out of each image, in pixels; 0 for none.
    pub cutout: usize,
    /// α of mixup (Zhang et al. 2018, arXiv 1710.09412): images and labels are mixed by a share of Beta(α, α);
    /// 0 for none.
    pub mixup: f64,
    /// How much of the averaged weights stays in each step; 0 for no average (Polyak and Juditsky 1992).
    pub averaging: f64,
    /// The norm that all gradients together are cut to; 0 for no limit.
    pub clip: f64,
    /// Whether rare classes count as much as frequent ones.
    pub class_weights: bool,
    /// The share of the loss that a teacher's probabilities make up, where there is a teacher (Hinton et al.
    /// 2015, arXiv 1503.02531).
    pub teacher_share: f64,
    /// The temperature of the teacher's and the network's probabilities in that part of the loss.
    pub temperature: f64,
    /// The seed of order, augmentation and initial weights.
    pub seed: u64,
}

/// What changes the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Optimizer {
    /// Stochastic gradient descent with Nesterov's momentum of 0.9 (Sutskever et al. 2013).
    Sgd,
    /// AdamW with β of 0.9 and 0.999 (Loshchilov and Hutter 2019, arXiv 1711.05101).
    Adamw,
}

/// Examples in a step for which the learning rates of the defaults are.
const BATCH: f64 = 128.0;

impl Recipe {
    /// The defaults for a kind of network and a shape of examples.
    pub fn default_for(kind: NetworkKind, shape: Shape) -> Self {
        let common = Self {
            epochs: 100,
            batch: 128,
            optimizer: Optimizer::Sgd,
            learning_rate: 0.1,
            warm_up: 0.05,
            weight_decay: 5e-4,
            label_smoothing: 0.1,
            crop: match shape {
                Shape::Image { height, .. } => height / 8,
                Shape::Sequence { .. } => 0,
            },
            flip: matches!(shape, Shape::Image { .. }),
            cutout: 0,
            mixup: 0.0,
            averaging: 0.99,
            clip: 5.0,
            class_weights: false,
            teacher_share: 0.9,
            temperature: 4.0,
            seed: 0,
        };
        match kind {
            NetworkKind::Convolutional => common,
            NetworkKind::Transformer => Self {
                optimizer: Optimizer::Adamw,
                learning_rate: 5e-4,
                weight_decay: 0.05,
                mixup: 0.8,
                clip: 1.0,
                ..common
            },
        }
    }

    /// The default learning rate of another number of examples in a step: in proportion (Goyal et al. 2017, arXiv
    /// 1706.02677).
    #[must_use]
    pub fn with_batch(self, batch: usize) -> Self {
        Self { learning_rate: self.learning_rate * batch as f64 / BATCH, batch, ..self }
    }

    /// Refuses settings that no training can have.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let positive = |value: f64| value > 0.0 && value.is_finite();
        let share = |value: f64| (0.0..1.0).contains(&value);
        let checks = [
            ("epochs", f64::from(self.epochs), self.epochs > 0, "at least 1"),
            ("batch", self.batch as f64, self.batch > 1, "at least 2"),
            ("learning-rate", self.learning_rate, positive(self.learning_rate), "more than 0"),
            ("warm-up", self.warm_up, share(self.warm_up), "a share of at least 0 and less than 1"),
            ("weight-decay", self.weight_decay, self.weight_decay >= 0.0, "at least 0"),
            (
                "label-smoothing",
                self.label_smoothing,
                share(self.label_smoothing),
                "a share of at least 0 and less than 1",
            ),
            ("mixup", self.mixup, self.mixup >= 0.0 && self.mixup.is_finite(), "at least 0"),
            ("averaging", self.averaging, share(self.averaging), "at least 0 and less than 1"),
            ("clip", self.clip, self.clip >= 0.0, "at least 0, which is no limit"),
            (
                "teacher-share",
                self.teacher_share,
                (0.0..=1.0).contains(&self.teacher_share),
                "a share of 0 to 1",
            ),
            ("temperature", self.temperature, positive(self.temperature), "more than 0"),
        ];
        match checks.into_iter().find(|(_, _, holds, _)| !holds) {
            Some((setting, value, _, expected)) => Err(Error::Recipe { setting, value, expected }),
            None => Ok(()),
        }
    }

    /// The random changes of images.
    pub fn augmentation(&self) -> Augmentation {
        Augmentation { crop: self.crop, flip: self.flip, cutout: self.cutout }
    }

    /// The learning rate of a step, of so many.
    pub fn learning_rate_at(&self, step: u64, steps: u64) -> f64 {
        let warm_up = self.warm_up * steps as f64;
        let at = step as f64 + 1.0;
        if at < warm_up {
            return self.learning_rate * at / warm_up;
        }
        let done = (at - warm_up) / (steps as f64 - warm_up).max(1.0);
        self.learning_rate * 0.5 * (1.0 + (std::f64::consts::PI * done.min(1.0)).cos())
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::*;

    fn recipe() -> Recipe {
        let shape = Shape::Image { channels: 3, height: 32, width: 32 };
        Recipe::default_for(NetworkKind::Convolutional, shape)
    }

    #[test]
    fn the_learning_rate_rises_and_falls_to_nothing() {
        let recipe = recipe();
        let rates: Vec<f64> = (0..1000).map(|step| recipe.learning_rate_at(step, 1000)).collect();
        assert!(rates[..50].is_sorted() && rates[50..].is_sorted_by(|a, b| a >= b));
        assert_relative_eq!(rates[24], 0.05, max_relative = 1e-9);
        assert_relative_eq!(rates[49], 0.1, max_relative = 1e-9);
        assert!(rates[999].abs() < 1e-12);
        assert!(recipe.learning_rate_at(0, 1) >= 0.0);
    }

    #[test]
    fn the_learning_rate_is_in_proportion_to_the_batch() {
        assert_relative_eq!(recipe().with_batch(64).learning_rate, 0.05);
    }
}
