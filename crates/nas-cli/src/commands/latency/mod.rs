//! `nas latency`: latencies on a device, published, measured or predicted.

use std::{path::Path, process::ExitCode};

use clap::Subcommand;
use nas_hw::Metric;

use crate::{
    arch::{Architectures, shown},
    commands::live,
    failure::Failure,
    output::{Cell, Format, Records},
    runtime::Runtime,
    space_arguments::SpaceArguments,
    tables::{cost_of, published, value_of},
    target::{Target, check_published, device_help},
};

mod eval;
mod fit;
mod reference;

#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  nas latency 6111                   measured on this machine
  nas latency 6111 --runtime onnx    the same in ONNX Runtime
  nas latency --device fpga --space fbnet --file mine.txt    published

  # Your own device: what to measure first, then predictions for all
  nas latency fit
  nas latency fit mine.csv
  nas latency fit mine.csv --format csv > all.csv
  nas search --latency-table all.csv"
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    pub architectures: Architectures,
    #[arg(long, value_name = "NAME", default_value = "host", value_parser = Target::parse, help = device_help())]
    pub device: Target,
    /// What runs the network on this machine's processor
    #[arg(long, value_enum, default_value_t)]
    pub runtime: Runtime,
    #[command(flatten)]
    pub space: SpaceArguments,
    /// The format of the results
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Predicts the latencies of all architectures on your device from a few measurements, and lists
    /// what to measure next
    Fit(fit::Arguments),
    /// Predicts each published device from a few of its latencies and the other devices, and compares
    /// with its published latencies
    Eval(eval::Arguments),
}

pub fn run(arguments: &Arguments, tables: Option<&Path>) -> Result<ExitCode, Failure> {
    match &arguments.command {
        None => latencies(arguments, tables),
        Some(Command::Fit(arguments)) => fit::run(arguments, tables),
        Some(Command::Eval(arguments)) => eval::run(arguments, tables),
    }
}

fn latencies(arguments: &Arguments, tables: Option<&Path>) -> Result<ExitCode, Failure> {
    if arguments.runtime == Runtime::Onnx && arguments.device != Target::Host {
        return Err(Failure::input(format!(
            "--runtime onnx measures on this machine's processor: leave out --device {}",
            arguments.device.name()
        )));
    }
    let problem = arguments.space.problem()?;
    let architectures = arguments.architectures.read(&problem)?;
    let mut rows: Vec<Vec<Cell>> = architectures
        .iter()
        .map(|arch| {
            let mut row: Vec<Cell> = problem.index(arch).map(Cell::from).into_iter().collect();
            row.push(shown(problem.space, arch, arguments.format).into());
            row
        })
        .collect();
    let mut columns: Vec<&str> =
        problem.numbering.is_some().then_some("index").into_iter().collect();
    columns.extend(["arch", "latency_ms"]);
    match &arguments.device {
        target @ (Target::Host | Target::Cuda(_)) => {
            columns.extend(["latency_spread_ms", "repeats"]);
            let gpu = target.gpu();
            let measured = live::latencies(&problem, gpu, arguments.runtime, &architectures)?;
            for (row, measured) in rows.iter_mut().zip(measured) {
                row.push(Some(measured.median.0).into());
                row.push(Some(measured.spread.0).into());
                row.push(measured.repeats.into());
            }
        }
        Target::Published(device) => {
            check_published(&problem, device)?;
            let published = published(&problem, tables, true)?;
            for metric in [Metric::Latency, Metric::Energy] {
                if metric == Metric::Energy {
                    if !problem.has_cost(device, metric)? {
                        continue;
                    }
                    columns.push("energy_mJ");
                }
                let mut costs = cost_of(&problem, published.as_deref(), device, metric)?;
                for (row, arch) in rows.iter_mut().zip(&architectures) {
                    row.push(value_of(&mut *costs, arch)?.into());
                }
            }
        }
    }
    let mut records = Records::new(columns);
    for row in rows {
        records.push(row);
    }
    records.print(arguments.format)?;
    Ok(ExitCode::SUCCESS)
}
