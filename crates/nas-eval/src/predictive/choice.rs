//! Which candidate the front would gain most from.

use std::collections::HashMap;

use nas_pareto::{Bounds, PointSet, hypervolume_gain, non_dominated};
use nas_predict::{Prediction, expected_gains};
use nas_search::{BoxError, Objective, Request, Role};
use nas_space::Arch;

use super::{
    model::{gain, gains},
    rows::Rows,
};
use crate::Class;

/// How many choices a row may be away from the front to be near it.
const NEAR: usize = 2;

/// What a proposal is for.
#[derive(Clone, Copy)]
pub(super) enum Wanted {
    /// A member of the predicted front.
    Confirmation,
    /// The greatest expected gain, few choices away from the front.
    Near,
    /// The greatest expected gain.
    Anywhere,
}

/// The candidates of a request, with what is measured or predicted of each.
pub(super) struct Choice<'a> {
    rows: &'a Rows,
    /// The non-dominated ones of what was evaluated.
    front: Vec<Arch>,
    objectives: Vec<Objective>,
    /// The position of the objective that is weighed with its uncertainty.
    weighed: usize,
    predictions: &'a [Option<Vec<Prediction>>],
    /// The gains of the weighed objective.
    gains: Vec<Prediction>,
    /// The costs of the others.
    costs: Vec<Option<Vec<f64>>>,
    /// How likely each can be evaluated; 0 for those that may not be proposed.
    open: Vec<f64>,
}

impl<'a> Choice<'a> {
    pub(super) fn new(
        request: &Request<'_>,
        rows: &'a Rows,
        predictions: &'a [Option<Vec<Prediction>>],
        known_at: &[usize],
    ) -> Self {
        let objectives = request.objectives.to_vec();
        let weighed = weighed(&objectives, known_at);
        let nothing = Prediction { value: 0.0, low: 0.0, high: 0.0 };
        let tried =
            request.evaluated.iter().map(|one| &one.arch).chain(request.pending.iter().copied());
        let known = |row: usize| {
            let values = predictions[row].as_ref()?;
            let cost = |at: &usize| objectives[*at].cost(values[*at].value);
            Some(known_at.iter().map(cost).collect::<Vec<f64>>())
        };
        let mut equal: HashMap<&Class, Vec<Vec<f64>>> = HashMap::new();
        for row in tried.filter_map(|arch| rows.row(arch)) {
            equal.entry(&rows.classes[row]).or_default().extend(known(row));
        }
        // Of equal networks only what is known beforehand may differ: this one may cost less.
        let is_tried = |row: usize| {
            let costs = known(row).unwrap_or_default();
            let no_more = |one: &Vec<f64>| one.iter().zip(&costs).all(|(one, this)| one <= this);
            equal.get(&rows.classes[row]).is_some_and(|equal| equal.iter().any(no_more))
        };
        let open = rows.architectures.iter().enumerate();
        let open = open.map(|(row, arch)| match request.check(arch) {
            Ok(()) if !is_tried(row) => request.feasibility(arch).powi(2),
            _ => 0.0,
        });
        let mut this = Self {
            open: open.collect(),
            front: request.parents.iter().map(|one| one.arch.clone()).collect(),
            gains: vec![nothing; rows.len()],
            costs: vec![None; rows.len()],
            rows,
            objectives,
            weighed,
            predictions,
        };
        for (row, predictions) in predictions.iter().enumerate() {
            if let Some(predictions) = predictions {
                this.gains[row] = gains(&this.objectives[weighed], predictions[weighed]);
                this.costs[row] = Some(this.others(predictions.iter().map(|one| one.value)));
            }
        }
        for one in request.evaluated {
            let Some(row) = rows.row(&one.arch) else { continue };
            match one.complete() {
                Some(values) => {
                    let value = gain(&this.objectives[weighed], values[weighed]);
                    this.gains[row] = Prediction { value, low: value, high: value };
                    this.costs[row] = Some(this.others(values.into_iter()));
                }
                None => this.costs[row] = None,
            }
        }
        for arch in &request.pending {
            if let Some(row) = rows.row(arch) {
                this.expect(row);
            }
        }
        this
    }

    /// The costs of the objectives that are not weighed.
    fn others(&self, values: impl Iterator<Item = f64>) -> Vec<f64> {
        let others = self.objectives.iter().zip(values).enumerate();
        let others = others.filter(|(at, _)| *at != self.weighed);
        others.map(|(_, (objective, value))| objective.cost(value)).collect()
    }

    /// Takes what is predicted of a row for what it is.
    fn expect(&mut self, row: usize) {
        let value = self.gains[row].value;
        self.gains[row] = Prediction { value, low: value, high: value };
        self.open[row] = 0.0;
    }

    pub(super) fn arch(&self, row: usize) -> &Arch {
        &self.rows.architectures[row]
    }

    /// What is predicted of a row, for each objective.
    pub(super) fn predictions(&self, row: usize) -> Option<&[Prediction]> {
        self.predictions[row].as_deref()
    }

    /// The row to evaluate next, which counts as expected from now on.
    pub(super) fn next(&mut self, wanted: Wanted) -> Result<Option<usize>, BoxError> {
        let best = match wanted {
            Wanted::Confirmation => self.predicted_front()?.into_iter().next(),
            Wanted::Near => self.best(|row| self.is_near(row))?,
            Wanted::Anywhere => None,
        };
        let best = match best {
            Some(row) => Some(row),
            None => self.best(|_| true)?,
        };
        if let Some(row) = best {
            self.expect(row);
        }
        Ok(best)
    }

    /// The open row that is accepted and from which the front is expected to gain most.
    fn best(&self, accepts: impl Fn(usize) -> bool) -> Result<Option<usize>, BoxError> {
        let open: Vec<bool> =
            (0..self.rows.len()).map(|row| self.open[row] > 0.0 && accepts(row)).collect();
        let scores = expected_gains(&self.gains, &self.costs, |row| open[row])?;
        let score = |row: &usize| scores[*row] * self.open[*row];
        let rows = (0..scores.len()).filter(|row| open[*row] && self.costs[*row].is_some());
        // Of equal ones the first.
        Ok(rows.rev().max_by(|a, b| score(a).total_cmp(&score(b))))
    }

    /// Whether a row is few choices away from the front.
    fn is_near(&self, row: usize) -> bool {
        let choices = self.rows.architectures[row].choices();
        self.front.iter().any(|arch| {
            let differ = arch.choices().iter().zip(choices).filter(|(a, b)| a != b);
            differ.count() <= NEAR
        })
    }

    /// The open rows of the predicted front, those first that add most hypervolume to what is measured
    /// or expected.
    pub(super) fn predicted_front(&self) -> Result<Vec<usize>, BoxError> {
        let present: Vec<usize> =
            (0..self.rows.len()).filter(|row| self.costs[*row].is_some()).collect();
        let point = |row: &usize| {
            let costs = self.costs[*row].iter().flatten().copied();
            costs.chain([-self.gains[*row].value]).collect::<Vec<f64>>()
        };
        let points: Vec<Vec<f64>> = present.iter().map(point).collect();
        if points.is_empty() {
            return Ok(Vec::new());
        }
        let dimension = self.objectives.len();
        let points = PointSet::new(points.concat(), dimension)?;
        let scaled = Bounds::of(&points)?.scale(&points)?;
        let costs = |at: usize| scaled.as_points().get(at).unwrap_or_default();
        let is_certain = |at: &usize| self.open[present[*at]] <= 0.0;
        let certain = (0..present.len()).filter(is_certain).flat_map(costs).copied();
        let certain = PointSet::new(certain.collect(), dimension)?;
        let reference = vec![1.0; dimension];
        let mut front = Vec::new();
        for at in non_dominated(&scaled)?.into_iter().filter(|at| !is_certain(at)) {
            let gain = hypervolume_gain(&certain, costs(at), &reference)?;
            front.push((gain * self.open[present[at]], present[at]));
        }
        front.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        Ok(front.into_iter().map(|(_, row)| row).collect())
    }
}

/// The objective that is weighed with its uncertainty: the first accuracy that is not known before, or
/// else the first such objective.
fn weighed(objectives: &[Objective], known_at: &[usize]) -> usize {
    let open = || (0..objectives.len()).filter(|at| !known_at.contains(at));
    let is_accuracy = |at: &usize| objectives[*at].role == Role::Accuracy;
    open().find(is_accuracy).or_else(|| open().next()).unwrap_or(0)
}
