//! `nas niches`: the niches that a partition divides a space into.

use std::{path::Path, process::ExitCode};

use nas_eval::{Problem, Source};
use nas_hw::Metric;
use nas_search::SearchRng;
use rand::SeedableRng;

use crate::{
    failure::Failure,
    output::{Cell, Format, Records},
    partition::{PartitionArguments, population},
    space_arguments::SpaceArguments,
    tables::{cost_of, published, value_of},
    target::{Target, check_published},
    terminal::{note, print},
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    pub space: SpaceArguments,
    /// Also show the best accuracy and the latencies of each niche on this device; requires the
    /// benchmark tables
    #[arg(long, value_name = "NAME", value_parser = Target::parse)]
    pub device: Option<Target>,
    /// Rank the partitions of --partition automatic by how much of the device's latency each explains,
    /// on a random sample
    #[arg(long, requires = "device", conflicts_with = "partition")]
    pub rank: bool,
    /// Architectures in that sample
    #[arg(long, value_name = "N", default_value_t = 100, requires = "rank", value_parser = clap::value_parser!(u16).range(2..))]
    pub sample: u16,
    /// The sample's seed
    #[arg(long, default_value_t = 0, requires = "rank")]
    pub seed: u64,
    /// The format of the results
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    #[command(flatten)]
    pub partition: PartitionArguments,
}

pub fn run(arguments: &Arguments, tables: Option<&Path>) -> Result<ExitCode, Failure> {
    if arguments.rank {
        return rank(arguments, tables);
    }
    let problem = arguments.space.problem()?;
    let space = problem.space;
    let partition = arguments.partition.fixed(&problem, "whole")?;
    let mut members = vec![Vec::new(); partition.niches().len()];
    let all = population(space);
    if arguments.format == Format::Table && space.size() != Some(all.len() as u64) {
        let size =
            space.size().map_or_else(|| "more than 10¹⁹".to_owned(), |size| size.to_string());
        note(&format!("counted in a sample of {} of {size} architectures", all.len()));
    }
    for arch in all {
        members[partition.niche_of(&arch)].push(arch);
    }
    let mut columns =
        vec!["niche", "definition", if space.cell().is_some() { "cells" } else { "architectures" }];
    columns.extend(space.cell().map(|_| "connected"));
    let mut costs = match &arguments.device {
        None => None,
        Some(target) => {
            let (latency, accuracy) = on_device(device(target)?, &problem, tables)?;
            columns.extend(accuracy.as_ref().map(|_| "best_test_accuracy_percent"));
            columns.extend(["least_latency_ms", "median_latency_ms"]);
            Some((accuracy, latency))
        }
    };
    let mut records = Records::new(columns)
        .heading("best_test_accuracy_percent", "best %")
        .heading("least_latency_ms", "least ms")
        .heading("median_latency_ms", "median ms");
    for (number, (niche, members)) in partition.niches().iter().zip(&members).enumerate() {
        let connected = members.iter().filter(|arch| space.is_connected(arch)).count();
        let mut row: Vec<Cell> =
            vec![(number + 1).into(), niche.description.as_str().into(), members.len().into()];
        row.extend(space.cell().map(|_| Cell::from(connected)));
        if let Some((accuracy, latency)) = &mut costs {
            if let Some(accuracy) = accuracy {
                let values = members.iter().filter_map(|arch| accuracy.get(problem.index(arch)?));
                row.push(values.copied().max_by(f64::total_cmp).into());
            }
            let values = members.iter().map(|arch| value_of(&mut **latency, arch));
            let values = values.collect::<Result<Vec<Option<f64>>, Failure>>()?;
            let mut latencies: Vec<f64> = values.into_iter().flatten().collect();
            latencies.sort_by(f64::total_cmp);
            row.push(latencies.first().copied().into());
            row.push(latencies.get(latencies.len() / 2).copied().into());
        }
        records.push(row);
    }
    records.print(arguments.format)?;
    Ok(ExitCode::SUCCESS)
}

fn rank(arguments: &Arguments, tables: Option<&Path>) -> Result<ExitCode, Failure> {
    let problem = arguments.space.problem()?;
    let space = problem.space;
    let Some(target) = &arguments.device else { return Ok(ExitCode::SUCCESS) };
    let (mut latency, _) = on_device(device(target)?, &problem, tables)?;
    let rng = &mut SearchRng::seed_from_u64(arguments.seed);
    let sample: Vec<_> = (0..arguments.sample).map(|_| space.sample(rng)).collect();
    let mut costs = Vec::new();
    for arch in &sample {
        costs.extend(value_of(&mut *latency, arch)?.map(|cost| (arch, cost)));
    }
    let mut records = Records::new(["partition", "niches", "explained_percent"])
        .heading("explained_percent", "explains [%]");
    for ranked in arguments.partition.automatic(&problem)?.rank(&costs) {
        records.push(vec![
            ranked.name.into(),
            ranked.partition.niches().len().into(),
            Some(100.0 * ranked.explained).into(),
        ]);
    }
    records.print(arguments.format)?;
    if arguments.format == Format::Table {
        print(&format!(
            "\nexplains: the share of the variance of latency ranks between niches, minus the\n  \
             share that as many random niches explain; about 0 or less means that the\n  \
             partition explains nothing; on a random sample of {}\n",
            costs.len()
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Latency on a device, and test accuracies by index if they are known.
type OnDevice = (Box<dyn Source + Send>, Option<Vec<f64>>);

fn on_device(device: &str, problem: &Problem, tables: Option<&Path>) -> Result<OnDevice, Failure> {
    check_published(problem, device)?;
    let published = published(problem, tables, true)?;
    let latency = cost_of(problem, published.as_deref(), device, Metric::Latency)?;
    let accuracy = match &published {
        Some(published) => published.test_accuracies()?,
        None => None,
    };
    Ok((latency, accuracy))
}

fn device(target: &Target) -> Result<&str, Failure> {
    target.published().ok_or_else(|| {
        Failure::input(
            "the whole space cannot be measured on this machine, it would take hours: name a device with published costs, or leave --device out",
        )
    })
}
