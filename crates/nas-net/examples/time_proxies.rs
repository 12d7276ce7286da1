//! How long each proxy takes on cells of NAS-Bench-201: the indices of the cells on standard
//! input, one for each line of standard output `proxies threads seconds`, seconds for each cell.
//!
//! `cargo xtask bench proxies` compares it with the same in Python.

use std::{io, time::Instant};

use nas_net::NasBench201Network;
use nas_proxy::{Batch, Proxy, ProxySet};
use nas_space::nasbench201::{Dataset, from_index};
use tch::Device;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let networks = io::read_to_string(io::stdin())?
        .split_whitespace()
        .map(|index| {
            let arch = from_index(index.parse()?)?;
            Ok(NasBench201Network::new(&arch, Dataset::Cifar10, 0, Device::Cpu)?)
        })
        .collect::<Result<Vec<_>, Box<dyn std::error::Error>>>()?;
    let batch = Batch::gaussian([64, 3, 32, 32], 0)?.with_random_labels(10, 0)?;
    let all: Vec<Proxy> = Proxy::SUITE_ZERO.into();
    let without: Vec<Proxy> = all.iter().copied().filter(|&proxy| proxy != Proxy::Grasp).collect();
    let mut sets = vec![("suite_zero", all), ("suite_zero_without_grasp", without)];
    // Some proxies are of networks with attention.
    let applicable = ProxySet::new(Proxy::ALL).applicable_to(&networks[0]);
    sets.extend(applicable.proxies().iter().map(|&proxy| (proxy.name(), vec![proxy])));
    for threads in [2, 1] {
        tch::set_num_threads(threads);
        for (name, proxies) in &sets {
            let set = ProxySet::new(proxies.iter().copied());
            set.score(&networks[0], &batch)?;
            let start = Instant::now();
            for network in &networks {
                set.score(network, &batch)?;
            }
            let seconds = start.elapsed().as_secs_f64() / networks.len() as f64;
            println!("{name} {threads} {seconds}");
        }
    }
    Ok(())
}
