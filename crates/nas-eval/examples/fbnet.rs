//! Searches FBNet for networks of many parameters and little latency, by HW-NAS-Bench's tables.
//!
//! `cargo run --release --no-default-features --example fbnet -- DATA DEVICE EVALUATIONS`, where
//! DATA is the folder that `nas download` names. No accuracy is published for these networks; how
//! many parameters they have is a score without training.
//!
//! It prints evaluations, networks on the front, and seconds.

use std::{error::Error, time::Instant};

use nas_bench::FbnetBlocks;
use nas_eval::{Lookup, Sources};
use nas_hw::{Device, Metric};
use nas_partition::{Allocation, Partition};
use nas_search::{Objective, Search, Settings, Statistical};
use nas_space::{
    Arch,
    fbnet::{self, Input},
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what| arguments.next().ok_or(format!("expected {what}"));
    let (data, device) = (next("DATA")?, next("DEVICE")?.parse::<Device>()?);
    let evaluations = next("EVALUATIONS")?.parse()?;

    let costs =
        FbnetBlocks::open(data.as_ref())?.costs(device, Metric::Latency, Input::Cifar100)?;
    let parameters = |arch: &Arch| Some(fbnet::parameters(arch, Input::Cifar100) as f64);
    let mut evaluator = Sources::new(vec![
        Box::new(Lookup::new(Objective::maximise("parameters", ""), parameters)),
        Box::new(Lookup::new(Objective::minimise("latency", "ms"), move |arch: &Arch| {
            costs.cost(arch)
        })),
    ]);
    let (space, whole) = (fbnet::space(), Partition::whole());
    let settings =
        Settings { evaluations, allocation: Allocation::Adaptive, ..Settings::default() };
    let begun = Instant::now();
    let outcome =
        Search::new(space, &whole, settings).run(&mut Statistical, &mut evaluator, &mut |_| {})?;
    let (front, seconds) = (outcome.front().len(), begun.elapsed().as_secs_f64());
    println!("{}\t{front}\t{seconds:.3}", outcome.evaluated.len());
    Ok(())
}
