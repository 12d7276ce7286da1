//! `cargo xtask bench early-stop`: searches whose trainings are stopped early, with searches that train
//! all to their ends. The trainings are replayed from the learning curves of a small space, all of whose
//! networks were trained.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use nas_pareto::statistics::{Estimate, mean};
use nas_pareto::{Direction, PointSet, non_dominated};

use super::own_problem::nas::{Nas, failed, number, read, text};
use super::own_problem::problem::Exact;
use crate::error::Error;
use crate::nas::{Build, Program};
use crate::workspace::Workspace;

/// The steps of a training.
const STEPS: &str = "27";

#[derive(clap::Args)]
pub struct Arguments {
    /// Numbers of evaluations
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_values_t = [60, 120])]
    evaluations: Vec<u32>,
    /// Searches of each kind
    #[arg(long, value_name = "N", default_value_t = 10)]
    seeds: u64,
    /// The first search's seed
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
}

/// The networks of the space: accuracy at the end, and multiply-accumulates.
struct Networks {
    values: HashMap<String, [f64; 2]>,
    front: HashSet<String>,
    exact: Exact,
}

/// What a search found.
struct Found {
    /// Of what was trained to its end.
    hypervolume_ratio: f64,
    steps: f64,
    /// Networks of the exact front that it began to train, and did not end.
    lost: f64,
}

impl Networks {
    fn read(curves: &Path) -> Result<Self, Error> {
        let last = format!("epoch_{STEPS}");
        let mut values = HashMap::new();
        for row in read(curves)? {
            let arch = text(&row, "arch")?.to_owned();
            values.insert(arch, [number(&row, &last)?, number(&row, "macs")?]);
        }
        let (names, all): (Vec<&String>, Vec<[f64; 2]>) =
            values.iter().map(|(arch, one)| (arch, *one)).unzip();
        let directions = [Direction::Maximise, Direction::Minimise];
        let front = PointSet::from_rows(&all, &directions).and_then(|all| non_dominated(&all));
        let front = front.map_err(|error| failed(&error))?;
        let front = front.into_iter().map(|at| names[at].clone()).collect();
        let exact = Exact::new(directions, &all, &all)?;
        Ok(Self { values, front, exact })
    }

    /// Searches, in a folder with the space, the program and the curves.
    fn search(
        &self,
        nas: &Nas,
        folder: &Path,
        evaluations: u32,
        seed: u64,
        stops: bool,
    ) -> Result<Found, Error> {
        let (evaluations, seed) = (evaluations.to_string(), seed.to_string());
        let mut arguments = vec!["search", "--space", "space.toml", "--run", "run", "--force"];
        arguments.extend(["--evaluate", "python3 replay.py curves.csv", "--steps", STEPS]);
        arguments.extend(["--objectives", "accuracy_percent:max,macs:min"]);
        arguments.extend(["--evaluations", &evaluations, "--seed", &seed]);
        arguments.extend(stops.then_some("--early-stop"));
        nas.run(folder, &arguments)?;
        let (mut whole, mut trained, mut lost) = (Vec::new(), 0.0, 0.0);
        for row in read(&folder.join("run/evaluations.csv"))? {
            let arch = text(&row, "arch")?;
            trained += number(&row, "steps")?;
            if !text(&row, "accuracy_percent")?.is_empty() {
                whole.push(self.values[arch]);
            } else if self.front.contains(arch) {
                lost += 1.0;
            }
        }
        let hypervolume_ratio = self.exact.score(&whole)?.hypervolume_ratio;
        Ok(Found { hypervolume_ratio, steps: trained, lost })
    }
}

pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<ExitCode, Error> {
    let nas = Nas(Program::built(workspace, Build::Installed)?.path().to_owned());
    let folder = workspace.root().join("target/early-stop");
    fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
    let curves = folder.join("curves.csv");
    let original = workspace.root().join("bench-data/learning-curves.csv");
    fs::copy(&original, &curves).map_err(Error::file(&original))?;
    for (name, content) in
        [("space.toml", include_str!("space.toml")), ("replay.py", include_str!("replay.py"))]
    {
        let file = folder.join(name);
        fs::write(&file, content).map_err(Error::file(&file))?;
    }
    let networks = Networks::read(&curves)?;
    println!(
        "{} networks, {} on the exact front; {} seeds, from {}. HV ratio: of what was\n\
         trained to its end, of the exact front's. lost: networks of the exact front whose\n\
         training was begun and stopped. ±: 95 % interval over seeds.\n",
        networks.values.len(),
        networks.front.len(),
        arguments.seeds,
        arguments.seed
    );
    println!(
        "{:>11}  {:<16}  {:<16}  {:<17}  {:>9}  {:>4}",
        "evaluations", "HV ratio", "stopped early", "difference", "training", "lost"
    );
    for &evaluations in &arguments.evaluations {
        let mut pairs = Vec::new();
        for seed in arguments.seed..arguments.seed + arguments.seeds {
            let search = |stops| networks.search(&nas, &folder, evaluations, seed, stops);
            pairs.push((search(false)?, search(true)?));
        }
        let of = |of: &dyn Fn(&(Found, Found)) -> f64| pairs.iter().map(of).collect::<Vec<f64>>();
        let [all, stopped] =
            [of(&|pair| pair.0.hypervolume_ratio), of(&|pair| pair.1.hypervolume_ratio)];
        let difference = of(&|pair| pair.1.hypervolume_ratio - pair.0.hypervolume_ratio);
        let less = mean(&of(&|pair| pair.0.steps)) / mean(&of(&|pair| pair.1.steps));
        println!(
            "{evaluations:>11}  {:<16}  {:<16}  {:<17}  {:>9}  {:>4.1}",
            Estimate::of(&all).text(4),
            Estimate::of(&stopped).text(4),
            Estimate::of(&difference).signed(4),
            format!("÷ {less:.2}"),
            mean(&of(&|pair| pair.1.lost)),
        );
    }
    Ok(ExitCode::SUCCESS)
}
