//! `cargo xtask bench pareto`: exact hypervolume, nas-pareto against moocore.

use std::fs;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use nas_pareto::{Points, hypervolume};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::moocore::{Moocore, VERSION};
use crate::error::Error;
use crate::workspace::Workspace;

const SEED: u64 = 1;
/// Beyond every point of a front, so that all of them count.
const REFERENCE: f64 = 1.1;
/// Both sides sum a million rounded terms in their own order.
const TOLERANCE: f64 = 1e-12;

/// Dimension, number of points, repeats.
const SIZES: [(usize, usize, usize); 7] = [
    (2, 1_000, 101),
    (2, 10_000, 51),
    (2, 100_000, 21),
    (2, 1_000_000, 9),
    (3, 1_000, 101),
    (3, 10_000, 51),
    (3, 100_000, 21),
];

/// How points are spread.
#[derive(Clone, Copy)]
enum Shape {
    /// Uniformly in the unit cube; nearly all are dominated.
    Random,
    /// On the part of the unit sphere around (1, …, 1) that faces 0; none is dominated.
    Front,
    /// Around twenty points of such a front.
    Clustered,
}

/// Compares values and times on every shape and size, and prints a row for each.
pub fn run(workspace: &Workspace) -> Result<ExitCode, Error> {
    let mut moocore = Moocore::start(workspace)?;
    let folder = tempfile::tempdir().map_err(Error::file(std::env::temp_dir()))?;

    println!(
        "Exact hypervolume, one thread each, the same points (seed {SEED}). The fastest of several \
         calls that alternate\nbetween the two. nas-pareto's include its check for NaN and \
         infinities, moocore {VERSION}'s the call from Python\n(about 8 µs, so look at 1,000 points \
         with that in mind); reading the points is outside.\n"
    );
    println!(
        "{:>9}  {:>9}  {:<9}  {:>14}  {:>11}  {:>7}  {:>10}",
        "objectives", "points", "shape", "nas-pareto [s]", "moocore [s]", "speedup", "difference"
    );
    let (mut disagreements, mut slower) = (0, 0);
    for (dimension, count, repeats) in SIZES {
        for shape in [Shape::Random, Shape::Front, Shape::Clustered] {
            let values = shape.points(dimension, count);
            let path = folder.path().join(format!("{dimension}-{count}-{}.f64", shape.name()));
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            fs::write(&path, bytes).map_err(Error::file(&path))?;

            let reference = vec![REFERENCE; dimension];
            let (mut ours, mut theirs) = (f64::INFINITY, f64::INFINITY);
            let (mut our_value, mut their_value) = (f64::NAN, f64::NAN);
            for _ in 0..repeats {
                let start = Instant::now();
                our_value = Points::new(black_box(&values), dimension)
                    .and_then(|points| hypervolume(points, &reference))
                    .map_err(|error| failed(&error))?;
                ours = ours.min(start.elapsed().as_secs_f64());

                let (seconds, value) = moocore.hypervolume(&path, dimension, REFERENCE)?;
                theirs = theirs.min(seconds);
                their_value = value;
            }
            fs::remove_file(&path).map_err(Error::file(&path))?;

            let difference = (our_value - their_value).abs() / their_value.abs();
            // A NaN is a disagreement too.
            let agree = difference <= TOLERANCE;
            disagreements += u32::from(!agree);
            slower += u32::from(ours > theirs);
            println!(
                "{dimension:>10}  {count:>9}  {:<9}  {ours:>14.6}  {theirs:>11.6}  {:>6.1}x  \
                 {difference:>10.1e}{}",
                shape.name(),
                theirs / ours,
                if agree { "" } else { "  DISAGREE" },
            );
        }
    }
    println!("\nnas-pareto was slower in {slower} rows; values differ in {disagreements} rows.");
    Ok(if disagreements == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Shape {
    fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Front => "front",
            Self::Clustered => "clustered",
        }
    }

    /// `count` rows of `dimension` minimised values.
    fn points(self, dimension: usize, count: usize) -> Vec<f64> {
        let mut random = ChaCha8Rng::seed_from_u64(SEED);
        match self {
            Self::Random => (0..count * dimension).map(|_| random.random()).collect(),
            Self::Front => (0..count).flat_map(|_| on_the_sphere(dimension, &mut random)).collect(),
            Self::Clustered => {
                let centres: Vec<Vec<f64>> =
                    (0..20).map(|_| on_the_sphere(dimension, &mut random)).collect();
                let mut values = Vec::with_capacity(count * dimension);
                for _ in 0..count {
                    let centre = &centres[random.random_range(0..centres.len())];
                    values.extend(centre.iter().map(|value| value + 0.02 * normal(&mut random)));
                }
                values
            }
        }
    }
}

/// A point at distance 1 from (1, …, 1) and no worse than it, uniform over those.
fn on_the_sphere(dimension: usize, random: &mut ChaCha8Rng) -> Vec<f64> {
    let direction: Vec<f64> = (0..dimension).map(|_| normal(random).abs()).collect();
    let length = direction.iter().map(|value| value * value).sum::<f64>().sqrt();
    direction.iter().map(|value| 1.0 - value / length).collect()
}

/// A standard normal number (Box and Muller 1958).
fn normal(random: &mut ChaCha8Rng) -> f64 {
    let (radius, angle): (f64, f64) = (random.random(), random.random());
    (-2.0 * (1.0 - radius).ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
}

fn failed(error: &nas_pareto::Error) -> Error {
    Error::Step { step: "compute a hypervolume", problem: error.to_string() }
}
