//! NAS-Bench-201 with its own accuracies and published costs.

use std::path::{Path, PathBuf};

use nas_bench::{Error as BenchError, Fidelity, NasBench201 as Tables, ScoreTable, Split};
use nas_hw::Metric;
use nas_partition::Partition;
use nas_predict::Table;
use nas_space::{
    Arch, Error as SpaceError, Space, Task,
    nasbench201::{self, Dataset},
};

use crate::{
    Error, Features, Form, KnownSpace, Lookup, Numbering, Published, PublishedAccuracies, Source,
    Statistic, TEST_ACCURACY, cost_objective,
};

#[cfg(feature = "torch")]
use {
    crate::live::{Blueprint, Build, TRAINING_FREE},
    nas_net::Scale,
    std::sync::Arc,
};

/// 15,625 cells, all of which were trained (Dong & Yang 2020, arXiv 2001.00326).
pub struct NasBench201;

impl KnownSpace for NasBench201 {
    fn space(&self) -> &'static Space {
        nasbench201::space()
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["nb201"]
    }

    fn title(&self) -> String {
        "NAS-Bench-201".to_owned()
    }

    fn networks_in_words(&self) -> String {
        "15,625 cells".to_owned()
    }

    fn datasets(&self) -> Vec<&'static str> {
        Dataset::ALL.map(Dataset::name).to_vec()
    }

    fn file_name(&self, dataset: usize) -> String {
        Dataset::ALL[dataset].name().to_owned()
    }

    fn task(&self, dataset: usize) -> Option<Task> {
        Some(Dataset::ALL[dataset].into())
    }

    fn statistics(&self, task: Option<Task>) -> Vec<Statistic> {
        let Some(task) = task else { return Vec::new() };
        let parameters = move |arch: &Arch| nasbench201::parameters(arch, task) as f64;
        let flops = move |arch: &Arch| nasbench201::flops(arch, task) as f64;
        vec![
            Statistic::new("parameters", "parameters", "k", parameters),
            Statistic::new("flops", "FLOPs", "M", flops),
        ]
    }

    fn niches(&self) -> Option<Partition> {
        Partition::pel_nas(nasbench201::space()).ok()
    }

    fn forms(&self) -> Vec<Form> {
        vec![("op_tuple", nasbench201::op_tuple)]
    }

    fn parse(&self, text: &str) -> Result<Arch, SpaceError> {
        nasbench201::parse(text)
    }

    fn numbering(&self) -> Option<Numbering> {
        Some(Numbering {
            count: nasbench201::CELLS,
            index: nasbench201::index,
            arch: nasbench201::from_index,
            classes: nasbench201::CLASSES,
            class: nasbench201::class,
            representative: nasbench201::representative,
            distinct: nasbench201::distinct_cells,
        })
    }

    /// Networks without unreachable operations.
    #[cfg(feature = "torch")]
    fn blueprint(&self, dataset: usize) -> Option<Blueprint> {
        let dataset = Dataset::ALL[dataset];
        Some(Blueprint {
            task: dataset.into(),
            batch: 64,
            score: &TRAINING_FREE,
            computed: (dataset == Dataset::Cifar10).then_some(ScoreTable::cifar10),
            read: Some(match dataset {
                Dataset::Cifar10 => |file, selection| nas_proxy::cifar10(file, selection),
                Dataset::Cifar100 => |file, selection| nas_proxy::cifar100(file, selection),
                Dataset::ImageNet16_120 => |file, selection| nas_proxy::imagenet16(file, selection),
            }),
            build: Arc::new(move |arch, seed, device| {
                let cell = nasbench201::space().prune(arch);
                Ok(Box::new(nas_net::NasBench201Network::new(&cell, dataset, seed, device)?))
            }),
            numbering: self.numbering(),
        })
    }

    #[cfg(feature = "torch")]
    fn scale(&self) -> Option<Scale> {
        Some(Scale::PUBLISHED)
    }

    #[cfg(feature = "torch")]
    fn build_for(&self, task: Task, scale: Option<Scale>) -> Option<Arc<Build>> {
        let scale = scale.unwrap_or(Scale::PUBLISHED);
        Some(Arc::new(move |arch, seed, device| {
            let cell = nasbench201::space().prune(arch);
            Ok(Box::new(nas_net::NasBench201Network::scaled(&cell, scale, task, seed, device)?))
        }))
    }

    /// Cells with the proxies that pel-nas computed on CIFAR-10.
    fn features(&self) -> Result<Box<Features>, Error> {
        let proxies = ScoreTable::cifar10()?;
        Ok(Box::new(move |architectures| {
            let first =
                |arch: &Arch| nasbench201::from_index(nasbench201::representative(arch)).ok();
            let scores: Vec<_> =
                architectures.iter().map(|arch| proxies.values(&first(arch)?)).collect();
            let table = Table::new(nasbench201::space(), architectures);
            let mut names = proxies.header().proxies.iter().enumerate();
            names.try_fold(table, |table, (column, name)| {
                let scores = scores.iter().map(|scores| scores.and_then(|s| s[column]));
                Ok(table.with_scores(name, scores)?)
            })
        }))
    }

    fn accuracy_of_chance(&self, dataset: usize) -> Option<f64> {
        Some(100.0 / Dataset::ALL[dataset].classes() as f64)
    }

    fn accuracies_in_words(&self) -> Option<&'static str> {
        Some("of all networks")
    }

    fn tables(&self, data: &Path) -> Option<PathBuf> {
        Some(nas_bench::NasBench201::path(data))
    }

    fn open(&self, dataset: usize, data: &Path) -> Option<Result<Box<dyn Published>, BenchError>> {
        let dataset = Dataset::ALL[dataset];
        let opened = Tables::open(data).map(|tables| OnDataset { tables, dataset });
        Some(opened.map(|opened| Box::new(opened) as Box<dyn Published>))
    }
}

/// The benchmark's tables for one data set.
struct OnDataset {
    tables: Tables,
    dataset: Dataset,
}

impl OnDataset {
    /// The accuracy that a search uses: validation accuracy if the tables contain it (CIFAR-10), else
    /// test accuracy.
    fn fidelity(&self) -> Fidelity {
        match self.dataset {
            Dataset::Cifar10 => Fidelity::VALIDATION,
            Dataset::Cifar100 | Dataset::ImageNet16_120 => Fidelity::TEST,
        }
    }
}

impl Published for OnDataset {
    fn accuracies(&self) -> Result<PublishedAccuracies, Error> {
        let fidelity = self.fidelity();
        Ok(PublishedAccuracies::OfAll {
            objective: match fidelity.split {
                Split::Validation => "validation_accuracy",
                Split::Test => TEST_ACCURACY,
            },
            accuracies: self.tables.accuracy(self.dataset, fidelity)?.to_vec(),
            from: format!("NAS-Bench-201 ({fidelity})"),
        })
    }

    fn test_accuracies(&self) -> Result<Option<Vec<f64>>, Error> {
        Ok(Some(self.tables.accuracy(self.dataset, Fidelity::TEST)?.to_vec()))
    }

    fn cost(&self, device: &str, metric: Metric) -> Result<Box<dyn Source + Send>, Error> {
        let costs: Vec<Option<f64>> = match metric {
            Metric::Latency => {
                let latencies = self.tables.latency(self.dataset, device)?;
                latencies.iter().map(|latency| latency.map(|millis| millis.0)).collect()
            }
            Metric::Energy => {
                let energies = self.tables.energy(self.dataset, device)?;
                energies.iter().map(|energy| energy.map(|millijoules| millijoules.0)).collect()
            }
        };
        Ok(Box::new(Lookup::new(cost_objective(metric), move |arch: &Arch| {
            costs.get(nasbench201::index(arch)).copied().flatten()
        })))
    }
}
