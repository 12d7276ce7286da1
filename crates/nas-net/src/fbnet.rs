//! Networks of FBNet's space.

use nas_proxy::{NetworkKind, Role};
use nas_space::fbnet::{self, Input, Inverted, STEM};
use nas_space::{Arch, Task};
use tch::{Device, TchError, Tensor};

use crate::Error;
use crate::builder::{Builder, Initial};
use crate::executor::Executor;
use crate::layer::{BatchNorm, Convolution, Linear};
use crate::network::Built;
use crate::walk::Walk;

/// A network of FBNet's space (Wu et al. 2019, arXiv 1812.03443) as HW-NAS-Bench builds it (Li et al.
/// 2021, arXiv 2103.10584).
///
/// A 3×3 convolution to 16 channels; 22 layers, each an inverted residual, or skipped, which is a 1×1
/// convolution where a layer changes the shape; a 1×1 convolution, global average pooling and a linear
/// classifier. Every convolution has a batch normalisation, and all but the last of a block a ReLU.
/// Parameters are initialised as published, convolutions normal by their outputs.
#[derive(Debug)]
pub struct FbnetNetwork {
    stem: ConvolutionAndNorm,
    blocks: Vec<Block>,
    head: ConvolutionAndNorm,
    classifier: Linear,
    parameters: Vec<(Role, Tensor)>,
    flops: u64,
}

#[derive(Debug)]
enum Block {
    Inverted(Box<InvertedResidual>),
    /// A skipped layer that changes the shape.
    Projection(ConvolutionAndNorm),
    /// A skipped layer that keeps the shape.
    Identity,
}

#[derive(Debug)]
struct InvertedResidual {
    expand: ConvolutionAndNorm,
    groups: i64,
    depthwise: ConvolutionAndNorm,
    project: ConvolutionAndNorm,
    /// Whether the input is added to the output.
    residual: bool,
}

#[derive(Debug)]
struct ConvolutionAndNorm {
    convolution: Convolution,
    norm: BatchNorm,
}

impl FbnetNetwork {
    /// The untrained network of `arch` for the images and classes of a data set; equal seeds give
    /// equal parameters.
    ///
    /// # Errors
    /// Fails if `arch` is not of FBNet's space, or the device is out of memory.
    pub fn new(arch: &Arch, input: Input, seed: u64, device: Device) -> Result<Built<Self>, Error> {
        Self::scaled(arch, input.into(), seed, device)
    }

    /// The same for other images and classes: with the [layout](Input::layout_for) for their side.
    ///
    /// # Errors
    /// Those of [`FbnetNetwork::new`].
    pub fn scaled(
        arch: &Arch,
        task: Task,
        seed: u64,
        device: Device,
    ) -> Result<Built<Self>, Error> {
        let input = Input::layout_for(task.side);
        let layers = fbnet::layers(arch, input)?;
        let mut builder = Builder::new(seed, device, Initial::Normal);
        let (channels, stride) = (task.channels as u64, input.stem_stride());
        let stem = ConvolutionAndNorm::new(&mut builder, channels, STEM, 3, stride, 1)?;
        let last = layers.last().map_or(STEM, |(layer, _)| layer.to);
        let blocks = layers
            .iter()
            .map(|&(layer, block)| Block::new(&mut builder, layer, block))
            .collect::<Result<_, _>>()?;
        let features = input.features();
        Ok(Built(Self {
            stem,
            blocks,
            head: ConvolutionAndNorm::new(&mut builder, last, features, 1, 1, 1)?,
            classifier: builder.linear(features as i64, task.classes as i64)?,
            parameters: builder.into_parameters(),
            flops: fbnet::flops(arch, task),
        }))
    }
}

impl Walk for FbnetNetwork {
    const KIND: NetworkKind = NetworkKind::Convolutional;

    fn parameters(&self) -> &[(Role, Tensor)] {
        &self.parameters
    }

    /// By [`fbnet::flops`].
    fn operations(&self) -> Option<u64> {
        Some(self.flops)
    }

    fn walk<E: Executor + ?Sized>(
        &self,
        images: &E::Value,
        executor: &mut E,
    ) -> Result<E::Value, TchError> {
        executor.part(format_args!("stem"));
        let mut x = self.stem.walk_active(images, executor)?;
        for (block, number) in self.blocks.iter().zip(1..) {
            executor.part(format_args!("layer{number}"));
            x = match block {
                Block::Identity => continue,
                Block::Projection(projection) => projection.walk_active(&x, executor)?,
                Block::Inverted(block) => block.walk(&x, executor)?,
            };
            executor.block(&x);
        }
        executor.part(format_args!("head"));
        x = self.head.walk_active(&x, executor)?;
        executor.classify(&x, &self.classifier)
    }
}

impl Block {
    fn new(
        builder: &mut Builder,
        layer: fbnet::Layer,
        block: Option<Inverted>,
    ) -> Result<Self, TchError> {
        let fbnet::Layer { from, to, stride, .. } = layer;
        let residual = layer.keeps_shape();
        let Some(Inverted { kernel, expansion, groups }) = block else {
            if residual {
                return Ok(Self::Identity);
            }
            let projection = ConvolutionAndNorm::new(builder, from, to, 1, stride, 1)?;
            return Ok(Self::Projection(projection));
        };
        let inner = from * expansion;
        Ok(Self::Inverted(Box::new(InvertedResidual {
            expand: ConvolutionAndNorm::new(builder, from, inner, 1, 1, groups)?,
            groups: groups as i64,
            depthwise: ConvolutionAndNorm::new(builder, inner, inner, kernel, stride, inner)?,
            project: ConvolutionAndNorm::new(builder, inner, to, 1, 1, groups)?,
            residual,
        })))
    }
}

impl InvertedResidual {
    fn walk<E: Executor + ?Sized>(
        &self,
        x: &E::Value,
        executor: &mut E,
    ) -> Result<E::Value, TchError> {
        let mut inner = self.expand.walk_active(x, executor)?;
        if self.groups > 1 {
            inner = executor.shuffle(&inner, self.groups)?;
        }
        let inner = self.depthwise.walk_active(&inner, executor)?;
        let output = self.project.walk(&inner, executor)?;
        if self.residual { executor.sum(vec![executor.identity(x), output], x) } else { Ok(output) }
    }
}

impl ConvolutionAndNorm {
    fn new(
        builder: &mut Builder,
        inputs: u64,
        outputs: u64,
        kernel: u64,
        stride: u64,
        groups: u64,
    ) -> Result<Self, TchError> {
        let [inputs, outputs, kernel, stride, groups] =
            [inputs, outputs, kernel, stride, groups].map(|number| number as i64);
        Ok(Self {
            convolution: builder.grouped_convolution(inputs, outputs, kernel, stride, groups)?,
            norm: builder.batch_norm(outputs)?,
        })
    }

    fn walk<E: Executor + ?Sized>(
        &self,
        x: &E::Value,
        executor: &mut E,
    ) -> Result<E::Value, TchError> {
        let x = executor.convolution(x, &self.convolution)?;
        executor.batch_norm(&x, &self.norm)
    }

    fn walk_active<E: Executor + ?Sized>(
        &self,
        x: &E::Value,
        executor: &mut E,
    ) -> Result<E::Value, TchError> {
        let x = self.walk(x, executor)?;
        executor.relu(&x, 1)
    }
}

#[cfg(test)]
mod tests {
    use nas_proxy::{Batch, Network, Proxy, ProxySet};
    use nas_space::fbnet::{LAYERS, flops, parameters};

    use super::*;
    use crate::BuiltNetwork;

    fn of(choice: impl Fn(u8) -> u8, input: Input) -> (Arch, Built<FbnetNetwork>) {
        let arch = Arch::new((0..LAYERS as u8).map(choice).collect::<Vec<u8>>());
        let network = FbnetNetwork::new(&arch, input, 4, Device::Cpu).unwrap();
        (arch, network)
    }

    #[test]
    fn parameters_and_operations_are_those_that_the_space_counts() {
        for input in Input::ALL {
            for turn in 0..9 {
                let (arch, network) = of(|layer| (layer + turn) % 9, input);
                let count: usize = network.parameters().iter().map(|(_, one)| one.numel()).sum();
                assert_eq!(count as u64, parameters(&arch, input), "{input:?} {turn}");
                let side = input.image_size() as i64;
                let image = Tensor::zeros([1, 3, side, side], (tch::Kind::Float, Device::Cpu));
                // From the shapes of a convolution and of its output.
                let mut counted = 0;
                let mut side = side;
                for layer in network.layers().unwrap() {
                    counted += match layer {
                        crate::Layer::Convolution { kernel, stride, inputs, outputs, groups } => {
                            side /= stride;
                            side * side * kernel * kernel * inputs * outputs / groups
                        }
                        crate::Layer::Linear { inputs, outputs } => inputs * outputs,
                        _ => 0,
                    };
                }
                assert_eq!(counted as u64, flops(&arch, input), "{input:?} {turn}");
                if turn < 2 {
                    let logits = network.forward_inference(&image).unwrap();
                    assert_eq!(logits.size(), [1, input.classes() as i64]);
                }
            }
        }
    }

    #[test]
    fn a_block_of_two_groups_mixes_them() {
        let (_, network) = of(|layer| if layer == 0 { 1 } else { 8 }, Input::Cifar10);
        let layers: Vec<String> =
            network.layers().unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(
            layers[3..12],
            [
                "conv 1×1, stride 1, 16 → 16, 2 groups",
                "batch norm 16",
                "relu",
                "shuffle 2 groups",
                "conv 3×3, stride 1, 16 → 16, 16 groups",
                "batch norm 16",
                "relu",
                "conv 1×1, stride 1, 16 → 16, 2 groups",
                "batch norm 16",
            ]
        );
    }

    #[test]
    fn all_proxies_but_that_of_attention_score() {
        let (_, network) = of(|layer| (layer * 5) % 9, Input::Cifar10);
        let batch = Batch::gaussian([16, 3, 32, 32], 2).unwrap().with_random_labels(10, 2).unwrap();
        for proxy in Proxy::ALL {
            let score = ProxySet::new([proxy]).score(&network, &batch);
            if proxy == Proxy::Dss {
                assert!(score.unwrap_err().to_string().contains("no attention"));
            } else {
                assert!(score.unwrap()[0].is_some(), "{proxy}");
            }
        }
    }

    #[test]
    fn another_space_is_refused() {
        let arch = nas_space::nasbench201::from_index(0).unwrap();
        assert!(FbnetNetwork::new(&arch, Input::Cifar10, 0, Device::Cpu).is_err());
    }

    #[test]
    fn a_scaled_network_is_laid_out_by_the_size_of_its_images() {
        let arch = Arch::new([0; 22]);
        for (side, stride) in [(28, 1), (96, 2)] {
            let task = Task { channels: 1, side, classes: 5 };
            let network = FbnetNetwork::scaled(&arch, task, 0, Device::Cpu).unwrap();
            assert_eq!((network.0.stem.convolution.stride, network.channels()), (stride, 1));
            let images = Batch::gaussian([2, 1, side, side], 1).unwrap();
            let logits = network.forward_inference(images.images()).unwrap();
            assert_eq!(logits.size(), [2, 5]);
        }
    }
}
