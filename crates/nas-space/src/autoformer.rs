//! AutoFormer (Chen et al. 2021, arXiv 2107.00651): vision transformers whose width, depth, and
//! each layer's heads and MLP ratio are searched.
//!
//! The query, key and value dimension of a layer is 64 for each of its heads: AutoFormer fixes that
//! ratio, and the ranges that its table 1 gives for both are the same. The decisions of
//! a layer beyond the depth are inactive.

use std::sync::LazyLock;

use crate::{Arch, Decision, Error, Space, Task};

/// The three spaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Size {
    /// 5.4 to 10.5 million parameters.
    Tiny,
    /// 13 to 35 million parameters.
    Small,
    /// 40 to 77 million parameters.
    Base,
}

/// The choices of a space's decisions.
struct Ranges {
    embedding: [u64; 3],
    depth: [u64; 3],
    /// MLP ratios, times two: they are whole or end in a half.
    doubled_ratios: &'static [u64],
    heads: &'static [u64],
}

/// A network of the space.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// Channels of every token.
    pub embedding: u64,
    /// The layers, as many as the network is deep.
    pub layers: Vec<Layer>,
}

/// A transformer layer: attention, then an MLP, each after a layer normalisation and around a
/// residual connection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Layer {
    /// Attention heads.
    pub heads: u64,
    /// Channels of the hidden layer of the MLP for each channel of a token.
    pub mlp_ratio: f64,
}

/// Channels of query, key and value in each head.
pub const HEAD: u64 = 64;

/// Pixels along a side of a patch.
pub const PATCH: u64 = 16;

/// The distance, in patches along a side, beyond which all have the same relative position.
pub const DISTANCE: u64 = 14;

/// Decisions before those of the layers, and of each layer.
const BEFORE: usize = 2;
const EACH: usize = 2;

impl Size {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Tiny, Self::Small, Self::Base];

    /// The name of the space.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tiny => "autoformer-tiny",
            Self::Small => "autoformer-small",
            Self::Base => "autoformer-base",
        }
    }

    fn ranges(self) -> Ranges {
        match self {
            Self::Tiny => Ranges {
                embedding: [192, 216, 240],
                depth: [12, 13, 14],
                doubled_ratios: &[7, 8],
                heads: &[3, 4],
            },
            Self::Small => Ranges {
                embedding: [320, 384, 448],
                depth: [12, 13, 14],
                doubled_ratios: &[6, 7, 8],
                heads: &[5, 6, 7],
            },
            Self::Base => Ranges {
                embedding: [528, 576, 624],
                depth: [14, 15, 16],
                doubled_ratios: &[6, 7, 8],
                heads: &[8, 9, 10],
            },
        }
    }

    /// The space: embedding dimension, depth, then MLP ratio and heads of each layer.
    pub fn space(self) -> &'static Space {
        static SPACES: LazyLock<[Space; 3]> = LazyLock::new(|| Size::ALL.map(build));
        &SPACES[self as usize]
    }

    /// The network of an architecture of the space.
    ///
    /// # Errors
    /// Those of [`Space::check`].
    pub fn network(self, arch: &Arch) -> Result<Network, Error> {
        self.space().check(arch)?;
        let Ranges { embedding, depth, doubled_ratios, heads } = self.ranges();
        let choice = |at: usize| usize::from(arch.choices()[at]);
        let layer = |layer: usize| Layer {
            mlp_ratio: doubled_ratios[choice(BEFORE + EACH * layer)] as f64 / 2.0,
            heads: heads[choice(BEFORE + EACH * layer + 1)],
        };
        Ok(Network {
            embedding: embedding[choice(0)],
            layers: (0..depth[choice(1)] as usize).map(layer).collect(),
        })
    }

    /// The architecture of a network of the space.
    ///
    /// # Errors
    /// [`Error::UnknownName`] for the first number that the space does not choose from.
    pub fn arch(self, network: &Network) -> Result<Arch, Error> {
        let space = self.space();
        let mut choices = vec![0; space.decisions().len()];
        let mut choose = |at: usize, name: String| {
            choices[at] = space.decisions()[at].choice(&name)?;
            Ok::<(), Error>(())
        };
        choose(0, network.embedding.to_string())?;
        choose(1, network.layers.len().to_string())?;
        for (at, layer) in network.layers.iter().enumerate() {
            choose(BEFORE + EACH * at, layer.mlp_ratio.to_string())?;
            choose(BEFORE + EACH * at + 1, layer.heads.to_string())?;
        }
        Ok(Arch::new(choices))
    }
}

fn build(size: Size) -> Space {
    let Ranges { embedding, depth, doubled_ratios, heads } = size.ranges();
    let names = |values: &[u64]| values.iter().map(u64::to_string).collect::<Vec<_>>();
    let ratios = || doubled_ratios.iter().map(|doubled| (*doubled as f64 / 2.0).to_string());
    let mut decisions = vec![
        Decision::new("embedding dimension", names(&embedding)),
        Decision::new("depth", names(&depth)),
    ];
    for layer in 1..=depth[2] {
        let deep_enough = (0..).zip(depth).filter(|(_, depth)| *depth >= layer);
        let deep_enough: Vec<u8> = deep_enough.map(|(choice, _)| choice).collect();
        for decision in [
            Decision::new(format!("MLP ratio {layer}"), ratios()),
            Decision::new(format!("heads {layer}"), names(heads)),
        ] {
            let always = deep_enough.len() == depth.len();
            decisions.push(if always {
                decision
            } else {
                decision.active_while(1, deep_enough.clone())
            });
        }
    }
    let layers = vec!["{}x{}"; depth[2] as usize].join(" ");
    Space::new(
        size.name(),
        "Vision transformers (AutoFormer): tokens of the embedding dimension, as many layers as the \
         depth; each layer has attention heads of 64 channels and an MLP whose hidden layer is the \
         MLP ratio times as wide. Layers beyond the depth do not count.",
        decisions,
        format!("{{}} {{}}: {layers}"),
        None,
    )
    .expect("its parts fit together")
}

/// Patches of an image.
fn patches(task: Task) -> u64 {
    (task.side as u64 / PATCH).pow(2)
}

impl Network {
    /// Trainable parameters, with patch embedding, absolute and relative positions and a classifier.
    pub fn parameters(&self, task: Task) -> u64 {
        let width = self.embedding;
        let linear = |from: u64, to: u64| from * to + to;
        let norm = 2 * width;
        let patches = patches(task);
        // Vertical and horizontal distances in either direction, none, and the class token's, for
        // keys and for values.
        let relative = 2 * 2 * (2 * DISTANCE + 2) * HEAD;
        let layer = |layer: &Layer| {
            let (attended, hidden) = (layer.heads * HEAD, self.hidden(layer));
            norm + linear(width, 3 * attended)
                + relative
                + linear(attended, width)
                + norm
                + linear(width, hidden)
                + linear(hidden, width)
        };
        linear(task.channels as u64 * PATCH * PATCH, width)
            + width * (1 + 1 + patches)
            + self.layers.iter().map(layer).sum::<u64>()
            + norm
            + linear(width, task.classes as u64)
    }

    /// Multiply-accumulates of one image: of the patch embedding, the linear layers, and attention's
    /// products of queries with keys and of weights with values. Relative positions are not counted.
    pub fn flops(&self, task: Task) -> u64 {
        let width = self.embedding;
        let patches = patches(task);
        let tokens = patches + 1;
        let layer = |layer: &Layer| {
            let (attended, hidden) = (layer.heads * HEAD, self.hidden(layer));
            tokens * width * (4 * attended + 2 * hidden) + 2 * tokens.pow(2) * attended
        };
        patches * task.channels as u64 * PATCH * PATCH * width
            + self.layers.iter().map(layer).sum::<u64>()
            + width * task.classes as u64
    }

    /// Channels of the hidden layer of a layer's MLP.
    pub fn hidden(&self, layer: &Layer) -> u64 {
        (self.embedding as f64 * layer.mlp_ratio) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGENET: Task = Task { channels: 3, side: 224, classes: 1000 };

    /// The smallest and the largest network of a space.
    fn ends(size: Size) -> [Network; 2] {
        let space = size.space();
        let last = space.decisions().iter().map(|decision| decision.choices.len() as u8 - 1);
        let archs =
            [Arch::new(vec![0; space.decisions().len()]), Arch::new(last.collect::<Vec<u8>>())];
        archs.map(|arch| size.network(&arch).unwrap())
    }

    #[test]
    fn the_published_networks_are_of_the_size_of_their_spaces() {
        // AutoFormer-Ti, -S and -B, in millions of parameters.
        for (size, published) in [(Size::Tiny, 5.7), (Size::Small, 22.9), (Size::Base, 54.0)] {
            let [least, most] = ends(size).map(|network| network.parameters(IMAGENET) as f64 / 1e6);
            assert!(least < published && published < most, "{size:?} {least} {most}");
        }
    }

    #[test]
    fn without_relative_positions_it_is_the_network_of_deit() {
        // DeiT-Ti: 192 channels, 12 layers of 3 heads and ratio 4; 5,717,416 parameters.
        let network =
            Network { embedding: 192, layers: vec![Layer { heads: 3, mlp_ratio: 4.0 }; 12] };
        let relative = 12 * 2 * 2 * 30 * 64;
        assert_eq!(network.parameters(IMAGENET) - relative, 5_717_416);
    }

    #[test]
    fn networks_and_architectures_are_the_same() {
        for size in Size::ALL {
            for network in ends(size) {
                let arch = size.arch(&network).unwrap();
                assert_eq!(size.network(&arch).unwrap(), network);
                assert_eq!(size.space().parse(&size.space().format(&arch)), Ok(arch));
            }
        }
        // Three widths, and 4¹² + 4¹³ + 4¹⁴ choices of layers.
        assert_eq!(Size::Tiny.space().size(), Some(3 * 21 * (1 << 24)));
        let foreign = Network { embedding: 200, layers: vec![] };
        assert!(Size::Tiny.arch(&foreign).unwrap_err().to_string().contains("200"));
    }
}
