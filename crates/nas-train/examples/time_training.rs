//! Images per second of training, for `cargo xtask bench train`.
//!
//! `time_training write FOLDER` writes the networks as Python modules, so that others train the same.
//! `time_training time FOLDER THREADS` prints a line `name images-per-second waited-share` for each, trained on
//! FOLDER/SIDE.npz.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nas_data::{Dataset, Options};
use nas_net::export::{Description, python};
use nas_net::{AutoFormerNetwork, BuiltNetwork, FbnetNetwork, NasBench201Network, Scale, Task};
use nas_space::autoformer::Size;
use nas_space::{fbnet, nasbench201};
use nas_train::{Go, Recipe, Setting, Training};
use tch::Device;

/// A network: its name, the side of its images, and the images of a step.
const NETWORKS: [(&str, usize, usize); 3] =
    [("nasbench201", 32, 128), ("fbnet", 32, 128), ("autoformer-tiny", 224, 16)];

/// Steps before the clock starts.
const WARM_UP: u64 = 3;

fn network(name: &str, side: usize) -> Result<Box<dyn BuiltNetwork>, Box<dyn Error>> {
    let task = Task { channels: 3, side, classes: 10 };
    let device = Device::Cpu;
    Ok(match name {
        "nasbench201" => {
            let cell = nasbench201::from_index(6111)?;
            Box::new(NasBench201Network::scaled(&cell, Scale::PUBLISHED, task, 0, device)?)
        }
        "fbnet" => {
            // Every block the same: 3×3, expansion 6.
            let block = fbnet::space().decisions()[0].choice("k3_e6")?;
            let arch = nas_space::Arch::new(vec![block; 22]);
            Box::new(FbnetNetwork::scaled(&arch, task, 0, device)?)
        }
        _ => {
            let arch = nas_space::Arch::new(vec![0; Size::Tiny.space().decisions().len()]);
            let plan = Size::Tiny.network(&arch)?;
            Box::new(AutoFormerNetwork::new(&plan, task, 0, device)?)
        }
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [mode, folder, rest @ ..] = &words[..] else { return Err("expected write or time".into()) };
    let folder = Path::new(folder);
    for (name, side, batch) in NETWORKS {
        let built = network(name, side)?;
        if mode == "write" {
            let module = python(&*built, &Description::default())?;
            std::fs::write(folder.join(format!("{}.py", name.replace('-', "_"))), module)?;
            println!("{name} {side} {batch}");
            continue;
        }
        let threads: usize = rest.first().map_or(Ok(1), |text| text.parse())?;
        let (images, waited) = time(&*built, &folder.join(format!("{side}.npz")), batch, threads)?;
        println!("{name} {images} {waited}");
    }
    Ok(())
}

/// Images per second, and the share of the time in which no batch was ready.
fn time(
    network: &dyn BuiltNetwork,
    data: &Path,
    batch: usize,
    threads: usize,
) -> Result<(f64, f64), Box<dyn Error>> {
    tch::set_num_threads(threads as i32);
    let data = Arc::new(Dataset::open(data, &Options::default())?);
    let survey = data.survey(threads, |_| {});
    let kind = nas_proxy::Network::kind(network).ok_or("a kind")?;
    let recipe = Recipe::default_for(kind, data.shape()?).with_batch(batch);
    let device = Device::Cpu;
    let setting =
        Setting { data, survey: &survey, device, computed_in: None, threads, teacher: None };
    let mut training = Training::new(network, setting, Recipe { epochs: 2, ..recipe })?;
    let mut begun = Instant::now();
    let mut seconds = Duration::ZERO;
    let mut steps = 0;
    let metrics = training.epoch(&mut |step, of, _| {
        if step == WARM_UP {
            begun = Instant::now();
        }
        if step == of {
            (seconds, steps) = (begun.elapsed(), step - WARM_UP);
        }
        Go::On
    })?;
    let metrics = metrics.ok_or("a whole epoch")?;
    let images = steps as f64 * batch as f64 / seconds.as_secs_f64();
    Ok((images, metrics.waited / metrics.seconds))
}
