//! The catalogue of proxies. Each has a file with its description and its computation, and a line
//! here.

mod az_nas;
mod dss;
mod epe_nas;
mod fisher;
mod flops;
mod grad_norm;
mod grasp;
mod jacov;
mod l2_norm;
mod meco;
mod naswot;
mod params;
mod plain;
mod snip;
mod swap;
mod synflow;
mod zen;
mod zico;

use std::fmt;
use std::str::FromStr;

use crate::definition::Definition;
use crate::{Description, Error, NetworkKind};

macro_rules! catalogue {
    ($(#[doc = $doc:literal] $proxy:ident: $definition:path,)+) => {
        /// A zero-cost proxy; its [`Description`] has its paper, equation and requirements.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Proxy {
            $(#[doc = $doc] $proxy),+
        }

        impl Proxy {
            /// Every proxy.
            pub const ALL: [Self; [$(stringify!($proxy)),+].len()] = [$(Self::$proxy),+];

            pub(crate) fn definition(self) -> &'static Definition {
                match self {
                    $(Self::$proxy => &$definition),+
                }
            }
        }
    };
}

// The first 13 are those of NAS-Bench-Suite-Zero.
catalogue! {
    /// Correlation of input gradients among the images of each class.
    EpeNas: epe_nas::EPE_NAS,
    /// Squared sensitivity of the loss to each channel.
    Fisher: fisher::FISHER,
    /// Floating-point operations of one image.
    Flops: flops::FLOPS,
    /// Norm of the loss gradient.
    GradNorm: grad_norm::GRAD_NORM,
    /// Change of gradient flow when weights are removed.
    Grasp: grasp::GRASP,
    /// Eigenvalues of the correlation of input gradients.
    Jacov: jacov::JACOV,
    /// Norm of the weights.
    L2Norm: l2_norm::L2_NORM,
    /// How different the activation patterns of a batch's images are.
    Naswot: naswot::NASWOT,
    /// Number of parameters.
    Params: params::PARAMS,
    /// Product of weights and their loss gradients.
    Plain: plain::PLAIN,
    /// Magnitude of that product.
    Snip: snip::SNIP,
    /// How much the output depends on the weights, without data.
    SynFlow: synflow::SYNFLOW,
    /// Expressivity by the response of features to a perturbed Gaussian input.
    Zen: zen::ZEN,
    /// The natural logarithm of [`Proxy::SynFlow`], which spans tens of orders of magnitude.
    LnSynFlow: synflow::LN_SYNFLOW,
    /// SynFlow with the logarithm of each gradient.
    LogSynFlow: synflow::LOG_SYNFLOW,
    /// Least eigenvalue of the correlation of each layer's feature maps.
    MeCo: meco::MECO,
    /// Number of distinct activation patterns of units over the batch.
    Swap: swap::SWAP,
    /// Mean of loss gradients over batches relative to their deviation.
    ZiCo: zico::ZICO,
    /// AZ-NAS: entropy of the principal components of each block's features.
    AzExpressivity: az_nas::AZ_EXPRESSIVITY,
    /// AZ-NAS: the least growth of that entropy from block to block.
    AzProgressivity: az_nas::AZ_PROGRESSIVITY,
    /// AZ-NAS: how well gradients keep their size through each block.
    AzTrainability: az_nas::AZ_TRAINABILITY,
    /// TF-TAS: diversity of a transformer's attention and saliency of its other weights.
    Dss: dss::DSS,
}

impl Proxy {
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
        self.definition().name()
    }

    /// Name, direction, requirements and source.
    pub fn description(self) -> Description {
        self.definition().description
    }

    /// Why it does not apply to a kind of network, where it does not.
    pub fn inapplicable(self, kind: NetworkKind) -> Option<&'static str> {
        let mut reasons = self.definition().description.inapplicable.iter();
        reasons.find(|(other, _)| *other == kind).map(|(_, reason)| *reason)
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Proxy {
    type Err = Error;

    /// By its name; `-` is read as `_`, and `naswot` as `nwot`.
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
    fn each_description_is_complete() {
        for proxy in Proxy::ALL {
            let Description { paper, equation, followed, .. } = proxy.description();
            assert!([paper, equation, followed].iter().all(|text| !text.is_empty()), "{proxy}");
        }
    }

    #[test]
    fn the_error_of_an_unknown_name_lists_the_known_ones() {
        let error = "synflw".parse::<Proxy>().unwrap_err().to_string();
        assert!(error.contains("synflw") && error.contains("snip, synflow, zen"), "{error}");
    }
}
