use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use clap::ValueEnum;
use nas_bench::Fidelity;
use nas_eval::{Domain, benchmark};
use nas_predict::{Group, Prediction, Predictor, Quality, Settings, Split, Table, draw_trained};
use nas_space::{
    Arch,
    nasbench201::{self, Dataset},
};
use serde_json::json;

use super::{Learning, cells};
use crate::{
    commands::{accuracies, parse_dataset, tables},
    failure::Failure,
    output::{Cell, Format, Records, counted, print, print_json},
    progress::Progress,
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Labels to learn from, each of another class
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    labels: u32,
    /// Draws of labels; what is told is their mean
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    seeds: u32,
    /// The first draw's seed
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// The published accuracies of cifar10, cifar100 or ImageNet16-120
    #[arg(long, value_name = "NAME", default_value = "cifar10", value_parser = parse_dataset)]
    dataset: Dataset,
    /// Your own accuracies instead: CSV with the columns arch and accuracy_percent
    #[arg(long, value_name = "FILE")]
    accuracy_table: Option<PathBuf>,
    #[command(flatten)]
    learning: Learning,
    /// Leave a group of columns out
    #[arg(long, value_enum, value_name = "GROUP")]
    without: Vec<Columns>,
    /// A folder for what was learnt from and predicted, as CSV: features.csv, and a file for each
    /// seed
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Columns {
    Choices,
    Paths,
    PathStatistics,
    Scores,
}

impl Columns {
    fn group(self) -> Group {
        match self {
            Self::Choices => Group::Choices,
            Self::Paths => Group::Paths,
            Self::PathStatistics => Group::PathStatistics,
            Self::Scores => Group::Scores,
        }
    }
}

/// Architectures with what is learnt from and what is reported on.
struct Data {
    architectures: Vec<Arch>,
    labels: Vec<f64>,
    truth: Vec<f64>,
}

pub fn run(arguments: &Arguments, data: Option<&Path>) -> Result<ExitCode, Failure> {
    let domain = benchmark::domain(arguments.dataset)?;
    let (data, origin) = arguments.data(data)?;
    let left_out: Vec<Group> = arguments.without.iter().map(|columns| columns.group()).collect();
    let table =
        (domain.features)(&data.architectures)?.only(|column| !left_out.contains(&column.group));
    let classes: Vec<usize> = data.architectures.iter().map(domain.class).collect();
    if let Some(folder) = &arguments.out {
        std::fs::create_dir_all(folder).map_err(|error| Failure::file("make", folder, &error))?;
        write(folder, "features.csv", &features(&data, &table))?;
    }
    let mut progress = Progress::new("learning", arguments.seeds as usize);
    let mut trials = Vec::new();
    for (done, seed) in (arguments.seed..).take(arguments.seeds as usize).enumerate() {
        let split = draw_trained(&classes, arguments.labels as usize, seed);
        if split.held_out.is_empty() {
            return Err(Failure::input(format!(
                "{} leave no class to report on: ask for fewer with --labels",
                counted(split.trained.len(), "label")
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
    fn data(&self, data: Option<&Path>) -> Result<(Data, String), Failure> {
        if let Some(file) = &self.accuracy_table {
            let table = accuracies(file, nasbench201::parse)?;
            let mut architectures: Vec<Arch> = table.architectures().cloned().collect();
            architectures.sort();
            let labels: Vec<f64> =
                architectures.iter().filter_map(|arch| table.value(arch)).collect();
            if labels.is_empty() {
                return Err(Failure::input(format!("{} holds no accuracy", file.display())));
            }
            let truth = labels.clone();
            return Ok((Data { architectures, labels, truth }, file.display().to_string()));
        }
        let tables = tables(data)?;
        let fidelity = benchmark::search_fidelity(self.dataset);
        let labels = tables.accuracy(self.dataset, fidelity)?.to_vec();
        let truth = tables.accuracy(self.dataset, Fidelity::TEST)?.to_vec();
        let origin = format!("{}, {fidelity}; reported on test accuracy", self.dataset);
        Ok((Data { architectures: cells(), labels, truth }, origin))
    }
}

/// What came of one draw of labels.
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
            split.trained.iter().map(|&row| (row, data.labels[row])).collect();
        let start = Instant::now();
        let unconnected = Some(domain.chance);
        let settings = Settings { unconnected, ..arguments.learning.settings(seed) };
        let predictor = Predictor::fit(table, &pairs, settings)?;
        let fit_seconds = start.elapsed().as_secs_f64();
        let start = Instant::now();
        let predicted = predictor.predict(table)?;
        let predict_seconds = start.elapsed().as_secs_f64();
        let quality = |rows: &[usize]| {
            let of = |values: &[f64]| rows.iter().map(|&row| values[row]).collect::<Vec<f64>>();
            let predicted: Vec<Prediction> = rows.iter().map(|&row| predicted[row]).collect();
            Quality::of(&predicted, &of(&data.labels), &of(&data.truth))
        };
        let mut niches = vec![Vec::new(); domain.partition.niches().len()];
        for &row in &split.held_out {
            niches[domain.partition.niche_of(&data.architectures[row])].push(row);
        }
        let coverage = niches.iter().map(|rows| quality(rows).coverage).collect();
        let quality = quality(&split.held_out);
        Ok(Self { split, predicted, quality, coverage, fit_seconds, predict_seconds })
    }

    /// Labelled and held-out architectures; their twins are neither.
    fn records(&self, data: &Data) -> Records {
        let columns = ["index", "labelled", "label", "truth", "predicted", "low", "high"];
        let mut records = Records::new(columns);
        let parts = [(true, &self.split.trained), (false, &self.split.held_out)];
        for (labelled, rows) in parts {
            for &row in rows {
                let Prediction { value, low, high } = self.predicted[row];
                let mut cells: Vec<Cell> =
                    vec![nasbench201::index(&data.architectures[row]).into(), Cell::Flag(labelled)];
                let numbers = [data.labels[row], data.truth[row], value, low, high];
                cells.extend(numbers.map(Cell::Number));
                records.push(cells);
            }
        }
        records
    }
}

fn features(data: &Data, table: &Table) -> Records {
    let names = table.columns().iter().map(|column| column.name.clone());
    let mut records = Records::new(std::iter::once("index".to_owned()).chain(names));
    for (row, arch) in data.architectures.iter().enumerate() {
        let values = (0..table.columns().len()).map(|column| table.value(row, column).into());
        records.push(std::iter::once(nasbench201::index(arch).into()).chain(values).collect());
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
    let (labels, held_out) =
        (count(|one| one.split.trained.len()), count(|one| one.split.held_out.len()));
    if arguments.format == Format::Json {
        return print_json(&json!({
            "labels": labels,
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
        "\n{}, each of another class, and {} of the others\n  \
         {origin}\n  mean of {}; {fit:.2} s to fit, {predict:.2} s to predict all (median)\n",
        counted(labels, "label"),
        counted(held_out, "architecture"),
        counted(trials.len(), "draw")
    );
    print(&text)
}
