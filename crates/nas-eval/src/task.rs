use std::{path::Path, str::FromStr, sync::Arc};

use nas_bench::{FbnetBlocks, NasBench201, VitBench, VitDataset, VitFamily};
use nas_partition::Partition;
use nas_space::{
    Arch, Canonical, Error, Space, autoformer,
    fbnet::{self, Input},
    nasbench201::{self, Dataset},
};

use crate::{
    Published,
    published::{OnFbnet, OnNasBench201, OnVitBench},
};

#[cfg(feature = "torch")]
use crate::live::Blueprint;

/// The name of a form that an architecture is written in, and the form.
pub type Form = (&'static str, fn(&Arch) -> String);

type Parse = fn(&str) -> Result<Arch, Error>;

/// Opens what was published, of a data folder.
type Open = dyn Fn(&Path) -> Result<Box<dyn Published>, nas_bench::Error> + Send + Sync;

/// A space, and what is known of its architectures: how they are written, told apart and counted,
/// and what was published of them.
pub struct Task {
    /// The space.
    pub space: &'static Space,
    /// For people, for example `NAS-Bench-201, cifar10`.
    pub title: String,
    /// In a word, for files, for example `cifar10` or `autoformer-tiny`.
    pub name: String,
    /// What networks are trained on, where that is known.
    pub dataset: Option<&'static str>,
    /// Other forms that its architectures are written in, by name.
    pub forms: Vec<Form>,
    /// What the network of an architecture is made of, in order.
    pub facts: Vec<Fact>,
    /// The niches of PEL-NAS.
    pub niches: Option<Partition>,
    /// How many classes a benchmark counts.
    pub classes: Option<usize>,
    /// How its networks are built, where that is known.
    #[cfg(feature = "torch")]
    pub blueprint: Option<Blueprint>,
    open: Option<Arc<Open>>,
    parse: Option<Parse>,
    index: Option<fn(&Arch) -> usize>,
    class: Option<fn(&Arch) -> usize>,
}

/// A number that is counted, not measured: parameters, floating-point operations, or what a user's
/// space measures of its architectures.
#[derive(Clone)]
pub struct Fact {
    /// For example `flops`.
    pub name: String,
    /// For people, for example `FLOPs`.
    pub label: String,
    /// What it is told in, for example `M`; empty for ones.
    pub unit: &'static str,
    value: Arc<dyn Fn(&Arch) -> f64 + Send + Sync>,
}

/// Architectures of one class count as one network.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Class(Known);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Known {
    Number(usize),
    Network(Canonical),
}

impl Fact {
    fn new(
        name: &str,
        label: &str,
        unit: &'static str,
        value: impl Fn(&Arch) -> f64 + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.to_owned(), label: label.to_owned(), unit, value: Arc::new(value) }
    }

    /// The number for an architecture, in ones.
    pub fn of(&self, arch: &Arch) -> f64 {
        (self.value)(arch)
    }

    /// The number for an architecture, in its unit.
    pub fn in_unit(&self, arch: &Arch) -> f64 {
        let per = match self.unit {
            "k" => 1e3,
            "M" => 1e6,
            _ => 1.0,
        };
        self.of(arch) / per
    }

    /// Label and unit, for example `FLOPs [M]`.
    pub fn title(&self) -> String {
        match self.unit {
            "" => self.label.clone(),
            unit => format!("{} [{unit}]", self.label),
        }
    }
}

impl Task {
    /// NAS-Bench-201 on one of its data sets.
    pub fn nasbench201(dataset: Dataset) -> Self {
        let parameters = move |arch: &Arch| nasbench201::parameters(arch, dataset) as f64;
        let flops = move |arch: &Arch| nasbench201::flops(arch, dataset) as f64;
        Self {
            space: nasbench201::space(),
            title: format!("NAS-Bench-201, {dataset}"),
            forms: vec![("op_tuple", nasbench201::op_tuple)],
            facts: vec![
                Fact::new("parameters", "parameters", "k", parameters),
                Fact::new("flops", "FLOPs", "M", flops),
            ],
            name: dataset.name().to_owned(),
            dataset: Some(dataset.name()),
            niches: Partition::pel_nas(nasbench201::space()).ok(),
            classes: Some(nasbench201::CLASSES),
            parse: Some(nasbench201::parse),
            index: Some(nasbench201::index),
            class: Some(nasbench201::class),
            #[cfg(feature = "torch")]
            blueprint: Some(Blueprint::nasbench201(dataset)),
            open: Some(Arc::new(move |data| {
                Ok(Box::new(OnNasBench201 { tables: NasBench201::open(data)?, dataset }))
            })),
        }
    }

    /// FBNet on one of the data sets that its costs were published for; accuracies were not.
    pub fn fbnet(input: Input) -> Self {
        let parameters = move |arch: &Arch| fbnet::parameters(arch, input) as f64;
        let flops = move |arch: &Arch| fbnet::flops(arch, input) as f64;
        Self {
            title: format!("FBNet, {}", input.name()),
            name: format!("fbnet-{}", input.name()),
            dataset: Some(input.name()),
            facts: vec![
                Fact::new("parameters", "parameters", "M", parameters),
                Fact::new("flops", "FLOPs", "M", flops),
            ],
            #[cfg(feature = "torch")]
            blueprint: Some(Blueprint::fbnet(input)),
            open: Some(Arc::new(move |data| {
                Ok(Box::new(OnFbnet { blocks: FbnetBlocks::open(data)?, input }))
            })),
            ..Self::own(fbnet::space())
        }
    }

    /// A space of AutoFormer on one of the data sets of ViT-Bench-101, whose accuracies are of the
    /// tiny space.
    pub fn autoformer(size: autoformer::Size, dataset: VitDataset) -> Self {
        let space = size.space();
        let classes = dataset.classes();
        let count = move |of: fn(&autoformer::Network, u64, u64) -> u64| {
            move |arch: &Arch| {
                size.network(arch).map_or(f64::NAN, |plan| of(&plan, 224, classes as u64) as f64)
            }
        };
        let published = size == autoformer::Size::Tiny;
        Self {
            title: format!("{}, {}", space.name(), dataset.name()),
            dataset: Some(dataset.name()),
            facts: vec![
                Fact::new("parameters", "parameters", "M", count(autoformer::Network::parameters)),
                Fact::new("flops", "FLOPs", "M", count(autoformer::Network::flops)),
            ],
            niches: Partition::by_choices(space, &["embedding dimension", "depth"]).ok(),
            #[cfg(feature = "torch")]
            blueprint: Some(Blueprint::autoformer(size, dataset)),
            open: published.then(|| Self::of_vit_bench(VitFamily::AutoFormer, dataset)),
            ..Self::own(space)
        }
    }

    /// PiT on one of the data sets of ViT-Bench-101. Its networks are not built here.
    pub fn pit(dataset: VitDataset) -> Self {
        let space = VitFamily::Pit.space();
        Self {
            title: format!("{}, {}", space.name(), dataset.name()),
            dataset: Some(dataset.name()),
            open: Some(Self::of_vit_bench(VitFamily::Pit, dataset)),
            ..Self::own(space)
        }
    }

    fn of_vit_bench(family: VitFamily, dataset: VitDataset) -> Arc<Open> {
        Arc::new(move |data| {
            Ok(Box::new(OnVitBench { bench: VitBench::open(data)?, family, dataset }))
        })
    }

    /// The task of a known space by its name, with what its networks are trained on; `None` for
    /// another name.
    ///
    /// # Errors
    /// [`Error::UnknownName`] for a data set that the space is not known with.
    pub fn named(name: &str, dataset: Option<&str>) -> Option<Result<Self, Error>> {
        fn or<D: FromStr<Err = Error>>(dataset: Option<&str>, default: D) -> Result<D, Error> {
            dataset.map_or(Ok(default), str::parse)
        }
        let of_vit_bench = || or(dataset, VitDataset::ImageNet);
        if let Some(size) = autoformer::Size::ALL.into_iter().find(|size| size.name() == name) {
            return Some(of_vit_bench().map(|dataset| Self::autoformer(size, dataset)));
        }
        Some(match name {
            "nb201" => or(dataset, Dataset::Cifar10).map(Self::nasbench201),
            _ if name == nasbench201::space().name() => {
                or(dataset, Dataset::Cifar10).map(Self::nasbench201)
            }
            _ if name == fbnet::space().name() => or(dataset, Input::Cifar100).map(Self::fbnet),
            _ if name == VitFamily::Pit.space().name() => {
                or(dataset, VitDataset::Cifar100).map(Self::pit)
            }
            _ => return None,
        })
    }

    /// The names of the known spaces.
    pub fn names() -> Vec<&'static str> {
        let mut names = vec![nasbench201::space().name(), fbnet::space().name()];
        names.extend(autoformer::Size::ALL.map(autoformer::Size::name));
        names.push(VitFamily::Pit.space().name());
        names
    }

    /// What was published of its architectures, opened from a data folder; `None` where nothing was.
    ///
    /// # Errors
    /// Those of the benchmark, for example [`nas_bench::Error::MissingTables`].
    pub fn open(&self, data: &Path) -> Option<Result<Box<dyn Published>, nas_bench::Error>> {
        self.open.as_ref().map(|open| open(data))
    }

    /// A space of a user's own; its axes are its facts.
    pub fn own(space: &'static Space) -> Self {
        let fact = |axis: &'static nas_space::ComplexityAxis| {
            let value = move |arch: &Arch| space.axis_value(axis, arch);
            Fact::new(&axis.name, &axis.name, "", value)
        };
        Self {
            space,
            title: space.name().to_owned(),
            forms: Vec::new(),
            facts: space.axes().iter().map(fact).collect(),
            name: space.name().to_owned(),
            dataset: None,
            niches: None,
            classes: None,
            parse: None,
            index: None,
            class: None,
            #[cfg(feature = "torch")]
            blueprint: None,
            open: None,
        }
    }

    /// An architecture from any of the forms that it is written in.
    ///
    /// # Errors
    /// Where in the text it is no architecture of the space.
    pub fn parse(&self, text: &str) -> Result<Arch, Error> {
        if let Some(parse) = self.parse {
            return parse(text);
        }
        let text = text.trim();
        let arch = self.space.parse(text).or_else(|error| {
            let short = self.space.parse_short(text);
            short.map_err(|_| error)
        })?;
        self.space.check(&arch)?;
        Ok(arch)
    }

    /// Whether published tables know its architectures by numbers.
    pub fn is_numbered(&self) -> bool {
        self.index.is_some()
    }

    /// The number that published tables know an architecture by.
    pub fn index(&self, arch: &Arch) -> Option<usize> {
        self.index.map(|index| index(arch))
    }

    /// The class's number where a benchmark counts classes.
    pub fn class_number(&self, arch: &Arch) -> Option<usize> {
        self.class.map(|class| class(arch))
    }

    /// What counts as one network: by the benchmark's count, or else exactly.
    pub fn class(&self, arch: &Arch) -> Class {
        Class(match self.class {
            Some(class) => Known::Number(class(arch)),
            None => Known::Network(self.space.canonical(arch)),
        })
    }
}
