//! `nas predict folds`: cross-validation on trained networks.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use nas_eval::{Problem, Trained, UserScores};
use nas_predict::{
    Group, Prediction, Predictor, Table, cross_validation, rank::spearman, within_fences,
};
use nas_space::{Arch, Decision, Space};

use super::Learning;
use crate::{
    failure::Failure,
    output::{Cell, Format, Records, counted, rounded},
    progress::Progress,
    space_arguments::{dataset_help, known, space_help},
    tables,
    terminal::{print, write},
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[arg(long, value_name = "NAME", help = space_help(""))]
    space: String,
    #[arg(long, value_name = "NAME", help = dataset_help())]
    dataset: Option<String>,
    /// Number of parts, each of which is held out in turn
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(2..=100))]
    folds: u32,
    /// Random draws of the parts; the results are means over them
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    repeats: u32,
    /// The seed of the first draw
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// Scores of all networks, such as zero-cost proxies: CSV with a column arch and one for each score, as
    /// nas score --format csv prints them. Shows each score alone, and the mean of the predictor with
    /// another one that learns from the scores
    #[arg(long, value_name = "FILE")]
    scores: Option<PathBuf>,
    /// Only print the networks, one on each line, for nas score --file
    #[arg(long)]
    networks: bool,
    #[command(flatten)]
    learning: Learning,
    /// The format of the results
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Scores of the networks in a file, as a table to learn from.
fn scores(file: &Path, architectures: &[Arch], space: &Space) -> Result<Table, Failure> {
    let scores = UserScores::read(file, |text| space.parse(text))?;
    let values = architectures.iter().map(|arch| {
        scores.values(arch).ok_or_else(|| {
            Failure::input(format!("{} lacks {}", file.display(), space.format(arch)))
        })
    });
    let values: Vec<&[Option<f64>]> = values.collect::<Result<_, _>>()?;
    let mut table = Table::new(space, architectures).only(|_| false);
    for (at, name) in scores.names.iter().enumerate() {
        table = table.with_scores(name, values.iter().map(|values| values[at]))?;
    }
    Ok(table)
}

/// The scores in what is learnt from.
fn columns<'a>(tables: &[&'a Table]) -> impl Iterator<Item = (&'a Table, usize)> {
    tables.iter().flat_map(|table| {
        let columns = table.columns().iter().enumerate();
        let scores = columns.filter(|(_, column)| column.group == Group::Scores);
        scores.map(move |(at, _)| (*table, at))
    })
}

/// The rank correlations of each method, by repeat.
struct Ranks<'a> {
    accuracies: &'a [f64],
    /// The width that each network takes.
    widths: &'a [u8],
    width: &'a Decision,
    /// Spearman over all networks, then within each width.
    methods: Vec<(String, Vec<Vec<Option<f64>>>)>,
}

impl Ranks<'_> {
    fn add(&mut self, method: &str, values: &[Option<f64>]) {
        let within = |choice: Option<usize>| {
            let rows = (0..self.accuracies.len())
                .filter(|&row| choice.is_none_or(|choice| usize::from(self.widths[row]) == choice));
            let (values, accuracies): (Vec<f64>, Vec<f64>) =
                rows.filter_map(|row| Some((values[row]?, self.accuracies[row]))).unzip();
            spearman(&values, &accuracies)
        };
        let ranks = std::iter::once(None).chain((0..self.width.choices.len()).map(Some));
        let ranks = ranks.map(within).collect();
        match self.methods.iter_mut().find(|(known, _)| known == method) {
            Some((_, repeats)) => repeats.push(ranks),
            None => self.methods.push((method.to_owned(), vec![ranks])),
        }
    }

    /// The means over the repeats, and over all networks their deviation; `inside` is the share of
    /// accuracies in the interval of the predictor, which is the first method.
    fn records(&self, inside: Option<f64>) -> Records {
        let width = self.width;
        let within = width.choices.iter().map(|choice| format!("{} = {choice}", width.name));
        let columns = ["method", "spearman", "deviation"].map(str::to_owned);
        let last = inside.map(|_| "inside_percent".to_owned());
        let mut records = Records::new(columns.into_iter().chain(within.clone()).chain(last))
            .heading("spearman", "Spearman")
            .heading("deviation", "±");
        for (column, choice) in within.zip(&width.choices) {
            records = records.heading(&column, &format!("of {choice}"));
        }
        for (place, (method, repeats)) in self.methods.iter().enumerate() {
            let of = |at: usize| repeats.iter().filter_map(move |row| row[at]);
            let all = mean_of(of(0));
            let deviation = all.and_then(|mean| {
                // The deviation of equal values is 0, up to rounding.
                let deviation = mean_of(of(0).map(|value| (value - mean).powi(2)))?.sqrt();
                Some(if deviation < 1e-12 { 0.0 } else { deviation })
            });
            let mut row: Vec<Cell> = vec![method.as_str().into(), all.into(), deviation.into()];
            row.extend((0..width.choices.len()).map(|at| Cell::from(mean_of(of(at + 1)))));
            row.extend(inside.map(|inside| Cell::from((place == 0).then_some(inside))));
            records.push(row);
        }
        records
    }
}

fn mean_of(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0.0, 0.0), |(count, sum), value| (count + 1.0, sum + value));
    (count > 0.0).then(|| sum / count)
}

pub fn run(arguments: &Arguments, tables: Option<&Path>) -> Result<ExitCode, Failure> {
    let problem = Problem::new(known(&arguments.space)?, arguments.dataset.as_deref())?;
    let published = tables::needed(&problem, tables, "accuracies")?;
    let lacking = || tables::lacking(&problem, "accuracies");
    let Trained { architectures, accuracies, .. } =
        problem.accuracies(&*published)?.ok_or_else(lacking)?;
    if published.test_accuracies()?.is_some() {
        return Err(Failure::input(format!(
            "accuracies of all networks of {} were published: use nas predict eval",
            problem.space.name()
        )));
    }
    let space = problem.space;
    if arguments.networks {
        let lines = architectures.iter().map(|arch| space.format(arch) + "\n");
        write(&lines.collect::<String>())?;
        return Ok(ExitCode::SUCCESS);
    }
    let width = &space.decisions()[0];
    let widths: Vec<u8> = architectures.iter().map(|arch| arch.choices()[0]).collect();
    let table = (problem.domain()?.features)(&architectures)?;
    let scores = arguments.scores.as_deref();
    let scores = scores.map(|file| self::scores(file, &architectures, space)).transpose()?;
    let views: Vec<&Table> = std::iter::once(&table).chain(&scores).collect();
    let mean = format!("mean of the {}", width.name);
    let mut ranks = Ranks { accuracies: &accuracies, widths: &widths, width, methods: Vec::new() };
    let mut inside = Vec::new();
    let mut progress = Progress::new("fitting", arguments.repeats as usize);
    for (done, seed) in (arguments.seed..).take(arguments.repeats as usize).enumerate() {
        let mut predicted = vec![None; accuracies.len()];
        let (mut with_scores, mut by_width) = (predicted.clone(), predicted.clone());
        for split in cross_validation(&architectures, arguments.folds as usize, seed) {
            let of_known: Vec<f64> = split.trained.iter().map(|&row| accuracies[row]).collect();
            let known: Vec<(usize, f64)> =
                split.trained.iter().copied().zip(within_fences(&of_known)).collect();
            let settings = arguments.learning.settings(seed);
            let learn = |table: &Table| Predictor::fit(table, &known, settings)?.predict(table);
            let values: Vec<Vec<Prediction>> =
                views.iter().map(|table| learn(table)).collect::<Result<_, _>>()?;
            for row in split.held_out {
                let Prediction { value, low, high } = values[0][row];
                predicted[row] = Some(value);
                inside.push(f64::from(u8::from((low..=high).contains(&accuracies[row]))));
                with_scores[row] = mean_of(values.iter().map(|values| values[row].value));
                let alike = known.iter().filter(|(other, _)| widths[*other] == widths[row]);
                let alike = mean_of(alike.map(|one| one.1));
                by_width[row] = alike.or_else(|| mean_of(known.iter().map(|one| one.1)));
            }
        }
        ranks.add("predictor", &predicted);
        if scores.is_some() {
            ranks.add("predictor with scores", &with_scores);
        }
        ranks.add(&mean, &by_width);
        for (table, column) in columns(&views) {
            let values: Vec<_> = (0..table.rows()).map(|row| table.value(row, column)).collect();
            if values.iter().any(Option::is_some) {
                ranks.add(&table.columns()[column].name, &values);
            }
        }
        progress.update(done + 1, "");
    }
    progress.finish();
    let inside = mean_of(inside.into_iter()).map(|share| 100.0 * share);
    ranks.records(inside.filter(|_| arguments.format != Format::Table)).print(arguments.format)?;
    if arguments.format == Format::Table {
        print(&format!(
            "\nSpearman between predicted and trained accuracy of held-out networks: {} networks\n  \
             in {} parts, mean and deviation over {}; at the right within each {}\n\
             {} % of the trained accuracies are in the predictor's 90 % interval\n",
            accuracies.len(),
            arguments.folds,
            counted(arguments.repeats as usize, "draw"),
            width.name,
            inside.map_or_else(String::new, rounded),
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
