//! A space on a data set: what commands work on.

use std::{
    ops::Deref,
    path::{Path, PathBuf},
};

use nas_bench::Manifest;
use nas_hw::{Device, Metric};
use nas_partition::Partition;
use nas_predict::Table;
use nas_search::Objective;
use nas_space::{Arch, Error as SpaceError, Space, Task};

use crate::{
    Class, Domain, Error, Features, Form, KnownSpace, Numbering, Published, PublishedAccuracies,
    Statistic, Truth, cost_objective,
};

#[cfg(feature = "torch")]
use crate::live::Blueprint;
#[cfg(feature = "torch")]
use nas_net::Scale;

/// A known space on one of its data sets, with the properties of both.
pub struct Problem {
    known: Known,
    dataset: usize,
    /// The space.
    pub space: &'static Space,
    /// Space and data set as in a heading, for example `NAS-Bench-201, cifar10`.
    pub title: String,
    /// A short name for files and folders, for example `cifar10` or `autoformer-tiny`.
    pub name: String,
    /// What networks are trained on, if that is known.
    pub dataset_name: Option<&'static str>,
    /// Images and classes, where networks are known.
    pub task: Option<Task>,
    /// Numbers that are counted from an architecture.
    pub statistics: Vec<Statistic>,
    /// The niches of PEL-NAS.
    pub niches: Option<Partition>,
    /// Other forms that architectures are written in.
    pub forms: Vec<Form>,
    /// How a benchmark numbers the architectures.
    pub numbering: Option<Numbering>,
    /// How networks are built.
    #[cfg(feature = "torch")]
    pub blueprint: Option<Blueprint>,
}

/// A space of the catalogue, or a user's own.
enum Known {
    Catalogued(&'static dyn KnownSpace),
    Own(Box<dyn KnownSpace>),
}

impl Deref for Known {
    type Target = dyn KnownSpace;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Catalogued(known) => *known,
            Self::Own(known) => &**known,
        }
    }
}

impl Problem {
    /// A space of the catalogue on a data set, or on its default one.
    ///
    /// # Errors
    /// [`SpaceError::UnknownName`] for a data set that the space is not known with.
    pub fn new(known: &'static dyn KnownSpace, dataset: Option<&str>) -> Result<Self, SpaceError> {
        Self::of(Known::Catalogued(known), dataset)
    }

    /// A user's own space, of which only the axes are known.
    pub fn own(space: &'static Space) -> Self {
        let known = Known::Own(Box::new(OwnSpace(space)));
        let dataset = known.default_dataset();
        Self::on(known, dataset)
    }

    /// Whether it is known how networks are built; without the feature `torch` this is not asked, and
    /// true.
    pub fn has_networks(&self) -> bool {
        #[cfg(feature = "torch")]
        return self.blueprint.is_some();
        #[cfg(not(feature = "torch"))]
        true
    }

    fn of(known: Known, dataset: Option<&str>) -> Result<Self, SpaceError> {
        let dataset = match dataset {
            None => known.default_dataset(),
            Some(name) => {
                let all = known.datasets();
                let found = all.iter().position(|known| known.eq_ignore_ascii_case(name));
                found.ok_or_else(|| SpaceError::unknown_name("data set", name, all))?
            }
        };
        Ok(Self::on(known, dataset))
    }

    fn on(known: Known, dataset: usize) -> Self {
        let dataset_name = known.datasets().get(dataset).copied();
        let task = known.task(dataset);
        let title = match dataset_name {
            None => known.title(),
            Some(dataset) => format!("{}, {dataset}", known.title()),
        };
        Self {
            space: known.space(),
            title,
            name: known.file_name(dataset),
            dataset_name,
            statistics: known.statistics(task),
            task,
            niches: known.niches(),
            forms: known.forms(),
            numbering: known.numbering(),
            #[cfg(feature = "torch")]
            blueprint: known.blueprint(dataset),
            known,
            dataset,
        }
    }

    /// An architecture from any of the forms that it is written in.
    ///
    /// # Errors
    /// Where in the text it is no architecture of the space.
    pub fn parse(&self, text: &str) -> Result<Arch, SpaceError> {
        self.known.parse(text)
    }

    /// The benchmark's number of an architecture.
    pub fn index(&self, arch: &Arch) -> Option<usize> {
        self.numbering.map(|numbering| (numbering.index)(arch))
    }

    /// What counts as one network: by the benchmark's count, or else exactly.
    pub fn class(&self, arch: &Arch) -> Class {
        class(self.space, self.numbering, arch)
    }

    /// All architectures in the benchmark's order, if one numbers them.
    pub fn numbered(&self) -> Option<Vec<Arch>> {
        let Numbering { count, arch, .. } = self.numbering?;
        Some((0..count).map_while(|index| arch(index).ok()).collect())
    }

    /// The size of networks as published, where they can be built in others.
    #[cfg(feature = "torch")]
    pub fn scale(&self) -> Option<Scale> {
        self.known.scale()
    }

    /// How networks are built for a user's images and classes; `None` where they cannot be. The size is that as
    /// published, or `scale` where there are others.
    #[cfg(feature = "torch")]
    pub fn blueprint_for(&self, task: Task, scale: Option<Scale>) -> Option<Blueprint> {
        let scale = self.scale().map(|published| scale.unwrap_or(published));
        let build = self.known.build_for(task, scale)?;
        Some(self.blueprint.clone()?.for_task(task, build))
    }

    /// The same for a user's images and classes, of which nothing was published; `None` where networks cannot
    /// be built for them.
    #[cfg(feature = "torch")]
    pub fn for_task(mut self, task: Task, data: &str) -> Option<Self> {
        self.blueprint = Some(self.blueprint_for(task, None)?);
        self.task = Some(task);
        self.statistics = self.known.statistics(self.task);
        self.title = format!("{}, {data}", self.known.title());
        self.name = format!("{}-{data}", self.space.name());
        self.dataset_name = None;
        Some(self)
    }

    /// The devices with published costs.
    ///
    /// # Errors
    /// None in a released crate: the manifest is part of it.
    pub fn devices(&self) -> Result<Vec<&'static Device>, nas_bench::Error> {
        self.known.devices(self.dataset)
    }

    /// Whether a cost on a device was published.
    ///
    /// # Errors
    /// None in a released crate: the manifest is part of it.
    pub fn has_cost(&self, device: &str, metric: Metric) -> Result<bool, nas_bench::Error> {
        let space = self.space.name();
        Ok(Manifest::embedded()?.has_cost(space, self.dataset_name, device, metric))
    }

    /// Which accuracies were published, in words: `of all networks`; `None` if none were.
    pub fn accuracies_in_words(&self) -> Option<&'static str> {
        self.known.accuracies_in_words()
    }

    /// The file with the published tables in a table folder; `None` if there are none.
    pub fn tables(&self, data: &Path) -> Option<PathBuf> {
        self.known.tables(data)
    }

    /// The published tables, opened from a table folder; `None` if there are none.
    ///
    /// # Errors
    /// Those of the benchmark, for example [`nas_bench::Error::MissingTables`].
    pub fn open(&self, data: &Path) -> Option<Result<Box<dyn Published>, nas_bench::Error>> {
        self.known.open(self.dataset, data)
    }

    /// The space as a predictor of accuracy sees it.
    ///
    /// # Errors
    /// Features that cannot be computed.
    pub fn domain(&self) -> Result<Domain, Error> {
        let (space, numbering) = (self.space, self.numbering);
        Ok(Domain {
            space,
            features: self.known.features()?,
            class: Box::new(move |arch| class(space, numbering, arch)),
            chance: self.known.accuracy_of_chance(self.dataset),
            partition: self.niches.clone().unwrap_or_else(Partition::whole),
        })
    }

    /// The true objectives of all architectures on a device: test accuracy, and the metrics in
    /// order; `None` unless all accuracies were published.
    ///
    /// # Errors
    /// A cost that was not published.
    pub fn truth(
        &self,
        published: &dyn Published,
        device: &str,
        metrics: &[Metric],
    ) -> Result<Option<Truth>, Error> {
        let (Some(accuracies), Some(all)) = (published.test_accuracies()?, self.numbered()) else {
            return Ok(None);
        };
        let costs = metrics.iter().map(|metric| published.cost(device, *metric));
        let mut costs = costs.collect::<Result<Vec<_>, _>>()?;
        let mut objectives = vec![Objective::accuracy(TEST_ACCURACY)];
        objectives.extend(metrics.iter().map(|metric| cost_objective(*metric)));
        let mut rows = Vec::with_capacity(all.len());
        for (arch, accuracy) in all.into_iter().zip(accuracies) {
            let mut values = vec![Some(accuracy)];
            for cost in &mut costs {
                values.push(cost.value(&arch).map_err(Error::Source)?.value);
            }
            rows.push((arch, values));
        }
        Truth::new(&objectives, rows).map(Some)
    }

    /// Architectures with the accuracies that a search may use, in %, and what these are in words:
    /// all in the benchmark's order, or those that were trained; `None` if none was published.
    ///
    /// # Errors
    /// Those of the benchmark.
    pub fn accuracies(&self, published: &dyn Published) -> Result<Option<Trained>, Error> {
        Ok(match published.accuracies()? {
            PublishedAccuracies::None => None,
            PublishedAccuracies::OfSome { trained, from } => {
                let (architectures, accuracies) = trained.into_iter().unzip();
                Some(Trained { architectures, accuracies, from })
            }
            PublishedAccuracies::OfAll { accuracies, from, .. } => {
                let architectures = self.numbered().unwrap_or_default();
                Some(Trained { architectures, accuracies, from })
            }
        })
    }
}

/// Architectures with the accuracies of their trained networks.
pub struct Trained {
    /// The architectures.
    pub architectures: Vec<Arch>,
    /// The accuracy of each, in %.
    pub accuracies: Vec<f64>,
    /// What the accuracies are, in words.
    pub from: String,
}

/// The name of the objective that scores a final front.
pub const TEST_ACCURACY: &str = "test_accuracy";

fn class(space: &Space, numbering: Option<Numbering>, arch: &Arch) -> Class {
    match numbering {
        Some(numbering) => Class::Numbered((numbering.class)(arch)),
        None => Class::Network(space.canonical(arch)),
    }
}

/// A user's own space.
struct OwnSpace(&'static Space);

impl KnownSpace for OwnSpace {
    fn space(&self) -> &'static Space {
        self.0
    }

    /// The choices, the values of decisions that are numbers, and the axes.
    fn features(&self) -> Result<Box<Features>, Error> {
        let space = self.0;
        let numbers = space.decisions().iter().enumerate().filter_map(|(at, decision)| {
            let numbers: Option<Vec<f64>> =
                decision.choices.iter().map(|choice| choice.parse().ok()).collect();
            // With two choices the order adds nothing.
            Some((at, &decision.name, numbers.filter(|numbers| numbers.len() > 2)?))
        });
        let numbers: Vec<(usize, &String, Vec<f64>)> = numbers.collect();
        Ok(Box::new(move |architectures| {
            let mut table = Table::new(space, architectures);
            for (at, name, numbers) in &numbers {
                let number = |arch: &Arch| {
                    let choice = usize::from(arch.choices()[*at]);
                    space.active(arch)[*at].then(|| numbers[choice])
                };
                table = table
                    .with_scores(format!("{name} as a number"), architectures.iter().map(number))?;
            }
            for axis in space.axes() {
                let value = |arch: &Arch| Some(space.axis_value(axis, arch));
                table = table
                    .with_scores(format!("axis {}", axis.name), architectures.iter().map(value))?;
            }
            Ok(table)
        }))
    }
}
