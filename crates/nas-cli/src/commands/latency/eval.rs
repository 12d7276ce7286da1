//! `nas latency eval`: how well few measurements predict the latencies of a device.

use std::{path::Path, process::ExitCode};

use nas_predict::rank::spearman;

use super::reference::ReferenceArguments;
use crate::{
    failure::Failure,
    output::{Format, Records},
    progress::Progress,
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Measurements on the predicted device, chosen as in nas latency fit
    #[arg(long, value_name = "N,…", default_value = "10,30", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=1000))]
    measurements: Vec<u32>,
    #[command(flatten)]
    reference: ReferenceArguments,
    /// The format of the results
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn run(arguments: &Arguments, tables: Option<&Path>) -> Result<ExitCode, Failure> {
    let reference = arguments.reference.open(arguments.reference.problem()?, tables, [])?;
    let mut records =
        Records::new(["device", "measurements", "tried", "spearman", "expected_ms", "error_ms"])
            .heading("spearman", "Spearman")
            .heading("expected_ms", "expected error [ms]")
            .heading("error_ms", "error [ms]");
    let mut sums = vec![0.0; arguments.measurements.len()];
    let mut progress = Progress::new("predicting devices", reference.devices.len());
    for (done, (hidden, truth)) in reference.devices.iter().enumerate() {
        let model = reference.model(Some(hidden))?;
        for (sum, &count) in sums.iter_mut().zip(&arguments.measurements) {
            let (measured, absent) = model.measure(count as usize, |at| truth[at]);
            let fit = model.fit(&measured)?;
            let runnable = truth
                .iter()
                .enumerate()
                .filter_map(|(at, value)| Some((fit.predicted[at], fit.deviations[at], (*value)?)));
            let runnable: Vec<(f64, f64, f64)> = runnable.collect();
            let predicted: Vec<f64> = runnable.iter().map(|row| row.0).collect();
            let values: Vec<f64> = runnable.iter().map(|row| row.2).collect();
            let rank = spearman(&predicted, &values);
            let root_mean = |square: fn(&(f64, f64, f64)) -> f64| {
                (runnable.iter().map(square).sum::<f64>() / runnable.len() as f64).sqrt()
            };
            *sum += rank.unwrap_or(0.0);
            records.push(vec![
                hidden.as_str().into(),
                measured.len().into(),
                (measured.len() + absent.len()).into(),
                rank.into(),
                Some(root_mean(|row| row.1 * row.1)).into(),
                Some(root_mean(|row| (row.0 - row.2).powi(2))).into(),
            ]);
        }
        progress.update(done + 1, hidden);
    }
    progress.finish();
    for (sum, &count) in sums.iter().zip(&arguments.measurements) {
        let mean = Some(sum / reference.devices.len() as f64);
        let count = count as usize;
        records.push(vec![
            "mean".into(),
            count.into(),
            count.into(),
            mean.into(),
            None.into(),
            None.into(),
        ]);
    }
    records.print(arguments.format)?;
    Ok(ExitCode::SUCCESS)
}
