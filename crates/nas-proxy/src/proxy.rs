use std::fmt;
use std::str::FromStr;

use crate::naswot::naswot;
use crate::synflow::synflow;
use crate::{Batch, Error, Network};

/// A zero-cost proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Proxy {
    /// How well a batch's activation patterns can be told apart.
    Naswot,
    /// How much the output depends on the weights, without data.
    SynFlow,
    /// The natural logarithm of [`Proxy::SynFlow`], which spans tens of orders of magnitude. Not
    /// the "LogSynflow" of some tables, which takes the logarithm of each gradient.
    LnSynFlow,
}

/// Which of two scores foretells the better network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The higher one.
    HigherIsBetter,
    /// The lower one.
    LowerIsBetter,
}

/// What is known of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Description {
    /// Its name in arguments and tables.
    pub name: &'static str,
    /// Which scores foretell better networks.
    pub direction: Direction,
    /// Whether the score depends on the images of the batch and not on their shape alone.
    pub needs_images: bool,
    /// The paper that it is from.
    pub paper: &'static str,
    /// What is computed, and where the paper says so.
    pub equation: &'static str,
}

impl Proxy {
    /// Every proxy.
    pub const ALL: [Self; 3] = [Self::Naswot, Self::SynFlow, Self::LnSynFlow];

    /// Its name in arguments and tables.
    pub fn name(self) -> &'static str {
        self.description().name
    }

    /// Name, direction, needs and source.
    pub fn description(self) -> Description {
        match self {
            Self::Naswot => Description {
                name: "naswot",
                direction: Direction::HigherIsBetter,
                needs_images: true,
                paper: "Mellor et al. 2021, arXiv 2006.04647",
                equation: "log |det K_H|, K_H = units − Hamming distances (equations 2 and 3)",
            },
            Self::SynFlow => Description {
                name: "synflow",
                direction: Direction::HigherIsBetter,
                needs_images: false,
                paper: "Tanaka et al. 2020, arXiv 2006.05467",
                equation: "sum over weights of |θ ∂R/∂θ|, R = sum of outputs for an image of ones \
                           and weights |θ| (equation 5)",
            },
            Self::LnSynFlow => Description {
                name: "ln-synflow",
                direction: Direction::HigherIsBetter,
                needs_images: false,
                paper: "Tanaka et al. 2020, arXiv 2006.05467",
                equation: "natural logarithm of synflow",
            },
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

    fn from_str(name: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|proxy| proxy.name() == name);
        found.ok_or_else(|| Error::UnknownProxy {
            name: name.to_owned(),
            known: Self::ALL.map(Self::name).join(", "),
        })
    }
}

/// The score of a network by each of `proxies`, in their order; `None` where it does not exist.
///
/// The network has to be on the batch's device. It is not changed, except for the time of the call
/// ([`Network::parameters`]), so that one network must not be scored by two threads at once.
///
/// # Errors
///
/// Fails if the batch holds fewer images than a proxy needs, the network shows a proxy nothing to
/// read ([`Error::NoRelu`], [`Error::NoWeight`]), or its forward pass fails.
pub fn score(
    network: &dyn Network,
    batch: &Batch,
    proxies: &[Proxy],
) -> Result<Vec<Option<f64>>, Error> {
    let synflow = if proxies.contains(&Proxy::SynFlow) || proxies.contains(&Proxy::LnSynFlow) {
        synflow(network, batch.image_shape(), batch.device())?
    } else {
        None
    };
    proxies
        .iter()
        .map(|proxy| match proxy {
            Proxy::Naswot => naswot(network, batch.images()),
            Proxy::SynFlow => Ok(synflow),
            Proxy::LnSynFlow => Ok(synflow.map(f64::ln)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_proxies() {
        for proxy in Proxy::ALL {
            assert_eq!(proxy.name().parse::<Proxy>().unwrap(), proxy);
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = "synflw".parse::<Proxy>().unwrap_err().to_string();
        assert!(error.contains("synflw") && error.contains("naswot, synflow"), "{error}");
    }
}
