use std::{collections::HashSet, path::PathBuf, process::ExitCode};

use nas_eval::benchmark;
use nas_predict::{Predictor, Settings};
use nas_space::nasbench201::{self, Dataset};

use super::{Learning, cells};
use crate::{
    commands::{accuracies, parse_dataset},
    failure::Failure,
    output::counted,
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Your labels: CSV with the columns arch and accuracy_percent
    #[arg(long, value_name = "FILE")]
    accuracy_table: PathBuf,
    /// cifar10, cifar100 or ImageNet16-120: what networks without a path reach follows from it
    #[arg(long, value_name = "NAME", default_value = "cifar10", value_parser = parse_dataset)]
    dataset: Dataset,
    #[command(flatten)]
    learning: Learning,
    /// The seed of the trees
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The file to write, which is replaced
    #[arg(long, value_name = "FILE", default_value = "predictor.json")]
    out: PathBuf,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let labels = accuracies(&arguments.accuracy_table, nasbench201::parse)?;
    let mut pairs: Vec<(usize, f64)> = labels
        .architectures()
        .filter_map(|arch| Some((nasbench201::index(arch), labels.value(arch)?)))
        .collect();
    pairs.sort_by_key(|pair| pair.0);
    let domain = benchmark::domain(arguments.dataset)?;
    let cells = cells();
    let table = (domain.features)(&cells)?;
    let settings = Settings {
        unconnected: Some(domain.chance),
        ..arguments.learning.settings(arguments.seed)
    };
    let file = &arguments.out;
    Failure::no_folder(file)?;
    let predictor = Predictor::fit(&table, &pairs, settings).map_err(|error| {
        Failure::input(format!("{}: {error}", arguments.accuracy_table.display()))
    })?;
    std::fs::write(file, predictor.to_json()?)
        .map_err(|error| Failure::file("write", file, &error))?;
    if predictor.is_constant() {
        eprintln!(
            "warning: one accuracy is predicted for all networks with a path from input to output, \
             and the intervals mean nothing:\n  {} tells no two such networks apart",
            arguments.accuracy_table.display()
        );
    }
    let classes: HashSet<usize> = pairs.iter().map(|pair| (domain.class)(&cells[pair.0])).collect();
    let (labels, classes) = (counted(pairs.len(), "label"), counted(classes.len(), "class"));
    println!("learnt from {labels} of {classes}");
    println!("written to {}", file.display());
    Ok(ExitCode::SUCCESS)
}
