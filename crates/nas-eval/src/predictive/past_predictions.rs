//! How far off predictions of what was proposed have been.

use std::collections::HashMap;

use nas_predict::Prediction;
use nas_search::{Evaluated, Objective};
use nas_space::Arch;

use super::model::is_ratio;

/// The share of values that may lie beyond each end of an interval.
const BEYOND: f64 = 0.05;

/// What was predicted of each proposal before it was evaluated, for each objective.
///
/// Of many candidates those are proposed, and are on the predicted front, that are predicted to be good, so
/// that more of them are overestimated than the predictor's intervals allow for. Proposals that were
/// evaluated since tell by how much.
#[derive(Default)]
pub(super) struct PastPredictions(HashMap<Arch, Vec<Prediction>>);

/// By which factors the lower and the upper half of an interval are widened.
type Factors = [f64; 2];

impl PastPredictions {
    /// Takes note of proposals and what is predicted of them.
    pub(super) fn extend(&mut self, proposed: impl IntoIterator<Item = (Arch, Vec<Prediction>)>) {
        self.0.extend(proposed);
    }

    /// For each objective the factors with which the intervals would have contained what was measured.
    pub(super) fn factors(
        &self,
        evaluated: &[Evaluated],
        objectives: &[Objective],
    ) -> Vec<Factors> {
        let of = |(at, objective): (usize, &Objective)| {
            let mut beyond = [Vec::new(), Vec::new()];
            for one in evaluated {
                let predicted = self.0.get(&one.arch).and_then(|all| all.get(at));
                let (Some(predicted), Some(measured)) = (predicted, one.values[at]) else {
                    continue;
                };
                let measured = scaled(objective, measured);
                let [value, low, high] = ends(objective, *predicted);
                if low < value && value < high {
                    beyond[0].push((value - measured) / (value - low));
                    beyond[1].push((measured - value) / (high - value));
                }
            }
            beyond.map(factor)
        };
        objectives.iter().enumerate().map(of).collect()
    }
}

/// A prediction with its interval widened.
pub(super) fn widened(
    objective: &Objective,
    one: Prediction,
    [lower, upper]: Factors,
) -> Prediction {
    let [value, low, high] = ends(objective, one);
    let (low, high) = (value - lower * (value - low), value + upper * (high - value));
    let [low, high] = [low, high].map(|end| if is_ratio(objective) { end.exp() } else { end });
    let [low, high] = [low, high].map(|end| objective.nearest(end));
    Prediction { low: low.min(one.low), high: high.max(one.high), ..one }
}

/// A prediction on the scale on which it is widened.
fn ends(objective: &Objective, one: Prediction) -> [f64; 3] {
    [one.value, one.low, one.high].map(|one| scaled(objective, one))
}

/// What differs by factors is widened by factors: it stays above 0.
fn scaled(objective: &Objective, value: f64) -> f64 {
    if is_ratio(objective) { value.ln() } else { value }
}

/// The least factor with which nearly all would have been within; intervals are never narrowed. Of one more
/// value a share of [`BEYOND`] is expected beyond it (conformal prediction, Vovk et al. 2005).
fn factor(mut beyond: Vec<f64>) -> f64 {
    beyond.sort_by(f64::total_cmp);
    let place = ((1.0 - BEYOND) * (beyond.len() + 1) as f64).ceil() as usize;
    let place = place.min(beyond.len());
    place.checked_sub(1).map_or(1.0, |at| beyond[at].max(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(choice: u8, value: Option<f64>) -> Evaluated {
        Evaluated {
            arch: Arch::new([choice]),
            values: vec![value],
            details: Vec::new(),
            failure: None,
            stopped: false,
            niche: 0,
            generation: 0,
            proposer: String::new(),
            rationale: None,
        }
    }

    fn prediction(value: f64, half: f64) -> Prediction {
        Prediction { value, low: value - half, high: value + half }
    }

    #[test]
    fn intervals_are_widened_on_the_side_where_predictions_were_off() {
        let objective = [Objective::accuracy("accuracy")];
        let mut past = PastPredictions::default();
        assert_eq!(past.factors(&[], &objective), [[1.0, 1.0]]);
        past.extend((0..10).map(|choice| (Arch::new([choice]), vec![prediction(70.0, 1.0)])));
        // Each is 3 below, but for one that is 5 above and one that failed.
        let all = (0..10).map(|choice| match choice {
            8 => measured(choice, Some(75.0)),
            9 => measured(choice, None),
            _ => measured(choice, Some(67.0)),
        });
        let factors = past.factors(&all.collect::<Vec<_>>(), &objective);
        assert_eq!(factors, [[3.0, 5.0]]);
        let wide = widened(&objective[0], prediction(80.0, 2.0), factors[0]);
        for (found, expected) in [(wide.low, 74.0), (wide.value, 80.0), (wide.high, 90.0)] {
            approx::assert_relative_eq!(found, expected, epsilon = 1e-9);
        }
        // What lies well within is no reason to narrow.
        let near = [measured(0, Some(70.1))];
        assert_eq!(past.factors(&near, &objective), [[1.0, 1.0]]);
    }

    #[test]
    fn a_latency_stays_above_0_and_a_known_value_is_certain() {
        let latency = Objective::latency();
        let wide = widened(&latency, prediction(2.0, 1.0), [9.0, 9.0]);
        assert!(0.0 < wide.low && wide.low < 0.1 && wide.high > 30.0, "{wide:?}");
        let known = prediction(2.0, 0.0);
        assert_eq!(widened(&latency, known, [9.0, 9.0]), known);
    }
}
