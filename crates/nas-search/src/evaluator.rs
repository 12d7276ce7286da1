use std::{collections::HashMap, ops::ControlFlow};

use nas_space::Arch;
use serde::Serialize;

use crate::{BoxError, Evaluated, Objective, objective::column};

/// Gives architectures their objectives: a table, a predictor, live proxies, a user's command.
pub trait Evaluator {
    /// The objectives, in the order of [`Evaluation::values`].
    fn objectives(&self) -> &[Objective];

    /// What else is told of each architecture, in the order of [`Evaluation::details`].
    fn details(&self) -> &[Detail] {
        &[]
    }

    /// How many architectures are best given at once; progress is reported after each batch.
    fn batch(&self) -> usize {
        usize::MAX
    }

    /// One evaluation for each architecture, in order.
    ///
    /// # Errors
    /// Only for a failure of the evaluator as a whole; an architecture that cannot be evaluated
    /// has absent values.
    fn evaluate(&mut self, architectures: &[Arch]) -> Result<Vec<Evaluation>, BoxError>;

    /// What an evaluator that learns now says of all that was evaluated, asked after each
    /// generation: one evaluation for each, in order, or `None` where all stand as they are.
    ///
    /// `share` is the share of the search's evaluations that were made, 1 when it ends; `labelled`
    /// is told how many labels were bought so far, whenever some were, and says whether to go on:
    /// told to break, an evaluator says what it knows by then.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    fn revise(
        &mut self,
        _evaluated: &[Evaluated],
        _share: f64,
        _labelled: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<Option<Vec<Evaluation>>, BoxError> {
        Ok(None)
    }

    /// Whether [`revise`](Self::revise) may ever say anything. A search with such an evaluator is
    /// taken up again from its first evaluation.
    fn learns(&self) -> bool {
        false
    }

    /// Takes an earlier answer of its own as if it had just given it, where it would else give
    /// another to an equal network.
    fn remember(&mut self, _arch: &Arch, _evaluation: &Evaluation) {}
}

/// An evaluator that answers what is recorded, and asks another for the rest.
pub struct Recorded<'a> {
    known: HashMap<Arch, Evaluation>,
    evaluator: &'a mut dyn Evaluator,
}

impl<'a> Recorded<'a> {
    /// The answers that `evaluator` gave before, each of which is given once more and remembered,
    /// and its answers to all else.
    pub fn new(
        known: impl IntoIterator<Item = (Arch, Evaluation)>,
        evaluator: &'a mut dyn Evaluator,
    ) -> Self {
        Self { known: known.into_iter().collect(), evaluator }
    }
}

impl Evaluator for Recorded<'_> {
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
            architectures.iter().map(|arch| self.known.remove(arch)).collect();
        let unknown = architectures.iter().zip(&recorded).filter(|(_, known)| known.is_none());
        let unknown: Vec<Arch> = unknown.map(|(arch, _)| arch.clone()).collect();
        for (arch, known) in architectures.iter().zip(&recorded) {
            if let Some(evaluation) = known {
                self.evaluator.remember(arch, evaluation);
            }
        }
        let mut answers =
            if unknown.is_empty() { vec![] } else { self.evaluator.evaluate(&unknown)? }
                .into_iter();
        // An answer that is missing ends the list: the search tells.
        Ok(recorded.into_iter().map_while(|known| known.or_else(|| answers.next())).collect())
    }

    fn revise(
        &mut self,
        evaluated: &[Evaluated],
        share: f64,
        labelled: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<Option<Vec<Evaluation>>, BoxError> {
        self.evaluator.revise(evaluated, share, labelled)
    }

    fn learns(&self) -> bool {
        self.evaluator.learns()
    }

    fn remember(&mut self, arch: &Arch, evaluation: &Evaluation) {
        self.evaluator.remember(arch, evaluation);
    }
}

/// The objectives of one architecture. A value that does not exist is `None`, never a number;
/// such an architecture is on no front.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evaluation {
    /// One value for each objective, finite, in the objective's own unit and direction.
    pub values: Vec<Option<f64>>,
    /// One value for each detail.
    pub details: Vec<Option<f64>>,
}

/// A value that is reported but not optimised, for example a measurement's spread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Detail {
    /// For example `latency_spread`.
    pub name: String,
    /// The unit's symbol; empty where there is none.
    pub unit: String,
}

impl Detail {
    /// Name and unit as a column's title.
    pub fn column(&self) -> String {
        column(&self.name, &self.unit)
    }
}
