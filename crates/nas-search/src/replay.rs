//! Evaluations of an earlier run, used again.

use std::{collections::HashMap, ops::ControlFlow};

use nas_space::Arch;

use crate::{BoxError, Detail, Evaluated, Evaluation, Evaluator, Objective, Parallel};

/// Returns the evaluations of an earlier run, and asks the evaluator for all others.
pub struct ReplayedEvaluator<'a> {
    recorded: HashMap<Arch, Evaluation>,
    /// The order in which those that are open were recorded, from this position on.
    order: Vec<Arch>,
    at: usize,
    /// Those of them that a search has begun again.
    begun: HashMap<Arch, Evaluation>,
    /// How many the evaluator works on at the same time.
    capacity: usize,
    evaluator: &'a mut dyn Evaluator,
}

impl<'a> ReplayedEvaluator<'a> {
    /// Replays what `evaluator` returned before. Each recorded evaluation is returned once, and
    /// passed to [`Evaluator::remember`]. An evaluator that works on several at the same time returns
    /// them in their recorded order.
    pub fn new(
        recorded: impl IntoIterator<Item = (Arch, Evaluation)>,
        evaluator: &'a mut dyn Evaluator,
    ) -> Self {
        let recorded: Vec<(Arch, Evaluation)> = recorded.into_iter().collect();
        let order = recorded.iter().map(|(arch, _)| arch.clone()).collect();
        let recorded = recorded.into_iter().collect();
        let capacity = evaluator.parallel().map_or(1, |evaluator| evaluator.capacity());
        Self { recorded, order, at: 0, begun: HashMap::new(), capacity, evaluator }
    }
}

/// Only a parallel evaluator is asked to begin.
const NOT_PARALLEL: &str = "the evaluator works on one architecture at a time";

impl Evaluator for ReplayedEvaluator<'_> {
    fn objectives(&self) -> &[Objective] {
        self.evaluator.objectives()
    }

    fn details(&self) -> &[Detail] {
        self.evaluator.details()
    }

    fn batch(&self) -> usize {
        self.evaluator.batch()
    }

    fn evaluate(&mut self, architectures: &[Arch]) -> Result<Vec<Evaluation>, BoxError> {
        let recorded: Vec<Option<Evaluation>> =
            architectures.iter().map(|arch| self.recorded.remove(arch)).collect();
        let mut others = Vec::new();
        for (arch, recorded) in architectures.iter().zip(&recorded) {
            match recorded {
                Some(evaluation) => self.evaluator.remember(arch, evaluation),
                None => others.push(arch.clone()),
            }
        }
        let others = if others.is_empty() { vec![] } else { self.evaluator.evaluate(&others)? };
        let mut others = others.into_iter();
        // A missing evaluation ends the list: the search reports it.
        Ok(recorded.into_iter().map_while(|recorded| recorded.or_else(|| others.next())).collect())
    }

    fn parallel(&mut self) -> Option<&mut dyn Parallel> {
        self.evaluator.parallel()?;
        Some(self)
    }

    fn update(
        &mut self,
        evaluated: &[Evaluated],
        share: f64,
        trained: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<Option<Vec<Evaluation>>, BoxError> {
        self.evaluator.update(evaluated, share, trained)
    }

    fn learns(&self) -> bool {
        self.evaluator.learns()
    }

    fn remember(&mut self, arch: &Arch, evaluation: &Evaluation) {
        self.evaluator.remember(arch, evaluation);
    }
}

impl Parallel for ReplayedEvaluator<'_> {
    fn capacity(&self) -> usize {
        self.capacity
    }

    fn repeats(&self) -> bool {
        !self.recorded.is_empty() || !self.begun.is_empty()
    }

    fn begin(&mut self, arch: &Arch) -> Result<(), BoxError> {
        if let Some(evaluation) = self.recorded.remove(arch) {
            self.evaluator.remember(arch, &evaluation);
            self.begun.insert(arch.clone(), evaluation);
            return Ok(());
        }
        self.evaluator.parallel().ok_or(NOT_PARALLEL)?.begin(arch)
    }

    fn wait(&mut self) -> Result<(Arch, Evaluation), BoxError> {
        // What was begun was recorded, but a search that differs may not begin all of them.
        let next = (self.at..self.order.len()).find(|at| self.begun.contains_key(&self.order[*at]));
        if let Some((at, evaluation)) =
            next.and_then(|at| Some((at, self.begun.remove(&self.order[at])?)))
        {
            if at == self.at {
                self.at += 1;
            }
            return Ok((self.order[at].clone(), evaluation));
        }
        self.evaluator.parallel().ok_or(NOT_PARALLEL)?.wait()
    }
}
