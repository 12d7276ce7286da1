use std::{collections::BTreeMap, path::Path, process::ExitCode};

use clap::ValueEnum;
use nas_bench::{VitBench, VitDataset, VitFamily};
use nas_predict::{Predictor, Table, cross_validation, rank::spearman};
use nas_space::{Arch, autoformer};

use super::Learning;
use crate::{
    commands::data_folder,
    failure::Failure,
    output::{Cell, Format, Records, print},
    progress::Progress,
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The networks of ViT-Bench-101
    #[arg(long, value_enum, default_value_t)]
    family: Family,
    /// What they were tested on; ImageNet is known of AutoFormer's alone
    #[arg(long, value_enum, default_value_t)]
    dataset: Tested,
    /// Parts that are held out in turn
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(2..=100))]
    folds: u32,
    /// How often they are drawn anew; what is told is the mean
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    repeats: u32,
    /// The first draw's seed
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    learning: Learning,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Family {
    #[default]
    Autoformer,
    Pit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Tested {
    #[default]
    Imagenet,
    Cifar100,
    Flowers,
    Chaoyang,
}

impl Family {
    fn family(self) -> VitFamily {
        match self {
            Self::Autoformer => VitFamily::AutoFormer,
            Self::Pit => VitFamily::Pit,
        }
    }

    /// Parameters with 224×224 images and 1,000 classes, where they are counted.
    fn parameters(self, arch: &Arch) -> Option<f64> {
        match self {
            Self::Autoformer => {
                let network = autoformer::Size::Tiny.network(arch).ok()?;
                Some(network.parameters(224, 1000) as f64)
            }
            Self::Pit => None,
        }
    }
}

impl Tested {
    fn dataset(self) -> VitDataset {
        match self {
            Self::Imagenet => VitDataset::ImageNet,
            Self::Cifar100 => VitDataset::Cifar100,
            Self::Flowers => VitDataset::Flowers,
            Self::Chaoyang => VitDataset::Chaoyang,
        }
    }
}

pub fn run(arguments: &Arguments, data: Option<&Path>) -> Result<ExitCode, Failure> {
    let family = arguments.family.family();
    let bench = VitBench::open(&data_folder(data)?)?;
    let (architectures, labels): (Vec<Arch>, Vec<f64>) = bench
        .accuracies(family, arguments.dataset.dataset())
        .map(|(arch, accuracy)| (arch.clone(), accuracy))
        .unzip();
    if architectures.is_empty() {
        return Err(Failure::input(
            "no network of this family was tested on that: ImageNet is known of AutoFormer's alone",
        ));
    }
    let space = family.space();
    let width = &space.decisions()[0];
    let widths: Vec<u8> = architectures.iter().map(|arch| arch.choices()[0]).collect();
    let parameters: Vec<Option<f64>> =
        architectures.iter().map(|arch| arguments.family.parameters(arch)).collect();
    let mut table = Table::new(space, &architectures);
    if parameters.iter().all(Option::is_some) {
        table = table.with_scores("parameters", parameters.iter().copied())?;
    }
    let mean = format!("mean of the {}", width.name);
    // Spearman of each method, by repeat: over all, then within each width.
    let mut told: BTreeMap<&str, Vec<Vec<Option<f64>>>> = BTreeMap::new();
    let mut progress = Progress::new("learning", arguments.repeats as usize);
    for (done, seed) in (arguments.seed..).take(arguments.repeats as usize).enumerate() {
        let (mut predicted, mut by_width) = (vec![0.0; labels.len()], vec![0.0; labels.len()]);
        for split in cross_validation(&architectures, arguments.folds as usize, seed) {
            let known: Vec<(usize, f64)> =
                split.labelled.iter().map(|&row| (row, labels[row])).collect();
            let predictor = Predictor::fit(&table, &known, arguments.learning.settings(seed))?;
            let values = predictor.predict(&table)?;
            let all = known.iter().map(|label| label.1).sum::<f64>() / known.len().max(1) as f64;
            for row in split.held_out {
                predicted[row] = values[row].value;
                let alike = known.iter().filter(|(other, _)| widths[*other] == widths[row]);
                let (count, sum) =
                    alike.fold((0.0, 0.0), |(n, sum), label| (n + 1.0, sum + label.1));
                by_width[row] = if count > 0.0 { sum / count } else { all };
            }
        }
        let mut tell = |method, values: &[f64]| {
            let within = |choice: Option<usize>| {
                let rows: Vec<usize> = (0..labels.len())
                    .filter(|&row| choice.is_none_or(|choice| usize::from(widths[row]) == choice))
                    .collect();
                let of = |values: &[f64]| rows.iter().map(|&row| values[row]).collect::<Vec<f64>>();
                spearman(&of(values), &of(&labels))
            };
            let ranks = std::iter::once(None).chain((0..width.choices.len()).map(Some));
            told.entry(method).or_default().push(ranks.map(within).collect());
        };
        tell("predictor", &predicted);
        tell(&mean, &by_width);
        if let Some(parameters) = parameters.iter().copied().collect::<Option<Vec<f64>>>() {
            tell("parameters", &parameters);
        }
        progress.update(done + 1, "");
    }
    progress.finish();
    let within = width.choices.iter().map(|choice| format!("{} = {choice}", width.name));
    let columns = ["method", "spearman", "deviation"].map(str::to_owned).into_iter().chain(within);
    let mut records =
        Records::new(columns).heading("spearman", "Spearman").heading("deviation", "±");
    for choice in &width.choices {
        let column = format!("{} = {choice}", width.name);
        records = records.heading(&column, &format!("of {choice}"));
    }
    for method in ["predictor", &mean, "parameters"] {
        let Some(repeats) = told.get(method) else { continue };
        let of = |at: usize| repeats.iter().filter_map(|row| row[at]).collect::<Vec<f64>>();
        let mean = |values: &[f64]| {
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        let all = of(0);
        let deviation = mean(&all).map(|mean| {
            let squares = all.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
            // Of what is the same each time nothing is left but rounding.
            let deviation = (squares / all.len() as f64).sqrt();
            if deviation < 1e-12 { 0.0 } else { deviation }
        });
        let mut row: Vec<Cell> = vec![method.into(), mean(&all).into(), deviation.into()];
        row.extend((0..width.choices.len()).map(|at| Cell::from(mean(&of(at + 1)))));
        records.push(row);
    }
    records.print(arguments.format)?;
    if arguments.format == Format::Table {
        print(&format!(
            "\nSpearman of what is predicted for held-out networks, {} networks in {} parts,\n  \
             mean and deviation of {} draws; at the right within each {}\n",
            labels.len(),
            arguments.folds,
            arguments.repeats,
            width.name
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
