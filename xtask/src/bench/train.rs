//! `cargo xtask bench train`: images per second of training, here and in plain PyTorch.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, ExitCode};

use super::beside_pytorch::{Sides, printed};
use crate::error::Error;
use crate::versions::LIBTORCH as VERSION;
use crate::workspace::Workspace;

const SCRIPT: &str = include_str!("train.py");

/// Writes random images for so many steps of each side and batch, and a tenth of them held out.
const DATA: &str = "\
import sys
import numpy
random = numpy.random.default_rng(0)
for text in sys.argv[3:]:
    side, batch = map(int, text.split(':'))
    count = batch * (int(sys.argv[2]) + 3)
    values = lambda count: random.integers(0, 256, (count, 3, side, side), dtype=numpy.uint8)
    labels = lambda count: numpy.arange(count) % 10
    numpy.savez(f'{sys.argv[1]}/{side}.npz', x=values(count), y=labels(count),
                x_val=values(2 * batch), y_val=labels(2 * batch))
";

/// Rounds in which both sides are measured in turn.
const ROUNDS: usize = 3;

/// Figures by name: images per second, and of ours the share of the time in which no batch was ready.
type Figures = BTreeMap<String, Vec<f64>>;

/// Measures both sides and prints a row for each network.
pub fn run(workspace: &Workspace, python: Option<&Path>, steps: u64) -> Result<ExitCode, Error> {
    let Sides { python, example } = Sides::set_up(workspace, python, "nas-train", "time_training")?;
    let folder = tempfile::tempdir()
        .map_err(|error| Error::Step { step: "make a folder", problem: error.to_string() })?;
    let networks = printed(Command::new(&example).arg("write").arg(folder.path()), "")?;
    let sizes: Vec<String> = networks
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace().skip(1);
            Some(format!("{}:{}", words.next()?, words.next()?))
        })
        .collect();
    let mut data = Command::new(&python);
    data.args(["-c", DATA]).arg(folder.path()).arg(steps.to_string()).args(sizes);
    printed(&mut data, "")?;
    println!(
        "Images per second of training on the CPU, f32, channels last; the same networks, batches and recipe.\n\
         ours: with images read, moved and mirrored. PyTorch {VERSION}: batches in memory (xtask/src/bench/train.py);\n\
         plain: forward pass, backward pass and SGD or AdamW alone. waited: of our time, without a batch.\n\n\
         {:18}{:>8}{:>8}{:>9}{:>9}{:>8}{:>8}{:>8}",
        "", "threads", "ours", "PyTorch", "plain", "ratio", "plain", "waited"
    );
    for threads in ["2", "1"] {
        let (mut ours, mut theirs) = (Figures::new(), Figures::new());
        for round in 1..=ROUNDS {
            eprintln!("Measuring on {threads} threads, {round} of {ROUNDS} ...");
            let mut peer = Command::new(&python);
            peer.args(["-c", SCRIPT]).arg(folder.path()).args([threads, &steps.to_string()]);
            add(&mut theirs, &printed(&mut peer, &networks)?);
            let mut own = Command::new(&example);
            own.arg("time").arg(folder.path()).arg(threads);
            add(&mut ours, &printed(&mut own, "")?);
        }
        for name in networks.lines().filter_map(|line| line.split_whitespace().next()) {
            let get = |figures: &Figures, name: &str, at: usize| {
                let values = figures.get(name)?;
                let values: Vec<f64> = values.iter().skip(at).step_by(2).copied().collect();
                Some(median(values))
            };
            let of = |name: &str| get(&theirs, name, 0).unwrap_or(f64::NAN);
            let own = get(&ours, name, 0).unwrap_or(f64::NAN);
            let waited = 100.0 * get(&ours, name, 1).unwrap_or(f64::NAN);
            let (peer, plain) = (of(name), of(&format!("{name}:plain")));
            println!(
                "{name:18}{threads:>8}{own:>8.1}{peer:>9.1}{plain:>9.1}{:>8.2}{:>8.2}{waited:>7.1}%",
                own / peer,
                own / plain
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Adds lines `name figure [figure]`; a missing second figure is 0.
fn add(figures: &mut Figures, text: &str) {
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let Some(name) = words.next() else { continue };
        let mut next = || words.next().and_then(|word| word.parse().ok()).unwrap_or(0.0);
        let values = [next(), next()];
        figures.entry(name.to_owned()).or_default().extend(values);
    }
}
