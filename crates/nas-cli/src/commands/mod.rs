//! One module for each command of the program.

use std::path::{Path, PathBuf};

use nas_bench::NasBench201;
use nas_eval::{Task, UserTable};
use nas_hw::Device;
use nas_space::{
    Arch, Space,
    nasbench201::{self, Dataset},
};

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

/// The search space.
#[derive(Debug, clap::Args)]
pub struct SpaceArguments {
    /// The search space: nasbench201, or a TOML file with one of your own (see nas space check)
    #[arg(long, value_name = "NAME|FILE", default_value = "nasbench201")]
    pub space: String,
    /// cifar10, cifar100 or ImageNet16-120 [default: cifar10]
    #[arg(long, value_name = "NAME", value_parser = parse_dataset)]
    pub dataset: Option<Dataset>,
}

/// The end of a file's name that holds a space.
const TOML: &str = "toml";

impl SpaceArguments {
    pub fn dataset(&self) -> Dataset {
        self.dataset.unwrap_or(Dataset::Cifar10)
    }

    /// The space with what is known of it.
    pub fn task(&self) -> Result<Task, Failure> {
        let (name, file) = (self.space.as_str(), Path::new(&self.space));
        let Err(unknown) = parse_space(name) else {
            return Ok(Task::nasbench201(self.dataset()));
        };
        if file.extension().is_none_or(|end| end != TOML) {
            return Err(Failure::input(format!(
                "{unknown}; or a file of your own that ends in .{TOML}"
            )));
        }
        if self.dataset.is_some() {
            return Err(Failure::input(format!(
                "--dataset says nothing of {name}: what is known of its architectures is yours"
            )));
        }
        // One for the whole run of the program.
        Ok(Task::own(Box::leak(Box::new(space_of(file)?))))
    }
}

/// A space of a user's own.
pub fn space_of(file: &Path) -> Result<Space, Failure> {
    let text =
        std::fs::read_to_string(file).map_err(|error| Failure::file("read", file, &error))?;
    Space::from_toml(&text).map_err(|error| Failure::input(format!("{}, {error}", file.display())))
}

/// Reads a search space's name where no other space will do; for clap.
pub fn parse_space(name: &str) -> Result<String, String> {
    let known = nasbench201::space().name();
    match name {
        "nb201" => Ok(known.to_owned()),
        _ if name == known => Ok(known.to_owned()),
        _ => Err(nas_space::Error::unknown_name("space", name, [known]).to_string()),
    }
}

/// Reads a data set's name; for clap.
pub fn parse_dataset(name: &str) -> Result<Dataset, String> {
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

/// A table of latencies in ms, a user's own.
pub fn latencies(
    file: &Path,
    parse: impl Fn(&str) -> Result<Arch, nas_space::Error>,
) -> Result<UserTable, Failure> {
    Ok(UserTable::read(file, parse, &["latency_ms"], f64::INFINITY)?)
}

/// A table of accuracies in %, as a user or `nas predict apply` wrote it.
pub fn accuracies(
    file: &Path,
    parse: impl Fn(&str) -> Result<Arch, nas_space::Error>,
) -> Result<UserTable, Failure> {
    let columns = ["accuracy_percent", "accuracy", "predicted_accuracy_percent"];
    let table = UserTable::read(file, parse, &columns, 100.0)?;
    let greatest = table.architectures().filter_map(|arch| table.value(arch)).reduce(f64::max);
    if greatest.is_some_and(|greatest| greatest <= 1.0) {
        eprintln!(
            "warning: no accuracy in {} is above 1: they are taken as percent, not as fractions",
            file.display()
        );
    }
    Ok(table)
}
