use std::str::FromStr;

use crate::loss::no_layer;
use crate::scalars::{finite, total};
use crate::substitution::Substitution;
use crate::{Batch, Error, Network, Proxy, dss, images, synflow, zen, zico};

/// Proxies that are asked for at once, so that those which share a pass share it: one forward
/// pass of the batch and one backward pass of the loss serve them all.
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

    /// Those that say something of a network ([`Network::unfit`]).
    #[must_use]
    pub fn fit_for(&self, network: &dyn Network) -> Self {
        let fit = |proxy: &Proxy| network.unfit(*proxy).is_none();
        Self { proxies: self.proxies.iter().copied().filter(fit).collect(), seed: self.seed }
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
    /// them, or labels that are not the network's; if a proxy says nothing of such networks
    /// ([`Error::Unfit`]); if the network does not show a proxy what it reads ([`Error::NothingToRead`]); or if its forward pass fails.
    pub fn score(&self, network: &dyn Network, batch: &Batch) -> Result<Vec<Option<f64>>, Error> {
        self.check(network, batch)?;
        let mut scores = Scores::new(&self.proxies);
        let kind = batch.images().kind();
        let parameters = network.parameters();
        let other = parameters.iter().any(|(_, parameter)| parameter.kind() != kind);
        let _in_kind = if other {
            Some(Substitution::new(parameters, |_, value| value.f_to_kind(kind))?)
        } else {
            None
        };
        counts(network, batch, &mut scores)?;
        if scores.wants_any(&[Proxy::SynFlow, Proxy::LnSynFlow, Proxy::LogSynFlow]) {
            synflow::score(network, batch.image_shape(), batch.device(), &mut scores)?;
        }
        if scores.wants(Proxy::Dss) {
            dss::score(network, batch, &mut scores)?;
        }
        if scores.wants(Proxy::Zen) {
            zen::score(network, batch, self.seed, &mut scores)?;
        }
        if images::wanted(&scores) {
            images::score(network, batch, self.seed, &mut scores)?;
        }
        if scores.wants(Proxy::ZiCo) {
            zico::score(network, batch, &mut scores)?;
        }
        Ok(self.proxies.iter().map(|&proxy| scores.get(proxy)).collect())
    }

    /// Whether such a network can be scored on the batch, before anything is computed.
    ///
    /// # Errors
    /// [`Error::Unfit`], [`Error::BatchTooSmall`] or [`Error::NoLabels`].
    pub fn check(&self, network: &dyn Network, batch: &Batch) -> Result<(), Error> {
        for &proxy in &self.proxies {
            if let Some(reason) = network.unfit(proxy) {
                return Err(Error::Unfit { proxy: proxy.name(), reason });
            }
            let needed = least_images(proxy);
            if batch.count() < needed {
                let (proxy, found) = (proxy.name(), batch.count());
                return Err(Error::BatchTooSmall { proxy, needed, found });
            }
            if proxy.description().needs.labels && batch.labels().is_none() {
                return Err(Error::NoLabels { proxy: proxy.name() });
            }
        }
        Ok(())
    }
}

/// Proxies by name, separated by commas; `all` and `suite_zero` stand for many.
impl FromStr for ProxySet {
    type Err = Error;

    fn from_str(names: &str) -> Result<Self, Error> {
        let mut proxies = Vec::new();
        for name in names.split(',').map(str::trim) {
            match name {
                "all" => proxies.extend(Proxy::ALL),
                "suite_zero" | "suite-zero" => proxies.extend(Proxy::SUITE_ZERO),
                "az_nas" | "az-nas" => proxies.extend(Proxy::AZ_NAS),
                name => proxies.push(name.parse()?),
            }
        }
        Ok(Self::new(proxies))
    }
}

/// The least number of images that a proxy compares.
fn least_images(proxy: Proxy) -> usize {
    match proxy {
        Proxy::Naswot | Proxy::Jacov | Proxy::EpeNas => 2,
        // Two halves, and batch statistics of each.
        Proxy::ZiCo => 4,
        _ => 1,
    }
}

/// What is counted or measured on the parameters, without a pass.
fn counts(network: &dyn Network, batch: &Batch, scores: &mut Scores) -> Result<(), Error> {
    if scores.wants(Proxy::Params) {
        let parameters = network.parameters();
        let count: usize = parameters.iter().map(|(_, parameter)| parameter.numel()).sum();
        scores.set(Proxy::Params, Some(count as f64));
    }
    if scores.wants(Proxy::Flops) {
        let flops = network.flops(batch.image_shape(), batch.device())?;
        if flops == 0.0 {
            return Err(no_layer(Proxy::Flops));
        }
        scores.set(Proxy::Flops, Some(flops));
    }
    if scores.wants(Proxy::L2Norm) {
        let parameters = Substitution::none(network.parameters())?;
        let weights = parameters.weights();
        if weights.is_empty() {
            return Err(synflow::no_weight(Proxy::L2Norm));
        }
        let norms = weights.into_iter().map(|weight| weight.f_detach()?.f_norm());
        let norms = norms.collect::<Result<Vec<_>, _>>()?;
        scores.set(Proxy::L2Norm, finite(total(&norms)?));
    }
    Ok(())
}

/// The scores so far of the proxies that were asked for.
pub(crate) struct Scores {
    wanted: [bool; Proxy::ALL.len()],
    values: [Option<f64>; Proxy::ALL.len()],
}

impl Scores {
    pub fn new(proxies: &[Proxy]) -> Self {
        let mut wanted = [false; Proxy::ALL.len()];
        for &proxy in proxies {
            wanted[proxy as usize] = true;
        }
        Self { wanted, values: [None; Proxy::ALL.len()] }
    }

    pub fn wants(&self, proxy: Proxy) -> bool {
        self.wanted[proxy as usize]
    }

    pub fn wants_any(&self, proxies: &[Proxy]) -> bool {
        proxies.iter().any(|&proxy| self.wants(proxy))
    }

    /// Keeps a score; what was not asked for is never read.
    pub fn set(&mut self, proxy: Proxy, value: Option<f64>) {
        self.values[proxy as usize] = value;
    }

    pub fn get(&self, proxy: Proxy) -> Option<f64> {
        self.values[proxy as usize]
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::*;
    use crate::tiny::{Tiny, numbers, score_of};

    #[test]
    fn together_they_score_as_each_alone() {
        let (network, batch) = (Tiny::new(), Tiny::batch());
        // It has no attention.
        let set = ProxySet::new(Proxy::ALL.into_iter().filter(|proxy| *proxy != Proxy::Dss));
        let together = set.score(&network, &batch).unwrap();
        for (proxy, together) in set.proxies().iter().copied().zip(together) {
            let alone = score_of(proxy, &network, &batch);
            assert!(alone.is_some(), "{proxy}");
            assert_relative_eq!(together.unwrap(), alone.unwrap(), max_relative = 1e-12);
        }
    }

    #[test]
    fn counts_by_hand() {
        let (network, batch) = (Tiny::new(), Tiny::batch());
        let of = |proxy| score_of(proxy, &network, &batch).unwrap();
        assert_relative_eq!(of(Proxy::Params), f64::from(54 + 3 + 12 + 12 + 3));
        // 16 positions for the convolutions.
        assert_relative_eq!(of(Proxy::Flops), f64::from(16 * 54 + 16 * 12 + 12));
        let norm = |tensor| numbers(tensor).iter().map(|value| value * value).sum::<f64>().sqrt();
        let norms = norm(&network.first) + norm(&network.second) + norm(&network.logits);
        assert_relative_eq!(of(Proxy::L2Norm), norms, max_relative = 1e-12);
    }

    #[test]
    fn a_network_of_another_type_is_computed_in_the_batchs() {
        let (network, batch) = (Tiny::new(), Tiny::batch());
        let single = batch.to_kind(tch::Kind::Float).unwrap();
        let score = score_of(Proxy::Snip, &network, &single).unwrap();
        let double = score_of(Proxy::Snip, &network, &batch).unwrap();
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
}
