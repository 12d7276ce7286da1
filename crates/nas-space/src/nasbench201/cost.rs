//! Parameters and FLOPs of the network around a cell.

use super::{
    dataset::Dataset,
    space::{Operation, operations, space},
};
use crate::Arch;

/// The cost of a network without its cells' operations: stem, reduction blocks and classifier.
struct Base {
    parameters: u64,
    flops: u64,
}

/// As the benchmark counts them for the cell without operations.
fn base(dataset: Dataset) -> Base {
    match dataset {
        Dataset::Cifar10 => Base { parameters: 73_306, flops: 7_943_872 },
        Dataset::Cifar100 => Base { parameters: 79_156, flops: 7_949_722 },
        Dataset::ImageNet16_120 => Base { parameters: 80_456, flops: 1_993_792 },
    }
}

/// Parameters that one operation adds to the network: 15 cells in stages of 16, 32 and 64
/// channels, with a batch normalisation behind each convolution.
fn operation_parameters(operation: Operation) -> u64 {
    const CHANNELS: [u64; 3] = [16, 32, 64];
    const CELLS_PER_STAGE: u64 = 5;
    let convolution = |kernel: u64| {
        let per_cell = CHANNELS.iter().map(|c| kernel * kernel * c * c + 2 * c).sum::<u64>();
        CELLS_PER_STAGE * per_cell
    };
    match operation {
        Operation::NorConv1x1 => convolution(1),
        Operation::NorConv3x3 => convolution(3),
        Operation::None | Operation::SkipConnect | Operation::AvgPool3x3 => 0,
    }
}

/// FLOPs that one operation adds, at 32×32 pixels, by the benchmark's convention:
/// multiply-accumulates, plus 3 for each element that ReLU and batch normalisation touch, and
/// 9 for each element that is pooled.
fn operation_flops(operation: Operation) -> u64 {
    match operation {
        Operation::NorConv1x1 => 4_362_240,
        Operation::NorConv3x3 => 35_819_520,
        Operation::AvgPool3x3 => 1_290_240,
        Operation::None | Operation::SkipConnect => 0,
    }
}

/// Trainable parameters of the network of a cell as written, unreachable operations included.
pub fn parameters(arch: &Arch, dataset: Dataset) -> u64 {
    let added: u64 = operations(arch).into_iter().map(operation_parameters).sum();
    base(dataset).parameters + added
}

/// FLOPs of one image through the network of a cell as written, by the benchmark's convention,
/// unreachable operations included. The benchmark publishes them in millions.
pub fn flops(arch: &Arch, dataset: Dataset) -> u64 {
    let added: u64 = operations(arch).into_iter().map(operation_flops).sum();
    let side = dataset.image_size() as u64;
    base(dataset).flops + added * side * side / (32 * 32)
}

/// [`parameters`] of the cell without its unreachable operations.
pub fn pruned_parameters(arch: &Arch, dataset: Dataset) -> u64 {
    parameters(&space().prune(arch), dataset)
}

/// [`flops`] of the cell without its unreachable operations.
pub fn pruned_flops(arch: &Arch, dataset: Dataset) -> u64 {
    flops(&space().prune(arch), dataset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_all_3x3_cell_has_the_published_size() {
        let arch = Arch::new([3; 6]);
        assert_eq!(parameters(&arch, Dataset::Cifar10), 1_531_546);
        assert_eq!(flops(&arch, Dataset::Cifar10), 222_860_992);
    }

    #[test]
    fn pruning_drops_what_an_unreachable_convolution_cost() {
        // The 3×3 convolution on 0→1 has no path to the output.
        let arch = Arch::new([3, 0, 0, 1, 0, 0]);
        assert_eq!(parameters(&arch, Dataset::Cifar10), 73_306 + 243_040);
        assert_eq!(pruned_parameters(&arch, Dataset::Cifar10), 73_306);
        assert_eq!(pruned_flops(&arch, Dataset::Cifar10), 7_943_872);
    }
}
