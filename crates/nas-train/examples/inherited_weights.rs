//! Whether cells of NAS-Bench-201 that begin with the weights of a cell that was trained before are ranked as well as
//! cells that begin anew.
//!
//! `inherited_weights IMAGES EPOCHS` reads a cell and its published accuracy from each line, `ARCH,ACCURACY`, trains
//! all in their order, each way, and prints the rank correlation and the seconds of both. A cell inherits from the
//! nearest one before it (of equals the latest): each convolution from the same edge, where both have the same, and all
//! that is around the cells.

use std::collections::HashMap;
use std::error::Error;
use std::io::stdin;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use nas_data::{Dataset, Options, Survey};
use nas_net::{BuiltNetwork, NasBench201Network, Scale, Task};
use nas_predict::rank::spearman;
use nas_space::Arch;
use nas_space::nasbench201::{EDGES, Operation, operations, parse_arch_str};
use nas_train::{Go, Recipe, Setting, Training};
use tch::{Device, Tensor};

/// As in `nas search --accuracy train`.
const SCALE: Scale = Scale { width: 8, cells: 1 };

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [images, epochs] = &words[..] else { return Err("expected IMAGES EPOCHS".into()) };
    let cells: Vec<(Arch, f64)> = stdin()
        .lines()
        .map(|line| {
            let line = line?;
            let (arch, accuracy) = line.split_once(',').ok_or("expected ARCH,ACCURACY")?;
            Ok((parse_arch_str(arch)?, accuracy.parse()?))
        })
        .collect::<Result<_, Box<dyn Error>>>()?;
    let data = Arc::new(Dataset::open(Path::new(images), &Options::default())?);
    let threads = std::thread::available_parallelism()?.get();
    let survey = data.survey(threads, |_| {});
    let epochs = epochs.parse()?;
    let published: Vec<f64> = cells.iter().map(|(_, accuracy)| *accuracy).collect();
    for inherits in [false, true] {
        let begun = Instant::now();
        let mut trained: Vec<(Arch, Weights)> = Vec::new();
        let mut accuracies = Vec::new();
        for (arch, _) in &cells {
            let apart = |other: &Arch| {
                arch.choices().iter().zip(other.choices()).filter(|(a, b)| a != b).count()
            };
            let nearest = trained.iter().rev().min_by_key(|(other, _)| apart(other));
            let parent = nearest.map(|(_, weights)| weights).filter(|_| inherits);
            let (accuracy, weights) = train(arch, (&data, &survey), epochs, threads, parent)?;
            accuracies.push(accuracy);
            trained.push((arch.clone(), weights));
        }
        let seconds = begun.elapsed().as_secs_f64();
        let way = if inherits { "inherited" } else { "anew" };
        let correlation = spearman(&accuracies, &published).unwrap_or(f64::NAN);
        // What comes later has been trained longer, if it inherits.
        let places: Vec<f64> = (0..cells.len()).map(|place| place as f64).collect();
        let order = spearman(&accuracies, &places).unwrap_or(f64::NAN);
        println!(
            "{way} {epochs} epochs: {correlation:.3}, with the order {order:.3}, {seconds:.0} s"
        );
    }
    Ok(())
}

/// Weights and statistics by what they belong to.
type Weights = HashMap<String, Tensor>;

/// Names of a network's state in which a convolution and its normalisation are named by their edge.
fn state(network: &dyn BuiltNetwork, arch: &Arch) -> Result<Vec<(String, Tensor)>, Box<dyn Error>> {
    // In the order in which a cell applies them: by the node that they begin at.
    let mut edges: Vec<_> = EDGES.into_iter().zip(operations(arch)).collect();
    edges.sort_by_key(|((source, _), _)| *source);
    edges.retain(|(_, operation)| {
        matches!(operation, Operation::NorConv1x1 | Operation::NorConv3x3)
    });
    let named = network.state()?.into_iter().map(|(name, tensor)| {
        let Some((part, layer)) = name.rsplit_once('_').filter(|(part, _)| part.contains("_cell"))
        else {
            return (name, tensor);
        };
        // Such as `stage1_cell1_conv2.weight`, of which the number counts from 1.
        let (layer, weight) = layer.split_once('.').unwrap_or((layer, ""));
        let number: String = layer.chars().filter(char::is_ascii_digit).collect();
        let kind = layer.trim_end_matches(|one: char| one.is_ascii_digit());
        let edge = number.parse::<usize>().ok().and_then(|number| edges.get(number - 1));
        (format!("{part} {edge:?} {kind} {weight}"), tensor)
    });
    Ok(named.collect())
}

/// The validation accuracy in % after so many epochs, and the weights.
fn train(
    arch: &Arch,
    (data, survey): (&Arc<Dataset>, &Survey),
    epochs: u32,
    threads: usize,
    parent: Option<&Weights>,
) -> Result<(f64, Weights), Box<dyn Error>> {
    tch::set_num_threads(threads as i32);
    let task = Task { channels: 3, side: 32, classes: data.classes().len() };
    let network = NasBench201Network::scaled(arch, SCALE, task, 0, Device::Cpu)?;
    if let Some(parent) = parent {
        for (name, mut tensor) in state(&network, arch)? {
            let found = parent.get(&name).filter(|found| found.size() == tensor.size());
            if let Some(found) = found {
                tch::no_grad(|| tensor.f_copy_(found))?;
            }
        }
    }
    let kind = nas_proxy::Network::kind(&network).ok_or("a kind")?;
    let recipe = Recipe { epochs, ..Recipe::default_for(kind, data.shape()?) };
    let setting = Setting {
        data: Arc::clone(data),
        survey,
        device: Device::Cpu,
        computed_in: None,
        threads,
        teacher: None,
    };
    let mut training = Training::new(&network, setting, recipe)?;
    let mut accuracy = 0.0;
    while training.epochs() < epochs {
        let metrics = training.epoch(&mut |_, _, _| Go::On)?.ok_or("a whole epoch")?;
        accuracy = metrics.validation.accuracy;
    }
    training.exchange()?;
    let state = state(&network, arch)?.into_iter();
    let weights = state.map(|(name, tensor)| Ok((name, tensor.f_detach_copy()?)));
    Ok((accuracy, weights.collect::<Result<_, tch::TchError>>()?))
}
