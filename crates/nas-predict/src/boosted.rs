use std::fmt;

use forust_ml::{GradientBooster, Matrix, objective::ObjectiveType, sampler::SampleMethod};
use serde::{Deserialize, Serialize};

use crate::Error;

/// Gradient-boosted regression trees.
#[derive(Serialize, Deserialize)]
pub(crate) struct BoostedTrees(GradientBooster);

impl fmt::Debug for BoostedTrees {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "BoostedTrees({} trees)", self.0.trees.len())
    }
}

impl BoostedTrees {
    /// Learns `targets` from columns of as many values, of which NaN is absent.
    pub(crate) fn fit(
        columns: &[Vec<f64>],
        targets: &[f64],
        trees: usize,
        seed: u64,
    ) -> Result<Self, Error> {
        let mut booster = GradientBooster::default()
            .set_iterations(trees)
            .set_learning_rate(0.03)
            .set_max_depth(5)
            .set_max_leaves(usize::MAX)
            .set_subsample(0.7)
            .set_colsample_bytree(0.2)
            .set_nbins(64)
            .set_objective_type(ObjectiveType::SquaredLoss)
            .set_sample_method(SampleMethod::Random)
            .set_initialize_base_score(true)
            .set_seed(seed);
        let data = columns.concat();
        let data = Matrix::new(&data, targets.len(), columns.len());
        booster
            .fit_unweighted(&data, targets, None)
            .map_err(|source| Error::Trees(Box::new(source)))?;
        Ok(Self(booster))
    }

    pub(crate) fn predict(&self, columns: &[Vec<f64>]) -> Vec<f64> {
        let rows = columns.first().map_or(0, Vec::len);
        if rows == 0 {
            return Vec::new();
        }
        let data = columns.concat();
        self.0.predict(&Matrix::new(&data, rows, columns.len()), true)
    }
}
