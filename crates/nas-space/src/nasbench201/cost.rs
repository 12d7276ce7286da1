//! Parameters and FLOPs of the network around a cell.

use super::{
    dataset::Dataset,
    space::{Operation, operations, space},
};
use crate::{Arch, Task};

/// Pixels of an image of CIFAR.
const PIXELS: u64 = 32 * 32;

fn pixels(task: Task) -> u64 {
    (task.side as u64).pow(2)
}

/// Weights of the stem for each channel of an image, and of the classifier for each class.
const STEM: u64 = 9 * 16;
const CLASSIFIER: u64 = 64 + 1;

/// Parameters of a network without its cells' operations: stem, reduction blocks and classifier.
fn base_parameters(task: Task) -> u64 {
    72_224 + STEM * task.channels as u64 + CLASSIFIER * task.classes as u64
}

/// FLOPs of the same, as the benchmark counts them for the cell without operations.
fn base_flops(task: Task) -> u64 {
    // More by 187 than the same layers have for a quarter of CIFAR's pixels.
    if task == Dataset::ImageNet16_120.into() {
        return 1_993_792;
    }
    let blocks = 7_500_854 * pixels(task) / PIXELS;
    blocks + STEM * task.channels as u64 * pixels(task) + CLASSIFIER * task.classes as u64
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
pub fn parameters(arch: &Arch, task: impl Into<Task>) -> u64 {
    let added: u64 = operations(arch).into_iter().map(operation_parameters).sum();
    base_parameters(task.into()) + added
}

/// FLOPs of one image through the network of a cell as written, by the benchmark's convention,
/// unreachable operations included. The benchmark publishes them in millions.
///
/// Those of other images than the benchmark's are in proportion to their pixels, which is exact where the side
/// is a multiple of four.
pub fn flops(arch: &Arch, task: impl Into<Task>) -> u64 {
    let task = task.into();
    let added: u64 = operations(arch).into_iter().map(operation_flops).sum();
    base_flops(task) + added * pixels(task) / PIXELS
}

/// [`parameters`] of the cell without its unreachable operations.
pub fn pruned_parameters(arch: &Arch, task: impl Into<Task>) -> u64 {
    parameters(&space().prune(arch), task)
}

/// [`flops`] of the cell without its unreachable operations.
pub fn pruned_flops(arch: &Arch, task: impl Into<Task>) -> u64 {
    flops(&space().prune(arch), task)
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
    fn the_rest_of_the_network_has_the_published_size_on_each_data_set() {
        let nothing = Arch::new([0; 6]);
        for (dataset, published) in [
            (Dataset::Cifar10, (73_306, 7_943_872)),
            (Dataset::Cifar100, (79_156, 7_949_722)),
            (Dataset::ImageNet16_120, (80_456, 1_993_792)),
        ] {
            assert_eq!((parameters(&nothing, dataset), flops(&nothing, dataset)), published);
        }
    }

    #[test]
    fn grey_images_have_a_smaller_stem() {
        let arch = Arch::new([3; 6]);
        let [grey, colours] = [1, 3].map(|channels| Task { channels, side: 64, classes: 10 });
        assert_eq!(parameters(&arch, colours) - parameters(&arch, grey), 2 * 9 * 16);
        assert_eq!(flops(&arch, colours) - flops(&arch, grey), 2 * 9 * 16 * 64 * 64);
        // Four times the pixels of CIFAR's, and one classifier.
        let of_cifar = flops(&arch, Dataset::Cifar10);
        assert_eq!(flops(&arch, colours), 4 * of_cifar - 3 * 650);
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
