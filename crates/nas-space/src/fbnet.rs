//! FBNet (Wu et al. 2019, arXiv 1812.03443) as HW-NAS-Bench measured it (Li et al. 2021, arXiv
//! 2103.10584): 22 layers, each one of nine blocks; 9²² networks.
//!
//! A block is an inverted residual: a 1×1 convolution to `e` times the channels, a depthwise
//! convolution of kernel `k`, and a 1×1 convolution to the layer's channels, the 1×1 ones in `g`
//! groups, each with a batch normalisation. `skip` is the identity, or a 1×1 convolution with a
//! batch normalisation where a layer changes the channels or the size.

use std::sync::LazyLock;

use crate::{Arch, Decision, Space};

/// The blocks: an [`Arch`]'s choices are positions in here.
const BLOCKS: [Block; 9] = [
    Block::inverted("k3_e1", 3, 1, 1),
    Block::inverted("k3_e1_g2", 3, 1, 2),
    Block::inverted("k3_e3", 3, 3, 1),
    Block::inverted("k3_e6", 3, 6, 1),
    Block::inverted("k5_e1", 5, 1, 1),
    Block::inverted("k5_e1_g2", 5, 1, 2),
    Block::inverted("k5_e3", 5, 3, 1),
    Block::inverted("k5_e6", 5, 6, 1),
    Block { name: "skip", convolution: None },
];

/// Layers, output channels, stride of the first for 224×224 and for 32×32 images.
const STAGES: [(usize, u64, u64, u64); 7] = [
    (1, 16, 1, 1),
    (4, 24, 2, 1),
    (4, 32, 2, 2),
    (4, 64, 2, 2),
    (4, 112, 1, 1),
    (4, 184, 2, 2),
    (1, 352, 1, 1),
];

/// Layers that are decided.
pub const LAYERS: usize = 22;

/// Channels that the first decided layer reads.
const STEM: u64 = 16;

struct Block {
    name: &'static str,
    convolution: Option<Inverted>,
}

#[derive(Clone, Copy)]
struct Inverted {
    kernel: u64,
    expansion: u64,
    groups: u64,
}

impl Block {
    const fn inverted(name: &'static str, kernel: u64, expansion: u64, groups: u64) -> Self {
        Self { name, convolution: Some(Inverted { kernel, expansion, groups }) }
    }
}

/// The data sets that FBNet's costs are published for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// 32×32 images, 10 classes.
    Cifar10,
    /// 32×32 images, 100 classes.
    Cifar100,
    /// 224×224 images, 1,000 classes.
    ImageNet,
}

/// A decided layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Layer {
    /// Height and width of what it reads, in pixels.
    side: u64,
    from: u64,
    to: u64,
    stride: u64,
}

impl Input {
    fn classes(self) -> u64 {
        match self {
            Self::Cifar10 => 10,
            Self::Cifar100 => 100,
            Self::ImageNet => 1000,
        }
    }

    /// Channels between the head and the classifier.
    fn features(self) -> u64 {
        match self {
            Self::Cifar10 | Self::Cifar100 => 1504,
            Self::ImageNet => 1984,
        }
    }

    fn layers(self) -> Vec<Layer> {
        let mut layers = Vec::with_capacity(LAYERS);
        let (mut side, mut from) = match self {
            Self::Cifar10 | Self::Cifar100 => (32, STEM),
            Self::ImageNet => (112, STEM),
        };
        for (count, to, large, small) in STAGES {
            let first = if self == Self::ImageNet { large } else { small };
            for layer in 0..count {
                let stride = if layer == 0 { first } else { 1 };
                layers.push(Layer { side, from, to, stride });
                (side, from) = (side / stride, to);
            }
        }
        layers
    }
}

/// The space, with the layers in order as decisions.
pub fn space() -> &'static Space {
    static SPACE: LazyLock<Space> = LazyLock::new(|| {
        let decision = |layer: usize| {
            Decision::new(format!("layer {}", layer + 1), BLOCKS.iter().map(|block| block.name))
        };
        Space::new(
            "fbnet",
            "Inverted residual networks of 22 layers; each is a block of kernel k, expansion e and \
             groups g, or is skipped.",
            (0..LAYERS).map(decision).collect(),
            ["{}"; LAYERS].join(" "),
            None,
        )
        .expect("its parts fit together")
    });
    &SPACE
}

/// What HW-NAS-Bench calls each choice of each layer, for example
/// `ConvBlock_H32_W32_Cin16_Cout16_exp1_kernel3_stride1_group1`.
pub fn block_names(input: Input) -> Vec<Vec<String>> {
    let name = |layer: &Layer, block: &Block| {
        let Layer { side, from, to, stride } = layer;
        let place = format!("H{side}_W{side}_Cin{from}_Cout{to}");
        match block.convolution {
            Some(Inverted { kernel, expansion, groups }) => format!(
                "ConvBlock_{place}_exp{expansion}_kernel{kernel}_stride{stride}_group{groups}"
            ),
            None => format!("Skip_{place}_stride{stride}"),
        }
    };
    let layers = input.layers();
    layers.iter().map(|layer| BLOCKS.iter().map(|block| name(layer, block)).collect()).collect()
}

/// What HW-NAS-Bench calls the parts that are the same in all networks: stem, head, pooling and
/// classifier.
pub fn fixed_names(input: Input) -> [String; 4] {
    let (stem, side) = match input {
        Input::Cifar10 | Input::Cifar100 => ("H32_W32_Cin3_Cout16_kernel3_stride1_group1", 4),
        Input::ImageNet => ("H224_W224_Cin3_Cout16_kernel3_stride2_group1", 7),
    };
    let (features, classes) = (input.features(), input.classes());
    [
        format!("ConvNorm_{stem}"),
        format!("ConvNorm_H{side}_W{side}_Cin352_Cout{features}_kernel1_stride1_group1"),
        format!("AvgP_H{side}_W{side}_Cin{features}_Cout{features}_kernel{side}_stride1"),
        format!("FC_Cin{features}_Cout{classes}"),
    ]
}

/// Trainable parameters of a network, with stem, head and classifier.
pub fn parameters(arch: &Arch, input: Input) -> u64 {
    let normalised = |weights: u64, channels: u64| weights + 2 * channels;
    let decided = |(layer, &choice): (&Layer, &u8)| {
        let Layer { from, to, stride, .. } = *layer;
        match BLOCKS[usize::from(choice)].convolution {
            Some(Inverted { kernel, expansion, groups }) => {
                let inner = from * expansion;
                normalised(from * inner / groups, inner)
                    + normalised(kernel * kernel * inner, inner)
                    + normalised(inner * to / groups, to)
            }
            None if from == to && stride == 1 => 0,
            None => normalised(from * to, to),
        }
    };
    let layers = input.layers();
    let (features, classes) = (input.features(), input.classes());
    let last = layers.last().map_or(STEM, |layer| layer.to);
    normalised(3 * 9 * STEM, STEM)
        + layers.iter().zip(arch.choices()).map(decided).sum::<u64>()
        + normalised(last * features, features)
        + (features + 1) * classes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_nine_blocks_in_each_of_22_layers() {
        assert_eq!(space().decisions().len(), LAYERS);
        assert!(space().decisions().iter().all(|decision| decision.choices.len() == 9));
        // 9²² is more than 64 bits hold.
        assert_eq!(space().size(), None);
        let arch = Arch::new((0..22).map(|layer| layer % 9).collect::<Vec<u8>>());
        assert_eq!(space().parse(&space().format(&arch)).unwrap(), arch);
    }

    #[test]
    fn layers_read_what_the_ones_before_write() {
        for (input, last) in [(Input::Cifar100, 4), (Input::ImageNet, 7)] {
            let layers = input.layers();
            assert_eq!(layers.len(), LAYERS);
            for pair in layers.windows(2) {
                assert_eq!(pair[1].from, pair[0].to);
                assert_eq!(pair[1].side, pair[0].side / pair[0].stride);
            }
            assert_eq!(layers[21].side, last);
        }
    }

    #[test]
    fn parameters_are_those_counted_by_hand() {
        let all = |choice: u8| parameters(&Arch::new([choice; LAYERS]), Input::Cifar100);
        // Stem, head and classifier, and the seven layers that change channels or size; the first
        // layer does neither.
        let fixed = (432 + 32) + (352 * 1504 + 3008) + 1505 * 100;
        let changes = [(16, 24), (24, 32), (32, 64), (64, 112), (112, 184), (184, 352)];
        let skipped: u64 = changes.iter().map(|(from, to)| from * to + 2 * to).sum();
        assert_eq!(all(8), fixed + skipped);
        // One layer of 16 channels more: 16·48 + 2·48, 9·48 + 2·48, 48·16 + 2·16.
        let mut one = vec![8; LAYERS];
        one[0] = 2;
        let one = parameters(&Arch::new(one), Input::Cifar100);
        assert_eq!(one - all(8), 768 + 96 + 432 + 96 + 768 + 32);
        // Two groups halve the 1×1 convolutions.
        let mut grouped = vec![8; LAYERS];
        grouped[0] = 1;
        let grouped = parameters(&Arch::new(grouped), Input::Cifar100);
        assert_eq!(grouped - all(8), 128 + 32 + 144 + 32 + 128 + 32);
    }
}
