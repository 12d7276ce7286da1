//! `nas front-score`: fronts that any search found, against the exact front of a benchmark.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use nas_hw::Metric;
use serde_json::json;

use crate::{
    failure::Failure,
    output::{Cell, Format, Records, print_json},
    space_arguments::SpaceArguments,
    tables::{lacking, needed},
    target::{check_published, parse_published},
    terminal::{note, print},
};

mod method;
mod report;

use method::{Judge, Method, Scored};
use report::{Comparison, INDICATORS, Indicator};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A FILE has a header and a row for each architecture of a front, in a column arch
or index. Give the final front, not all that the search evaluated. One file may
contain several fronts, by the columns seed, searcher, dataset and device;
other columns are ignored. Without a column seed, the seed is that of the run
whose file it is, or follows the word seed in the path (mine-seed3.csv).

Examples:
  nas front-score mine.csv --device raspi4 --dataset cifar100
  nas front-score mine-seed*.csv --against runs/nsga2-* --device fpga
  nas front-score mine.csv --against fronts.csv --device fpga
                      (fronts.csv by nas benchmark --fronts fronts.csv)")]
pub struct Arguments {
    /// CSV files of fronts, or folders of runs, of one method; or of several that the column searcher
    /// names
    #[arg(value_name = "FILE|RUN", required = true)]
    fronts: Vec<PathBuf>,
    /// The same of another method: compares the two in pairs of the same seed
    #[arg(long, value_name = "FILE|RUN", num_args = 1..)]
    against: Vec<PathBuf>,
    /// The device whose published latency counts
    #[arg(long, value_name = "NAME", value_parser = parse_published)]
    device: String,
    #[command(flatten)]
    space: SpaceArguments,
    /// The format of the results
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What must be published of a space to score its fronts.
const NEEDED: &str = "accuracies of all architectures";

pub fn run(arguments: &Arguments, tables: Option<&Path>) -> Result<ExitCode, Failure> {
    let problem = arguments.space.problem()?;
    let published = needed(&problem, tables, NEEDED)?;
    if published.test_accuracies()?.is_none() {
        return Err(lacking(&problem, NEEDED));
    }
    check_published(&problem, &arguments.device)?;
    let truth = problem.truth(&*published, &arguments.device, &[Metric::Latency])?;
    let truth = truth.ok_or_else(|| lacking(&problem, NEEDED))?;
    let judge = Judge { problem: &problem, device: &arguments.device, truth: &truth };

    let methods = judge.methods(&arguments.fronts)?;
    let others = judge.methods(&arguments.against)?;
    let exact = judge.exact()?;
    let at_most = judge.coverage_at_most();
    let mut comparisons = Vec::new();
    for method in &methods {
        for other in &others {
            comparisons.push(Comparison::new(method, other)?);
        }
    }
    let all: Vec<&Method> = methods.iter().chain(&others).collect();
    let records = records(&all, &exact);
    match arguments.format {
        Format::Json => print_json(&json!({
            "dataset": problem.dataset_name,
            "device": arguments.device,
            "exact": Indicator::json(&exact),
            "coverage_at_most": at_most,
            "fronts": records.json(),
            "means": report::means(&all).json(),
            "differences": report::differences(&comparisons).json(),
        }))?,
        // A CSV stays a CSV: the rest goes to standard error.
        Format::Csv => {
            records.print(Format::Csv)?;
            if !comparisons.is_empty() {
                note(report::in_pairs(&comparisons).trim_end());
            }
        }
        Format::Table => {
            let mut text = String::new();
            for method in &all {
                let records = report::of_method(method, &exact);
                text += &format!("{}\n{}\n", method.name, records.table());
            }
            if !comparisons.is_empty() {
                text += &format!("{}\n", report::in_pairs(&comparisons));
            }
            text += &report::definitions(&problem.title, &arguments.device, at_most);
            print(&text)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A row for each front.
fn records(methods: &[&Method], exact: &Scored) -> Records {
    let mut columns = vec!["method", "file", "seed", "architectures", "not_run"];
    columns.extend(INDICATORS.iter().map(|indicator| indicator.column));
    columns.push("coverage_of_exact_front");
    let mut records = Records::new(columns);
    for method in methods {
        for front in &method.fronts {
            let mut row = vec![
                method.name.as_str().into(),
                front.file.as_str().into(),
                front.seed.map_or(Cell::Absent, Cell::Count),
                front.scored.architectures.into(),
                front.not_run.into(),
            ];
            row.extend(INDICATORS.iter().map(|one| Some((one.of)(&front.scored)).into()));
            row.push(Some(exact.coverage).into());
            records.push(row);
        }
    }
    records
}
