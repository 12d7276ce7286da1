use std::{path::PathBuf, process::ExitCode};

use nas_eval::{Task, benchmark};
use nas_predict::Predictor;
use nas_space::nasbench201::{self, Dataset};

use super::cells;
use crate::{
    arch::{Architectures, shown},
    failure::Failure,
    output::{Format, Records},
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// What `nas predict fit` wrote
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    #[command(flatten)]
    architectures: Architectures,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let file = &arguments.model;
    let told = |error: nas_predict::Error| Failure::input(format!("{}: {error}", file.display()));
    let text =
        std::fs::read_to_string(file).map_err(|error| Failure::file("read", file, &error))?;
    let predictor = Predictor::from_json(&text).map_err(told)?;
    let architectures = if arguments.architectures.none_given() {
        cells()
    } else {
        arguments.architectures.read(&Task::nasbench201(Dataset::Cifar10))?
    };
    // Features do not depend on the data set.
    let table = (benchmark::domain(Dataset::Cifar10)?.features)(&architectures)?;
    let mut records = Records::new([
        "index",
        "arch",
        "predicted_accuracy_percent",
        "predicted_low_percent",
        "predicted_high_percent",
    ])
    .heading("predicted_accuracy_percent", "predicted %")
    .heading("predicted_low_percent", "low")
    .heading("predicted_high_percent", "high");
    for (arch, predicted) in architectures.iter().zip(predictor.predict(&table).map_err(told)?) {
        records.push(vec![
            nasbench201::index(arch).into(),
            shown(nasbench201::space(), arch, arguments.format).into(),
            Some(predicted.value).into(),
            Some(predicted.low).into(),
            Some(predicted.high).into(),
        ]);
    }
    records.print(arguments.format)?;
    Ok(ExitCode::SUCCESS)
}
