use std::{path::Path, process::ExitCode};

use nas_bench::Fidelity;
use nas_eval::benchmark;
use nas_hw::Metric;
use nas_space::nasbench201::{self, Dataset};

use crate::{
    commands::{Target, parse_dataset, tables},
    failure::Failure,
    output::{Cell, Format, Records},
    partition::PartitionArguments,
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    pub partition: PartitionArguments,
    /// cifar10, cifar100 or ImageNet16-120
    #[arg(long, value_name = "NAME", default_value = "cifar10", value_parser = parse_dataset)]
    pub dataset: Dataset,
    /// Also show what each niche holds on one of HW-NAS-Bench's devices (needs the tables)
    #[arg(long, value_name = "NAME", value_parser = Target::parse)]
    pub device: Option<Target>,
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

pub fn run(arguments: &Arguments, data: Option<&Path>) -> Result<ExitCode, Failure> {
    let space = nasbench201::space();
    let partition = arguments.partition.build(space, arguments.dataset, "whole")?;
    let mut members = vec![Vec::new(); partition.niches().len()];
    for arch in space.enumerate() {
        members[partition.niche_of(&arch)].push(arch);
    }
    let mut columns = vec!["niche", "definition", "cells", "connected"];
    let on_device = match arguments.device {
        None => None,
        Some(Target::Host) => {
            return Err(Failure::input(
                "measuring the whole space on this machine would take hours: name one of HW-NAS-Bench's devices, or leave --device out",
            ));
        }
        Some(Target::Table(device)) => {
            columns.extend(["best_test_accuracy_percent", "least_latency_ms", "median_latency_ms"]);
            let tables = tables(data)?;
            let accuracy = tables.accuracy(arguments.dataset, Fidelity::TEST)?.to_vec();
            let latency = benchmark::costs(&tables, arguments.dataset, device, Metric::Latency)?;
            Some((accuracy, latency))
        }
    };
    let mut records = Records::new(columns)
        .heading("best_test_accuracy_percent", "best %")
        .heading("least_latency_ms", "least ms")
        .heading("median_latency_ms", "median ms");
    for (number, (niche, members)) in partition.niches().iter().zip(&members).enumerate() {
        let connected = members.iter().filter(|arch| space.is_connected(arch)).count();
        let mut row: Vec<Cell> = vec![
            (number + 1).into(),
            niche.description.as_str().into(),
            members.len().into(),
            connected.into(),
        ];
        if let Some((accuracy, latency)) = &on_device {
            let indices = || members.iter().map(nasbench201::index);
            let best = indices().map(|index| accuracy[index]).max_by(f64::total_cmp);
            let mut latencies: Vec<f64> = indices().filter_map(|index| latency[index]).collect();
            latencies.sort_by(f64::total_cmp);
            row.push(best.into());
            row.push(latencies.first().copied().into());
            row.push(latencies.get(latencies.len() / 2).copied().into());
        }
        records.push(row);
    }
    records.print(arguments.format)?;
    Ok(ExitCode::SUCCESS)
}
