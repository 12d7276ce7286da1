//! An architecture with its values.

use nas_space::Arch;
use serde::{Deserialize, Serialize};

use crate::Evaluation;

/// An evaluated architecture, and where it came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluated {
    /// The architecture.
    pub arch: Arch,
    /// One value for each objective, in the objective's own unit and direction.
    pub values: Vec<Option<f64>>,
    /// One value for each of the evaluator's details.
    pub details: Vec<Option<f64>>,
    /// Why it has no values, where its evaluation failed.
    pub failure: Option<String>,
    /// Whether its evaluation was stopped before its end, since it could not reach the front.
    pub stopped: bool,
    /// The niche that it lies in, by its position.
    pub niche: usize,
    /// The generation that proposed it; 0 is the initial sample.
    pub generation: usize,
    /// The name of its proposer.
    pub proposer: String,
    /// Why it was proposed, in the proposer's words.
    pub rationale: Option<String>,
}

impl Evaluated {
    /// What the evaluator returned.
    pub fn evaluation(&self) -> Evaluation {
        let Self { values, details, failure, stopped, .. } = self.clone();
        Evaluation { values, details, failure, stopped }
    }

    /// The values of all objectives, or `None` where one is absent.
    pub fn complete(&self) -> Option<Vec<f64>> {
        self.values.iter().copied().collect()
    }
}
