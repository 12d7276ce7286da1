use std::fmt;
use std::str::FromStr;

use crate::Error;

/// A zero-cost proxy; what each computes is in its [`Description`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Proxy {
    /// Correlation of input gradients among the images of each class.
    EpeNas,
    /// Squared sensitivity of the loss to each channel.
    Fisher,
    /// Floating-point operations of one image.
    Flops,
    /// Norm of the loss gradient.
    GradNorm,
    /// Change of gradient flow when weights are removed.
    Grasp,
    /// Eigenvalues of the correlation of input gradients.
    Jacov,
    /// Norm of the weights.
    L2Norm,
    /// How well a batch's activation patterns can be told apart.
    Naswot,
    /// Number of parameters.
    Params,
    /// Product of weights and their loss gradients.
    Plain,
    /// Magnitude of that product.
    Snip,
    /// How much the output depends on the weights, without data.
    SynFlow,
    /// Expressivity by the response of features to a perturbed Gaussian input.
    Zen,
    /// The natural logarithm of [`Proxy::SynFlow`], which spans tens of orders of magnitude.
    LnSynFlow,
    /// SynFlow with the logarithm of each gradient.
    LogSynFlow,
    /// Least eigenvalue of the correlation of each layer's feature maps.
    MeCo,
    /// Number of distinct activation patterns of units over the batch.
    Swap,
    /// Mean of loss gradients over batches relative to their deviation.
    ZiCo,
    /// AZ-NAS: entropy of the principal components of each block's features.
    AzExpressivity,
    /// AZ-NAS: the least growth of that entropy from block to block.
    AzProgressivity,
    /// AZ-NAS: how well gradients keep their size through each block.
    AzTrainability,
    /// TF-TAS: diversity of a transformer's attention and saliency of its other weights.
    Dss,
}

/// Which of two scores foretells the better network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The higher one.
    HigherIsBetter,
    /// The lower one.
    LowerIsBetter,
}

/// What a proxy reads beside the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// The images of the batch, and not their shape alone.
    pub images: bool,
    /// The labels of the images.
    pub labels: bool,
    /// Gradients, and so a backward pass.
    pub backward: bool,
}

/// What is known of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Description {
    /// Its name in arguments and tables; that of NAS-Bench-Suite-Zero where it is one of its 13.
    pub name: &'static str,
    /// Which scores foretell better networks.
    pub direction: Direction,
    /// What it reads.
    pub needs: Needs,
    /// The paper that it is from.
    pub paper: &'static str,
    /// What is computed, and where the paper says so.
    pub equation: &'static str,
    /// Where paper and public code differ or leave something open: what is followed here.
    pub followed: &'static str,
}

const NOTHING: Needs = Needs { images: false, labels: false, backward: false };
const BACKWARD: Needs = Needs { backward: true, ..NOTHING };
const IMAGES: Needs = Needs { images: true, ..NOTHING };
const IMAGE_GRADIENTS: Needs = Needs { backward: true, ..IMAGES };
const LOSS_GRADIENTS: Needs = Needs { labels: true, ..IMAGE_GRADIENTS };

const TANAKA: &str = "Tanaka et al. 2020, arXiv 2006.05467";
const ABDELFATTAH: &str = "Abdelfattah et al. 2021, arXiv 2101.08134";
const LEE_AND_HAM: &str = "Lee and Ham 2024, arXiv 2403.19232";

impl Proxy {
    /// Every proxy.
    pub const ALL: [Self; 22] = [
        Self::EpeNas,
        Self::Fisher,
        Self::Flops,
        Self::GradNorm,
        Self::Grasp,
        Self::Jacov,
        Self::L2Norm,
        Self::Naswot,
        Self::Params,
        Self::Plain,
        Self::Snip,
        Self::SynFlow,
        Self::Zen,
        Self::LnSynFlow,
        Self::LogSynFlow,
        Self::MeCo,
        Self::Swap,
        Self::ZiCo,
        Self::AzExpressivity,
        Self::AzProgressivity,
        Self::AzTrainability,
        Self::Dss,
    ];

    /// The 13 of NAS-Bench-Suite-Zero (Krishnakumar et al. 2022, arXiv 2210.03230).
    pub const SUITE_ZERO: [Self; 13] = {
        let mut suite = [Self::EpeNas; 13];
        let mut i = 0;
        while i < suite.len() {
            suite[i] = Self::ALL[i];
            i += 1;
        }
        suite
    };

    /// The four scores of AZ-NAS, whose complexity is the number of FLOPs.
    pub const AZ_NAS: [Self; 4] =
        [Self::AzExpressivity, Self::AzProgressivity, Self::AzTrainability, Self::Flops];

    /// Its name in arguments and tables.
    pub fn name(self) -> &'static str {
        self.description().name
    }

    /// Name, direction, needs and source.
    #[allow(clippy::too_many_lines)] // A table.
    pub fn description(self) -> Description {
        let of = |name, needs, paper, equation, followed| Description {
            name,
            direction: Direction::HigherIsBetter,
            needs,
            paper,
            equation,
            followed,
        };
        match self {
            Self::EpeNas => of(
                "epe_nas",
                LOSS_GRADIENTS,
                "Lopes et al. 2021, arXiv 2102.08099",
                "per class, Σ ln(|correlation| + 1e-5) over all pairs of its images' gradients of \
                 the summed logits; summed in absolute value up to 100 classes, above that (each \
                 divided by its images) by pairwise differences over the classes",
                "the public code: one gradient of the sum of logits",
            ),
            Self::Fisher => of(
                "fisher",
                LOSS_GRADIENTS,
                "Theis et al. 2018, arXiv 1801.05787, as a proxy in Abdelfattah et al. 2021",
                "Σ over layers and output channels of ½ mean over images of (Σ over positions of \
                 activation · gradient)², times the channel's weights",
                "Suite-Zero: activations are the outputs of convolutions and linear layers before \
                 normalisation, each channel counts once for each of its weights",
            ),
            Self::Flops => of(
                "flops",
                NOTHING,
                "Ning et al. 2021, arXiv 2008.03064",
                "floating-point operations of one image, by the network's own convention \
                 (Network::flops); AZ-NAS's complexity",
                "multiply-accumulates of the weighted layers unless the network says otherwise",
            ),
            Self::GradNorm => of(
                "grad_norm",
                LOSS_GRADIENTS,
                ABDELFATTAH,
                "Σ over weight tensors of the Euclidean norm of ∂L/∂θ (section 3.1)",
                "mean cross-entropy; biases and normalisation do not count",
            ),
            Self::Grasp => of(
                "grasp",
                LOSS_GRADIENTS,
                "Wang et al. 2020, arXiv 2002.07376, as a proxy in Abdelfattah et al. 2021",
                "−Σ θ (H ∂L/∂θ), H the Hessian of the loss (equation 8)",
                "temperature 1 and one batch for both gradients, as in Suite-Zero; the paper has \
                 200 and two batches",
            ),
            Self::Jacov => of(
                "jacov",
                IMAGE_GRADIENTS,
                "Mellor et al. 2020, arXiv 2006.04647v1",
                "−Σ (ln(σ + 1e-5) + 1/(σ + 1e-5)) over the eigenvalues σ of the correlation \
                 matrix of the images' gradients of the summed logits",
                "the paper",
            ),
            Self::L2Norm => of(
                "l2_norm",
                NOTHING,
                ABDELFATTAH,
                "Σ over weight tensors of their Euclidean norm",
                "biases and normalisation do not count. With random weights it tells the number of \
                 weighted layers and their widths, and beyond that the luck of the draw",
            ),
            Self::Naswot => of(
                "nwot",
                IMAGES,
                "Mellor et al. 2021, arXiv 2006.04647",
                "ln |det K_H|, K_H = units − Hamming distances (equations 2 and 3)",
                "the paper, with the batch's own statistics in normalisation",
            ),
            Self::Params => of(
                "params",
                NOTHING,
                "Ning et al. 2021, arXiv 2008.03064",
                "number of trainable parameters",
                "all of them, with biases and normalisation",
            ),
            Self::Plain => of(
                "plain",
                LOSS_GRADIENTS,
                "Mozer and Smolensky 1988, as a proxy in Abdelfattah et al. 2021",
                "Σ over weights of θ ∂L/∂θ",
                "Suite-Zero: signed. A weight before batch normalisation adds exactly zero but for \
                 rounding, as the loss does not depend on its scale; what is left is the part of \
                 layers without normalisation",
            ),
            Self::Snip => of(
                "snip",
                LOSS_GRADIENTS,
                "Lee et al. 2019, arXiv 1810.02340, as a proxy in Abdelfattah et al. 2021",
                "Σ over weights of |θ ∂L/∂θ| (equation 4 before its normalisation)",
                "Suite-Zero: the sum over the whole network",
            ),
            Self::SynFlow => of(
                "synflow",
                BACKWARD,
                TANAKA,
                "Σ over weights of |θ ∂R/∂θ|, R the sum of outputs for an image of ones and \
                 parameters |θ| (equation 5)",
                "in f64, normalisation replaced by the identity; Suite-Zero's table holds its \
                 logarithm",
            ),
            Self::Zen => of(
                "zen",
                NOTHING,
                "Lin et al. 2021, arXiv 2102.01063",
                "ln mean over images of Σ |f(x) − f(x + 0.01 ε)| over the features before pooling, \
                 plus Σ over normalisations of ½ ln of the mean variance; x, ε and the weights \
                 standard normal (algorithm 1)",
                "the paper's variances are the batch's; Suite-Zero reads running averages after \
                 two batches. Residual links stay, as in Suite-Zero",
            ),
            Self::LnSynFlow => of(
                "ln_synflow",
                BACKWARD,
                TANAKA,
                "natural logarithm of synflow",
                "Suite-Zero's table calls this synflow",
            ),
            Self::LogSynFlow => of(
                "log_synflow",
                BACKWARD,
                "Cavagnero et al. 2023, arXiv 2207.05135",
                "Σ over weights of |θ| ln(∂R/∂θ + 1), R as for synflow (equation 2)",
                "normalisation replaced by the identity, as for synflow",
            ),
            Self::MeCo => of(
                "meco",
                IMAGES,
                "Jiang et al. 2023, NeurIPS 36 (MeCo)",
                "Σ over weighted layers of the least eigenvalue of the correlation matrix of the \
                 channels' maps, for one image (equation 5)",
                "the first image of the batch, normalised by the batch's statistics; outputs of \
                 convolutions, whose correlations normalisation leaves as they are",
            ),
            Self::Swap => of(
                "swap",
                IMAGES,
                "Peng et al. 2024, arXiv 2403.04161",
                "number of distinct patterns that units show over the images, a pattern being \
                 where a unit is active (equation 3, without the regularisation)",
                "the paper",
            ),
            Self::ZiCo => of(
                "zico",
                LOSS_GRADIENTS,
                "Li et al. 2023, arXiv 2301.11300",
                "Σ over weight tensors of ln Σ over weights of mean |∂L/∂θ| / deviation over two \
                 halves of the batch (equation 16)",
                "the public code: the deviation is that of the signed gradients",
            ),
            Self::AzExpressivity => of(
                "az_expressivity",
                IMAGES,
                LEE_AND_HAM,
                "Σ over blocks of the entropy of the normalised eigenvalues of the channels' \
                 covariance (equations 1 and 2)",
                "the network's own initial weights",
            ),
            Self::AzProgressivity => of(
                "az_progressivity",
                IMAGES,
                LEE_AND_HAM,
                "least difference of that entropy between a block and the one before (equation 3)",
                "the network's own initial weights",
            ),
            Self::AzTrainability => of(
                "az_trainability",
                IMAGE_GRADIENTS,
                LEE_AND_HAM,
                "mean over blocks of 2 − σ − 1/σ, σ the spectral norm of the block's approximated \
                 Jacobian (equations 4 to 6), from random signs as its output's gradient",
                "the network's own initial weights",
            ),
            Self::Dss => of(
                "dss",
                BACKWARD,
                "Zhou et al. 2022, arXiv 2203.12217",
                "Σ over attentions' weights of the product of the nuclear norms of θ and ∂R/∂θ, plus \
                 Σ over all other weights of |θ ∂R/∂θ|; R the sum of outputs for an image of ones and \
                 parameters |θ|",
                "the public code: normalisation stays, and the patch embedding and the classifier \
                 count among the other weights",
            ),
        }
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Proxy {
    type Err = Error;

    /// By its name; `-` is as good as `_`, and `naswot` as `nwot`.
    fn from_str(name: &str) -> Result<Self, Error> {
        let plain = name.replace('-', "_");
        let plain = if plain == "naswot" { Self::Naswot.name() } else { &plain };
        let found = Self::ALL.into_iter().find(|proxy| proxy.name() == plain);
        found.ok_or_else(|| Error::UnknownProxy {
            name: name.to_owned(),
            known: Self::ALL.map(Self::name).join(", "),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_proxies() {
        for (place, proxy) in Proxy::ALL.into_iter().enumerate() {
            assert_eq!(proxy.name().parse::<Proxy>().unwrap(), proxy);
            assert_eq!(proxy as usize, place);
        }
        assert_eq!("naswot".parse::<Proxy>().unwrap(), Proxy::Naswot);
        assert_eq!("log-synflow".parse::<Proxy>().unwrap(), Proxy::LogSynFlow);
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = "synflw".parse::<Proxy>().unwrap_err().to_string();
        assert!(error.contains("synflw") && error.contains("snip, synflow, zen"), "{error}");
    }
}
