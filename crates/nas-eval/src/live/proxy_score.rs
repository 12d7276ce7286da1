//! A score of accuracy from zero-cost proxies, without training.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use nas_bench::ScoreTable;
use nas_proxy::{Batch, Proxy, ProxySet, RankAggregate};
use nas_search::{BoxError, Detail, Objective, Role};
use nas_space::Arch;

use super::{Blueprint, Networks};
use crate::{Error, Pace, Source, SourceValue};

/// A training-free score that ranks architectures by accuracy: proxies that need neither labels
/// nor training, aggregated by their ranks ([`RankAggregate`]).
///
/// It is at most 0, and higher is better. It ranks, but is no accuracy.
pub struct ProxyScore {
    objective: Objective,
    proxies: &'static [Proxy],
    details: Vec<Detail>,
    ranks: Ranks,
    compute: Box<Compute>,
    pace: Pace,
    /// The architecture that represents all that are the same network, and whose proxies are stored.
    representative: Box<Representative>,
    known: HashMap<Arch, Vec<Option<f64>>>,
    stop: Option<Arc<AtomicBool>>,
    /// Called before the sample is ranked, with its size.
    before_ranking: Option<Box<dyn FnOnce(usize)>>,
}

/// The proxies of the score of vision transformers: of all sets of at most three that need no labels,
/// the one whose score has the highest rank correlation with accuracy on CIFAR-100 over the 200
/// networks of ViT-Bench-101.
pub const TRAINING_FREE_TRANSFORMER: [Proxy; 1] = [Proxy::AzExpressivity];

/// The proxies of the score of convolutional networks: of all sets of at most three that need no labels and exist for every
/// network with a path, the one whose score has the highest rank correlation with validation
/// accuracy on CIFAR-10.
pub const TRAINING_FREE: [Proxy; 3] = [Proxy::Jacov, Proxy::Params, Proxy::AzExpressivity];

/// Finds the architecture that represents all that are the same network.
type Representative = dyn Fn(&Arch) -> Arch;

/// Computes proxies of architectures: for each a value for each proxy.
pub type Compute = dyn FnMut(&[Arch]) -> Result<Vec<Vec<Option<f64>>>, BoxError>;

/// The values that proxies are ranked among.
enum Ranks {
    /// Not yet computed, for this sample.
    Sample(Vec<Arch>),
    /// Computed.
    Learnt(RankAggregate),
}

impl ProxyScore {
    /// A score of proxies that are computed during the search and ranked among those of a sample of
    /// architectures, which are computed first.
    pub fn new(networks: Networks, batch: Batch, sample: Vec<Arch>) -> Self {
        let blueprint = networks.blueprint.clone();
        let proxies = ProxySet::new(blueprint.score.iter().copied());
        let compute = move |architectures: &[Arch]| {
            let score = |arch| Ok(proxies.score(&*networks.build(arch)?, &batch)?);
            architectures.iter().map(score).collect()
        };
        Self::computed_by(&blueprint, Box::new(compute), Pace::Slow, sample)
    }

    /// The same score of proxies ([`Blueprint::score`]) that `compute` computes, once for each network.
    pub fn computed_by(
        blueprint: &Blueprint,
        compute: Box<Compute>,
        pace: Pace,
        sample: Vec<Arch>,
    ) -> Self {
        let (ranks, proxies) = (Ranks::Sample(sample), blueprint.score);
        let blueprint = blueprint.clone();
        let representative = Box::new(move |arch: &Arch| blueprint.representative(arch));
        Self::of(proxies, ranks, compute, pace, representative)
    }

    /// A score of proxies that were computed before, ranked among all networks of the table.
    ///
    /// # Errors
    /// [`nas_bench::Error::Scores`] where the table lacks one of the proxies,
    /// [`nas_proxy::Error::Reference`] where a proxy is the same for all networks.
    pub fn from_table(table: ScoreTable) -> Result<Self, Error> {
        let column = |proxy: Proxy| {
            table.column(proxy.name()).ok_or_else(|| nas_bench::Error::Scores {
                path: table.header().images.clone().into(),
                problem: format!("the proxy {proxy} is not among its scores"),
            })
        };
        let columns = TRAINING_FREE.into_iter().map(column).collect::<Result<Vec<_>, _>>()?;
        let of_proxy =
            |&column: &usize| table.rows().map(|(_, values)| values[column]).collect::<Vec<_>>();
        let reference: Vec<_> =
            TRAINING_FREE.into_iter().zip(columns.iter().map(of_proxy)).collect();
        let ranks = Ranks::Learnt(RankAggregate::new(&reference)?);
        let row = move |arch: &Arch| {
            let values = table.values(arch);
            columns.iter().map(|&column| values.and_then(|values| values[column])).collect()
        };
        let compute = move |architectures: &[Arch]| Ok(architectures.iter().map(&row).collect());
        Ok(Self::of(&TRAINING_FREE, ranks, Box::new(compute), Pace::AtOnce, Box::new(Arch::clone)))
    }

    fn of(
        proxies: &'static [Proxy],
        ranks: Ranks,
        compute: Box<Compute>,
        pace: Pace,
        representative: Box<Representative>,
    ) -> Self {
        let detail = |proxy: &Proxy| Detail::new(proxy.name(), "");
        let details = proxies.iter().map(detail).collect();
        let objective = Objective::maximise("score", "").with_role(Role::Accuracy);
        let known = HashMap::new();
        Self {
            objective,
            proxies,
            details,
            ranks,
            compute,
            pace,
            representative,
            known,
            stop: None,
            before_ranking: None,
        }
    }

    /// The same; `say` is called with the size of the sample before that is ranked, which takes a while.
    #[must_use]
    pub fn before_ranking(self, say: impl FnOnce(usize) + 'static) -> Self {
        Self { before_ranking: Some(Box::new(say)), ..self }
    }

    /// The same, but computing nothing more, which is an error, once the flag is set.
    #[must_use]
    pub fn with_stop_flag(self, stop: Arc<AtomicBool>) -> Self {
        Self { stop: Some(stop), ..self }
    }

    /// The score of proxies; `None` if one of them is `None`.
    ///
    /// # Errors
    /// [`nas_proxy::Error::Reference`] where a proxy is the same for all architectures of the sample;
    /// failures of the computation.
    fn aggregate(&mut self, proxies: &[Option<f64>]) -> Result<Option<f64>, BoxError> {
        if let Ranks::Sample(sample) = &self.ranks {
            let sample = sample.clone();
            let rows = sample
                .iter()
                .map(|arch| self.proxies(arch))
                .collect::<Result<Vec<_>, BoxError>>()?;
            let column = |(place, proxy)| (proxy, rows.iter().map(|row| row[place]).collect());
            let columns: Vec<_> = self.proxies.iter().copied().enumerate().map(column).collect();
            self.ranks = Ranks::Learnt(RankAggregate::new(&columns)?);
        }
        let Ranks::Learnt(ranks) = &self.ranks else { return Ok(None) };
        Ok(ranks.score(proxies))
    }

    fn proxies(&mut self, arch: &Arch) -> Result<Vec<Option<f64>>, BoxError> {
        self.compute(std::slice::from_ref(arch))?;
        Ok(self.known[&(self.representative)(arch)].clone())
    }

    /// Computes the proxies of architectures without stored ones, once for each network.
    fn compute(&mut self, architectures: &[Arch]) -> Result<(), BoxError> {
        let mut unknown: Vec<Arch> = architectures.iter().map(&self.representative).collect();
        unknown.retain(|network| !self.known.contains_key(network));
        unknown.sort();
        unknown.dedup();
        if !unknown.is_empty() {
            if self.stop.as_ref().is_some_and(|stop| stop.load(Ordering::Relaxed)) {
                return Err("stopped".into());
            }
            if let Ranks::Sample(sample) = &self.ranks
                && let Some(say) = self.before_ranking.take()
            {
                say(sample.len());
            }
            let values = (self.compute)(&unknown)?;
            if values.len() != unknown.len() {
                let (found, asked) = (values.len(), unknown.len());
                return Err(format!("{found} rows of proxies for {asked} architectures").into());
            }
            self.known.extend(unknown.into_iter().zip(values));
        }
        Ok(())
    }
}

impl Source for ProxyScore {
    fn objective(&self) -> &Objective {
        &self.objective
    }

    fn details(&self) -> &[Detail] {
        &self.details
    }

    fn pace(&self) -> Pace {
        self.pace
    }

    fn prepare(&mut self, architectures: &[Arch]) -> Result<(), BoxError> {
        // Parallel work gets all architectures at once, the first time with the sample.
        if self.pace != Pace::Together {
            return Ok(());
        }
        let mut all = architectures.to_vec();
        if let Ranks::Sample(sample) = &self.ranks {
            all.extend(sample.iter().cloned());
        }
        self.compute(&all)
    }

    fn value(&mut self, arch: &Arch) -> Result<SourceValue, BoxError> {
        let proxies = self.proxies(arch)?;
        let value = self.aggregate(&proxies)?;
        Ok(SourceValue { value, details: proxies })
    }
}
