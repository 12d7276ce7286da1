//! The predictor on true accuracies: labels of some classes of cells, reported on all cells of the
//! other classes, with the proxies that this project computed on CIFAR-10 images.

use std::{collections::HashSet, sync::LazyLock};

use nas_bench::{Fidelity, NasBench201, ScoreTable};
use nas_eval::benchmark::{accuracy_objective, cost_objective, costs, search_fidelity, truth};
use nas_hw::{Device, Metric};
use nas_pareto::Archive;
use nas_partition::Partition;
use nas_predict::{
    Prediction, Predictor, Settings, Split, Table, draw_labels,
    rank::{spearman, spearman_of_best},
    worth_of_labels,
};
use nas_space::{
    Arch,
    nasbench201::{CELLS, Dataset, class, from_index, representative, space},
};
use nas_tests::tables;

fn cells() -> Vec<Arch> {
    (0..CELLS).map(|index| from_index(index).unwrap()).collect()
}

static CLASSES: LazyLock<Vec<usize>> = LazyLock::new(|| cells().iter().map(class).collect());

/// All cells, with their features and proxies.
static FEATURES: LazyLock<Table> = LazyLock::new(|| {
    let (cells, proxies) = (cells(), ScoreTable::cifar10().unwrap());
    let first: Vec<Arch> =
        cells.iter().map(|cell| from_index(representative(cell)).unwrap()).collect();
    let names = proxies.header().proxies.iter().enumerate();
    names.fold(Table::new(space(), &cells), |table, (column, name)| {
        let values = first.iter().map(|cell| proxies.values(cell).unwrap()[column]);
        table.with_scores(name, values).unwrap()
    })
});

struct Trial {
    split: Split,
    predicted: Vec<Prediction>,
}

impl Trial {
    /// Learns from labels of the fidelity that a search sees.
    fn new(tables: &NasBench201, dataset: Dataset, labels: usize, seed: u64) -> Self {
        let accuracies = tables.accuracy(dataset, search_fidelity(dataset)).unwrap();
        let split = draw_labels(&CLASSES, labels, seed);
        let pairs: Vec<(usize, f64)> =
            split.labelled.iter().map(|&row| (row, accuracies[row])).collect();
        let settings = Settings { seed, ..Settings::default() };
        let predictor = Predictor::fit(&FEATURES, &pairs, settings).unwrap();
        Self { split, predicted: predictor.predict(&FEATURES).unwrap() }
    }

    /// Rank correlation with test accuracy on all that is held out, and in its best tenth.
    fn correlations(&self, tables: &NasBench201, dataset: Dataset) -> [f64; 2] {
        let test = tables.accuracy(dataset, Fidelity::TEST).unwrap();
        let rows = &self.split.held_out;
        let predicted: Vec<f64> = rows.iter().map(|&row| self.predicted[row].value).collect();
        let truth: Vec<f64> = rows.iter().map(|&row| test[row]).collect();
        let best = spearman_of_best(&predicted, &truth, 0.1).unwrap();
        [spearman(&predicted, &truth).unwrap(), best]
    }

    /// The share of held-out labels within their intervals, in each niche of the paper and in all,
    /// and the intervals' mean width.
    fn coverage(&self, tables: &NasBench201, dataset: Dataset) -> [f64; 8] {
        let accuracies = tables.accuracy(dataset, search_fidelity(dataset)).unwrap();
        let partition = Partition::pel_nas(space()).unwrap();
        let mut counts = vec![(0, 0); partition.niches().len()];
        let mut width = 0.0;
        for &row in &self.split.held_out {
            let Prediction { low, high, .. } = self.predicted[row];
            let count = &mut counts[partition.niche_of(&from_index(row).unwrap())];
            // Chance-level labels of unconnected cells are predicted exactly, but for rounding.
            count.0 += usize::from(low - 1e-9 <= accuracies[row] && accuracies[row] <= high + 1e-9);
            count.1 += 1;
            width += high - low;
        }
        let share = |(inside, all): (usize, usize)| inside as f64 / all as f64;
        let all = counts.iter().fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
        std::array::from_fn(|at| match at {
            7 => width / all.1 as f64,
            6 => share(all),
            niche => share(counts[niche]),
        })
    }
}

fn mean<const N: usize>(rows: &[[f64; N]]) -> [f64; N] {
    std::array::from_fn(|at| rows.iter().map(|row| row[at]).sum::<f64>() / rows.len() as f64)
}

/// The seeds to report on: from 1, or from `PEL_NAS_SEEDS` on, to choose by.
fn seeds(count: u64) -> std::ops::RangeInclusive<u64> {
    let first = std::env::var("PEL_NAS_SEEDS").ok().and_then(|first| first.parse().ok());
    let first = first.unwrap_or(1);
    first..=first + count - 1
}

fn report(
    labels: usize,
    seeds: std::ops::RangeInclusive<u64>,
) -> Option<Vec<([f64; 2], [f64; 8])>> {
    let tables = NasBench201::open(&tables()?).unwrap();
    let report = |dataset: &Dataset| {
        let trials: Vec<Trial> =
            seeds.clone().map(|seed| Trial::new(&tables, *dataset, labels, seed)).collect();
        let correlations: Vec<_> =
            trials.iter().map(|trial| trial.correlations(&tables, *dataset)).collect();
        let coverages: Vec<_> =
            trials.iter().map(|trial| trial.coverage(&tables, *dataset)).collect();
        let (told, inside) = (mean(&correlations), mean(&coverages));
        println!(
            "{labels} labels, {dataset}: Spearman {:.4}, in the top tenth {:.3}; of intervals of \
             mean width {:.2} hold {:.3}, by niche {:.3?}",
            told[0],
            told[1],
            inside[7],
            inside[6],
            &inside[..6]
        );
        (told, inside)
    };
    Some(Dataset::ALL.iter().map(report).collect())
}

/// Holds the mean over `seeds` to the least Spearman for each data set, and intervals to what they
/// claim.
fn orders(labels: usize, seeds: std::ops::RangeInclusive<u64>, least: [f64; 3]) {
    let Some(report) = report(labels, seeds) else { return };
    for ((correlations, coverage), least) in report.into_iter().zip(least) {
        assert!(correlations[0] >= least, "{correlations:?}");
        assert!((0.85..=0.95).contains(&coverage[6]), "{coverage:?}");
    }
}

#[test]
fn two_hundred_labels_order_the_other_classes() {
    orders(200, seeds(3), [0.961, 0.963, 0.963]);
}

#[test]
fn a_thousand_labels_order_the_other_classes() {
    orders(1_000, seeds(1), [0.975, 0.978, 0.978]);
}

/// Buys labels for the front of accuracy and latency on a device, one of a class: 60 at random, the
/// others in rounds of 20 where they are worth most, or at random too. The predicted front of all
/// cells is scored on true values.
fn hypervolume_ratio(
    tables: &NasBench201,
    (dataset, device): (Dataset, Device),
    labels: usize,
    active: bool,
) -> f64 {
    let accuracies = tables.accuracy(dataset, search_fidelity(dataset)).unwrap();
    let costs = costs(tables, dataset, device, Metric::Latency).unwrap();
    let costs: Vec<Option<Vec<f64>>> =
        costs.into_iter().map(|cost| cost.map(|cost| vec![cost])).collect();
    let cells = cells();
    let useful = |row: &usize| costs[*row].is_some() && space().is_connected(&cells[*row]);
    let mut bought: Vec<usize> = draw_labels(&CLASSES, CELLS, 1).labelled;
    bought.retain(useful);
    bought.truncate(if active { 60 } else { labels });
    loop {
        let pairs: Vec<(usize, f64)> = bought.iter().map(|&row| (row, accuracies[row])).collect();
        let predictor = Predictor::fit(&FEATURES, &pairs, Settings::default()).unwrap();
        let predicted = predictor.predict(&FEATURES).unwrap();
        if bought.len() == labels {
            let objectives = [accuracy_objective(Fidelity::TEST), cost_objective(Metric::Latency)];
            let mut front = Archive::new(&objectives.map(|o| o.direction)).unwrap();
            for (row, costs) in costs.iter().enumerate() {
                if let Some(costs) = costs {
                    front.insert(&[predicted[row].value, costs[0]], &cells[row]).unwrap();
                }
            }
            let truth = truth(tables, dataset, device, &[Metric::Latency]).unwrap();
            let found = front.iter().map(|member| member.payload);
            return truth.score(found).unwrap().unwrap().hypervolume_ratio;
        }
        let worth = worth_of_labels(&predicted, &costs).unwrap();
        let mut rows: Vec<usize> = (0..CELLS).filter(|&row| worth[row] > 0.0).collect();
        rows.sort_by(|&a, &b| worth[b].total_cmp(&worth[a]));
        let mut known: HashSet<usize> = bought.iter().map(|&row| CLASSES[row]).collect();
        rows.retain(|&row| known.insert(CLASSES[row]));
        bought.extend(rows.into_iter().take(20));
    }
}

#[test]
fn labels_bought_where_they_matter_are_worth_more_than_random_ones() {
    let Some(tables) = tables() else { return };
    let tables = NasBench201::open(&tables).unwrap();
    for pair in [(Dataset::Cifar100, Device::Raspi4), (Dataset::ImageNet16_120, Device::EdgeGpu)] {
        let [active, random] =
            [true, false].map(|active| hypervolume_ratio(&tables, pair, 200, active));
        println!(
            "{pair:?}: hypervolume ratio {active:.4} with 200 labels bought, {random:.4} at random"
        );
        assert!(active >= 0.985 && active > random, "{active} {random}");
    }
}
