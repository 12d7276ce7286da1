use clap::ValueEnum;
use nas_partition::{Allocation, Automatic, Axis, Partition};
use nas_search::{Search, Settings};
use nas_space::{
    Space,
    nasbench201::{self, Dataset},
};

use crate::failure::Failure;

/// How the space is cut into niches.
#[derive(Debug, clap::Args)]
pub struct PartitionArguments {
    /// whole; pel-nas; an axis: flops, parameters, operations (not none), layers (operations that
    /// compute), an operation's name to count, for example `nor_conv_3x3`; automatic: pel-nas or the
    /// axis that explains most of the latencies that the search has seen; predicted-latency, as the
    /// search learns it; or random, as a control
    /// [default: whole; for a language model pel-nas]
    #[arg(long, value_name = "NAME")]
    partition: Option<String>,
    /// On an axis, niches of about equal size [default: 6]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    niches: Option<u16>,
    /// On an axis, niches between these values instead
    #[arg(long, value_name = "X,Y,…", value_delimiter = ',', conflicts_with = "niches")]
    thresholds: Vec<f64>,
}

/// How a budget is shared out over the niches.
#[derive(Debug, clap::Args)]
pub struct AllocationArgument {
    /// How evaluations are shared out over niches: adaptive, half of them bound to none and the
    /// others by what each brought to the front, with parents from all; or equal, each niche on its
    /// own [default: adaptive; for a language model equal]
    #[arg(long, value_enum)]
    allocation: Option<AllocationName>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AllocationName {
    Adaptive,
    Equal,
}

/// The axes that are no counts of an operation.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum KnownAxis {
    Flops,
    Parameters,
    Operations,
    Layers,
    Random,
}

/// How the space is cut: before the search, or by what it has seen.
#[derive(Debug, Clone)]
pub enum Cut {
    Fixed(Partition),
    /// With the number of niches that is planned for.
    Automatic(Box<Automatic>, usize),
}

impl Cut {
    /// How many niches are planned for.
    pub fn niches(&self) -> usize {
        match self {
            Self::Fixed(partition) => partition.niches().len(),
            Self::Automatic(_, niches) => *niches,
        }
    }

    /// A search in these niches. Latency is the second objective.
    pub fn search<'a>(&'a self, space: &'a Space, settings: Settings) -> Search<'a> {
        match self {
            Self::Fixed(partition) => Search::new(space, partition, settings),
            Self::Automatic(automatic, _) => Search::automatic(space, automatic, 1, settings),
        }
    }
}

/// The names that are no axes.
const WHOLE: &str = "whole";
const PEL_NAS: &str = "pel-nas";
const AUTOMATIC: &str = "automatic";
const PREDICTED_LATENCY: &str = "predicted-latency";

/// The axes of complexity that are no counts of a single operation.
const COMPLEXITY: [&str; 4] = ["flops", "parameters", "operations", "layers"];

/// Niches of an axis, where nothing else is said.
const NICHES: u16 = 6;

impl AllocationArgument {
    pub fn is_given(&self) -> bool {
        self.allocation.is_some()
    }

    /// How evaluations are shared out, where nothing else is said.
    pub fn or(&self, default: Allocation) -> Allocation {
        match self.allocation {
            Some(AllocationName::Adaptive) => Allocation::Adaptive,
            Some(AllocationName::Equal) => Allocation::Equal,
            None => default,
        }
    }
}

impl PartitionArguments {
    pub fn is_given(&self) -> bool {
        self.partition.is_some()
    }

    /// The partition's name, or the given one where none was asked for.
    pub fn name<'a>(&'a self, default: &'a str) -> &'a str {
        self.partition.as_deref().unwrap_or(default)
    }

    /// A partition that is known before any search.
    pub fn fixed(
        &self,
        space: &Space,
        dataset: Dataset,
        default: &str,
    ) -> Result<Partition, Failure> {
        match self.build(space, dataset, default)? {
            Cut::Fixed(partition) => Ok(partition),
            Cut::Automatic(..) => Err(Failure::input(format!(
                "--partition {} comes from what a search has measured: try --rank in its place, with --device",
                self.name(default)
            ))),
        }
    }

    pub fn build(&self, space: &Space, dataset: Dataset, default: &str) -> Result<Cut, Failure> {
        let name = self.name(default);
        let thresholds = !self.thresholds.is_empty();
        let cut = match name {
            WHOLE | PEL_NAS => thresholds || self.niches.is_some(),
            AUTOMATIC | PREDICTED_LATENCY => thresholds,
            _ => false,
        };
        if cut {
            let option = if thresholds { "--thresholds" } else { "--niches" };
            return Err(Failure::input(format!(
                "{option} cuts a known axis; --partition {name} is none. Try --partition flops"
            )));
        }
        match name {
            WHOLE => Ok(Cut::Fixed(Partition::whole())),
            PEL_NAS => Ok(Cut::Fixed(Partition::pel_nas(space)?)),
            AUTOMATIC => {
                Ok(Cut::Automatic(Box::new(self.automatic(space, dataset)?), self.niches()))
            }
            PREDICTED_LATENCY => {
                Ok(Cut::Automatic(Box::new(self.by_latency(space)?), self.niches()))
            }
            _ => {
                let axis = axis(space, dataset, name)?;
                if thresholds {
                    return Ok(Cut::Fixed(Partition::by_thresholds(axis, &self.thresholds)?));
                }
                self.by_quantiles(space, axis).map(Cut::Fixed)
            }
        }
    }

    /// The paper's niches, each known axis, and each operation's count.
    pub fn automatic(&self, space: &Space, dataset: Dataset) -> Result<Automatic, Failure> {
        let mut given = vec![(PEL_NAS.to_owned(), Partition::pel_nas(space)?)];
        for name in COMPLEXITY.into_iter().chain(space.all_choice_names()) {
            given.push((name.to_owned(), self.by_quantiles(space, axis(space, dataset, name)?)?));
        }
        Ok(Automatic::new(given))
    }

    fn by_quantiles(&self, space: &Space, axis: Axis) -> Result<Partition, Failure> {
        let all: Vec<_> = space.enumerate().collect();
        Ok(Partition::by_quantiles(axis, &all, self.niches())?)
    }

    /// Niches by latency as the search's own measurements predict it.
    fn by_latency(&self, space: &Space) -> Result<Automatic, Failure> {
        let (name, all) = ("predicted latency [ms]", space.enumerate().collect());
        Ok(Automatic::default().with_predicted(space, name, self.niches(), all)?)
    }

    fn niches(&self) -> usize {
        usize::from(self.niches.unwrap_or(NICHES))
    }
}

/// The name as it is typed.
pub fn allocation_name(allocation: Allocation) -> &'static str {
    match allocation {
        Allocation::Adaptive => "adaptive",
        Allocation::Equal => "equal",
    }
}

fn axis(space: &Space, dataset: Dataset, name: &str) -> Result<Axis, Failure> {
    match KnownAxis::from_str(name, true) {
        Ok(KnownAxis::Flops) => {
            Ok(Axis::new("FLOPs [M]", move |arch| nasbench201::flops(arch, dataset) as f64 / 1e6))
        }
        Ok(KnownAxis::Parameters) => Ok(Axis::new("parameters [k]", move |arch| {
            nasbench201::parameters(arch, dataset) as f64 / 1e3
        })),
        Ok(KnownAxis::Operations) => Ok(Axis::count_others(space, &["none"])?),
        Ok(KnownAxis::Layers) => Ok(Axis::count_others(space, &["none", "skip_connect"])?),
        Ok(KnownAxis::Random) => Ok(Axis::random(0)),
        Err(_) => Axis::count(space, name).map_err(|_| {
            let mut known = vec![WHOLE, PEL_NAS, AUTOMATIC, PREDICTED_LATENCY];
            known.extend(COMPLEXITY);
            known.push("random");
            known.extend(space.all_choice_names());
            nas_space::Error::unknown_name("partition", name, known).into()
        }),
    }
}
