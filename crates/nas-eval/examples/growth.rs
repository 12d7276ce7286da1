//! How the time of a search grows with its evaluations: many parameters and low latency on a
//! Raspberry Pi 4, over FBNet's 9²² networks, by HW-NAS-Bench's tables.
//!
//! First it times the lookup of the costs of 1,000 networks.
//!
//! No accuracy is published for these networks; the number of parameters is a training-free
//! score. `cargo run --release -p nas-eval --no-default-features --example growth`, after
//! `nas download`.

use std::{error::Error, time::Instant};

use nas_bench::{FbnetBlocks, tables_dir};
use nas_eval::{Lookup, Sources};
use nas_hw::Metric;
use nas_partition::{Allocation, Partition};
use nas_search::{
    Evolution, Objective, Proposer, Random, Search, SearchRng, Settings, Statistical,
};
use nas_space::{
    Arch,
    fbnet::{self, Input},
};
use rand::SeedableRng;

fn main() -> Result<(), Box<dyn Error>> {
    let blocks = FbnetBlocks::open(&tables_dir()?.path)?;
    look_up(&blocks)?;
    let costs = blocks.costs("raspi4", Metric::Latency, Input::Cifar100)?;
    let parameters = |arch: &Arch| Some(fbnet::parameters(arch, Input::Cifar100) as f64);
    let whole = Partition::whole();
    println!(
        "{:<12} {:>11} {:>9} {:>9} {:>17}",
        "proposer", "evaluations", "on front", "seconds", "µs per evaluation"
    );
    let mut evolution = Evolution::default();
    let proposers: [&mut dyn Proposer; 3] = [&mut Random, &mut evolution, &mut Statistical];
    for proposer in proposers {
        for evaluations in [100, 1_000, 10_000, 100_000] {
            let costs = costs.clone();
            let mut evaluator = Sources::new(vec![
                Box::new(Lookup::new(Objective::maximise("parameters", ""), parameters)),
                Box::new(Lookup::new(Objective::minimise("latency", "ms"), move |arch: &Arch| {
                    costs.cost(arch)
                })),
            ]);
            let allocation = Allocation::Adaptive;
            let settings = Settings { evaluations, allocation, ..Settings::default() };
            let begun = Instant::now();
            let outcome = Search::new(fbnet::space(), &whole, settings).run(
                proposer,
                &mut evaluator,
                &mut |_| {},
            )?;
            let seconds = begun.elapsed().as_secs_f64();
            println!(
                "{:<12} {evaluations:>11} {:>9} {seconds:>9.3} {:>17.0}",
                proposer.name(),
                outcome.front().len(),
                1e6 * seconds / evaluations as f64
            );
        }
    }
    Ok(())
}

/// Latency and energy of 1,000 random networks on each device that has them.
fn look_up(blocks: &FbnetBlocks) -> Result<(), Box<dyn Error>> {
    let rng = &mut SearchRng::seed_from_u64(0);
    let networks: Vec<Arch> = (0..1000).map(|_| fbnet::space().sample(rng)).collect();
    for device in ["edgegpu", "eyeriss", "fpga"] {
        let begun = Instant::now();
        let latency = blocks.costs(device, Metric::Latency, Input::Cifar100)?;
        let energy = blocks.costs(device, Metric::Energy, Input::Cifar100)?;
        let sum: f64 =
            networks.iter().filter_map(|arch| Some(latency.cost(arch)? + energy.cost(arch)?)).sum();
        let millis = 1e3 * begun.elapsed().as_secs_f64();
        assert!(sum > 0.0);
        println!("latency and energy of {} networks on {device}: {millis:.3} ms", networks.len());
    }
    Ok(())
}
