use std::{path::Path, process::ExitCode};

use nas_eval::benchmark;
use nas_hw::{Device, FewShot, Metric};
use nas_predict::rank::spearman;
use nas_space::nasbench201::{self, Dataset};

use super::fit::known;
use crate::{
    commands::{parse_dataset, predict::cells, tables},
    failure::Failure,
    output::{Format, Records},
    progress::Progress,
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Measurements on the hidden device, chosen as nas latency fit tells
    #[arg(long, value_name = "N,…", default_values_t = [10, 30], value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=1000))]
    measurements: Vec<u32>,
    /// cifar10, cifar100 or ImageNet16-120
    #[arg(long, value_name = "NAME", default_value = "cifar10", value_parser = parse_dataset)]
    dataset: Dataset,
    /// The seed of the samples that tell what matters
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn run(arguments: &Arguments, data: Option<&Path>) -> Result<ExitCode, Failure> {
    let tables = tables(data)?;
    let all = cells();
    let mut records =
        Records::new(["device", "measurements", "tried", "spearman", "expected_ms", "error_ms"])
            .heading("spearman", "Spearman")
            .heading("expected_ms", "expected error [ms]")
            .heading("error_ms", "error [ms]");
    let mut sums = vec![0.0; arguments.measurements.len()];
    let mut progress = Progress::new("hiding devices", Device::ALL.len());
    for (done, hidden) in Device::ALL.into_iter().enumerate() {
        let truth = benchmark::costs(&tables, arguments.dataset, hidden, Metric::Latency)?;
        let known = known(&tables, arguments.dataset, Some(hidden))?;
        let model = FewShot::new(nasbench201::space(), &all, &known, arguments.seed)?;
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
                hidden.name().into(),
                measured.len().into(),
                (measured.len() + absent.len()).into(),
                rank.into(),
                Some(root_mean(|row| row.1 * row.1)).into(),
                Some(root_mean(|row| (row.0 - row.2).powi(2))).into(),
            ]);
        }
        progress.update(done + 1, hidden.name());
    }
    progress.finish();
    for (sum, &count) in sums.iter().zip(&arguments.measurements) {
        let mean = Some(sum / Device::ALL.len() as f64);
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
