//! The graph of a cell space.

use serde::{Deserialize, Serialize};

/// The graph of a cell space: decision `i` chooses the operation on edge `i`.
///
/// Node 0 is the cell's input, the last node its output; a node is the sum of its incoming
/// edges. One choice removes an edge, another passes its input on unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// Source and target node of each edge; a source is smaller than its target.
    pub edges: Vec<(usize, usize)>,
    /// The choice that removes an edge.
    pub none: String,
    /// The choice that passes its input on unchanged.
    pub identity: String,
}

impl Cell {
    /// What is wrong with it in a space of so many decisions, if anything is.
    pub(crate) fn invalid(&self, decisions: usize) -> Option<String> {
        let edges = self.edges.len();
        if edges != decisions || decisions > 250 {
            return Some(format!(
                "its cell has {edges} edges for {decisions} decisions, expected as many, at most 250"
            ));
        }
        self.edges
            .iter()
            .find(|(source, target)| source >= target)
            .map(|(source, target)| format!("its cell's edge {source}→{target} runs backwards"))
    }

    /// The output node.
    pub(crate) fn output(&self) -> usize {
        self.edges.iter().map(|&(_, target)| target).max().unwrap_or(0)
    }

    /// Edges in an order in which every source is complete before it is used.
    pub(crate) fn forward_order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.edges.len()).collect();
        order.sort_by_key(|&edge| self.edges[edge]);
        order
    }
}
