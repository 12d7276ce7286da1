//! One module for each command of the program.

use std::{
    cell::OnceCell,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};

use nas_bench::NasBench201;
use nas_eval::{Published, Source, Task, UserTable};
use nas_hw::{Device, Metric};
use nas_space::{Arch, Space, nasbench201::Dataset};

use crate::failure::Failure;

pub mod benchmark;
pub mod chat_test;
pub mod compare;
pub mod doctor;
pub mod download;
pub mod export;
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
pub mod report;
pub mod runs;
pub mod score;
pub mod score_merge;
pub mod search;
pub mod space;
pub mod worker;

/// The device that a network is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// This machine's processor, measured.
    Host,
    /// A GPU of this machine, measured.
    Cuda(usize),
    /// One of HW-NAS-Bench's devices, from its tables.
    Table(Device),
}

impl Target {
    /// Reads `host`, `cuda`, `cuda:N` or a device's name; for clap.
    pub fn parse(name: &str) -> Result<Self, String> {
        match name.strip_prefix("cuda") {
            _ if name == "host" => return Ok(Self::Host),
            Some("") => return Ok(Self::Cuda(0)),
            Some(number) => {
                if let Some(Ok(number)) = number.strip_prefix(':').map(str::parse) {
                    return Ok(Self::Cuda(number));
                }
            }
            None => {}
        }
        name.parse().map(Self::Table).map_err(|_| {
            let known = ["host", "cuda"].into_iter().chain(Device::ALL.map(Device::name));
            nas_space::Error::unknown_name("device", name, known).to_string()
        })
    }

    /// The name, also as part of a file's.
    pub fn name(self) -> String {
        match self {
            Self::Host => "host".to_owned(),
            Self::Cuda(number) => format!("cuda{number}"),
            Self::Table(device) => device.name().to_owned(),
        }
    }

    /// The device whose costs were published.
    pub fn table(self) -> Option<Device> {
        match self {
            Self::Table(device) => Some(device),
            Self::Host | Self::Cuda(_) => None,
        }
    }
}

/// What workers of a search need to know of it.
#[derive(Debug, Default)]
#[cfg_attr(not(feature = "torch"), allow(dead_code))]
pub struct Workers {
    /// The folder of a generation's work, once there is one.
    pub folder: OnceCell<PathBuf>,
    /// Ends them.
    pub stop: Arc<AtomicBool>,
    /// How many are at work at a time, where it was said.
    pub count: Option<u16>,
}

/// What runs a network whose latency is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Runtime {
    /// PyTorch's C++ library
    #[default]
    Torch,
    /// ONNX Runtime, with the network as nas export writes it
    Onnx,
}

/// The search space.
#[derive(Debug, clap::Args)]
pub struct SpaceArguments {
    /// The search space: nasbench201, fbnet, autoformer-tiny, autoformer-small, autoformer-base, pit,
    /// or a TOML file with one of your own (see nas space check)
    #[arg(long, value_name = "NAME|FILE", default_value = "nasbench201")]
    pub space: String,
    /// What networks are trained on. nasbench201: cifar10, cifar100 or ImageNet16-120 [default:
    /// cifar10]; fbnet: cifar10, cifar100 or imagenet [default: cifar100]; autoformer: imagenet,
    /// cifar100, flowers or chaoyang [default: imagenet]; pit: cifar100, flowers or chaoyang
    #[arg(long, value_name = "NAME")]
    pub dataset: Option<String>,
}

/// The end of a file's name that holds a space.
const TOML: &str = "toml";

impl SpaceArguments {
    /// The space with what is known of it.
    pub fn task(&self) -> Result<Task, Failure> {
        let (name, file) = (self.space.as_str(), Path::new(&self.space));
        if let Some(task) = Task::named(name, self.dataset.as_deref()) {
            return Ok(task?);
        }
        if file.extension().is_none_or(|end| end != TOML) {
            let unknown = nas_space::Error::unknown_name("space", name, Task::names());
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

/// What was published of a task, where it was and has been downloaded. Tables that are there but
/// damaged are an error, and so are missing ones where they are needed.
pub fn published(
    task: &Task,
    given: Option<&Path>,
    needed: bool,
) -> Result<Option<Box<dyn Published>>, Failure> {
    match task.open(&data_folder(given)?) {
        None => Ok(None),
        Some(Ok(tables)) => Ok(Some(tables)),
        Some(Err(nas_bench::Error::MissingTables { .. })) if !needed => Ok(None),
        Some(Err(error)) => Err(error.into()),
    }
}

/// A cost among what was published, or what to do where it is not.
pub fn cost_of(
    task: &Task,
    published: Option<&dyn Published>,
    device: Device,
    metric: Metric,
) -> Result<Box<dyn Source>, Failure> {
    let cost = published.map(|published| published.cost(device, metric)).transpose()?;
    cost.flatten().ok_or_else(|| {
        Failure::input(format!(
            "nothing was published of {} on {device}: measure here with --device host, or name a table of your own with --latency-table",
            task.space.name()
        ))
    })
}

/// What a source says of an architecture.
pub fn of(source: &mut dyn Source, arch: &Arch) -> Result<Option<f64>, Failure> {
    let value = source.value(arch).map_err(|error| Failure::work(error.to_string()))?;
    Ok(value.0)
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
