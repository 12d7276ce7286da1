use std::path::Path;

use nas_hw::{Device, Metric, Millijoules, Millis};
use nas_space::nasbench201::{CELLS, Dataset};
use serde::{Deserialize, Serialize};

use crate::{
    Error, Fidelity, TableProblem,
    container::Kind,
    parse,
    raw::Raw,
    table::{self, Table},
};

/// NAS-Bench-201 (Dong & Yang 2020, arXiv 2001.00326) with HW-NAS-Bench's costs (Li et al. 2021,
/// arXiv 2103.10584). All slices hold 15,625 values by benchmark index.
#[derive(Debug, Clone)]
pub struct NasBench201 {
    accuracies: Vec<(Dataset, Fidelity, Vec<f64>)>,
    /// By [`place`] of data set and device.
    latencies: Vec<Vec<Option<Millis>>>,
    energies: Vec<(Dataset, Device, Vec<Option<Millijoules>>)>,
}

impl NasBench201 {
    /// Opens the compiled table of a data folder.
    ///
    /// # Errors
    /// [`Error::MissingTables`] before the first [`compile`](crate::compile), [`Error::Table`]
    /// for a table of another version, or a damaged one.
    pub fn open(data_dir: &Path) -> Result<Self, Error> {
        let (_, content) = table::read::<Content>(data_dir)?;
        content.check().map_err(|problem| Error::Table {
            path: table::path::<Content>(data_dir),
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
    pub fn latency(&self, dataset: Dataset, device: Device) -> &[Option<Millis>] {
        &self.latencies[place(dataset, device)]
    }

    /// Energy of one image.
    ///
    /// # Errors
    /// [`Error::NoDevice`]: HW-NAS-Bench has energies for edgegpu, eyeriss and fpga only.
    pub fn energy(
        &self,
        dataset: Dataset,
        device: Device,
    ) -> Result<&[Option<Millijoules>], Error> {
        self.energies
            .iter()
            .find(|(d, v, _)| (*d, *v) == (dataset, device))
            .map(|(_, _, values)| values.as_slice())
            .ok_or_else(|| Error::NoDevice {
                quantity: "NAS-Bench-201 energy",
                device,
                available: with(Metric::Energy),
            })
    }
}

/// Position of a pair in an order of all data sets and, within each, all devices.
fn place(dataset: Dataset, device: Device) -> usize {
    dataset as usize * Device::ALL.len() + device as usize
}

fn with(metric: Metric) -> Vec<Device> {
    Device::ALL.into_iter().filter(|device| device.has(metric)).collect()
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
    pub(crate) fn sources() -> Vec<String> {
        let mut names = vec!["robustness/cifar10".to_owned()];
        for dataset in Dataset::ALL {
            names.push(format!("nats-bench/{dataset}"));
            names.push(format!("hw-nas-bench/{dataset}"));
        }
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
            let name = || dataset.name().to_owned();
            let (path, bytes) = raw.read(&format!("nats-bench/{dataset}"))?;
            let test = parse::freerea::accuracies(&path, &bytes)?;
            content.accuracies.push((name(), Fidelity::TEST, test));
            let (path, bytes) = raw.read(&format!("hw-nas-bench/{dataset}"))?;
            for column in parse::hw_nas_bench::parse(&path, &bytes)? {
                let device = column.device.name().to_owned();
                let values = column.values.into_iter();
                match column.metric {
                    Metric::Latency => {
                        let values = values.map(|value| value.map(Millis)).collect();
                        content.latencies.push((name(), device, values));
                    }
                    Metric::Energy => {
                        let values = values.map(|value| value.map(Millijoules)).collect();
                        content.energies.push((name(), device, values));
                    }
                }
            }
        }
        Ok(content)
    }

    /// Checks that what was decoded is the whole table.
    fn check(self) -> Result<NasBench201, String> {
        let accuracies = self
            .accuracies
            .into_iter()
            .map(|(dataset, fidelity, values)| {
                let dataset = dataset.parse::<Dataset>().map_err(|error| error.to_string())?;
                Ok((dataset, fidelity, complete(values)?))
            })
            .collect::<Result<Vec<_>, String>>()?;
        let mut latencies = vec![Vec::new(); Dataset::ALL.len() * Device::ALL.len()];
        for (dataset, device, values) in self.latencies {
            let (dataset, device) = pair(&dataset, &device)?;
            latencies[place(dataset, device)] = complete(values)?;
        }
        if latencies.iter().any(Vec::is_empty) {
            return Err("latencies are missing".to_owned());
        }
        let energies = self
            .energies
            .into_iter()
            .map(|(dataset, device, values)| {
                let (dataset, device) = pair(&dataset, &device)?;
                Ok((dataset, device, complete(values)?))
            })
            .collect::<Result<Vec<_>, String>>()?;
        Ok(NasBench201 { accuracies, latencies, energies })
    }
}

fn pair(dataset: &str, device: &str) -> Result<(Dataset, Device), String> {
    let dataset = dataset.parse::<Dataset>().map_err(|error| error.to_string())?;
    let device = device.parse::<Device>().map_err(|error| error.to_string())?;
    Ok((dataset, device))
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
            for device in Device::ALL {
                let (dataset, device) = (dataset.name().to_owned(), device.name().to_owned());
                let value = (device != "edgetpu").then_some(Millis(dataset.len() as f64));
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
        let latency = |dataset, device| table.latency(dataset, device)[CELLS - 1];
        assert_eq!(latency(Dataset::Cifar10, Device::Fpga), Some(Millis(7.0)));
        assert_eq!(latency(Dataset::ImageNet16_120, Device::Fpga), Some(Millis(14.0)));
        assert_eq!(latency(Dataset::Cifar100, Device::EdgeTpu), None);
        let energy = table.energy(Dataset::Cifar10, Device::Fpga).unwrap();
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
        let error = table.energy(Dataset::Cifar10, Device::Pixel3).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no NAS-Bench-201 energy for pixel3; there is one for edgegpu, eyeriss, fpga"
        );
    }

    #[test]
    fn an_incomplete_table_does_not_open() {
        let mut short = content();
        short.accuracies[0].2.pop();
        let mut missing = content();
        missing.latencies.pop();
        let mut strange = content();
        strange.energies[0].1 = "toaster".to_owned();
        for (content, expected) in [
            (short, "15624 values, expected 15625"),
            (missing, "latencies are missing"),
            (strange, "toaster"),
        ] {
            let message = opened(&content).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
            assert!(message.contains("run `nas download`"), "{message}");
        }
    }
}
