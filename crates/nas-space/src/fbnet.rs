//! FBNet (Wu et al. 2019, arXiv 1812.03443) as HW-NAS-Bench measured it (Li et al. 2021, arXiv
//! 2103.10584): 22 layers, each one of nine blocks; 9²² networks.
//!
//! A block is an inverted residual: a 1×1 convolution to `e` times the channels, a depthwise
//! convolution of kernel `k`, and a 1×1 convolution to the layer's channels, the 1×1 ones in `g`
//! groups, each with a batch normalisation. `skip` is the identity, or a 1×1 convolution with a
//! batch normalisation where a layer changes the channels or the size.

use std::{str::FromStr, sync::LazyLock};

use crate::{Arch, Decision, Error, Space, Task};

/// The blocks: an [`Arch`]'s choices are positions in this list.
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

/// The side of images from which networks are laid out as for ImageNet, in pixels.
const LARGE: usize = 96;

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

/// The number of layers that the space decides.
pub const LAYERS: usize = 22;

/// Channels that the first decided layer reads.
pub const STEM: u64 = 16;

struct Block {
    name: &'static str,
    convolution: Option<Inverted>,
}

/// An inverted residual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inverted {
    /// Height and width of the depthwise convolution's kernel.
    pub kernel: u64,
    /// Channels inside for each input channel.
    pub expansion: u64,
    /// Groups of the 1×1 convolutions.
    pub groups: u64,
}

impl Block {
    const fn inverted(name: &'static str, kernel: u64, expansion: u64, groups: u64) -> Self {
        Self { name, convolution: Some(Inverted { kernel, expansion, groups }) }
    }
}

/// The data sets for which FBNet's costs are published.
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
pub struct Layer {
    /// Height and width of its input, in pixels.
    pub side: u64,
    /// Channels of its input.
    pub from: u64,
    /// Channels of its output.
    pub to: u64,
    /// 2 where it halves height and width.
    pub stride: u64,
}

impl Layer {
    /// Whether its output has the shape of its input.
    pub fn keeps_shape(self) -> bool {
        self.from == self.to && self.stride == 1
    }
}

impl From<Input> for Task {
    fn from(input: Input) -> Self {
        let (side, classes) = (input.image_size() as usize, input.classes() as usize);
        Self { channels: 3, side, classes }
    }
}

impl FromStr for Input {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|input| input.name().eq_ignore_ascii_case(name));
        let known = Self::ALL.map(Self::name);
        found.ok_or_else(|| Error::unknown_name("data set", name, known))
    }
}

impl Input {
    /// All data sets.
    pub const ALL: [Self; 3] = [Self::Cifar10, Self::Cifar100, Self::ImageNet];

    /// Its name in arguments and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cifar10 => "cifar10",
            Self::Cifar100 => "cifar100",
            Self::ImageNet => "imagenet",
        }
    }

    /// Height and width of an image, in pixels.
    pub fn image_size(self) -> u64 {
        match self {
            Self::Cifar10 | Self::Cifar100 => 32,
            Self::ImageNet => 224,
        }
    }

    /// Pixels of an image for each pixel of the stem's output, along a side.
    pub fn stem_stride(self) -> u64 {
        match self {
            Self::Cifar10 | Self::Cifar100 => 1,
            Self::ImageNet => 2,
        }
    }

    /// Classes of images.
    pub fn classes(self) -> u64 {
        match self {
            Self::Cifar10 => 10,
            Self::Cifar100 => 100,
            Self::ImageNet => 1000,
        }
    }

    /// Channels between the head and the classifier.
    pub fn features(self) -> u64 {
        match self {
            Self::Cifar10 | Self::Cifar100 => 1504,
            Self::ImageNet => 1984,
        }
    }

    /// The layout of networks for images of so many pixels along a side: that for ImageNet from 96 on, else that
    /// for CIFAR.
    pub fn layout_for(side: usize) -> Self {
        if side < LARGE { Self::Cifar10 } else { Self::ImageNet }
    }

    /// The layers for images of so many pixels along a side.
    fn layers(self, side: u64) -> Vec<Layer> {
        let mut layers = Vec::with_capacity(LAYERS);
        let (mut side, mut from) = (side.div_ceil(self.stem_stride()), STEM);
        for (count, to, large, small) in STAGES {
            let first = if self == Self::ImageNet { large } else { small };
            for layer in 0..count {
                let stride = if layer == 0 { first } else { 1 };
                layers.push(Layer { side, from, to, stride });
                (side, from) = (side.div_ceil(stride), to);
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
        .with_descriptions(BLOCKS.iter().map(|block| {
            let description = match block.convolution {
                Some(Inverted { kernel, expansion, groups }) => {
                    let groups = if groups > 1 { " in two groups" } else { "" };
                    format!(
                        "{kernel} by {kernel} positions with {expansion} times the channels{groups}"
                    )
                }
                None => "the input unchanged".to_owned(),
            };
            (block.name.to_owned(), description)
        }))
    });
    &SPACE
}

/// The names in HW-NAS-Bench of each choice of each layer, for example
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
    let layers = input.layers(input.image_size());
    layers.iter().map(|layer| BLOCKS.iter().map(|block| name(layer, block)).collect()).collect()
}

/// The names in HW-NAS-Bench of the parts that all networks share: stem, head, pooling and
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

/// The decided layers of a network, in order, each with its block; `None` for `skip`.
///
/// # Errors
/// Those of [`Space::check`].
pub fn layers(arch: &Arch, input: Input) -> Result<Vec<(Layer, Option<Inverted>)>, Error> {
    space().check(arch)?;
    Ok(blocks(arch, input, input.image_size()).collect())
}

fn blocks(arch: &Arch, input: Input, side: u64) -> impl Iterator<Item = (Layer, Option<Inverted>)> {
    let block = |(layer, &choice): (Layer, &u8)| (layer, BLOCKS[usize::from(choice)].convolution);
    input.layers(side).into_iter().zip(arch.choices()).map(block)
}

/// Channels of the head's input.
const LAST: u64 = STAGES[STAGES.len() - 1].1;

/// Trainable parameters of a network, with stem, head and classifier; for images of other sides than the data
/// sets' it has the [layout](Input::layout_for) for those.
pub fn parameters(arch: &Arch, task: impl Into<Task>) -> u64 {
    let task = task.into();
    let input = Input::layout_for(task.side);
    let normalised = |weights: u64, channels: u64| weights + 2 * channels;
    let decided = |(layer, block): (Layer, Option<Inverted>)| {
        let Layer { from, to, .. } = layer;
        match block {
            Some(Inverted { kernel, expansion, groups }) => {
                let inner = from * expansion;
                normalised(from * inner / groups, inner)
                    + normalised(kernel * kernel * inner, inner)
                    + normalised(inner * to / groups, to)
            }
            None if layer.keeps_shape() => 0,
            None => normalised(from * to, to),
        }
    };
    let (features, classes) = (input.features(), task.classes as u64);
    normalised(task.channels as u64 * 9 * STEM, STEM)
        + blocks(arch, input, task.side as u64).map(decided).sum::<u64>()
        + normalised(LAST * features, features)
        + (features + 1) * classes
}

/// Multiply-accumulates of one image, of convolutions and the classifier, of the same network.
pub fn flops(arch: &Arch, task: impl Into<Task>) -> u64 {
    let task = task.into();
    let (input, side) = (Input::layout_for(task.side), task.side as u64);
    let decided = |(layer, block): (Layer, Option<Inverted>)| {
        let Layer { side, from, to, stride } = layer;
        let (read, written) = (side.pow(2), side.div_ceil(stride).pow(2));
        match block {
            Some(Inverted { kernel, expansion, groups }) => {
                let inner = from * expansion;
                read * from * inner / groups
                    + written * kernel * kernel * inner
                    + written * inner * to / groups
            }
            None if layer.keeps_shape() => 0,
            None => written * from * to,
        }
    };
    let (features, classes) = (input.features(), task.classes as u64);
    let stem = side.div_ceil(input.stem_stride()).pow(2);
    let layers = input.layers(side);
    let last = layers.last().map_or(1, |layer| layer.side.div_ceil(layer.stride).pow(2));
    stem * task.channels as u64 * 9 * STEM
        + blocks(arch, input, side).map(decided).sum::<u64>()
        + last * LAST * features
        + features * classes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_nine_blocks_in_each_of_22_layers() {
        assert_eq!(space().decisions().len(), LAYERS);
        assert!(space().decisions().iter().all(|decision| decision.choices.len() == 9));
        // 9²² exceeds 64 bits.
        assert_eq!(space().size(), None);
        let arch = Arch::new((0..22).map(|layer| layer % 9).collect::<Vec<u8>>());
        assert_eq!(space().parse(&space().format(&arch)).unwrap(), arch);
    }

    #[test]
    fn the_input_of_a_layer_is_the_output_of_the_one_before() {
        for (input, last) in [(Input::Cifar100, 4), (Input::ImageNet, 7)] {
            let layers = input.layers(input.image_size());
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
