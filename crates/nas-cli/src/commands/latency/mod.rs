//! `nas latency`: what architectures cost on a device, looked up, measured or predicted.

use std::{path::Path, process::ExitCode};

use clap::Subcommand;
use nas_bench::NasBench201;
use nas_eval::benchmark;
use nas_hw::{Device, Metric};
use nas_predict::FewShot;
use nas_space::{
    Arch,
    nasbench201::{self, Dataset},
};

use crate::{
    arch::{Architectures, shown},
    commands::{Runtime, SpaceArguments, Target, cost_of, live, of, parse_dataset, published},
    failure::Failure,
    output::{Cell, Format, Records},
};

mod eval;
mod fit;

#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  nas latency 6111                                   measured on this machine
  nas latency 6111 --runtime onnx                    the same in ONNX Runtime
  nas latency --device fpga --space fbnet --file mine.txt    published costs, summed over blocks
  nas latency fit                                    what to measure on your device first
  nas latency fit mine.csv                           what these say of all, and what to measure next
  nas latency fit mine.csv --format csv > all.csv    all: for nas search --latency-table"
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    pub architectures: Architectures,
    /// host measures on this machine's processor, cuda on its GPU (or cuda:N); edgegpu, raspi4,
    /// edgetpu, pixel3, eyeriss and fpga are published (HW-NAS-Bench)
    #[arg(long, value_name = "NAME", default_value = "host", value_parser = Target::parse)]
    pub device: Target,
    /// What runs the network on this machine's processor
    #[arg(long, value_enum, default_value_t)]
    pub runtime: Runtime,
    #[command(flatten)]
    pub space: SpaceArguments,
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// The devices that are known, for what is told of another.
#[derive(Debug, clap::Args)]
struct Known {
    /// The published latencies of other devices that tell what matters: those of cifar10, cifar100
    /// or ImageNet16-120
    #[arg(long, value_name = "NAME", default_value = "cifar10", value_parser = parse_dataset)]
    dataset: Dataset,
    /// The seed of the samples that tell what matters
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

impl Known {
    /// What all published devices but one tell of all cells, by index.
    fn model(
        &self,
        tables: &NasBench201,
        all: &[Arch],
        but: Option<Device>,
    ) -> Result<FewShot, Failure> {
        let devices = Device::ALL.into_iter().filter(|device| Some(*device) != but);
        let latencies = devices
            .map(|device| benchmark::costs(tables, self.dataset, device, Metric::Latency))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(FewShot::new(nasbench201::space(), all, &latencies, self.seed)?)
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Predicts the latencies of all architectures on your device from a few that were measured
    /// there, and tells which to measure next
    Fit(fit::Arguments),
    /// Hides one published device at a time, predicts it from a few of its latencies and the other
    /// devices, and compares with the truth
    Eval(eval::Arguments),
}

pub fn run(arguments: &Arguments, data: Option<&Path>) -> Result<ExitCode, Failure> {
    match &arguments.command {
        None => latencies(arguments, data),
        Some(Command::Fit(arguments)) => fit::run(arguments, data),
        Some(Command::Eval(arguments)) => eval::run(arguments, data),
    }
}

fn latencies(arguments: &Arguments, data: Option<&Path>) -> Result<ExitCode, Failure> {
    if arguments.runtime == Runtime::Onnx && arguments.device != Target::Host {
        return Err(Failure::input(format!(
            "--runtime onnx measures on this machine's processor: leave out --device {}",
            arguments.device.name()
        )));
    }
    let task = arguments.space.task()?;
    let architectures = arguments.architectures.read(&task)?;
    let mut rows: Vec<Vec<Cell>> = architectures
        .iter()
        .map(|arch| {
            let mut row: Vec<Cell> = task.index(arch).map(Cell::from).into_iter().collect();
            row.push(shown(task.space, arch, arguments.format).into());
            row
        })
        .collect();
    let mut columns: Vec<&str> = task.is_numbered().then_some("index").into_iter().collect();
    columns.extend(["arch", "latency_ms"]);
    match arguments.device {
        target @ (Target::Host | Target::Cuda(_)) => {
            columns.extend(["latency_spread_ms", "repeats"]);
            let measured = live::latencies(&task, target, arguments.runtime, &architectures)?;
            for (row, measured) in rows.iter_mut().zip(measured) {
                row.push(Some(measured.median.0).into());
                row.push(Some(measured.spread.0).into());
                row.push(measured.repeats.into());
            }
        }
        Target::Table(device) => {
            let published = published(&task, data, true)?;
            let metrics = [Metric::Latency, Metric::Energy];
            for metric in metrics.into_iter().filter(|metric| device.has(*metric)) {
                if metric == Metric::Energy {
                    columns.push("energy_mJ");
                }
                let mut costs = cost_of(&task, published.as_deref(), device, metric)?;
                for (row, arch) in rows.iter_mut().zip(&architectures) {
                    row.push(of(&mut *costs, arch)?.into());
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
