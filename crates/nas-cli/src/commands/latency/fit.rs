//! `nas latency fit`: the latencies of a new device, predicted from few measurements.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::ExitCode,
};

use nas_eval::{Problem, UserTable};
use nas_predict::{FewShotFit, rank::spearman};
use nas_space::Arch;

use super::reference::{Reference, ReferenceArguments};
use crate::{
    arch::shown,
    failure::Failure,
    output::{Cell, Format, Records, counted},
    tables::latencies,
    terminal::{note, print},
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Your measurements: CSV with the columns arch and latency_ms, which is empty if the device cannot
    /// run the architecture. Without a file, the architectures to measure first are listed
    #[arg(value_name = "FILE")]
    measured: Option<PathBuf>,
    /// How many architectures to measure next are listed
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    next: u32,
    #[command(flatten)]
    reference: ReferenceArguments,
    /// table shows the expected error and what to measure next; csv and json contain the predictions of
    /// all architectures, with the order of those to measure next, or without measurements those to measure
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn run(arguments: &Arguments, tables: Option<&Path>) -> Result<ExitCode, Failure> {
    let problem = arguments.reference.problem()?;
    let table = match &arguments.measured {
        Some(file) => {
            let table = latencies(file, &problem)?;
            if table.architectures().next().is_none() {
                return Err(Failure::input(format!("{} contains no latency", file.display())));
            }
            Some(table)
        }
        None => None,
    };
    let more = table.iter().flat_map(UserTable::rows).map(|(arch, _)| arch.clone());
    let reference = arguments.reference.open(problem, tables, more)?;
    let model = reference.model(None)?;
    let Reference { problem, architectures: all, .. } = &reference;
    let at: HashMap<&Arch, usize> = all.iter().zip(0..).collect();
    let tried: Vec<(usize, Option<f64>)> = {
        let rows = table.iter().flat_map(UserTable::rows);
        let rows = rows.filter_map(|(arch, value)| Some((*at.get(arch)?, value)));
        let mut rows: Vec<_> = rows.collect();
        rows.sort_by_key(|row| row.0);
        rows
    };
    let measured: Vec<(usize, f64)> =
        tried.iter().filter_map(|&(at, value)| Some((at, value?))).collect();
    let absent: Vec<usize> =
        tried.iter().filter(|(_, value)| value.is_none()).map(|(at, _)| *at).collect();
    let places: Vec<usize> = tried.iter().map(|row| row.0).collect();
    let next = model.next(&places, arguments.next as usize);
    let fit = (!measured.is_empty()).then(|| model.fit(&measured)).transpose()?;
    let to_measure = listed(problem, arguments.format, all, &next, fit.as_ref());
    let Some(fit) = fit else {
        if arguments.format != Format::Table {
            to_measure.print(arguments.format)?;
            return Ok(ExitCode::SUCCESS);
        }
        print(&format!(
            "{}\nMeasure these first, the most informative first, and write their latencies to a CSV \
             file with the columns arch and latency_ms (arch may be the index); then type\n  \
             nas latency fit FILE\n",
            to_measure.table()
        ))?;
        return Ok(ExitCode::SUCCESS);
    };
    if fit.left_out.is_none() {
        note(&format!(
            "warning: {} shows little of your device: measure ten or more",
            counted(measured.len(), "measurement"),
        ));
    }
    if arguments.format != Format::Table {
        let cannot = |at: usize| absent.contains(&at);
        whole(problem, all, &fit, &measured, cannot, &next).print(arguments.format)?;
        return Ok(ExitCode::SUCCESS);
    }
    print(&summary(&fit, &measured, absent.len(), all.len(), &to_measure))?;
    Ok(ExitCode::SUCCESS)
}

/// The architectures to measure.
fn listed(
    problem: &Problem,
    format: Format,
    all: &[Arch],
    next: &[usize],
    fit: Option<&FewShotFit>,
) -> Records {
    let columns = ["arch", "latency_ms", "deviation_ms"];
    let columns = columns.into_iter().take(if fit.is_some() { 3 } else { 1 });
    let mut records = Records::new(problem.numbering.map(|_| "index").into_iter().chain(columns))
        .heading("arch", "to measure next")
        .heading("latency_ms", "predicted [ms]")
        .heading("deviation_ms", "±");
    for &at in next {
        let mut row: Vec<Cell> = problem.index(&all[at]).map(Cell::from).into_iter().collect();
        row.push(shown(problem.space, &all[at], format).into());
        if let Some(fit) = fit {
            row.extend([fit.predicted[at], fit.deviations[at]].map(Cell::Number));
        }
        records.push(row);
    }
    records
}

/// All architectures: measured where they were, else predicted; and the place of those to measure
/// next, from 1.
fn whole(
    problem: &Problem,
    all: &[Arch],
    fit: &FewShotFit,
    measured: &[(usize, f64)],
    cannot: impl Fn(usize) -> bool,
    next: &[usize],
) -> Records {
    let next: HashMap<usize, usize> = next.iter().copied().zip(1..).collect();
    let measured: HashMap<usize, f64> = measured.iter().copied().collect();
    let columns = ["arch", "latency_ms", "deviation_ms", "measured", "next"];
    let mut records = Records::new(problem.numbering.map(|_| "index").into_iter().chain(columns));
    for (at, arch) in all.iter().enumerate() {
        let (value, deviation) = match measured.get(&at) {
            Some(value) => (Some(*value), None),
            None if cannot(at) => (None, None),
            None => (Some(fit.predicted[at]), Some(fit.deviations[at])),
        };
        let mut row: Vec<Cell> = problem.index(arch).map(Cell::from).into_iter().collect();
        row.extend([problem.space.format(arch).into(), value.into(), deviation.into()]);
        row.push(Cell::Flag(measured.contains_key(&at)));
        row.push(next.get(&at).map_or(Cell::Absent, |&place| place.into()));
        records.push(row);
    }
    records
}

fn summary(
    fit: &FewShotFit,
    measured: &[(usize, f64)],
    absent: usize,
    all: usize,
    to_measure: &Records,
) -> String {
    let values: Vec<f64> = measured.iter().map(|(_, value)| *value).collect();
    let mean = |values: &mut dyn Iterator<Item = f64>, count: usize| {
        values.sum::<f64>() / count.max(1) as f64
    };
    let latency = mean(&mut fit.predicted.iter().copied(), all);
    let expected = mean(&mut fit.deviations.iter().map(|d| d * d), all).sqrt();
    let mut text = format!(
        "latencies of {all} architectures, predicted from {}{}\n  \
         expected error: {expected:.3} ms, {:.1} % of the mean latency of {latency:.3} ms\n",
        counted(measured.len(), "measurement"),
        if absent > 0 { format!(" ({absent} cannot run)") } else { String::new() },
        100.0 * expected / latency.abs(),
    );
    if let Some(left_out) = &fit.left_out {
        let squares = left_out.iter().zip(&values).map(|(a, b)| (a - b).powi(2));
        let error = mean(&mut squares.into_iter(), values.len()).sqrt();
        let rank = spearman(left_out, &values);
        let rank = rank.map_or_else(String::new, |rank| format!(", Spearman {rank:.2}"));
        text +=
            &format!("  each measurement predicted from the others: error {error:.3} ms{rank}\n");
    } else {
        text += "  too few measurements to predict each from the others\n";
    }
    text += &format!(
        "\n{}\nfor all latencies, as nas search --latency-table reads them:\n  \
         add --format csv > all.csv\n",
        to_measure.table()
    );
    text
}
