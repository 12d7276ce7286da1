use std::sync::Arc;

use nas_space::{
    Arch, Canonical, Error, Space,
    nasbench201::{self, Dataset},
};

/// The name of a form that an architecture is written in, and the form.
pub type Form = (&'static str, fn(&Arch) -> String);

type Parse = fn(&str) -> Result<Arch, Error>;

/// A space, and what is known of its architectures: how they are written, told apart and counted,
/// and what was published of them.
pub struct Task {
    /// The space.
    pub space: &'static Space,
    /// For people, for example `NAS-Bench-201, cifar10`.
    pub title: String,
    /// Other forms that its architectures are written in, by name.
    pub forms: Vec<Form>,
    /// What the network of an architecture is made of, in order.
    pub facts: Vec<Fact>,
    /// The data set of NAS-Bench-201 whose tables and networks are the task's; none for a space of
    /// a user's own, whose objectives are a user's too.
    pub published: Option<Dataset>,
    /// How many classes a benchmark counts.
    pub classes: Option<usize>,
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
            published: Some(dataset),
            classes: Some(nasbench201::CLASSES),
            parse: Some(nasbench201::parse),
            index: Some(nasbench201::index),
            class: Some(nasbench201::class),
        }
    }

    /// A space of a user's own; its measures are its facts.
    pub fn own(space: &'static Space) -> Self {
        let fact = |measure: &'static nas_space::Measure| {
            let value = move |arch: &Arch| space.measured(measure, arch);
            Fact::new(&measure.name, &measure.name, "", value)
        };
        Self {
            space,
            title: space.name().to_owned(),
            forms: Vec::new(),
            facts: space.measures().iter().map(fact).collect(),
            published: None,
            classes: None,
            parse: None,
            index: None,
            class: None,
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
