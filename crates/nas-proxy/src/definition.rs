//! What is written down of a proxy: its name and source, what it needs, and how it is computed.

use crate::inputs::{
    FlowGradients, Forward, ImageGradients, LayerGradient, Subject, WeightGradients,
};
use crate::{Error, NetworkKind};

/// Which of two scores predicts the better network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The higher one.
    HigherIsBetter,
    /// The lower one.
    LowerIsBetter,
}

/// What a proxy reads in addition to the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// The images of the batch, and not their shape alone.
    pub images: bool,
    /// The labels of the images.
    pub labels: bool,
    /// Gradients, and so a backward pass.
    pub backward: bool,
}

impl Needs {
    pub(crate) const NOTHING: Self = Self { images: false, labels: false, backward: false };
    pub(crate) const BACKWARD: Self = Self { backward: true, ..Self::NOTHING };
    pub(crate) const IMAGES: Self = Self { images: true, ..Self::NOTHING };
    pub(crate) const IMAGE_GRADIENTS: Self = Self { backward: true, ..Self::IMAGES };
    pub(crate) const LOSS_GRADIENTS: Self = Self { labels: true, ..Self::IMAGE_GRADIENTS };
}

/// Name, source and requirements of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Description {
    /// Its name in arguments and tables; that of NAS-Bench-Suite-Zero where it is one of its 13.
    pub name: &'static str,
    /// Which scores predict better networks.
    pub direction: Direction,
    /// What it reads.
    pub needs: Needs,
    /// The least number of images in a batch.
    pub least_images: usize,
    /// The kinds of network that it does not apply to, and why.
    pub inapplicable: &'static [(NetworkKind, &'static str)],
    /// The paper that introduced it.
    pub paper: &'static str,
    /// What is computed, and where the paper defines it.
    pub equation: &'static str,
    /// Where paper and public code differ or leave something open: which one is followed here.
    pub followed: &'static str,
}

impl Description {
    /// What most proxies have in common.
    pub(crate) const DEFAULT: Self = Self {
        name: "",
        direction: Direction::HigherIsBetter,
        needs: Needs::NOTHING,
        least_images: 1,
        inapplicable: &[],
        paper: "",
        equation: "",
        followed: "",
    };
}

/// A proxy: its description and its computation.
pub(crate) struct Definition {
    pub description: Description,
    pub computation: Computation,
}

impl Definition {
    pub fn name(&self) -> &'static str {
        self.description.name
    }
}

/// A score; `None` where it does not exist.
pub(crate) type Score = Result<Option<f64>, Error>;

/// How a proxy is computed: from what input. Proxies with the same kind of input share the passes
/// that make it.
#[derive(Clone, Copy)]
pub(crate) enum Computation {
    /// Counted, or in passes of its own.
    Alone(fn(&Subject) -> Score),
    /// From the gradients of the outputs for an image of ones.
    Flow(fn(&FlowGradients) -> Score),
    /// From these records of a forward pass of the batch.
    Forward(&'static [Record], fn(&Forward) -> Score),
    /// From the gradient of the summed logits with respect to each image.
    ImageGradients(fn(&ImageGradients) -> Score),
    /// From the gradient of the loss with respect to each weight, and these records of the forward
    /// pass.
    WeightGradients(&'static [Record], fn(&WeightGradients) -> Score),
    /// From the gradient of the loss with respect to the output of each weighted layer.
    LayerGradients(fn(&[LayerGradient]) -> Score),
}

/// What the forward pass of the batch records for a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    /// For each pair of images, how many units are active for both or for neither.
    HammingKernel,
    /// The activation pattern of each unit over the images.
    ActivationPatterns,
    /// The outputs of the weighted layers.
    Layers,
    /// The outputs of the blocks.
    Blocks,
    /// The outputs of the ReLUs.
    Relus,
}

impl Computation {
    /// What the forward pass has to record.
    pub fn records(self) -> &'static [Record] {
        match self {
            Self::Forward(records, _) | Self::WeightGradients(records, _) => records,
            Self::LayerGradients(_) => &[Record::Layers],
            Self::Alone(_) | Self::Flow(_) | Self::ImageGradients(_) => &[],
        }
    }
}

/// A proxy that was asked for, and its score once it is computed.
pub(crate) struct Asked {
    pub definition: &'static Definition,
    pub score: Option<f64>,
}
