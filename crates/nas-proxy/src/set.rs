//! Proxies that are computed together.

use std::str::FromStr;

use crate::definition::{Asked, Computation};
use crate::inputs::Subject;
use crate::substitution::Substitution;
use crate::{Batch, Error, Network, Proxy, batch_pass, flow};

/// Proxies that are computed together, so that they share passes: one forward pass of the batch and
/// one backward pass of the loss for all.
///
/// ```
/// # use nas_proxy::{Proxy, ProxySet};
/// let set: ProxySet = "nwot,synflow".parse()?;
/// assert_eq!(set.proxies(), [Proxy::Naswot, Proxy::SynFlow]);
/// assert_eq!("suite_zero".parse::<ProxySet>()?.proxies().len(), 13);
/// # Ok::<(), nas_proxy::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxySet {
    proxies: Vec<Proxy>,
    seed: u64,
}

impl ProxySet {
    /// Names that stand for several proxies.
    const GROUPS: [(&str, &[Proxy]); 3] =
        [("all", &Proxy::ALL), ("suite_zero", &Proxy::SUITE_ZERO), ("az_nas", &Proxy::AZ_NAS)];

    /// Every name that can be parsed: the proxies', and those that stand for several.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Proxy::ALL.into_iter().map(Proxy::name).chain(Self::GROUPS.map(|(name, _)| name))
    }

    /// These proxies, in this order, each once; random numbers start from seed 0.
    pub fn new(proxies: impl IntoIterator<Item = Proxy>) -> Self {
        let mut set = Self { proxies: Vec::new(), seed: 0 };
        for proxy in proxies {
            if !set.proxies.contains(&proxy) {
                set.proxies.push(proxy);
            }
        }
        set
    }

    /// The seed of what proxies draw for themselves: Zen's weights and inputs, the signs of
    /// AZ-NAS's trainability. They are drawn on the CPU and equal on every device.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The proxies, in the order of the scores.
    pub fn proxies(&self) -> &[Proxy] {
        &self.proxies
    }

    /// Those that apply to a network, by its kind ([`Network::kind`]).
    #[must_use]
    pub fn applicable_to(&self, network: &dyn Network) -> Self {
        let applies = |proxy: &Proxy| inapplicable(*proxy, network).is_none();
        Self { proxies: self.proxies.iter().copied().filter(applies).collect(), seed: self.seed }
    }

    /// The score of a network by each proxy, in their order; `None` where it does not exist.
    ///
    /// The network has to be on the batch's device, and is computed in the batch's floating-point
    /// type ([`Batch::to_kind`]). It is not changed, except for the time of the
    /// call ([`Network::parameters`]), so that one network must not be scored by two threads at
    /// once; two networks may.
    ///
    /// # Errors
    ///
    /// Fails if the batch holds fewer images than a proxy needs, or no labels for one that needs
    /// them, or labels that are not the network's; if a proxy does not apply to such networks
    /// ([`Error::Inapplicable`]); if the network does not show a proxy what it reads
    /// ([`Error::NothingToRead`]); or if its forward pass fails.
    pub fn score(&self, network: &dyn Network, batch: &Batch) -> Result<Vec<Option<f64>>, Error> {
        self.check(network, batch)?;
        let kind = batch.images().kind();
        let parameters = network.parameters();
        let other = parameters.iter().any(|(_, parameter)| parameter.kind() != kind);
        let _in_kind = if other {
            Some(Substitution::new(parameters, |_, value| value.f_to_kind(kind))?)
        } else {
            None
        };
        let subject = Subject { network, batch, seed: self.seed };
        let asked = |proxy: &Proxy| Asked { definition: proxy.definition(), score: None };
        let mut asked: Vec<Asked> = self.proxies.iter().map(asked).collect();
        for one in &mut asked {
            if let Computation::Alone(compute) = one.definition.computation {
                one.score = compute(&subject)?;
            }
        }
        flow::score(&subject, &mut asked)?;
        batch_pass::score(&subject, &mut asked)?;
        Ok(asked.into_iter().map(|one| one.score).collect())
    }

    /// Whether such a network can be scored on the batch, before anything is computed.
    ///
    /// # Errors
    /// [`Error::Inapplicable`], [`Error::BatchTooSmall`] or [`Error::NoLabels`].
    pub fn check(&self, network: &dyn Network, batch: &Batch) -> Result<(), Error> {
        for &proxy in &self.proxies {
            let name = proxy.name();
            if let Some(reason) = inapplicable(proxy, network) {
                return Err(Error::Inapplicable { proxy: name, reason });
            }
            let (needed, found) = (proxy.description().least_images, batch.count());
            if found < needed {
                return Err(Error::BatchTooSmall { proxy: name, needed, found });
            }
            if proxy.description().needs.labels && batch.labels().is_none() {
                return Err(Error::NoLabels { proxy: name });
            }
        }
        Ok(())
    }
}

fn inapplicable(proxy: Proxy, network: &dyn Network) -> Option<&'static str> {
    network.kind().and_then(|kind| proxy.inapplicable(kind))
}

/// Proxies by name, separated by commas; `all`, `suite_zero` and `az_nas` stand for several.
impl FromStr for ProxySet {
    type Err = Error;

    fn from_str(names: &str) -> Result<Self, Error> {
        let mut proxies = Vec::new();
        for name in names.split(',').map(str::trim) {
            match Self::GROUPS.iter().find(|(group, _)| *group == name.replace('-', "_")) {
                Some((_, group)) => proxies.extend_from_slice(group),
                None => proxies.push(name.parse()?),
            }
        }
        Ok(Self::new(proxies))
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::*;
    use crate::tiny::{Tiny, score_of};

    #[test]
    fn together_they_score_as_each_alone() {
        let (network, batch) = (Tiny::new(), Tiny::batch());
        // It has no attention.
        let set = ProxySet::new(Proxy::ALL.into_iter().filter(|proxy| *proxy != Proxy::Dss));
        let together = set.score(&network, &batch).unwrap();
        for (proxy, together) in set.proxies().iter().copied().zip(together) {
            let alone = score_of(proxy.definition(), &network, &batch);
            assert!(alone.is_some(), "{proxy}");
            assert_relative_eq!(together.unwrap(), alone.unwrap(), max_relative = 1e-12);
        }
    }

    #[test]
    fn a_network_of_another_type_is_computed_in_the_batchs() {
        let (network, batch) = (Tiny::new(), Tiny::batch());
        let single = batch.to_kind(tch::Kind::Float).unwrap();
        let score = score_of(Proxy::Snip.definition(), &network, &single).unwrap();
        let double = score_of(Proxy::Snip.definition(), &network, &batch).unwrap();
        assert_relative_eq!(score, double, max_relative = 1e-5);
        assert_eq!(network.first.kind(), tch::Kind::Double);
    }

    #[test]
    fn names_stand_for_one_or_many_and_count_once() {
        let set: ProxySet = "flops, az-nas,flops".parse().unwrap();
        assert_eq!(set.proxies().len(), 4);
        assert_eq!("all".parse::<ProxySet>().unwrap().proxies(), Proxy::ALL);
        assert!(matches!("".parse::<ProxySet>(), Err(Error::UnknownProxy { .. })));
    }

    #[test]
    fn labels_have_to_be_classes_of_the_network() {
        let batch = Tiny::batch().with_labels(&[0, 1, 2, 3, 0, 0]).unwrap();
        let set = ProxySet::new([Proxy::Snip]);
        let error = set.score(&Tiny::new(), &batch).unwrap_err().to_string();
        assert!(error.contains("label 3") && error.contains("3 classes"), "{error}");
        let unlabelled = Batch::new(batch.images()).unwrap();
        assert!(matches!(set.score(&Tiny::new(), &unlabelled), Err(Error::NoLabels { .. })));
    }
}
