//! NAS-Bench-201 (Dong & Yang 2020, arXiv 2001.00326): cells of four nodes whose six edges each
//! carry one of five operations; 15,625 cells.
//!
//! Two text forms are in use. They order the edges differently, which has misled many:
//!
//! | form | edges in order | example |
//! | --- | --- | --- |
//! | arch string | 0→1, 0→2, 1→2, 0→3, 1→3, 2→3 | <code>\|avg_pool_3x3~0\|+\|nor_conv_1x1~0\|skip_connect~1\|+…</code> |
//! | op tuple | 0→1, 0→2, 0→3, 1→2, 1→3, 2→3 | `(4, 3, 3, 0, 0, 0)` |
//!
//! In the op tuple (NASLib, NAS-Bench-Suite-Zero) 0 is `skip_connect`, 1 `none`,
//! 2 `nor_conv_3x3`, 3 `nor_conv_1x1`, 4 `avg_pool_3x3`. An [`Arch`] of this space holds the
//! edges in the arch string's order and the operations in [`Operation`]'s.

mod class;
mod cost;
mod index;
mod op_tuple;

use std::{fmt, str::FromStr, sync::LazyLock};

pub use class::{CLASSES, class, distinct_cells, representative, unique_string};
pub use cost::{flops, parameters, pruned_flops, pruned_parameters};
pub use index::{CELLS, from_index, index};
pub use op_tuple::{op_tuple, parse_op_tuple};

use crate::{Arch, Cell, Decision, Error, Space};

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

/// The data sets of NAS-Bench-201.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dataset {
    /// CIFAR-10: 32×32 images, 10 classes.
    Cifar10,
    /// CIFAR-100: 32×32 images, 100 classes.
    Cifar100,
    /// ImageNet16-120: 16×16 images, 120 classes.
    ImageNet16_120,
}

impl Dataset {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Cifar10, Self::Cifar100, Self::ImageNet16_120];

    /// The name in the benchmark's files: `cifar10`, `cifar100`, `ImageNet16-120`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cifar10 => "cifar10",
            Self::Cifar100 => "cifar100",
            Self::ImageNet16_120 => "ImageNet16-120",
        }
    }

    /// The number of classes.
    pub fn classes(self) -> usize {
        match self {
            Self::Cifar10 => 10,
            Self::Cifar100 => 100,
            Self::ImageNet16_120 => 120,
        }
    }

    /// Height and width of an image, in pixels.
    pub fn image_size(self) -> usize {
        match self {
            Self::Cifar10 | Self::Cifar100 => 32,
            Self::ImageNet16_120 => 16,
        }
    }
}

impl fmt::Display for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Dataset {
    type Err = Error;

    /// Reads a name; upper and lower case are the same.
    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|dataset| dataset.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| Error::unknown_name("dataset", name, Self::ALL.map(Self::name)))
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
});

/// The space itself.
pub fn space() -> &'static Space {
    &SPACE
}

/// A cell from any of its forms, which their beginnings tell apart: arch string, op tuple, index, or
/// the operations' names, short or in full, as [`Space::short`] writes them.
///
/// # Errors
/// Those of the form that the text looks like.
pub fn parse(text: &str) -> Result<Arch, Error> {
    let text = text.trim();
    if text.starts_with('|') {
        parse_arch_str(text)
    } else if text.starts_with('(') {
        parse_op_tuple(text)
    } else if let Ok(index) = text.parse::<usize>() {
        from_index(index)
    } else {
        space().parse_short(text)
    }
}

/// A cell from the benchmark's arch string.
///
/// # Errors
/// [`Error::Text`] with the position of the first character that does not fit.
pub fn parse_arch_str(text: &str) -> Result<Arch, Error> {
    space().parse(text)
}

/// The benchmark's arch string of a cell.
pub fn arch_str(arch: &Arch) -> String {
    space().format(arch)
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

    #[test]
    fn all_cells_read_back_from_both_codecs() {
        for arch in space().enumerate() {
            assert_eq!(parse_arch_str(&arch_str(&arch)), Ok(arch.clone()));
            assert_eq!(parse_op_tuple(&op_tuple(&arch)), Ok(arch));
        }
    }

    #[test]
    fn all_forms_name_the_same_cell() {
        let first = from_index(0).unwrap();
        let forms = [" 0", "(4, 3, 3, 0, 0, 0)", &arch_str(&first), &space().short(&first)];
        for text in forms {
            assert_eq!(parse(text).unwrap(), first, "{text}");
        }
        assert!(parse("15625").is_err());
    }

    #[test]
    fn an_unknown_operation_is_pointed_at_with_the_nearest_name() {
        let text = "|nor_conv_5x5~0|+|none~0|none~1|+|none~0|none~1|none~2|";
        let message = parse_arch_str(text).unwrap_err().to_string();
        assert!(
            message.contains(
                "unknown operation `nor_conv_5x5`, did you mean `nor_conv_3x3`? at position 1"
            ),
            "{message}"
        );
    }

    #[test]
    fn short_names_fit_a_narrow_table() {
        let first = from_index(0).unwrap();
        assert_eq!(space().short(&first), "pool 1x1 skip 1x1 skip skip");
    }

    #[test]
    fn dataset_names_read_back_in_any_case() {
        for dataset in Dataset::ALL {
            assert_eq!(dataset.name().to_lowercase().parse(), Ok(dataset));
        }
        let message = "cifar11".parse::<Dataset>().unwrap_err().to_string();
        assert!(message.contains("did you mean `cifar10`?"), "{message}");
    }
}
