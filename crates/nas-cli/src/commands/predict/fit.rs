//! `nas predict fit`: a predictor of accuracy from a user's own trained networks.

use std::{collections::HashSet, path::PathBuf, process::ExitCode};

use nas_predict::{Predictor, Settings};
use nas_space::Arch;

use super::Learning;
use crate::{
    failure::Failure,
    output::counted,
    space_arguments::SpaceArguments,
    tables::accuracies,
    terminal::{note, print},
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The accuracies of your trained networks: CSV with the columns arch and accuracy_percent
    #[arg(long, value_name = "FILE")]
    accuracy_table: PathBuf,
    #[command(flatten)]
    space: SpaceArguments,
    #[command(flatten)]
    learning: Learning,
    /// The seed of the boosted trees
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The file to write
    #[arg(long, value_name = "FILE", default_value = "predictor.json")]
    out: PathBuf,
    /// Replace the file of --out
    #[arg(long)]
    force: bool,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let problem = arguments.space.problem()?;
    let trained = accuracies(&arguments.accuracy_table, &problem)?;
    // Scores are ranked among all architectures, where all can be listed.
    let architectures: Vec<Arch> = match problem.numbered() {
        Some(all) => all,
        None => trained.sorted(),
    };
    let pairs: Vec<(usize, f64)> = architectures
        .iter()
        .enumerate()
        .filter_map(|(row, arch)| Some((row, trained.value(arch)?)))
        .collect();
    let domain = problem.domain()?;
    let table = (domain.features)(&architectures)?;
    let settings =
        Settings { unconnected: domain.chance, ..arguments.learning.settings(arguments.seed) };
    let file = &arguments.out;
    Failure::occupied(file, arguments.force, "predictor.json")?;
    let predictor = Predictor::fit(&table, &pairs, settings).map_err(|error| {
        Failure::input(format!("{}: {error}", arguments.accuracy_table.display()))
    })?;
    let predictor = predictor.with_dataset(problem.dataset_name);
    std::fs::write(file, predictor.to_json()?)
        .map_err(|error| Failure::file("write", file, &error))?;
    if predictor.is_constant() {
        note(&format!(
            "warning: the predictor is constant for networks with a path from input to output, and its \
             intervals mean nothing: {} has no two such networks with different features",
            arguments.accuracy_table.display()
        ));
    }
    let classes: HashSet<_> =
        pairs.iter().map(|pair| (domain.class)(&architectures[pair.0])).collect();
    print(&format!(
        "fitted to {} of {}\nwritten to {}\n",
        counted(pairs.len(), "trained network"),
        counted(classes.len(), "class"),
        file.display()
    ))?;
    Ok(ExitCode::SUCCESS)
}
