//! `nas memorise-test`: whether a language model has memorised a benchmark.

mod pairs;

use std::{path::Path, process::ExitCode};

use nas_eval::{Lookup, Problem, Published, Sources, Trained};
use nas_hw::Metric;
use nas_llm::recall_best;
use nas_partition::Partition;
use nas_search::{Objective, Search, Settings, Statistical};
use nas_space::Arch;

use super::model::{CallArguments, DisguiseArguments, note_truncated};
use crate::{
    failure::{Failure, NOTHING_FROM_MODEL},
    output::{Cell, Format, Records},
    space_arguments::SpaceArguments,
    tables::{self, cost_of},
    terminal::{note, print},
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  nas memorise-test --llm-url http://127.0.0.1:8911/v1 --llm-model NAME
  nas memorise-test --pairs 100 --llm-url URL --llm-model NAME
  nas memorise-test --pairs 100 --known 5 --llm-url URL --llm-model NAME
  nas memorise-test --pairs 100 --replay calls.jsonl")]
pub struct Arguments {
    #[command(flatten)]
    space: SpaceArguments,
    /// Cells that the model is asked for
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=50))]
    count: u16,
    /// Ask for the accuracies of so many random pairs of cells, instead of for the best cells: whether they
    /// are in the right order
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..), conflicts_with = "count")]
    pairs: Option<u16>,
    /// Take the pairs from so many cells whose accuracies the model is shown before: how often it is right
    /// when it can know
    #[arg(
        long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=20), requires = "pairs"
    )]
    known: Option<u16>,
    #[command(flatten)]
    disguise: DisguiseArguments,
    /// The seed of the pairs
    #[arg(long, value_name = "SEED", default_value_t = 0, requires = "pairs")]
    seed: u64,
    /// The format of the results
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    calls: CallArguments,
}

/// Evaluations of the searches that the model's answers are compared with.
const SEARCHED: usize = 600;

/// The front that a search without a model finds on a device.
fn searched(
    problem: &Problem,
    published: &dyn Published,
    device: &str,
) -> Result<Vec<Arch>, Failure> {
    let lacking = || tables::lacking(problem, "accuracies");
    let Trained { accuracies, .. } = problem.accuracies(published)?.ok_or_else(lacking)?;
    let index = problem.numbering.ok_or_else(lacking)?.index;
    let accuracy = Lookup::new(Objective::accuracy("accuracy"), move |arch: &Arch| {
        accuracies.get(index(arch)).copied()
    });
    let latency = cost_of(problem, Some(published), device, Metric::Latency)?;
    let mut evaluator = Sources::new(vec![Box::new(accuracy), latency]);
    let settings = Settings { evaluations: SEARCHED, ..Settings::default() };
    let partition = Partition::whole();
    let search = Search::new(problem.space, &partition, settings);
    let outcome = search.run(&mut Statistical, &mut evaluator, &mut |_| {})?;
    Ok(outcome.front().into_iter().map(|found| found.arch.clone()).collect())
}

pub fn run(arguments: &Arguments, tables: Option<&Path>) -> Result<ExitCode, Failure> {
    if let Some(count) = arguments.pairs {
        return pairs::run(arguments, usize::from(count), tables);
    }
    if arguments.disguise.names().is_some() {
        return Err(Failure::input(
            "--disguise: nobody knows cells by neutral names; add --pairs N",
        ));
    }
    let problem = arguments.space.problem()?;
    let what = "accuracies of all architectures";
    let published = tables::needed(&problem, tables, what)?;
    let accuracies = published.test_accuracies()?.ok_or_else(|| tables::lacking(&problem, what))?;
    let mut sorted = accuracies.clone();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let rank = |accuracy: f64| sorted.partition_point(|other| *other > accuracy) + 1;

    let space = problem.space;
    let count = usize::from(arguments.count);
    let dataset = problem.dataset_name.unwrap_or_default();
    let model = arguments.calls.model()?;
    let (named, reply) = recall_best(&model, space, dataset, count)?;
    let mut records =
        Records::new(["named", "index", "arch", "test_accuracy_percent", "rank", "fault"]);
    let mut best = None::<f64>;
    for (at, named) in named.iter().enumerate() {
        let mut row: Vec<Cell> = vec![(at + 1).into()];
        match named {
            Ok(arch) => {
                let index = problem.index(arch).unwrap_or_default();
                let accuracy = accuracies[index];
                best = Some(best.map_or(accuracy, |best| best.max(accuracy)));
                row.extend([
                    index.into(),
                    crate::arch::shown(space, arch, arguments.format).into(),
                    Cell::Number(accuracy),
                    rank(accuracy).into(),
                    Cell::Absent,
                ]);
            }
            Err(fault) => {
                row.extend([Cell::Absent, Cell::Absent, Cell::Absent, Cell::Absent]);
                row.push(fault.name().into());
            }
        }
        records.push(row);
    }
    records.print(arguments.format)?;
    let valid = named.iter().filter(|named| named.is_ok()).count();
    if arguments.format == Format::Table {
        let devices = problem.devices()?;
        let device = devices.first().map(|device| device.name.as_str());
        let found = match device {
            Some(device) => {
                let front = searched(&problem, &*published, device)?;
                let found = front.iter().filter_map(|arch| problem.index(arch));
                let found = found.map(|index| accuracies[index]).fold(f64::NEG_INFINITY, f64::max);
                let search = format!("nas search --device {device}");
                format!(
                    "best cell on the front of `{search}` with {SEARCHED} evaluations: {found:.2} %\n"
                )
            }
            None => String::new(),
        };
        // The median best of n uniform draws is at the quantile 2^(-1/n).
        let draws = if valid == 0 { count } else { valid };
        let chance = |draws: usize| {
            let rank = (1.0 - 0.5_f64.powf(1.0 / draws.max(1) as f64)) * sorted.len() as f64;
            sorted[(rank as usize).min(sorted.len() - 1)]
        };
        let best = best.map_or_else(|| "none".to_owned(), |best| format!("{best:.2} %"));
        print(&format!(
            "\nbest cell that the model named: {best}\nbest of {draws} random cells: {:.2} % (median)\nbest of {SEARCHED} random cells: {:.2} % (median)\n{found}best cell of the space: {:.2} %\n",
            chance(draws),
            chance(SEARCHED),
            sorted[0],
        ))?;
    }
    note_truncated(&reply);
    if valid == 0 {
        note("the language model named no cell of the space");
        return Ok(ExitCode::from(NOTHING_FROM_MODEL));
    }
    Ok(ExitCode::SUCCESS)
}
