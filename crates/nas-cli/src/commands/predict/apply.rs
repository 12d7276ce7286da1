//! `nas predict apply`: predicted accuracies.

use std::{path::PathBuf, process::ExitCode};

use nas_eval::read_text;
use nas_predict::Predictor;
use nas_search::Objective;

use crate::{
    arch::{Architectures, shown},
    failure::Failure,
    output::{Cell, Format, Records},
    space_arguments::SpaceArguments,
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A file that `nas predict fit` wrote
    #[arg(value_name = "PREDICTOR")]
    predictor: PathBuf,
    #[command(flatten)]
    architectures: Architectures,
    #[command(flatten)]
    space: SpaceArguments,
    /// The format of the results
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let file = &arguments.predictor;
    let in_file =
        |error: nas_predict::Error| Failure::input(format!("{}: {error}", file.display()));
    let text = read_text(file).map_err(|error| Failure::file("read", file, &error))?;
    let predictor = Predictor::from_json(&text).map_err(in_file)?;
    let problem = arguments.space.problem()?;
    if let (Some(learnt), Some(asked)) = (predictor.dataset(), problem.dataset_name)
        && learnt != asked
        && arguments.space.dataset.is_some()
    {
        return Err(Failure::input(format!(
            "{}: its accuracies are of {learnt}: leave --dataset out, or fit another one",
            file.display()
        )));
    }
    let all = problem.numbered().filter(|_| arguments.architectures.none_given());
    let architectures = match all {
        Some(all) => all,
        None => arguments.architectures.read(&problem)?,
    };
    let table = (problem.domain()?.features)(&architectures)?;
    let columns =
        ["arch", "predicted_accuracy_percent", "predicted_low_percent", "predicted_high_percent"];
    let mut records = Records::new(problem.numbering.map(|_| "index").into_iter().chain(columns))
        .heading("predicted_accuracy_percent", "predicted %")
        .heading("predicted_low_percent", "low")
        .heading("predicted_high_percent", "high");
    let accuracy = Objective::accuracy("predicted_accuracy");
    for (arch, predicted) in architectures.iter().zip(predictor.predict(&table).map_err(in_file)?) {
        let mut row: Vec<Cell> = problem.index(arch).map(Cell::from).into_iter().collect();
        row.push(shown(problem.space, arch, arguments.format).into());
        row.extend(
            [predicted.value, predicted.low, predicted.high]
                .map(|one| Some(accuracy.nearest(one)).into()),
        );
        records.push(row);
    }
    records.print(arguments.format)?;
    Ok(ExitCode::SUCCESS)
}
