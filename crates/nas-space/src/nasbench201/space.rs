//! The space itself: edges, operations, and which operation each edge carries.

use std::sync::LazyLock;

use crate::{Arch, Cell, Decision, Space};

/// Source and target node of each edge, in the order of an [`Arch`]'s choices.
pub const EDGES: [(usize, usize); 6] = [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)];

/// The operations, in the benchmark's own order: an [`Arch`]'s choices are these as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// No connection.
    None,
    /// The input, unchanged.
    SkipConnect,
    /// ReLU, 1×1 convolution, batch normalisation.
    NorConv1x1,
    /// ReLU, 3×3 convolution, batch normalisation.
    NorConv3x3,
    /// 3×3 average pooling, stride 1; padding does not count.
    AvgPool3x3,
}

impl Operation {
    /// All operations; their positions are an [`Arch`]'s choices.
    pub const ALL: [Self; 5] =
        [Self::None, Self::SkipConnect, Self::NorConv1x1, Self::NorConv3x3, Self::AvgPool3x3];

    /// The benchmark's name, for example `nor_conv_3x3`.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::SkipConnect => "skip_connect",
            Self::NorConv1x1 => "nor_conv_1x1",
            Self::NorConv3x3 => "nor_conv_3x3",
            Self::AvgPool3x3 => "avg_pool_3x3",
        }
    }
}

impl Operation {
    /// What it does.
    fn description(self) -> &'static str {
        match self {
            Self::None => "nothing",
            Self::SkipConnect => "the input unchanged",
            Self::NorConv1x1 => "a weighted mix of the channels of each position",
            Self::NorConv3x3 => "a weighted mix of the channels of 3 by 3 positions",
            Self::AvgPool3x3 => "the mean of 3 by 3 positions",
        }
    }
}

static SPACE: LazyLock<Space> = LazyLock::new(|| {
    let names = Operation::ALL.map(Operation::name);
    let decisions = EDGES
        .iter()
        .map(|(source, target)| Decision::new(format!("{source}→{target}"), names))
        .collect();
    Space::new(
        "nasbench201",
        "NAS-Bench-201: a cell of four nodes; each node is the sum of its incoming edges, and \
         each of the six edges carries one of five operations. The network stacks 15 such cells \
         in three stages of 16, 32 and 64 channels.",
        decisions,
        "|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|",
        Some(Cell {
            edges: EDGES.to_vec(),
            none: Operation::None.name().to_owned(),
            identity: Operation::SkipConnect.name().to_owned(),
        }),
    )
    .expect("the description of NAS-Bench-201 is consistent, which the tests check")
    .with_short_names(&[
        ("none", "-"),
        ("skip_connect", "skip"),
        ("nor_conv_1x1", "1x1"),
        ("nor_conv_3x3", "3x3"),
        ("avg_pool_3x3", "pool"),
    ])
    .with_descriptions(
        Operation::ALL
            .map(|operation| (operation.name().to_owned(), operation.description().to_owned())),
    )
});

/// The space itself.
pub fn space() -> &'static Space {
    &SPACE
}

/// The operation on each edge, in the order of [`EDGES`].
///
/// Choices beyond the space count as [`Operation::None`].
pub fn operations(arch: &Arch) -> [Operation; 6] {
    std::array::from_fn(|edge| {
        let choice = arch.choices().get(edge).map_or(0, |&choice| usize::from(choice));
        Operation::ALL.get(choice).copied().unwrap_or(Operation::None)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nasbench201::from_index;

    #[test]
    fn short_names_fit_a_narrow_table() {
        let first = from_index(0).unwrap();
        assert_eq!(space().short(&first), "pool 1x1 skip 1x1 skip skip");
    }
}
