//! One module for each command of the program.

use std::path::{Path, PathBuf};

use nas_bench::NasBench201;
use nas_eval::UserTable;
use nas_hw::Device;
use nas_space::nasbench201;

use crate::failure::Failure;

pub mod benchmark;
pub mod chat_test;
pub mod doctor;
pub mod download;
pub mod front;
pub mod knowledge;
pub mod latency;
#[cfg(feature = "torch")]
pub mod live;
#[cfg(not(feature = "torch"))]
#[path = "no_torch.rs"]
pub mod live;
pub mod memorise_test;
pub mod model;
pub mod niches;
pub mod predict;
pub mod score;
pub mod score_merge;
pub mod search;
pub mod space;

/// The device that a network is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// This machine, measured.
    Host,
    /// One of HW-NAS-Bench's devices, from its tables.
    Table(Device),
}

impl Target {
    /// Reads `host` or a device's name; for clap.
    pub fn parse(name: &str) -> Result<Self, String> {
        if name == "host" {
            return Ok(Self::Host);
        }
        name.parse().map(Self::Table).map_err(|_| {
            let known = std::iter::once("host").chain(Device::ALL.map(Device::name));
            nas_space::Error::unknown_name("device", name, known).to_string()
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Table(device) => device.name(),
        }
    }
}

/// Reads a search space's name; for clap.
pub fn parse_space(name: &str) -> Result<String, String> {
    let known = nas_space::nasbench201::space().name();
    match name {
        "nb201" => Ok(known.to_owned()),
        _ if name == known => Ok(known.to_owned()),
        _ => Err(nas_space::Error::unknown_name("space", name, [known]).to_string()),
    }
}

/// Reads a data set's name; for clap.
pub fn parse_dataset(name: &str) -> Result<nas_space::nasbench201::Dataset, String> {
    name.parse().map_err(|error: nas_space::Error| error.to_string())
}

/// The folder with the benchmark's tables.
pub fn data_folder(given: Option<&Path>) -> Result<PathBuf, Failure> {
    match given {
        Some(path) => Ok(path.to_path_buf()),
        None => Ok(nas_bench::data_dir()?.path),
    }
}

/// The benchmark's tables, which a command needs.
pub fn tables(given: Option<&Path>) -> Result<NasBench201, Failure> {
    Ok(NasBench201::open(&data_folder(given)?)?)
}

/// The benchmark's tables where they have been downloaded, for what is nice to know. Tables that
/// are there but damaged are an error.
pub fn tables_if_there(given: Option<&Path>) -> Result<Option<NasBench201>, Failure> {
    match NasBench201::open(&data_folder(given)?) {
        Ok(tables) => Ok(Some(tables)),
        Err(nas_bench::Error::MissingTables { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A table of accuracies in %, as a user or `nas predict apply` wrote it.
pub fn accuracies(file: &Path) -> Result<UserTable, Failure> {
    let columns = ["accuracy_percent", "accuracy", "predicted_accuracy_percent"];
    let table = UserTable::read(file, nasbench201::parse, &columns, 100.0)?;
    let greatest = table.architectures().filter_map(|arch| table.value(arch)).reduce(f64::max);
    if greatest.is_some_and(|greatest| greatest <= 1.0) {
        eprintln!(
            "warning: no accuracy in {} is above 1: they are taken as percent, not as fractions",
            file.display()
        );
    }
    Ok(table)
}
