//! Evaluations of an earlier run, used again.

use std::{collections::HashMap, ops::ControlFlow};

use nas_space::Arch;

use crate::{BoxError, Detail, Evaluated, Evaluation, Evaluator, Objective};

/// Returns the evaluations of an earlier run, and asks the evaluator for all others.
pub struct ReplayedEvaluator<'a> {
    recorded: HashMap<Arch, Evaluation>,
    evaluator: &'a mut dyn Evaluator,
}

impl<'a> ReplayedEvaluator<'a> {
    /// Replays what `evaluator` returned before. Each recorded evaluation is returned once, and
    /// passed to [`Evaluator::remember`].
    pub fn new(
        recorded: impl IntoIterator<Item = (Arch, Evaluation)>,
        evaluator: &'a mut dyn Evaluator,
    ) -> Self {
        Self { recorded: recorded.into_iter().collect(), evaluator }
    }
}

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
