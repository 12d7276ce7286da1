//! `nas predict eval`: how well few trained networks predict the others.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use clap::ValueEnum;
use nas_eval::{Class, Domain, Problem, Trained};
use nas_predict::{Group, Prediction, Predictor, Quality, Settings, Split, Table, draw_trained};
use nas_space::Arch;
use serde_json::json;

use super::Learning;
use crate::{
    failure::Failure,
    output::{Cell, Format, Records, counted, print_json},
    progress::Progress,
    space_arguments::SpaceArguments,
    tables::{self, accuracies},
    terminal::print,
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Trained networks to learn from, no two of one class of isomorphic cells
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    trained: u32,
    /// Random draws of trained networks; the results are means over them
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    seeds: u32,
    /// The seed of the first draw
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    space: SpaceArguments,
    /// Your own accuracies instead: CSV with the columns arch and accuracy_percent
    #[arg(long, value_name = "FILE")]
    accuracy_table: Option<PathBuf>,
    #[command(flatten)]
    learning: Learning,
    /// Leave out a group of features
    #[arg(long, value_enum, value_name = "GROUP")]
    without: Vec<Columns>,
    /// Write features and predictions into this folder: features.csv, and a CSV file for each seed
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The format of the results
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Columns {
    /// The choices of decisions
    Choices,
    /// The paths through a cell
    Paths,
    /// Numbers about these paths
    PathStatistics,
    /// Scores such as zero-cost proxies
    Scores,
}

impl Columns {
    fn groups(self) -> &'static [Group] {
        match self {
            Self::Choices => &[Group::Choices, Group::Counts],
            Self::Paths => &[Group::Paths],
            Self::PathStatistics => &[Group::PathStatistics],
            Self::Scores => &[Group::Scores],
        }
    }
}

/// Architectures with the accuracies to learn from and those to compare with.
struct Data {
    problem: Problem,
    architectures: Vec<Arch>,
    trained: Vec<f64>,
    truth: Vec<f64>,
}

pub fn run(arguments: &Arguments, tables: Option<&Path>) -> Result<ExitCode, Failure> {
    let (data, origin) = arguments.data(tables)?;
    let domain = data.problem.domain()?;
    let left_out: Vec<Group> =
        arguments.without.iter().flat_map(|columns| columns.groups()).copied().collect();
    let table =
        (domain.features)(&data.architectures)?.only(|column| !left_out.contains(&column.group));
    let classes: Vec<Class> = data.architectures.iter().map(&domain.class).collect();
    if let Some(folder) = &arguments.out {
        std::fs::create_dir_all(folder).map_err(|error| Failure::file("make", folder, &error))?;
        write(folder, "features.csv", &features(&data, &table))?;
    }
    let mut progress = Progress::new("fitting", arguments.seeds as usize);
    let mut trials = Vec::new();
    for (done, seed) in (arguments.seed..).take(arguments.seeds as usize).enumerate() {
        let split = draw_trained(&classes, arguments.trained as usize, seed);
        if split.held_out.is_empty() {
            return Err(Failure::input(format!(
                "{} leave no architecture of another class to predict: ask for fewer with --trained",
                counted(split.trained.len(), "trained network")
            )));
        }
        let trial = Trial::new(arguments, &domain, &data, &table, split, seed)?;
        if let Some(folder) = &arguments.out {
            write(folder, &format!("seed-{seed}.csv"), &trial.records(&data))?;
        }
        trials.push(trial);
        progress.update(done + 1, "");
    }
    progress.finish();
    report(arguments, &domain, &trials, &origin)?;
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    fn data(&self, tables: Option<&Path>) -> Result<(Data, String), Failure> {
        let problem = self.space.problem()?;
        if let Some(file) = &self.accuracy_table {
            let table = accuracies(file, &problem)?;
            let architectures = table.sorted();
            let trained: Vec<f64> =
                architectures.iter().filter_map(|arch| table.value(arch)).collect();
            if trained.is_empty() {
                return Err(Failure::input(format!("{} contains no accuracy", file.display())));
            }
            let truth = trained.clone();
            let data = Data { problem, architectures, trained, truth };
            return Ok((data, file.display().to_string()));
        }
        let published = tables::needed(&problem, tables, "accuracies")?;
        let lacking = || tables::lacking(&problem, "accuracies");
        let Trained { architectures, accuracies, from } =
            problem.accuracies(&*published)?.ok_or_else(lacking)?;
        let (truth, origin) = match published.test_accuracies()? {
            Some(truth) => (truth, format!("{}, {from}; reported on test accuracy", problem.name)),
            None => (accuracies.clone(), from),
        };
        Ok((Data { problem, architectures, trained: accuracies, truth }, origin))
    }
}

/// The results of one draw of trained networks.
struct Trial {
    split: Split,
    predicted: Vec<Prediction>,
    quality: Quality,
    /// Of each niche.
    coverage: Vec<Option<f64>>,
    fit_seconds: f64,
    predict_seconds: f64,
}

impl Trial {
    fn new(
        arguments: &Arguments,
        domain: &Domain,
        data: &Data,
        table: &Table,
        split: Split,
        seed: u64,
    ) -> Result<Self, Failure> {
        let pairs: Vec<(usize, f64)> =
            split.trained.iter().map(|&row| (row, data.trained[row])).collect();
        let start = Instant::now();
        let settings = Settings { unconnected: domain.chance, ..arguments.learning.settings(seed) };
        let predictor = Predictor::fit(table, &pairs, settings)?;
        let fit_seconds = start.elapsed().as_secs_f64();
        let start = Instant::now();
        let predicted = predictor.predict(table)?;
        let predict_seconds = start.elapsed().as_secs_f64();
        let quality = |rows: &[usize]| {
            let of = |values: &[f64]| rows.iter().map(|&row| values[row]).collect::<Vec<f64>>();
            let predicted: Vec<Prediction> = rows.iter().map(|&row| predicted[row]).collect();
            Quality::of(&predicted, &of(&data.trained), &of(&data.truth))
        };
        let mut niches = vec![Vec::new(); domain.partition.niches().len()];
        for &row in &split.held_out {
            niches[domain.partition.niche_of(&data.architectures[row])].push(row);
        }
        let coverage = niches.iter().map(|rows| quality(rows).coverage).collect();
        let quality = quality(&split.held_out);
        Ok(Self { split, predicted, quality, coverage, fit_seconds, predict_seconds })
    }

    /// Trained and held-out architectures; others of a trained network's class are left out.
    fn records(&self, data: &Data) -> Records {
        let columns = [key(data), "trained", "accuracy", "truth", "predicted", "low", "high"];
        let mut records = Records::new(columns);
        let parts = [(true, &self.split.trained), (false, &self.split.held_out)];
        for (trained, rows) in parts {
            for &row in rows {
                let Prediction { value, low, high } = self.predicted[row];
                let mut cells = vec![key_of(data, &data.architectures[row]), Cell::Flag(trained)];
                let numbers = [data.trained[row], data.truth[row], value, low, high];
                cells.extend(numbers.map(Cell::Number));
                records.push(cells);
            }
        }
        records
    }
}

/// The column that names an architecture, and its value.
fn key(data: &Data) -> &'static str {
    if data.problem.numbering.is_some() { "index" } else { "arch" }
}

fn key_of(data: &Data, arch: &Arch) -> Cell {
    let text = || data.problem.space.format(arch).into();
    data.problem.index(arch).map_or_else(text, Cell::from)
}

fn features(data: &Data, table: &Table) -> Records {
    let names = table.columns().iter().map(|column| column.name.clone());
    let mut records = Records::new(std::iter::once(key(data).to_owned()).chain(names));
    for (row, arch) in data.architectures.iter().enumerate() {
        let values = (0..table.columns().len()).map(|column| table.value(row, column).into());
        records.push(std::iter::once(key_of(data, arch)).chain(values).collect());
    }
    records
}

fn write(folder: &Path, name: &str, records: &Records) -> Result<(), Failure> {
    let path = folder.join(name);
    std::fs::write(&path, records.csv()?).map_err(|error| Failure::file("write", &path, &error))
}

fn mean(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let values: Vec<f64> = values.flatten().collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn report(
    arguments: &Arguments,
    domain: &Domain,
    trials: &[Trial],
    origin: &str,
) -> Result<(), Failure> {
    let all: Vec<Quality> = trials.iter().map(|trial| trial.quality).collect();
    let quality = Quality::mean(&all);
    let niches = 0..domain.partition.niches().len();
    let coverage: Vec<Option<f64>> =
        niches.map(|niche| mean(trials.iter().map(|trial| trial.coverage[niche]))).collect();
    let seconds = |of: fn(&Trial) -> f64| {
        let mut seconds: Vec<f64> = trials.iter().map(of).collect();
        seconds.sort_by(f64::total_cmp);
        seconds.get(seconds.len() / 2).copied().unwrap_or(0.0)
    };
    let (fit, predict) = (seconds(|one| one.fit_seconds), seconds(|one| one.predict_seconds));
    let count =
        |of: fn(&Trial) -> usize| trials.iter().map(of).sum::<usize>() / trials.len().max(1);
    let (trained, held_out) =
        (count(|one| one.split.trained.len()), count(|one| one.split.held_out.len()));
    if arguments.format == Format::Json {
        return print_json(&json!({
            "trained": trained,
            "held_out": held_out,
            "quality": quality,
            "coverage_of_niches": coverage,
            "seeds": all,
            "fit_seconds": fit,
            "predict_seconds": predict,
        }));
    }
    let mut records = Records::new(["", "all", "top tenth"]);
    let mut row = |name: &str, all: Option<f64>, best: Option<f64>| {
        records.push(vec![name.into(), all.into(), best.into()]);
    };
    row("Spearman", quality.spearman, quality.spearman_top_tenth);
    row("Kendall", quality.kendall, None);
    row("regret of the best ten [%]", quality.regret_at_10, None);
    row("within 90 % intervals", quality.coverage, None);
    for (niche, coverage) in coverage.iter().enumerate() {
        row(&format!("  in niche {}", niche + 1), *coverage, None);
    }
    row("their mean width [%]", quality.mean_width, None);
    if arguments.format == Format::Csv {
        return records.print(Format::Csv);
    }
    let mut text = records.table();
    text += &format!(
        "\n{} of distinct classes, evaluated on {} of other classes\n  \
         {origin}\n  mean of {}; median time: {fit:.2} s to fit, {predict:.2} s to predict all\n",
        counted(trained, "trained network"),
        counted(held_out, "architecture"),
        counted(trials.len(), "draw")
    );
    print(&text)
}
