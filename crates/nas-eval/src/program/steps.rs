//! How far trainings are, and which of them are stopped early.

use std::sync::{Mutex, MutexGuard, PoisonError};

use nas_search::{Detail, Evaluation, Objective, Role};

use crate::line::Line;

/// A training is looked at after its steps divided by this number, by its square, and so on.
const FACTOR: f64 = 1.5;

/// A training is stopped that is expected to end this many standard errors of that expectation below the front.
const CERTAINTY: f64 = 0.5;

/// Nothing is stopped before so many trainings went to their ends.
const WHOLE: usize = 8;

/// How far a program trains an architecture, and when it is stopped.
///
/// One objective grows with the steps: the first accuracy, or else the first of all. A training is looked
/// at after some of its steps, the rungs. From the best value so far its end is expected, by a line of
/// least squares through the whole trainings, and the training is stopped where that end is below
/// the best whole training that is no worse in any other objective: it could not reach the front.
#[derive(Debug)]
pub(super) struct Steps {
    /// The steps of a whole training.
    pub(super) all: u64,
    stops: bool,
    objectives: Vec<Objective>,
    /// The position of the objective that grows.
    at: usize,
    /// The numbers of steps after which a training is looked at, the fewest first.
    rungs: Vec<u64>,
    whole: Mutex<Vec<Whole>>,
}

/// A training that went to its end: everything as costs.
#[derive(Debug)]
struct Whole {
    at_rungs: Vec<Option<f64>>,
    end: f64,
    /// Of all other objectives.
    others: Vec<f64>,
}

/// A training that goes on.
#[derive(Debug)]
pub(super) struct Training<'a> {
    steps: &'a Steps,
    /// Costs that were known before.
    known: Vec<f64>,
    done: u64,
    /// The values so far, the best of the objective that grows.
    values: Vec<Option<f64>>,
    /// That value at each rung.
    at_rungs: Vec<Option<f64>>,
}

/// Whether a training goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    GoesOn,
    Stops,
    /// It ends with this step.
    IsWhole,
    /// It goes on, since an objective is not known yet: that of this column.
    Unknown(String),
    /// It goes on, and the answer is ignored: steps count from 1 to all, and never fall.
    NoStep,
}

impl Steps {
    /// Trainings of `all` steps, for these objectives; `stops` is whether some are stopped early.
    pub(super) fn new(all: u64, stops: bool, objectives: &[Objective]) -> Self {
        let parts = std::iter::successors(Some(all as f64 / FACTOR), |steps| Some(steps / FACTOR));
        let mut rungs: Vec<u64> = parts
            .take_while(|steps| *steps > 1.0 / FACTOR)
            .map(|steps| steps.ceil() as u64)
            .filter(|steps| *steps < all)
            .collect();
        rungs.dedup();
        rungs.reverse();
        let at = Objective::position(objectives, Role::Accuracy).unwrap_or(0);
        let objectives = objectives.to_vec();
        Self { all, stops, objectives, at, rungs, whole: Mutex::default() }
    }

    /// What is reported of a training: its steps, and its best value until each rung.
    pub(super) fn details(&self) -> Vec<Detail> {
        let Objective { name, unit, .. } = &self.objectives[self.at];
        let rung = |steps: &u64| Detail { steps: Some(*steps), ..Detail::new(name, unit) };
        std::iter::once(Detail::new("steps", "")).chain(self.rungs.iter().map(rung)).collect()
    }

    /// A training of an architecture with these known costs.
    pub(super) fn training(&self, known: Vec<f64>) -> Training<'_> {
        let (values, at_rungs) = (vec![None; self.objectives.len()], vec![None; self.rungs.len()]);
        Training { steps: self, known, done: 0, values, at_rungs }
    }

    /// Takes note of a training that was made before.
    pub(super) fn remember(&self, known: Vec<f64>, evaluation: &Evaluation) {
        let mut training = self.training(known);
        let at_rungs = evaluation.details.iter().skip(1);
        training.at_rungs.iter_mut().zip(at_rungs).for_each(|(rung, value)| *rung = *value);
        training.learn(&evaluation.values);
    }

    fn whole(&self) -> MutexGuard<'_, Vec<Whole>> {
        self.whole.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Training<'_> {
    /// Whether no step came, though it was to be stopped early.
    pub(super) fn has_no_steps(&self) -> bool {
        self.steps.stops && self.done == 0
    }

    /// Takes note of values after a number of steps.
    pub(super) fn take(&mut self, step: u64, values: &[Option<f64>]) -> Verdict {
        let Steps { all, at, rungs, objectives, .. } = self.steps;
        if step == 0 || step < self.done || step > *all {
            return Verdict::NoStep;
        }
        self.done = step;
        if step == *all && values.iter().all(Option::is_some) {
            return Verdict::IsWhole;
        }
        for (position, (known, new)) in self.values.iter_mut().zip(values).enumerate() {
            let cost = |value: f64| objectives[position].cost(value);
            let is_worse = |old: f64, new: f64| position == *at && cost(old) < cost(new);
            if let Some(new) = *new
                && !known.is_some_and(|old| is_worse(old, new))
            {
                *known = Some(new);
            }
        }
        match rungs.iter().rposition(|rung| *rung <= step) {
            Some(rung) if self.at_rungs[rung].is_none() => {
                self.at_rungs[rung] = self.values[*at];
                self.look(rung)
            }
            _ => Verdict::GoesOn,
        }
    }

    /// Whether it can still reach the front, by what is known at a rung.
    fn look(&self, rung: usize) -> Verdict {
        let Steps { stops, objectives, at, .. } = self.steps;
        let Some(others) = self.others(&self.values) else {
            let missing = self.values.iter().position(Option::is_none).unwrap_or(*at);
            return Verdict::Unknown(objectives[missing].column());
        };
        let Some(now) = self.values[*at].map(|value| objectives[*at].cost(value)) else {
            return Verdict::GoesOn;
        };
        let whole = self.steps.whole();
        let points: Vec<(f64, f64)> =
            whole.iter().filter_map(|one| Some((one.at_rungs[rung]?, one.end))).collect();
        let rivals = whole.iter().filter(|one| one.others.iter().zip(&others).all(|(a, b)| a <= b));
        let best = rivals.map(|one| one.end).fold(f64::INFINITY, f64::min);
        let is_beyond = points.len() >= WHOLE
            && Line::through(&points)
                .is_some_and(|line| line.at(now) - CERTAINTY * line.error_at(now) > best);
        if *stops && is_beyond { Verdict::Stops } else { Verdict::GoesOn }
    }

    /// The costs of the objectives that do not grow, if all are known.
    fn others(&self, values: &[Option<f64>]) -> Option<Vec<f64>> {
        let Steps { objectives, at, .. } = self.steps;
        let own = objectives.iter().zip(values).enumerate().filter(|(position, _)| position != at);
        let own = own.map(|(_, (objective, value))| Some(objective.cost((*value)?)));
        self.known.iter().copied().map(Some).chain(own).collect()
    }

    /// Others are compared with it from now on, if it has all values.
    fn learn(&self, values: &[Option<f64>]) {
        let Steps { objectives, at, .. } = self.steps;
        let cost = |value: f64| objectives[*at].cost(value);
        if let (Some(others), Some(end)) = (self.others(values), values[*at]) {
            let at_rungs = self.at_rungs.iter().map(|value| value.map(cost)).collect();
            self.steps.whole().push(Whole { at_rungs, end: cost(end), others });
        }
    }

    /// The evaluation, where the training went to its end with these values, or was stopped.
    pub(super) fn end(mut self, values: Option<Vec<Option<f64>>>) -> Evaluation {
        let stopped = values.is_none();
        let values = if let Some(values) = values {
            self.done = self.steps.all;
            self.learn(&values);
            values
        } else {
            // A value after fewer steps is none.
            self.values[self.steps.at] = None;
            self.values
        };
        let details = std::iter::once(Some(self.done as f64)).chain(self.at_rungs).collect();
        Evaluation { values, details, stopped, failure: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(all: u64, stops: bool) -> Steps {
        Steps::new(all, stops, &[Objective::accuracy("accuracy"), Objective::latency()])
    }

    /// The values of a step.
    fn values(accuracy: f64, latency: f64) -> Vec<Option<f64>> {
        vec![Some(accuracy), Some(latency)]
    }

    /// A training that doubles its accuracy after the first step, unless it is stopped.
    fn train(steps: &Steps, accuracy: f64, latency: f64) -> (Verdict, Evaluation) {
        let mut training = steps.training(Vec::new());
        let verdict = training.take(1, &values(accuracy, latency));
        let whole = verdict != Verdict::Stops;
        let evaluation = training.end(whole.then(|| values(2.0 * accuracy, latency)));
        (verdict, evaluation)
    }

    #[test]
    fn trainings_are_looked_at_after_parts_of_their_steps() {
        for (all, rungs) in [(2, &[1][..]), (3, &[1, 2]), (9, &[1, 2, 3, 4, 6])] {
            assert_eq!(steps(all, true).rungs, rungs);
        }
        assert_eq!(steps(27, true).rungs, [1, 2, 3, 4, 6, 8, 12, 18]);
        let columns = steps(3, true).details().iter().map(Detail::column).collect::<Vec<_>>();
        assert_eq!(columns, ["steps", "accuracy_after_1_percent", "accuracy_after_2_percent"]);
    }

    #[test]
    fn what_is_expected_below_the_front_is_stopped() {
        let steps = steps(3, true);
        for accuracy in [20.0, 10.0, 30.0, 12.0, 25.0, 14.0, 18.0] {
            assert_eq!(train(&steps, accuracy, 2.0).0, Verdict::GoesOn, "few are whole");
        }
        train(&steps, 15.0, 3.0);
        let (verdict, evaluation) = train(&steps, 29.0, 2.0);
        assert_eq!(verdict, Verdict::Stops);
        assert!(evaluation.stopped);
        assert_eq!(evaluation.values, [None, Some(2.0)]);
        assert_eq!(evaluation.details, [Some(1.0), Some(29.0), None]);
        for (accuracy, latency) in [(31.0, 2.0), (5.0, 1.0)] {
            assert_eq!(train(&steps, accuracy, latency).0, Verdict::GoesOn, "it is on the front");
        }
        // Without a deviation nothing below the line is expected to catch up.
        assert_eq!(train(&steps, 29.0, 9.0).0, Verdict::Stops);
        let never = self::steps(3, false);
        assert!((1..20_u8).all(|at| train(&never, f64::from(20 - at), 1.0).0 == Verdict::GoesOn));
    }

    #[test]
    fn the_best_value_so_far_counts_and_failures_and_unknown_costs_do_not() {
        let steps = steps(9, true);
        let mut training = steps.training(Vec::new());
        training.take(2, &values(40.0, 1.0));
        training.take(3, &values(35.0, 1.0));
        assert_eq!(training.at_rungs[..3], [None, Some(40.0), Some(40.0)]);
        // It is dropped before its end: it failed.
        drop(training);
        assert!(steps.whole().is_empty());
        let unknown = steps.training(Vec::new()).take(1, &[Some(10.0), None]);
        assert_eq!(unknown, Verdict::Unknown("latency_ms".to_owned()));
    }

    #[test]
    fn the_last_step_is_whole_only_with_every_objective() {
        let steps = steps(9, true);
        let mut training = steps.training(Vec::new());
        assert_eq!(training.take(9, &[Some(50.0), None]), Verdict::Unknown("latency_ms".into()));
        assert_eq!(training.take(9, &values(50.0, 1.0)), Verdict::IsWhole);
    }

    #[test]
    fn steps_grow_and_others_are_not_taken() {
        let steps = steps(9, true);
        let mut training = steps.training(Vec::new());
        assert!(training.has_no_steps());
        for (step, verdict) in [
            (0, Verdict::NoStep),
            (2, Verdict::GoesOn),
            (1, Verdict::NoStep),
            (10, Verdict::NoStep),
            (9, Verdict::IsWhole),
        ] {
            assert_eq!(training.take(step, &values(step as f64, 1.0)), verdict, "{step}");
        }
        assert!(!training.has_no_steps());
        assert_eq!(training.at_rungs, [None, Some(2.0), None, None, None]);
    }

    #[test]
    fn a_search_that_is_resumed_decides_as_one_that_was_not() {
        let all: Vec<(f64, f64)> = (0..40_u32)
            .map(|at| (f64::from(at * 7919 % 31), f64::from(at * 104_729 % 5)))
            .collect();
        let undisturbed = steps(3, true);
        let verdicts: Vec<(Verdict, Evaluation)> = all
            .iter()
            .map(|(accuracy, latency)| train(&undisturbed, *accuracy, *latency))
            .collect();
        assert!(verdicts.iter().filter(|one| one.0 == Verdict::Stops).count() > 5);
        let resumed = steps(3, true);
        verdicts[..20].iter().for_each(|one| resumed.remember(Vec::new(), &one.1));
        for ((accuracy, latency), before) in all[20..].iter().zip(&verdicts[20..]) {
            assert_eq!(train(&resumed, *accuracy, *latency), *before);
        }
    }
}
