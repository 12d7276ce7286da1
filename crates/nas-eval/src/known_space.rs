//! The trait that each known search space implements.

use std::{
    hash::Hash,
    path::{Path, PathBuf},
    sync::Arc,
};

use nas_bench::Manifest;
use nas_hw::Device;
use nas_partition::Partition;
use nas_predict::Table;
use nas_space::{Arch, Canonical, Error as SpaceError, Space, Task};

use crate::{Error, Published};

#[cfg(feature = "torch")]
use crate::live::{Blueprint, Build};
#[cfg(feature = "torch")]
use nas_net::Scale;

/// A search space, and the properties of its networks.
///
/// A space of the catalogue ([`spaces`](crate::spaces)) is one file with one implementation; all that
/// differs between spaces is in this trait. Only the space itself is required. Where a method's default
/// returns nothing, commands that need it refuse the space with the reason.
///
/// `dataset` is a position in [`datasets`](Self::datasets).
pub trait KnownSpace: Send + Sync {
    /// The space; its name is what `--space` takes.
    fn space(&self) -> &'static Space;

    /// Other names that `--space` takes.
    fn aliases(&self) -> &'static [&'static str] {
        &[]
    }

    /// The name as in papers, for example `NAS-Bench-201`.
    fn title(&self) -> String {
        self.space().name().to_owned()
    }

    /// What its networks are, in a few words with their number, for example `15,625 cells`.
    fn networks_in_words(&self) -> String {
        String::new()
    }

    /// What networks are trained on, by name.
    fn datasets(&self) -> Vec<&'static str> {
        Vec::new()
    }

    /// The default data set.
    fn default_dataset(&self) -> usize {
        0
    }

    /// The name for files and folders of runs on a data set.
    fn file_name(&self, _dataset: usize) -> String {
        self.space().name().to_owned()
    }

    /// The images and classes of a data set, where networks are known.
    fn task(&self, _dataset: usize) -> Option<Task> {
        None
    }

    /// Numbers that are counted from an architecture, such as parameters, for images and classes; the last is
    /// the one that latency follows most. By default the axes of the space.
    fn statistics(&self, _task: Option<Task>) -> Vec<Statistic> {
        let space = self.space();
        let statistic = |axis: &'static nas_space::ComplexityAxis| {
            let value = move |arch: &Arch| space.axis_value(axis, arch);
            Statistic::new(&axis.name, &axis.name, "", value)
        };
        space.axes().iter().map(statistic).collect()
    }

    /// The niches of PEL-NAS (arXiv 2510.01472).
    fn niches(&self) -> Option<Partition> {
        None
    }

    /// Other forms that architectures are written in, by name.
    fn forms(&self) -> Vec<Form> {
        Vec::new()
    }

    /// An architecture from any of the forms that it is written in.
    ///
    /// # Errors
    /// Where in the text it is no architecture of the space.
    fn parse(&self, text: &str) -> Result<Arch, SpaceError> {
        let (space, text) = (self.space(), text.trim());
        let arch = space.parse(text).or_else(|error| {
            let short = space.parse_short(text);
            short.map_err(|_| error)
        })?;
        space.check(&arch)?;
        Ok(arch)
    }

    /// How a benchmark numbers the architectures, if one does.
    fn numbering(&self) -> Option<Numbering> {
        None
    }

    /// How networks are built and what images they take, if that is known.
    #[cfg(feature = "torch")]
    fn blueprint(&self, _dataset: usize) -> Option<Blueprint> {
        None
    }

    /// The size of networks as published, where they can be built in others.
    #[cfg(feature = "torch")]
    fn scale(&self) -> Option<Scale> {
        None
    }

    /// How networks are built for a user's images and classes, if they can be; `scale` is only given where
    /// [`scale`](Self::scale) is.
    #[cfg(feature = "torch")]
    fn build_for(&self, _task: Task, _scale: Option<Scale>) -> Option<Arc<Build>> {
        None
    }

    /// Features of architectures, a row each, as a predictor of accuracy sees them.
    ///
    /// # Errors
    /// Features that cannot be computed.
    fn features(&self) -> Result<Box<Features>, Error> {
        let space = self.space();
        Ok(Box::new(move |architectures| Ok(Table::new(space, architectures))))
    }

    /// Accuracy in % of a network without a path from input to output, if the space has such networks.
    fn accuracy_of_chance(&self, _dataset: usize) -> Option<f64> {
        None
    }

    /// Which accuracies were published, in words: `of all networks`; `None` if none were.
    fn accuracies_in_words(&self) -> Option<&'static str> {
        None
    }

    /// The devices with published costs, from the manifest of published files.
    ///
    /// # Errors
    /// None in a released crate: the manifest is part of it.
    fn devices(&self, dataset: usize) -> Result<Vec<&'static Device>, nas_bench::Error> {
        let datasets = self.datasets();
        let dataset = datasets.get(dataset).copied();
        Ok(Manifest::embedded()?.devices(self.space().name(), dataset))
    }

    /// The file with the published tables in a table folder; `None` if there are none.
    fn tables(&self, _data: &Path) -> Option<PathBuf> {
        None
    }

    /// The published tables, opened from a table folder; `None` if there are none.
    ///
    /// # Errors
    /// Those of the benchmark, for example [`nas_bench::Error::MissingTables`].
    fn open(
        &self,
        _dataset: usize,
        _data: &Path,
    ) -> Option<Result<Box<dyn Published>, nas_bench::Error>> {
        None
    }
}

/// A form that an architecture is written in: its name, and how it is written.
pub type Form = (&'static str, fn(&Arch) -> String);

/// Computes features of architectures, a row each.
pub type Features = dyn Fn(&[Arch]) -> Result<Table, Error> + Send + Sync;

/// How a benchmark numbers the architectures of a space, and which it counts as one network.
#[derive(Debug, Clone, Copy)]
pub struct Numbering {
    /// Numbers are 0 to this less one.
    pub count: usize,
    /// The number of an architecture.
    pub index: fn(&Arch) -> usize,
    /// The architecture of a number.
    pub arch: fn(usize) -> Result<Arch, SpaceError>,
    /// How many classes of equal networks the benchmark counts.
    pub classes: usize,
    /// The class of an architecture, by the benchmark's count.
    pub class: fn(&Arch) -> usize,
    /// The least number of those that are exactly the same network.
    pub representative: fn(&Arch) -> usize,
    /// The numbers that represent all classes and all networks, ascending.
    pub distinct: fn() -> Vec<usize>,
}

/// A number that is counted from an architecture, not measured: parameters, floating-point
/// operations, or an axis of a user's space.
#[derive(Clone)]
pub struct Statistic {
    /// For example `flops`.
    pub name: String,
    /// As in a table's heading, for example `FLOPs`.
    pub heading: String,
    /// The unit it is shown in: `k`, `M`, or empty for ones.
    pub unit: &'static str,
    value: Arc<dyn Fn(&Arch) -> f64 + Send + Sync>,
}

impl Statistic {
    /// A statistic from its name, heading, unit, and how it is counted (in ones).
    pub fn new(
        name: &str,
        heading: &str,
        unit: &'static str,
        value: impl Fn(&Arch) -> f64 + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.to_owned(), heading: heading.to_owned(), unit, value: Arc::new(value) }
    }

    /// The number for an architecture, in ones.
    pub fn of(&self, arch: &Arch) -> f64 {
        (self.value)(arch)
    }

    /// The number for an architecture, in the unit it is shown in.
    pub fn in_unit(&self, arch: &Arch) -> f64 {
        let per = match self.unit {
            "k" => 1e3,
            "M" => 1e6,
            _ => 1.0,
        };
        self.of(arch) / per
    }

    /// Heading and unit, for example `FLOPs [M]`.
    pub fn title(&self) -> String {
        match self.unit {
            "" => self.heading.clone(),
            unit => format!("{} [{unit}]", self.heading),
        }
    }
}

/// Architectures of one class count as one network: by a benchmark's count, or else exactly.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Class {
    /// The benchmark's number of the class.
    Numbered(usize),
    /// The network itself.
    Network(Canonical),
}
