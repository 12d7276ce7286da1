//! The accuracies of cells, from memory, and the order of two.

use std::{collections::HashMap, path::Path, process::ExitCode};

use nas_eval::Problem;
use nas_llm::{ChatModel, Recall};
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

/// Two cells whose accuracies are asked for.
struct Pair {
    /// The number of what the model is shown before: pairs of one set are not independent of each other.
    set: usize,
    cells: [(Arch, f64); 2],
    known: Vec<(Arch, f64)>,
    others: Vec<Arch>,
}

pub fn run(
    arguments: &Arguments,
    count: usize,
    tables: Option<&Path>,
) -> Result<ExitCode, Failure> {
    let problem = arguments.space.problem()?;
    let what = "accuracies of all architectures";
    let published = tables::needed(&problem, tables, what)?;
    let accuracies = published.test_accuracies()?.ok_or_else(|| tables::lacking(&problem, what))?;
    let numbering = problem.numbering.ok_or_else(|| tables::lacking(&problem, what))?;
    let pairs = arguments.draw(
        count,
        |index| Ok(((numbering.arch)(index)?, accuracies[index])),
        accuracies.len(),
    )?;
    let model = arguments.calls.model()?;
    let stated = arguments.stated(&problem, &model, &pairs)?;
    match arguments.format {
        Format::Table => print(&table(&problem, &pairs, &stated))?,
        other => answers(&problem, &pairs, &stated, other).print(other)?,
    }
    if stated.iter().flatten().all(Option::is_none) {
        note("the language model stated no accuracy");
        return Ok(ExitCode::from(NOTHING_FROM_MODEL));
    }
    Ok(ExitCode::SUCCESS)
}

/// The accuracies that a model states of a pair.
type Stated = [Option<f64>; 2];

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
                let set = if known.is_empty() { number } else { number / PAIRS_OF_KNOWN };
                let (known, others) = (known.clone(), others.clone());
                pairs.push(Pair { set: set + 1, cells, known, others });
            }
        }
        Ok(pairs)
    }

    /// What the model states of each pair. Of a cell of a set it is asked once.
    fn stated(
        &self,
        problem: &Problem,
        model: &ChatModel,
        pairs: &[Pair],
    ) -> Result<Vec<Stated>, Failure> {
        let mut questions: Vec<(&Pair, &Arch)> = Vec::new();
        let mut numbers: HashMap<(usize, &Arch), usize> = HashMap::new();
        for pair in pairs {
            for (arch, _) in &pair.cells {
                numbers.entry((pair.set, arch)).or_insert_with(|| {
                    questions.push((pair, arch));
                    questions.len() - 1
                });
            }
        }
        let answers = ask_all(questions.len(), self.calls.parallel(), |number| {
            let (pair, arch) = questions[number];
            let recall = Recall {
                space: problem.space,
                dataset: problem.dataset_name.unwrap_or_default(),
                known: &pair.known,
                others: &pair.others,
                disguise: self.disguise.names(),
            };
            Ok(recall.accuracy(model, arch)?)
        })?;
        let answer = |pair: &Pair, at: usize| answers[numbers[&(pair.set, &pair.cells[at].0)]];
        Ok(pairs.iter().map(|pair| [answer(pair, 0), answer(pair, 1)]).collect())
    }
}

/// The mean of each set's values.
fn by_set(pairs: &[Pair], values: &[f64]) -> Vec<f64> {
    let all: Vec<(usize, f64)> =
        pairs.iter().map(|pair| pair.set).zip(values.iter().copied()).collect();
    let sets = all.chunk_by(|one, other| one.0 == other.0);
    sets.map(|set| mean(&set.iter().map(|one| one.1).collect::<Vec<f64>>())).collect()
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

/// Whether the order of the stated accuracies is right, and that of the number that latency follows most.
fn right(problem: &Problem, pair: &Pair, stated: Stated) -> [Option<f64>; 2] {
    let [(first, accuracy), (second, other)] = &pair.cells;
    let difference = accuracy - other;
    let by_model = match stated {
        [Some(one), Some(two)] => is_right(one - two, difference),
        _ => 0.5,
    };
    let size = problem.statistics.last();
    let by_size = size.map(|size| is_right(size.of(first) - size.of(second), difference));
    [Some(by_model), by_size]
}

/// How near a stated accuracy is to the true one where it is known, in points.
const EXACT: f64 = 0.05;

/// How many of a pair's accuracies are stated exactly.
fn exact(pair: &Pair, stated: Stated) -> u8 {
    let near = |(stated, (_, accuracy)): (Option<f64>, &(Arch, f64))| {
        stated.is_some_and(|stated| (stated - accuracy).abs() <= EXACT)
    };
    stated.into_iter().zip(&pair.cells).map(|one| u8::from(near(one))).sum()
}

fn table(problem: &Problem, pairs: &[Pair], stated: &[Stated]) -> String {
    let mut records = Records::new(["order of two cells", "right"]);
    let all: Vec<[Option<f64>; 2]> =
        pairs.iter().zip(stated).map(|(pair, stated)| right(problem, pair, *stated)).collect();
    let size = problem.statistics.last().map(|size| format!("more {} is better", size.heading));
    for (at, name) in [Some("the model".to_owned()), size].into_iter().enumerate() {
        let values: Vec<f64> = all.iter().filter_map(|right| right[at]).collect();
        if let Some(name) = name {
            let estimate = Estimate::of(&by_set(pairs, &values));
            records.push(vec![Cell::Text(name), Cell::Text(estimate.text(3))]);
        }
    }
    let sets = pairs.last().map_or(0, |pair| pair.set);
    let of_sets =
        if sets < pairs.len() { format!(" of {sets} sets of shown cells") } else { String::new() };
    let exact: Vec<f64> = pairs
        .iter()
        .zip(stated)
        .map(|(pair, stated)| f64::from(exact(pair, *stated)) / 2.0)
        .collect();
    format!(
        "{}\n{} pairs{of_sets}; ±: 95 % interval; chance is 0.5; equal accuracies count as half\n  \
         it states {:.0} % of the accuracies to {EXACT} points\n",
        records.table(),
        pairs.len(),
        100.0 * mean(&exact),
    )
}

/// A row for each pair.
fn answers(problem: &Problem, pairs: &[Pair], stated: &[Stated], format: Format) -> Records {
    let size = problem.statistics.last().map_or("size", |size| size.name.as_str());
    let by_size = format!("right_by_{size}");
    let mut records = Records::new([
        "pair",
        "set",
        "first",
        "second",
        "first_accuracy_percent",
        "second_accuracy_percent",
        "first_stated_percent",
        "second_stated_percent",
        "exact",
        "right",
        by_size.as_str(),
    ]);
    for (number, (pair, stated)) in (1..).zip(pairs.iter().zip(stated)) {
        let [(first, accuracy), (second, other)] = &pair.cells;
        let shown = |arch| Cell::from(crate::arch::shown(problem.space, arch, format));
        let mut row: Vec<Cell> =
            vec![Cell::from(number), Cell::from(pair.set), shown(first), shown(second)];
        row.extend([Cell::Number(*accuracy), Cell::Number(*other)]);
        row.extend(stated.map(Cell::from));
        row.push(Cell::from(usize::from(exact(pair, *stated))));
        row.extend(right(problem, pair, *stated).map(Cell::from));
        records.push(row);
    }
    records
}
