//! Objectives from NAS-Bench-201 and HW-NAS-Bench.

use nas_bench::{Fidelity, NasBench201, ScoreTable, Split};
use nas_hw::{Device, Metric};
use nas_partition::Partition;
use nas_predict::Table;
use nas_search::Objective;
use nas_space::{
    Arch,
    nasbench201::{self, Dataset},
};

use crate::{Domain, Error, Lookup, Source, Truth};

/// Accuracy in %, more is better; its name says on which split.
pub fn accuracy_objective(fidelity: Fidelity) -> Objective {
    let name = match fidelity.split {
        Split::Validation => "validation_accuracy",
        Split::Test => "test_accuracy",
    };
    Objective::accuracy(name)
}

/// Latency in ms or energy in mJ, less is better.
pub fn cost_objective(metric: Metric) -> Objective {
    match metric {
        Metric::Latency => Objective::latency(),
        Metric::Energy => Objective::energy(),
    }
}

/// What a search may see: validation accuracy where the tables hold it (CIFAR-10), elsewhere
/// test accuracy, the only one there is.
pub fn search_fidelity(dataset: Dataset) -> Fidelity {
    match dataset {
        Dataset::Cifar10 => Fidelity::VALIDATION,
        Dataset::Cifar100 | Dataset::ImageNet16_120 => Fidelity::TEST,
    }
}

/// The published accuracy at a fidelity.
///
/// # Errors
/// A fidelity that the tables do not hold.
pub fn accuracy(
    tables: &NasBench201,
    dataset: Dataset,
    fidelity: Fidelity,
) -> Result<impl Source + use<>, Error> {
    let accuracies = tables.accuracy(dataset, fidelity)?.to_vec();
    Ok(Lookup::new(accuracy_objective(fidelity), move |arch: &Arch| {
        accuracies.get(nasbench201::index(arch)).copied()
    }))
}

/// The published latency or energy; absent where the device cannot run the cell.
///
/// # Errors
/// An energy that the benchmark does not hold for the device.
pub fn cost(
    tables: &NasBench201,
    dataset: Dataset,
    device: Device,
    metric: Metric,
) -> Result<impl Source + use<>, Error> {
    let costs = costs(tables, dataset, device, metric)?;
    Ok(Lookup::new(cost_objective(metric), move |arch: &Arch| {
        costs.get(nasbench201::index(arch)).copied().flatten()
    }))
}

/// The published costs of all cells, by index.
///
/// # Errors
/// An energy that the benchmark does not hold for the device.
pub fn costs(
    tables: &NasBench201,
    dataset: Dataset,
    device: Device,
    metric: Metric,
) -> Result<Vec<Option<f64>>, Error> {
    Ok(match metric {
        Metric::Latency => {
            let latencies = tables.latency(dataset, device);
            latencies.iter().map(|latency| latency.map(|millis| millis.0)).collect()
        }
        Metric::Energy => {
            let energies = tables.energy(dataset, device)?;
            energies.iter().map(|energy| energy.map(|millijoules| millijoules.0)).collect()
        }
    })
}

/// NAS-Bench-201 as a predictor sees it: features of cells with the proxies that pel-nas computed
/// on CIFAR-10, classes, and the paper's niches.
///
/// # Errors
/// None: the proxies are part of the program.
pub fn domain(dataset: Dataset) -> Result<Domain, Error> {
    let proxies = ScoreTable::cifar10()?;
    let partition = Partition::pel_nas(nasbench201::space())?;
    let features = move |architectures: &[Arch]| -> Result<Table, Error> {
        let first = |arch: &Arch| nasbench201::from_index(nasbench201::representative(arch)).ok();
        let scores: Vec<_> =
            architectures.iter().map(|arch| proxies.values(&first(arch)?)).collect();
        let table = Table::new(nasbench201::space(), architectures);
        let mut names = proxies.header().proxies.iter().enumerate();
        names.try_fold(table, |table, (column, name)| {
            Ok(table
                .with_scores(name, scores.iter().map(|scores| scores.and_then(|s| s[column])))?)
        })
    };
    Ok(Domain {
        space: nasbench201::space(),
        features: Box::new(features),
        class: nasbench201::class,
        chance: 100.0 / dataset.classes() as f64,
        partition,
    })
}

/// The truth about the space on a device: test accuracy, and the metrics in order.
///
/// # Errors
/// An energy that the benchmark does not hold for the device.
pub fn truth(
    tables: &NasBench201,
    dataset: Dataset,
    device: Device,
    metrics: &[Metric],
) -> Result<Truth, Error> {
    let accuracies = tables.accuracy(dataset, Fidelity::TEST)?;
    let costs: Vec<Vec<Option<f64>>> = metrics
        .iter()
        .map(|metric| self::costs(tables, dataset, device, *metric))
        .collect::<Result<_, _>>()?;
    let mut objectives = vec![accuracy_objective(Fidelity::TEST)];
    objectives.extend(metrics.iter().map(|metric| cost_objective(*metric)));
    let cells = accuracies.iter().enumerate().map_while(|(index, accuracy)| {
        let mut values = vec![Some(*accuracy)];
        values.extend(costs.iter().map(|costs| costs[index]));
        Some((nasbench201::from_index(index).ok()?, values))
    });
    Truth::new(&objectives, cells)
}
