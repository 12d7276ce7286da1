//! Proxies of many architectures, computed in parallel.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use nas_proxy::{Batch, ProxySet};
use nas_space::Arch;

use super::Networks;
use crate::Error;

/// Proxies of many architectures, computed in parallel.
pub struct Scoring {
    /// How networks are built, and where.
    pub networks: Networks,
    /// The images.
    pub batch: Batch,
    /// The proxies.
    pub proxies: ProxySet,
    /// How many architectures in parallel, each on one thread, so that values do not depend on this
    /// number. On several cores this is faster than several threads for each network; on a GPU, small
    /// networks are limited by kernel launches, which threads share.
    pub jobs: usize,
}

impl Scoring {
    /// Computes the values of each architecture, once for isomorphic ones, and passes them to `done` in
    /// the order of the architectures. `known` returns values that need
    /// not be computed.
    ///
    /// # Errors
    /// The first failure, of a proxy or of `done`; values passed before stay valid.
    pub fn run<E: From<Error>>(
        &self,
        architectures: &[Arch],
        known: &dyn Fn(&Arch) -> Option<Vec<Option<f64>>>,
        mut done: impl FnMut(&Arch, &[Option<f64>]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut values: HashMap<Arch, Vec<Option<f64>>> = HashMap::new();
        let mut todo = Vec::new();
        for arch in architectures {
            let network = self.networks.representative(arch);
            if let Entry::Vacant(place) = values.entry(network) {
                // An empty row marks an architecture without values.
                let row = known(place.key()).unwrap_or_default();
                if row.is_empty() {
                    todo.push(place.key().clone());
                }
                place.insert(row);
            }
        }
        let jobs = self.jobs.clamp(1, todo.len().max(1));
        let threads = tch::get_num_threads();
        let next = AtomicUsize::new(0);
        let (sender, results) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..jobs {
                let batch = self.batch.to_device(self.networks.device).map_err(Error::from)?;
                let (sender, todo, next) = (sender.clone(), &todo, &next);
                let (networks, proxies) = (&self.networks, &self.proxies);
                scope.spawn(move || {
                    tch::set_num_threads(1);
                    while let Some(arch) = todo.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let scores = networks
                            .build(arch)
                            .and_then(|network| Ok(proxies.score(&*network, &batch)?));
                        let failed = scores.is_err();
                        if sender.send((arch.clone(), scores)).is_err() || failed {
                            break;
                        }
                    }
                });
            }
            drop(sender);
            let outcome = architectures.iter().try_for_each(|arch| {
                let network = self.networks.representative(arch);
                while values[&network].is_empty() {
                    // Senders live until everything is computed or one has failed.
                    let Ok((computed, scores)) = results.recv() else { break };
                    values.insert(computed, scores?);
                }
                done(arch, &values[&network])
            });
            // Lets the threads stop after their current network.
            next.store(todo.len(), Ordering::Relaxed);
            tch::set_num_threads(threads);
            outcome
        })
    }
}
