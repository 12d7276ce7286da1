//! Gradient-boosted trees, grown by forust and laid out for fast prediction.

use forust_ml::{
    GradientBooster, Matrix, objective::ObjectiveType, sampler::SampleMethod, tree::Tree,
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::Error;

/// The largest number of splits from a tree's root to a leaf.
const DEPTH: usize = 5;

/// Rows that pass through the trees side by side, so that none waits for the comparisons of another.
const LANES: usize = 16;

/// Gradient-boosted regression trees, grown by `forust-ml` and laid out for prediction: each is a
/// complete binary tree, the node after `n` is `2n + 1` or `2n + 2`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct BoostedTrees {
    base: f64,
    splits: Vec<[Split; (1 << DEPTH) - 1]>,
    leaves: Vec<[f64; 1 << DEPTH]>,
}

/// Values below the threshold go left.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Split {
    column: u32,
    /// Absent values go right.
    absent_right: bool,
    threshold: f64,
}

impl BoostedTrees {
    /// Learns `targets` from columns of as many values, of which NaN is absent.
    pub(crate) fn fit(
        columns: &[Vec<f64>],
        targets: &[f64],
        trees: usize,
        seed: u64,
    ) -> Result<Self, Error> {
        Ok(Self::lay_out(&grow(columns, targets, trees, seed)?))
    }

    fn lay_out(booster: &GradientBooster) -> Self {
        let nothing = Split { column: 0, absent_right: false, threshold: f64::MAX };
        let count = booster.trees.len();
        let mut trees = Self {
            base: booster.base_score,
            splits: vec![[nothing; (1 << DEPTH) - 1]; count],
            leaves: vec![[0.0; 1 << DEPTH]; count],
        };
        for (number, tree) in booster.trees.iter().enumerate() {
            trees.copy(number, tree, 0, 0);
        }
        trees
    }

    /// Copies the subtree at a node of `from` to the place `at` of the tree with this number. Below a
    /// leaf that is less deep its value is repeated.
    fn copy(&mut self, number: usize, from: &Tree, node: usize, at: usize) {
        let found = &from.nodes[node];
        let splits = &mut self.splits[number];
        if at >= splits.len() {
            self.leaves[number][at - splits.len()] = f64::from(found.weight_value);
            return;
        }
        let (left, right) = if found.is_leaf {
            (node, node)
        } else {
            splits[at] = Split {
                column: found.split_feature as u32,
                absent_right: found.missing_node == found.right_child,
                threshold: found.split_value,
            };
            (found.left_child, found.right_child)
        };
        self.copy(number, from, left, 2 * at + 1);
        self.copy(number, from, right, 2 * at + 2);
    }

    pub(crate) fn predict(&self, columns: &[Vec<f64>]) -> Vec<f64> {
        let (width, rows) = (columns.len(), columns.first().map_or(0, Vec::len));
        let mut predictions = vec![self.base; rows];
        predictions.par_chunks_mut(LANES).enumerate().for_each(|(number, predictions)| {
            let mut block = vec![0.0; LANES * width];
            for (lane, row) in block.chunks_exact_mut(width).zip(number * LANES..rows) {
                for (value, column) in lane.iter_mut().zip(columns) {
                    *value = column[row];
                }
            }
            for (splits, leaves) in self.splits.iter().zip(&self.leaves) {
                let mut at = [0; LANES];
                for _ in 0..DEPTH {
                    for (at, row) in at.iter_mut().zip(block.chunks_exact(width)) {
                        let Split { column, absent_right, threshold } = splits[*at];
                        let value = row[column as usize];
                        let right = (value >= threshold) | (value.is_nan() & absent_right);
                        *at = 2 * *at + 1 + usize::from(right);
                    }
                }
                for (prediction, at) in predictions.iter_mut().zip(at) {
                    *prediction += leaves[at - splits.len()];
                }
            }
        });
        predictions
    }
}

fn grow(
    columns: &[Vec<f64>],
    targets: &[f64],
    trees: usize,
    seed: u64,
) -> Result<GradientBooster, Error> {
    let mut booster = GradientBooster::default()
        .set_iterations(trees)
        .set_learning_rate(0.03)
        .set_max_depth(DEPTH)
        .set_max_leaves(usize::MAX)
        .set_subsample(0.7)
        .set_colsample_bytree(0.2)
        .set_nbins(64)
        // A few hundred rows are too few for several threads.
        .set_parallel(false)
        .set_objective_type(ObjectiveType::SquaredLoss)
        .set_sample_method(SampleMethod::Random)
        .set_initialize_base_score(true)
        .set_seed(seed);
    let data = columns.concat();
    let data = Matrix::new(&data, targets.len(), columns.len());
    booster
        .fit_unweighted(&data, targets, None)
        .map_err(|source| Error::Trees(Box::new(source)))?;
    Ok(booster)
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};

    use super::*;

    fn depth(tree: &Tree, node: usize) -> usize {
        let node = &tree.nodes[node];
        let below = [node.left_child, node.right_child];
        if node.is_leaf {
            0
        } else {
            1 + below.map(|child| depth(tree, child)).into_iter().max().unwrap()
        }
    }

    #[test]
    fn laid_out_trees_predict_the_same_as_the_grown_ones() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        let mut column = |absent: f64| -> Vec<f64> {
            let mut value = || {
                let absent = rng.random_bool(absent);
                if absent { f64::NAN } else { f64::from(rng.random_range(0..9)) }
            };
            (0..103).map(|_| value()).collect()
        };
        let columns = [0.0, 0.1, 0.6].repeat(5).into_iter().map(&mut column).collect::<Vec<_>>();
        let targets: Vec<f64> =
            (0..103).map(|row| columns[0][row] + columns[1][row].max(3.0)).collect();
        let grown = grow(&columns, &targets, 50, 1).unwrap();
        let expected = grown.predict(&Matrix::new(&columns.concat(), 103, 15), false);
        assert_eq!(grown.trees.iter().map(|tree| depth(tree, 0)).max(), Some(DEPTH));
        for (laid_out, expected) in
            BoostedTrees::lay_out(&grown).predict(&columns).iter().zip(expected)
        {
            approx::assert_relative_eq!(*laid_out, expected, epsilon = 1e-9);
        }
    }
}
