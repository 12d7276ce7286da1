//! What is learnt of each objective.

use std::collections::HashMap;

use nas_predict::{Prediction, Predictor, Settings};
use nas_search::{BoxError, Detail, Objective, Request, Role};

use super::{KnownObjectives, rows::Rows, stopped::Expected};
use crate::Domain;

/// A latency or an energy is predicted to be at least this share of the least that was measured.
const LEAST: f64 = 0.5;

/// What is learnt from beside the evaluated architectures.
pub(super) struct Learner {
    pub(super) domain: Domain,
    pub(super) known: KnownObjectives,
    /// The evaluator's details.
    pub(super) details: Vec<Detail>,
    pub(super) seed: u64,
}

/// A predictor for each objective that is not known before.
pub(super) struct Model {
    parts: Vec<Part>,
    objectives: Vec<Objective>,
}

enum Part {
    /// The position among the known ones.
    Known(usize),
    /// Of gains: more is better. The value is at least this.
    Predicted(Box<Predictor>, f64),
}

impl Learner {
    /// Learns from the evaluated architectures that are among the rows.
    pub(super) fn fit(&self, rows: &Rows, request: &Request<'_>) -> Result<Model, BoxError> {
        let part = |(at, objective): (usize, &Objective)| -> Result<Part, BoxError> {
            if let Some(position) = self.known.at.iter().position(|known| *known == at) {
                return Ok(Part::Known(position));
            }
            let expected = Expected::learn(&self.details, objective, at, request.evaluated);
            let (mut trained, mut errors) = (Vec::new(), HashMap::new());
            let mut least = f64::INFINITY;
            for one in request.evaluated {
                let measured = one.values[at].map(|value| [value, 0.0]);
                let known = measured.or_else(|| expected.of(one)).zip(rows.row(&one.arch));
                if let Some(([value, error], row)) = known {
                    let value = objective.nearest(value);
                    least = least.min(value);
                    trained.push((row, gain(objective, value)));
                    errors.insert(row, error);
                }
            }
            let is_accuracy = objective.role == Role::Accuracy && objective.unit == "%";
            let unconnected = self.domain.chance.filter(|_| is_accuracy);
            let settings = Settings { seed: self.seed, unconnected, ..Settings::few() };
            let error = |row| errors.get(&row).copied().unwrap_or(0.0);
            let fitted = Predictor::fit_uncertain(&rows.table, &trained, error, settings)?;
            let least = if is_ratio(objective) { LEAST * least } else { f64::MIN };
            Ok(Part::Predicted(Box::new(fitted), least))
        };
        let parts = request.objectives.iter().enumerate().map(part).collect::<Result<_, _>>()?;
        Ok(Model { parts, objectives: request.objectives.to_vec() })
    }
}

impl Model {
    /// For each row, a prediction for each objective in its own unit.
    pub(super) fn predict(&self, rows: &Rows) -> Result<Vec<Option<Vec<Prediction>>>, BoxError> {
        let mut all = vec![Some(Vec::with_capacity(self.parts.len())); rows.len()];
        for (part, objective) in self.parts.iter().zip(&self.objectives) {
            let column: Vec<Option<Prediction>> = match part {
                Part::Known(at) => {
                    let exact = |value| Prediction { value, low: value, high: value };
                    rows.known.iter().map(|known| known[*at].map(exact)).collect()
                }
                Part::Predicted(predictor, least) => {
                    let gains = predictor.predict(&rows.table)?.into_iter();
                    gains.map(|gains| Some(in_unit(objective, gains, *least))).collect()
                }
            };
            for (row, one) in all.iter_mut().zip(column) {
                match (row.as_mut(), one) {
                    (Some(row), Some(one)) => row.push(one),
                    _ => *row = None,
                }
            }
        }
        Ok(all)
    }
}

/// A value as a gain, of which more is better.
pub(super) fn gain(objective: &Objective, value: f64) -> f64 {
    -objective.cost(value)
}

/// A prediction as one of gains.
pub(super) fn gains(objective: &Objective, one: Prediction) -> Prediction {
    let [value, low, high] = [one.value, one.low, one.high].map(|one| gain(objective, one));
    Prediction { value, low: low.min(high), high: low.max(high) }
}

/// Whether an objective is above 0 and differs by factors: a latency, or an energy.
pub(super) fn is_ratio(objective: &Objective) -> bool {
    matches!(objective.role, Role::Latency | Role::Energy)
}

/// Predicted gains in the objective's unit, within what it can be and not below `least`.
fn in_unit(objective: &Objective, gains: Prediction, least: f64) -> Prediction {
    // The gain of a gain is the value.
    let Prediction { value, low, high } = self::gains(objective, gains);
    let [value, low, high] = [value, low, high].map(|one| objective.nearest(one).max(least));
    Prediction { value, low, high }
}
