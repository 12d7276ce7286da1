//! The table of NAS-Bench-201: accuracies, and costs on devices.

use std::path::{Path, PathBuf};

use nas_hw::{Metric, Millijoules, Millis};
use nas_space::nasbench201::{self, CELLS, Dataset};
use serde::{Deserialize, Serialize};

use crate::{
    Error, Fidelity, Manifest, TableProblem,
    container::Kind,
    parse,
    raw::Raw,
    table::{self, Table},
};

/// NAS-Bench-201 (Dong & Yang 2020, arXiv 2001.00326) with the costs of the manifest's files, such as
/// HW-NAS-Bench's (Li et al. 2021, arXiv 2103.10584). All slices hold 15,625 values by benchmark index.
#[derive(Debug, Clone)]
pub struct NasBench201 {
    accuracies: Vec<(Dataset, Fidelity, Vec<f64>)>,
    latencies: Vec<Costs<Millis>>,
    energies: Vec<Costs<Millijoules>>,
}

/// Costs of all cells: data set, device, and by index what each cell costs.
type Costs<T> = (Dataset, String, Vec<Option<T>>);

impl NasBench201 {
    /// The compiled table in a table folder, whether it is there or not.
    pub fn path(tables_dir: &Path) -> PathBuf {
        table::path::<Content>(tables_dir)
    }

    /// Opens the compiled table of a table folder.
    ///
    /// # Errors
    /// [`Error::MissingTables`] before the first [`compile`](crate::compile), [`Error::Table`]
    /// for a table of another version, or a damaged one.
    pub fn open(tables_dir: &Path) -> Result<Self, Error> {
        let (_, content) = table::read::<Content>(tables_dir)?;
        content.check().map_err(|problem| Error::Table {
            path: table::path::<Content>(tables_dir),
            problem: TableProblem::Content(problem),
        })
    }

    /// Accuracies in percent.
    ///
    /// # Errors
    /// [`Error::NoFidelity`], listing what exists: test accuracies for every data set,
    /// validation accuracies for CIFAR-10 only.
    pub fn accuracy(&self, dataset: Dataset, fidelity: Fidelity) -> Result<&[f64], Error> {
        self.accuracies
            .iter()
            .find(|(d, f, _)| (*d, *f) == (dataset, fidelity))
            .map(|(_, _, values)| values.as_slice())
            .ok_or_else(|| Error::NoFidelity {
                dataset,
                wanted: fidelity,
                available: self.fidelities(dataset),
            })
    }

    /// The fidelities that exist for a data set.
    pub fn fidelities(&self, dataset: Dataset) -> Vec<Fidelity> {
        let of_dataset = self.accuracies.iter().filter(|(d, _, _)| *d == dataset);
        of_dataset.map(|(_, fidelity, _)| *fidelity).collect()
    }

    /// Latency of one image; `None` where the device cannot run the cell.
    ///
    /// # Errors
    /// [`Error::NoDevice`], listing the devices with latencies on this data set.
    pub fn latency(&self, dataset: Dataset, device: &str) -> Result<&[Option<Millis>], Error> {
        find(&self.latencies, Metric::Latency, dataset, device)
    }

    /// Energy of one image.
    ///
    /// # Errors
    /// [`Error::NoDevice`], listing the devices with energies on this data set.
    pub fn energy(&self, dataset: Dataset, device: &str) -> Result<&[Option<Millijoules>], Error> {
        find(&self.energies, Metric::Energy, dataset, device)
    }
}

fn find<'a, T>(
    costs: &'a [Costs<T>],
    metric: Metric,
    dataset: Dataset,
    device: &str,
) -> Result<&'a [Option<T>], Error> {
    let known = || costs.iter().filter(|known| known.0 == dataset);
    known().find(|known| known.1 == device).map(|known| known.2.as_slice()).ok_or_else(|| {
        Error::NoDevice {
            quantity: format!("NAS-Bench-201 {metric}"),
            device: device.to_owned(),
            available: known().map(|known| known.1.clone()).collect(),
        }
    })
}

/// The table as stored. Data sets and devices are stored by name, so that their order in code
/// is free to change.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Content {
    accuracies: Vec<(String, Fidelity, Vec<f64>)>,
    latencies: Vec<(String, String, Vec<Option<Millis>>)>,
    energies: Vec<(String, String, Vec<Option<Millijoules>>)>,
}

impl Table for Content {
    const FILE: &'static str = "nasbench201.bin";
    const KIND: Kind = Kind { name: *b"n201", version: 1 };
}

impl Content {
    /// The raw files that the table is compiled from.
    pub(crate) fn sources(manifest: &Manifest) -> Vec<String> {
        let mut names = vec!["robustness/cifar10".to_owned()];
        names.extend(Dataset::ALL.map(|dataset| format!("nats-bench/{dataset}")));
        let costs = manifest.with_costs(nasbench201::space().name());
        names.extend(costs.map(|(entry, _)| entry.name.clone()));
        names
    }

    pub(crate) fn compile(raw: &Raw<'_>) -> Result<Self, Error> {
        let mut content =
            Self { accuracies: Vec::new(), latencies: Vec::new(), energies: Vec::new() };
        let (path, bytes) = raw.read("robustness/cifar10")?;
        let validation = parse::robustness::parse(&path, &bytes)?;
        let cifar10 = Dataset::Cifar10.name().to_owned();
        content.accuracies.push((cifar10, Fidelity::VALIDATION, validation));
        for dataset in Dataset::ALL {
            let (path, bytes) = raw.read(&format!("nats-bench/{dataset}"))?;
            let test = parse::freerea::accuracies(&path, &bytes)?;
            content.accuracies.push((dataset.name().to_owned(), Fidelity::TEST, test));
        }
        for (entry, costs) in raw.manifest.with_costs(nasbench201::space().name()) {
            let Some(dataset) = &costs.dataset else {
                let problem = format!("{}: costs of cells need a dataset", entry.name);
                return Err(Error::Manifest { problem });
            };
            let (path, bytes) = raw.read(&entry.name)?;
            let columns = parse::costs::parse(&path, &bytes, &costs.columns)?;
            for (column, values) in costs.columns.iter().zip(columns) {
                let (dataset, device) = (dataset.clone(), column.device.clone());
                let values = values.into_iter();
                match column.metric {
                    Metric::Latency => {
                        let values = values.map(|value| value.map(Millis)).collect();
                        content.latencies.push((dataset, device, values));
                    }
                    Metric::Energy => {
                        let values = values.map(|value| value.map(Millijoules)).collect();
                        content.energies.push((dataset, device, values));
                    }
                }
            }
        }
        Ok(content)
    }

    /// Checks that what was decoded is the whole table.
    fn check(self) -> Result<NasBench201, String> {
        let accuracies = self.accuracies.into_iter().map(|(dataset, fidelity, values)| {
            Ok((parsed(&dataset)?, fidelity, complete(values)?))
        });
        Ok(NasBench201 {
            accuracies: accuracies.collect::<Result<_, String>>()?,
            latencies: checked(self.latencies)?,
            energies: checked(self.energies)?,
        })
    }
}

fn checked<T>(costs: Vec<(String, String, Vec<Option<T>>)>) -> Result<Vec<Costs<T>>, String> {
    let costs = costs.into_iter();
    let check = |(dataset, device, values): (String, String, Vec<Option<T>>)| {
        Ok((parsed(&dataset)?, device, complete(values)?))
    };
    costs.map(check).collect()
}

fn parsed(dataset: &str) -> Result<Dataset, String> {
    dataset.parse().map_err(|error: nas_space::Error| error.to_string())
}

pub(crate) fn complete<T>(values: Vec<T>) -> Result<Vec<T>, String> {
    if values.len() == CELLS {
        Ok(values)
    } else {
        Err(format!("{} values, expected {CELLS}", values.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content() -> Content {
        let mut content = Content {
            accuracies: vec![("cifar100".to_owned(), Fidelity::TEST, vec![70.5; CELLS])],
            latencies: Vec::new(),
            energies: Vec::new(),
        };
        for dataset in Dataset::ALL {
            for device in ["edgetpu", "fpga"] {
                let value = (device != "edgetpu").then_some(Millis(dataset.name().len() as f64));
                let (dataset, device) = (dataset.name().to_owned(), device.to_owned());
                content.latencies.push((dataset, device, vec![value; CELLS]));
            }
        }
        let energies = vec![Some(Millijoules(3.0)); CELLS];
        content.energies.push(("cifar10".to_owned(), "fpga".to_owned(), energies));
        content
    }

    fn opened(content: &Content) -> Result<NasBench201, Error> {
        let folder = tempfile::tempdir().unwrap();
        table::write(folder.path(), &Vec::new(), content).unwrap();
        NasBench201::open(folder.path())
    }

    #[test]
    fn values_are_found_by_what_they_are() {
        let table = opened(&content()).unwrap();
        let latency = |dataset, device| table.latency(dataset, device).unwrap()[CELLS - 1];
        assert_eq!(latency(Dataset::Cifar10, "fpga"), Some(Millis(7.0)));
        assert_eq!(latency(Dataset::ImageNet16_120, "fpga"), Some(Millis(14.0)));
        assert_eq!(latency(Dataset::Cifar100, "edgetpu"), None);
        let energy = table.energy(Dataset::Cifar10, "fpga").unwrap();
        assert_eq!(energy[0], Some(Millijoules(3.0)));
    }

    #[test]
    fn what_does_not_exist_is_refused_with_what_does() {
        let table = opened(&content()).unwrap();
        let error = table.accuracy(Dataset::Cifar100, Fidelity::VALIDATION).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no cifar100 accuracies for validation, 200 epochs, one seed; \
             there are: test, 200 epochs, mean over seeds"
        );
        let error = table.energy(Dataset::Cifar10, "pixel3").unwrap_err();
        assert_eq!(error.to_string(), "no NAS-Bench-201 energy for pixel3; there is one for fpga");
    }

    #[test]
    fn an_incomplete_table_does_not_open() {
        let mut short = content();
        short.accuracies[0].2.pop();
        let mut strange = content();
        strange.energies[0].0 = "toaster".to_owned();
        for (content, expected) in [(short, "15624 values, expected 15625"), (strange, "toaster")] {
            let message = opened(&content).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
            assert!(message.contains("run `nas download`"), "{message}");
        }
    }
}
