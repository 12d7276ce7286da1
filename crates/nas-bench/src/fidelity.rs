//! Fidelity of an accuracy: epochs, split, seeds.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How an accuracy was obtained. There is no default: 12-epoch validation accuracies taken for
/// final ones have spoilt published comparisons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fidelity {
    /// How long each network was trained.
    pub epochs: Epochs,
    /// On which images it was scored.
    pub split: Split,
    /// Over which training runs.
    pub seeds: Seeds,
}

/// The two training schedules of NAS-Bench-201.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Epochs {
    /// 12 epochs, the benchmark's reduced schedule.
    Twelve,
    /// 200 epochs, the full schedule.
    TwoHundred,
}

/// The images that an accuracy was measured on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Split {
    /// Trained on half of the training images, scored apart from the test accuracies
    /// (`cifar10-valid` in the benchmark's terms).
    Validation,
    /// Trained on all training images, scored on the test images.
    Test,
}

/// The training runs behind an accuracy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Seeds {
    /// One run.
    One,
    /// The mean of all runs that the benchmark made of the cell: one, two or three.
    Mean,
}

impl Fidelity {
    /// 200 epochs, validation, one run: what the search may see on CIFAR-10.
    ///
    /// The source does not say how many runs it averages. That it is one follows from the values:
    /// all are whole multiples of 0.01 %, and cells that compute the same function scatter by
    /// 0.30 points (median standard deviation), against 0.17 in the mean test accuracies.
    pub const VALIDATION: Self =
        Self { epochs: Epochs::TwoHundred, split: Split::Validation, seeds: Seeds::One };

    /// 200 epochs, test, mean over the runs: what scores a final front.
    pub const TEST: Self =
        Self { epochs: Epochs::TwoHundred, split: Split::Test, seeds: Seeds::Mean };
}

impl fmt::Display for Fidelity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let epochs = match self.epochs {
            Epochs::Twelve => 12,
            Epochs::TwoHundred => 200,
        };
        let split = match self.split {
            Split::Validation => "validation",
            Split::Test => "test",
        };
        let seeds = match self.seeds {
            Seeds::One => "one seed",
            Seeds::Mean => "mean over seeds",
        };
        write!(f, "{split}, {epochs} epochs, {seeds}")
    }
}
