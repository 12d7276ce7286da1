//! What a search reports while it runs.

use nas_partition::{Niche, Ranked};

use crate::{BoxError, Evaluated, KnowledgeBase, Rejections, State};

/// What happens in a search, reported as it happens.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// An architecture was evaluated.
    Evaluated {
        /// The architecture with its objectives.
        evaluated: &'a Evaluated,
        /// Architectures on the front of all niches now.
        front: usize,
        /// Evaluations so far, including this one.
        done: usize,
    },
    /// An evaluator that learns obtained more trained accuracies.
    Trained {
        /// Trained accuracies so far.
        trained: usize,
        /// Evaluations so far.
        done: usize,
    },
    /// A generation ended.
    Generation {
        /// Its number; 0 is the initial sample.
        generation: usize,
        /// Evaluations so far.
        done: usize,
        /// Architectures on the front of all niches.
        front: usize,
        /// Everything evaluated so far.
        evaluated: &'a [Evaluated],
        /// The niches now.
        niches: &'a [Niche],
        /// Proposals that were rejected in this generation.
        rejections: Rejections,
        /// The knowledge base now.
        knowledge: &'a KnowledgeBase,
        /// The state from which the search can be [resumed](crate::Search::resume); `None` where
        /// the proposer or the evaluator keeps a state of its own.
        state: Option<&'a State>,
    },
    /// The space was cut into niches by what was evaluated so far.
    Partitioned {
        /// The partition, and how much of the cost it explains.
        ranked: &'a Ranked,
        /// Evaluations so far.
        done: usize,
    },
    /// A proposer failed for one niche; the search continues without its proposals.
    ProposerFailed {
        /// The niche, by its position.
        niche: usize,
        /// The generation's number.
        generation: usize,
        /// The proposer's error.
        error: &'a BoxError,
    },
}
