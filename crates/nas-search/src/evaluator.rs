//! The seam behind which architectures are evaluated.

use std::ops::ControlFlow;

use nas_space::Arch;
use serde::{Deserialize, Serialize};

use crate::{BoxError, Evaluated, Objective, objective::column};

/// Computes the objectives of architectures: a table, a predictor, zero-cost proxies, a user's
/// program.
pub trait Evaluator {
    /// The objectives, in the order of [`Evaluation::values`].
    fn objectives(&self) -> &[Objective];

    /// What else is reported of each architecture, in the order of [`Evaluation::details`].
    fn details(&self) -> &[Detail] {
        &[]
    }

    /// The largest number of architectures to evaluate at once. Progress is reported after each
    /// batch.
    fn batch(&self) -> usize {
        usize::MAX
    }

    /// One evaluation for each architecture, in order.
    ///
    /// # Errors
    /// Only where the evaluator fails as a whole. An architecture that cannot be evaluated has
    /// absent values.
    fn evaluate(&mut self, architectures: &[Arch]) -> Result<Vec<Evaluation>, BoxError>;

    /// The evaluator as one that works on several architectures at the same time, if it does. A search
    /// then proposes the next one whenever one of them is evaluated.
    fn parallel(&mut self) -> Option<&mut dyn Parallel> {
        None
    }

    /// New evaluations of everything evaluated so far, for an evaluator that learns. It is called
    /// after each generation, and returns one evaluation for each architecture, in order, or `None`
    /// where nothing changed.
    ///
    /// `share` is the part of the search's evaluations that is done, above 0, and 1 at the end.
    /// `trained` is to be called with the number of trained accuracies so far whenever there are
    /// more. Where it returns `Break`, the evaluator stops and returns what it has.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    fn update(
        &mut self,
        _evaluated: &[Evaluated],
        _share: f64,
        _trained: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<Option<Vec<Evaluation>>, BoxError> {
        Ok(None)
    }

    /// Whether [`update`](Self::update) may return something. A search with such an evaluator can
    /// only be resumed from its first evaluation.
    fn learns(&self) -> bool {
        false
    }

    /// Treats an earlier evaluation as if the evaluator had just returned it. For evaluators that
    /// return the same values for equal networks.
    fn remember(&mut self, _arch: &Arch, _evaluation: &Evaluation) {}
}

/// An evaluator that works on several architectures at the same time.
pub trait Parallel {
    /// How many, at least 1.
    fn capacity(&self) -> usize;

    /// Whether it still has evaluations of an earlier run to return. A search that is stopped meanwhile
    /// waits for none: they are recorded.
    fn repeats(&self) -> bool {
        false
    }

    /// Begins to evaluate an architecture, and returns at once.
    ///
    /// # Errors
    /// As [`Evaluator::evaluate`].
    fn begin(&mut self, arch: &Arch) -> Result<(), BoxError>;

    /// Waits for the first of those that were begun to be evaluated; it is only called while there are
    /// some.
    ///
    /// # Errors
    /// As [`Evaluator::evaluate`].
    fn wait(&mut self) -> Result<(Arch, Evaluation), BoxError>;
}

/// The values of one architecture. A value that does not exist is `None`, never a number, and an
/// architecture without a value of each objective is on no front.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Evaluation {
    /// One value for each objective, finite, in the objective's own unit and direction.
    pub values: Vec<Option<f64>>,
    /// One value for each detail.
    pub details: Vec<Option<f64>>,
    /// Why the evaluation failed, if it did: its kind, a colon, and what happened.
    pub failure: Option<String>,
    /// Whether it was stopped before its end, since it could not reach the front. A value that it would
    /// have had is `None`; that it is absent says nothing against the architecture's choices.
    pub stopped: bool,
}

/// A value that is reported but not optimised, for example the spread of a measurement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Detail {
    /// For example `latency_spread`.
    pub name: String,
    /// The unit's symbol; empty where there is none.
    pub unit: String,
    /// Where it is the value of the objective of the same name before its training ended: after how
    /// many steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
}

impl Detail {
    /// A detail of a whole evaluation.
    pub fn new(name: impl Into<String>, unit: impl Into<String>) -> Self {
        Self { name: name.into(), unit: unit.into(), steps: None }
    }

    /// Name and unit as a column's title, with the number of steps in between.
    pub fn column(&self) -> String {
        match self.steps {
            Some(steps) => column(&format!("{}_after_{steps}", self.name), &self.unit),
            None => column(&self.name, &self.unit),
        }
    }
}
