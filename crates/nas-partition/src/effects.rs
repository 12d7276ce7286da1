//! An additive model of a value.

use nas_space::{Arch, Space};
use serde::{Deserialize, Serialize};

/// What each choice at each decision adds to a value, for example latency, estimated from evaluated
/// architectures.
///
/// An additive model with a ridge penalty, fitted by backfitting (Hastie & Tibshirani 1990): the
/// effects of all decisions are estimated together, so that a choice is not credited for other
/// choices that often come with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Effects {
    mean: f64,
    /// For each decision and choice, in the value's unit.
    effects: Vec<Vec<f64>>,
}

/// The ridge penalty, in architectures: an effect seen this often is halved.
const PENALTY: f64 = 2.0;

/// Passes over the decisions; a few are enough.
const PASSES: usize = 20;

impl Effects {
    /// Fits the effects to architectures and their values. Without architectures all effects are 0.
    pub fn fit(space: &Space, rows: &[(&Arch, f64)]) -> Self {
        let count = rows.len().max(1) as f64;
        let mut mean = rows.iter().map(|(_, value)| value).sum::<f64>() / count;
        let mut residuals: Vec<f64> = rows.iter().map(|(_, value)| value - mean).collect();
        let mut effects: Vec<Vec<f64>> =
            space.decisions().iter().map(|decision| vec![0.0; decision.choices.len()]).collect();
        // Stored by decision, in the order of the passes: architectures' choices are scattered in memory.
        let choices: Vec<Vec<u8>> = (0..effects.len())
            .map(|decision| rows.iter().map(|(arch, _)| arch.choices()[decision]).collect())
            .collect();
        for _ in 0..PASSES {
            for (effects, choices) in effects.iter_mut().zip(&choices) {
                let mut sums = vec![(0.0, PENALTY); effects.len()];
                for (residual, &choice) in residuals.iter().zip(choices) {
                    let (sum, weight) = &mut sums[usize::from(choice)];
                    *sum += residual + effects[usize::from(choice)];
                    *weight += 1.0;
                }
                let before = std::mem::take(effects);
                *effects = sums.into_iter().map(|(sum, weight)| sum / weight).collect();
                let change: Vec<f64> =
                    before.iter().zip(&*effects).map(|(before, after)| before - after).collect();
                for (residual, &choice) in residuals.iter_mut().zip(choices) {
                    *residual += change[usize::from(choice)];
                }
            }
            let shift = residuals.iter().sum::<f64>() / count;
            mean += shift;
            for residual in &mut residuals {
                *residual -= shift;
            }
        }
        Self { mean, effects }
    }

    /// What the choice adds, relative to the mean of the fitted architectures.
    pub fn of(&self, decision: usize, choice: u8) -> f64 {
        self.effects[decision][usize::from(choice)]
    }

    /// What each choice of each decision adds.
    pub(crate) fn added(&self) -> &[Vec<f64>] {
        &self.effects
    }

    /// The mean of the fitted values.
    pub(crate) fn mean(&self) -> f64 {
        self.mean
    }

    /// Whether there is a finite effect for each choice of each decision of the space.
    pub fn are_of(&self, space: &Space) -> bool {
        let decisions = space.decisions();
        let is_of = |(effects, at): (&Vec<f64>, &nas_space::Decision)| {
            effects.len() == at.choices.len() && effects.iter().all(|effect| effect.is_finite())
        };
        self.mean.is_finite()
            && self.effects.len() == decisions.len()
            && self.effects.iter().zip(decisions).all(is_of)
    }

    /// The predicted value of an architecture of the space.
    pub fn predict(&self, arch: &Arch) -> f64 {
        let choices = arch.choices().iter().enumerate();
        self.mean + choices.map(|(decision, &choice)| self.of(decision, choice)).sum::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;
    use nas_space::nasbench201;

    use super::*;

    #[test]
    fn additive_effects_are_found_in_a_confounded_sample() {
        let space = nasbench201::space();
        let value = |arch: &Arch| {
            let choices = arch.choices();
            3.0 + f64::from(choices[0]) - 2.0 * f64::from(u8::from(choices[5] == 3))
        };
        // Where the first edge has the last operation, the last edge is mostly a 3×3 convolution.
        let sample: Vec<Arch> = space
            .enumerate()
            .filter(|arch| {
                arch.choices()[0] != 4 || arch.choices()[5] == 3 || arch.choices()[1] == 0
            })
            .collect();
        let rows: Vec<(&Arch, f64)> = sample.iter().map(|arch| (arch, value(arch))).collect();
        let effects = Effects::fit(space, &rows);
        assert_abs_diff_eq!(effects.of(0, 4) - effects.of(0, 1), 3.0, epsilon = 0.05);
        assert_abs_diff_eq!(effects.of(5, 3) - effects.of(5, 0), -2.0, epsilon = 0.05);
        for arch in space.enumerate().step_by(101) {
            assert_abs_diff_eq!(effects.predict(&arch), value(&arch), epsilon = 0.05);
        }
    }

    #[test]
    fn without_architectures_all_effects_are_0() {
        let effects = Effects::fit(nasbench201::space(), &[]);
        assert_abs_diff_eq!(effects.predict(&Arch::new([3; 6])), 0.0);
    }
}
