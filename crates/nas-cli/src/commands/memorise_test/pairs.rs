//! Which of two cells is more accurate, from memory.

use std::{path::Path, process::ExitCode};

use nas_eval::Problem;
use nas_llm::{ChatModel, Comparison};
use nas_pareto::statistics::{Estimate, mean};
use nas_search::SearchRng;
use nas_space::Arch;
use rand::{RngExt, SeedableRng};

use super::Arguments;
use crate::{
    asking::ask_all,
    failure::{Failure, NOTHING_FROM_MODEL},
    output::{Cell, Format, Records},
    tables,
    terminal::{note, print},
};

/// Pairs among the same cells whose accuracies the model is shown.
const PAIRS_OF_KNOWN: usize = 10;

/// Cells without an accuracy between those and the question.
const OTHERS: usize = 20;

/// A question.
struct Pair {
    cells: [(Arch, f64); 2],
    known: Vec<(Arch, f64)>,
    others: Vec<Arch>,
}

pub fn run(arguments: &Arguments, count: usize, data: Option<&Path>) -> Result<ExitCode, Failure> {
    let problem = arguments.space.problem()?;
    let what = "accuracies of all architectures";
    let published = tables::needed(&problem, data, what)?;
    let accuracies = published.test_accuracies()?.ok_or_else(|| tables::lacking(&problem, what))?;
    let numbering = problem.numbering.ok_or_else(|| tables::lacking(&problem, what))?;
    let pairs = arguments.draw(
        count,
        |index| Ok(((numbering.arch)(index)?, accuracies[index])),
        accuracies.len(),
    )?;
    let model = arguments.calls.model()?;
    let odds = ask_all(pairs.len(), arguments.calls.parallel(), |number| {
        arguments.odds(&problem, &model, &pairs[number])
    })?;
    let odds: Option<Vec<[f64; 2]>> = odds.into_iter().collect();
    let Some(odds) = odds else {
        note("the server gives no log-probabilities, by which the answers are read");
        return Ok(ExitCode::from(NOTHING_FROM_MODEL));
    };
    let records = answers(&problem, &pairs, &odds, arguments.format);
    match arguments.format {
        Format::Table => print(&table(&problem, &pairs, &odds))?,
        other => records.print(other)?,
    }
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    /// Random pairs of the cells with numbers below `cells`.
    fn draw(
        &self,
        count: usize,
        cell: impl Fn(usize) -> Result<(Arch, f64), Failure>,
        cells: usize,
    ) -> Result<Vec<Pair>, Failure> {
        let mut rng = SearchRng::seed_from_u64(self.seed);
        let mut pairs: Vec<Pair> = Vec::with_capacity(count);
        let (mut known, mut others) = (Vec::new(), Vec::new());
        for number in 0..count {
            if let Some(of) = self.known
                && number.is_multiple_of(PAIRS_OF_KNOWN)
            {
                known = distinct(usize::from(of), || cell(rng.random_range(0..cells)))?;
                let draws = (0..OTHERS).map(|_| Ok(cell(rng.random_range(0..cells))?.0));
                others = draws.collect::<Result<_, Failure>>()?;
            }
            let pair = if known.is_empty() {
                distinct(2, || cell(rng.random_range(0..cells)))?
            } else {
                distinct(2, || Ok(known[rng.random_range(0..known.len())].clone()))?
            };
            if let Ok(cells) = pair.try_into() {
                pairs.push(Pair { cells, known: known.clone(), others: others.clone() });
            }
        }
        Ok(pairs)
    }

    fn odds(
        &self,
        problem: &Problem,
        model: &ChatModel,
        pair: &Pair,
    ) -> Result<Option<[f64; 2]>, Failure> {
        let asked = Comparison {
            space: problem.space,
            dataset: problem.dataset_name.unwrap_or_default(),
            known: &pair.known,
            others: &pair.others,
            disguise: self.disguise.names(),
        };
        Ok(asked.odds(model, [&pair.cells[0].0, &pair.cells[1].0])?)
    }
}

/// So many cells with different accuracies.
fn distinct(
    count: usize,
    mut draw: impl FnMut() -> Result<(Arch, f64), Failure>,
) -> Result<Vec<(Arch, f64)>, Failure> {
    let mut cells: Vec<(Arch, f64)> = Vec::with_capacity(count);
    while cells.len() < count {
        let (arch, accuracy) = draw()?;
        if cells.iter().all(|(_, other)| (other - accuracy).abs() > f64::EPSILON) {
            cells.push((arch, accuracy));
        }
    }
    Ok(cells)
}

/// 1 where the sign of the first is that of the second, 0 where it is the other, else one half.
fn is_right(guess: f64, difference: f64) -> f64 {
    match guess * difference {
        product if product > 0.0 => 1.0,
        product if product < 0.0 => 0.0,
        _ => 0.5,
    }
}

/// How answers are counted: as asked, in the reverse order, and by the sum of both odds, which no preference
/// for a letter changes; and without a model, by the number that latency follows most.
fn right(problem: &Problem, pair: &Pair, odds: [f64; 2]) -> [Option<f64>; 4] {
    let [(first, accuracy), (second, other)] = &pair.cells;
    let difference = accuracy - other;
    let [one, reversed] = odds.map(|odds| is_right(odds, difference));
    let both = is_right(odds[0] + odds[1], difference);
    let size = problem.statistics.last();
    let by_size = size.map(|size| is_right(size.of(first) - size.of(second), difference));
    [Some(one), Some(reversed), Some(both), by_size]
}

fn table(problem: &Problem, pairs: &[Pair], odds: &[[f64; 2]]) -> String {
    let mut records = Records::new(["asked", "right"]);
    let all: Vec<[Option<f64>; 4]> =
        pairs.iter().zip(odds).map(|(pair, odds)| right(problem, pair, *odds)).collect();
    let size = problem.statistics.last().map(|size| format!("more {} is better", size.heading));
    let names = ["the model", "in the reverse order", "both orders together", "no model"];
    for (at, name) in names.into_iter().enumerate() {
        let values: Vec<f64> = all.iter().filter_map(|right| right[at]).collect();
        if values.is_empty() {
            continue;
        }
        let name = if at == 3 { size.clone().unwrap_or_default() } else { name.to_owned() };
        records.push(vec![Cell::Text(name), Cell::Text(Estimate::of(&values).text(3))]);
    }
    let first = odds.iter().flat_map(|[one, other]| [*one > 0.0, *other < 0.0]);
    let first: Vec<f64> = first.map(|is_first| f64::from(u8::from(is_first))).collect();
    format!(
        "{}\n{} pairs; ±: 95 % interval; chance is 0.5\n  it answers A in {:.0} % of the calls\n",
        records.table(),
        pairs.len(),
        100.0 * mean(&first),
    )
}

/// A row for each pair.
fn answers(problem: &Problem, pairs: &[Pair], odds: &[[f64; 2]], format: Format) -> Records {
    let size = problem.statistics.last().map_or("size", |size| size.name.as_str());
    let by_size = format!("right_by_{size}");
    let mut records = Records::new([
        "pair",
        "first",
        "second",
        "first_accuracy_percent",
        "second_accuracy_percent",
        "right",
        "right_reversed",
        "right_together",
        by_size.as_str(),
    ]);
    for (number, (pair, odds)) in (1..).zip(pairs.iter().zip(odds)) {
        let [(first, accuracy), (second, other)] = &pair.cells;
        let shown = |arch| Cell::from(crate::arch::shown(problem.space, arch, format));
        let mut row: Vec<Cell> = vec![Cell::from(number), shown(first), shown(second)];
        row.extend([Cell::Number(*accuracy), Cell::Number(*other)]);
        row.extend(right(problem, pair, *odds).map(Cell::from));
        records.push(row);
    }
    records
}
