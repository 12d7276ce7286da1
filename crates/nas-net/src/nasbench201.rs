//! The network of NAS-Bench-201 around one cell.

use std::mem;

use nas_proxy::{NetworkKind, Role};
use nas_space::nasbench201::{Dataset, EDGES, Operation, flops, operations, space};
use nas_space::{Arch, Task};
use tch::{Device, TchError, Tensor};

use crate::Error;
use crate::builder::{Builder, Initial};
use crate::executor::Executor;
use crate::layer::{BatchNorm, Convolution, Linear};
use crate::network::Built;
use crate::walk::Walk;

const STAGES: usize = 3;
const NODES: usize = 4;

/// How large the network around a cell is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    /// Channels of the first stage, 16 as published; each of the next two stages has twice those before.
    pub width: usize,
    /// Copies of the cell in each stage, 5 as published.
    pub cells: usize,
}

impl Scale {
    /// As published.
    pub const PUBLISHED: Self = Self { width: 16, cells: 5 };
}

/// The network of NAS-Bench-201 (Dong & Yang 2020, arXiv 2001.00326) around one cell.
///
/// A 3×3 convolution to 16 channels with batch normalisation; three stages of five copies of the
/// cell with 16, 32 and 64 channels, a residual block of stride 2 before the second and the third;
/// batch normalisation, ReLU, global average pooling and a linear classifier. Its parameters are
/// initialised as PyTorch does, drawn from a seed.
///
/// The cell is built as written, operations without a path from input to output included. Prune
/// the architecture first ([`nas_space::Space::prune`]) so that cells that are the same network are
/// built alike.
#[derive(Debug)]
pub struct NasBench201Network {
    stem: Convolution,
    stem_norm: BatchNorm,
    stages: Vec<Stage>,
    last_norm: BatchNorm,
    classifier: Linear,
    parameters: Vec<(Role, Tensor)>,
    flops: Option<u64>,
}

#[derive(Debug)]
struct Stage {
    reduction: Option<Reduction>,
    cells: Vec<Cell>,
}

/// The residual block of stride 2 between stages.
#[derive(Debug)]
struct Reduction {
    first: ConvolutionAndNorm,
    second: ConvolutionAndNorm,
    /// After average pooling, without normalisation.
    shortcut: Convolution,
}

/// The layers after the ReLU in the benchmark's ReLU–Conv–BN.
#[derive(Debug)]
struct ConvolutionAndNorm {
    convolution: Convolution,
    norm: BatchNorm,
}

/// A cell: the edges that leave each of its nodes but the last.
#[derive(Debug)]
struct Cell {
    nodes: [Outgoing; NODES - 1],
}

/// The edges that leave a node, by operation; each with the node that it leads to.
#[derive(Debug, Default)]
struct Outgoing {
    convolutions: Vec<(usize, ConvolutionAndNorm)>,
    average_pools: Vec<usize>,
    identities: Vec<usize>,
}

impl NasBench201Network {
    /// The untrained network of `arch` for the classes of `dataset`; equal seeds give equal
    /// parameters.
    ///
    /// # Errors
    ///
    /// Fails if `arch` is not of NAS-Bench-201, or the device is out of memory.
    pub fn new(
        arch: &Arch,
        dataset: Dataset,
        seed: u64,
        device: Device,
    ) -> Result<Built<Self>, Error> {
        Self::scaled(arch, Scale::PUBLISHED, dataset.into(), seed, device)
    }

    /// The same of another size, for other images and classes.
    ///
    /// # Errors
    ///
    /// Those of [`NasBench201Network::new`], and [`Error::Size`] for a width of 0, no cells, or images of
    /// less than 4 pixels along a side.
    pub fn scaled(
        arch: &Arch,
        scale: Scale,
        task: Task,
        seed: u64,
        device: Device,
    ) -> Result<Built<Self>, Error> {
        space().check(arch)?;
        if scale.width == 0 || scale.cells == 0 || task.side < 1 << (STAGES - 1) {
            return Err(Error::Size { scale, side: task.side });
        }
        let operations = operations(arch);
        let mut builder = Builder::new(seed, device, Initial::Uniform);
        let mut inputs = scale.width as i64;
        let stem = builder.convolution(task.channels as i64, inputs, 3, 1)?;
        let stem_norm = builder.batch_norm(inputs)?;
        let mut stages = Vec::with_capacity(STAGES);
        for stage in 0..STAGES {
            let channels = (scale.width << stage) as i64;
            let reduction = if channels == inputs {
                None
            } else {
                Some(Reduction::new(&mut builder, inputs, channels)?)
            };
            let cells = (0..scale.cells)
                .map(|_| Cell::new(&mut builder, operations, channels))
                .collect::<Result<_, _>>()?;
            stages.push(Stage { reduction, cells });
            inputs = channels;
        }
        Ok(Built(Self {
            stem,
            stem_norm,
            stages,
            last_norm: builder.batch_norm(inputs)?,
            classifier: builder.linear(inputs, task.classes as i64)?,
            parameters: builder.into_parameters(),
            flops: (scale == Scale::PUBLISHED).then(|| flops(arch, task)),
        }))
    }
}

impl Walk for NasBench201Network {
    const KIND: NetworkKind = NetworkKind::Convolutional;

    fn parameters(&self) -> &[(Role, Tensor)] {
        &self.parameters
    }

    /// By the benchmark's convention ([`nas_space::nasbench201::flops`]), for its scale.
    fn operations(&self) -> Option<u64> {
        self.flops
    }

    fn walk<E: Executor + ?Sized>(
        &self,
        images: &E::Value,
        executor: &mut E,
    ) -> Result<E::Value, TchError> {
        executor.part(format_args!("stem"));
        let mut x = executor.convolution(images, &self.stem)?;
        x = executor.batch_norm(&x, &self.stem_norm)?;
        for (stage, number) in self.stages.iter().zip(1..) {
            if let Some(reduction) = &stage.reduction {
                executor.part(format_args!("stage{number}_reduction"));
                x = reduction.walk(&x, executor)?;
                executor.block(&x);
            }
            for (cell, place) in stage.cells.iter().zip(1..) {
                executor.part(format_args!("stage{number}_cell{place}"));
                x = cell.walk(x, executor)?;
                executor.block(&x);
            }
        }
        executor.part(format_args!("head"));
        x = executor.batch_norm(&x, &self.last_norm)?;
        x = executor.relu(&x, 1)?;
        executor.classify(&x, &self.classifier)
    }
}

impl Reduction {
    fn new(builder: &mut Builder, inputs: i64, channels: i64) -> Result<Self, TchError> {
        Ok(Self {
            first: ConvolutionAndNorm::new(builder, inputs, channels, 3, 2)?,
            second: ConvolutionAndNorm::new(builder, channels, channels, 3, 1)?,
            shortcut: builder.convolution(inputs, channels, 1, 1)?,
        })
    }

    fn walk<E: Executor + ?Sized>(
        &self,
        x: &E::Value,
        executor: &mut E,
    ) -> Result<E::Value, TchError> {
        let active = executor.relu(x, 1)?;
        let middle = self.first.walk(&active, executor)?;
        let active = executor.relu(&middle, 1)?;
        let residual = self.second.walk(&active, executor)?;
        let pooled = executor.average_pool(x, 2, 2)?;
        let shortcut = executor.convolution(&pooled, &self.shortcut)?;
        executor.sum(vec![shortcut, residual], &middle)
    }
}

impl ConvolutionAndNorm {
    fn new(
        builder: &mut Builder,
        inputs: i64,
        outputs: i64,
        kernel: i64,
        stride: i64,
    ) -> Result<Self, TchError> {
        Ok(Self {
            convolution: builder.convolution(inputs, outputs, kernel, stride)?,
            norm: builder.batch_norm(outputs)?,
        })
    }

    fn walk<E: Executor + ?Sized>(
        &self,
        active: &E::Value,
        executor: &mut E,
    ) -> Result<E::Value, TchError> {
        let x = executor.convolution(active, &self.convolution)?;
        executor.batch_norm(&x, &self.norm)
    }
}

impl Cell {
    fn new(
        builder: &mut Builder,
        operations: [Operation; EDGES.len()],
        channels: i64,
    ) -> Result<Self, TchError> {
        let mut nodes: [Outgoing; NODES - 1] = Default::default();
        for ((source, target), operation) in EDGES.into_iter().zip(operations) {
            let node = &mut nodes[source];
            let mut convolution = |kernel| {
                let layers = ConvolutionAndNorm::new(builder, channels, channels, kernel, 1)?;
                node.convolutions.push((target, layers));
                Ok::<(), TchError>(())
            };
            match operation {
                Operation::None => {}
                Operation::SkipConnect => node.identities.push(target),
                Operation::NorConv1x1 => convolution(1)?,
                Operation::NorConv3x3 => convolution(3)?,
                Operation::AvgPool3x3 => node.average_pools.push(target),
            }
        }
        Ok(Self { nodes })
    }

    /// Each node is the sum of its incoming edges. Its ReLU is computed once for all of its
    /// outgoing convolutions.
    fn walk<E: Executor + ?Sized>(
        &self,
        input: E::Value,
        executor: &mut E,
    ) -> Result<E::Value, TchError> {
        let mut incoming: [Vec<E::Value>; NODES] = Default::default();
        let mut x = input;
        for (source, outgoing) in self.nodes.iter().enumerate() {
            if source > 0 {
                x = executor.sum(mem::take(&mut incoming[source]), &x)?;
            }
            if !outgoing.convolutions.is_empty() {
                let active = executor.relu(&x, outgoing.convolutions.len())?;
                for (target, convolution) in &outgoing.convolutions {
                    incoming[*target].push(convolution.walk(&active, executor)?);
                }
            }
            for &target in &outgoing.average_pools {
                incoming[target].push(executor.average_pool(&x, 3, 1)?);
            }
            for &target in &outgoing.identities {
                incoming[target].push(executor.identity(&x));
            }
        }
        executor.sum(mem::take(&mut incoming[NODES - 1]), &x)
    }
}

#[cfg(test)]
mod tests;
