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
    /// is told how many labels were bought so far, whenever some were.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    fn revise(
        &mut self,
        _evaluated: &[Evaluated],
        _share: f64,
        _labelled: &mut dyn FnMut(usize),
    ) -> Result<Option<Vec<Evaluation>>, BoxError> {
        Ok(None)
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
