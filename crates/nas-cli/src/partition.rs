use clap::ValueEnum;
use nas_partition::{Allocation, Axis, Partition};
use nas_space::{
    Space,
    nasbench201::{self, Dataset},
};

use crate::failure::Failure;

/// How the space is cut into niches.
#[derive(Debug, clap::Args)]
pub struct PartitionArguments {
    /// whole, pel-nas, or an axis: flops, parameters, operations, or an operation's name to
    /// count, for example `nor_conv_3x3`
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
}

impl AllocationArgument {
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
    /// The partition's name, or the given one where none was asked for.
    pub fn name<'a>(&'a self, default: &'a str) -> &'a str {
        self.partition.as_deref().unwrap_or(default)
    }

    pub fn build(
        &self,
        space: &Space,
        dataset: Dataset,
        default: &str,
    ) -> Result<Partition, Failure> {
        let cut = self.niches.is_some() || !self.thresholds.is_empty();
        match self.name(default) {
            name @ ("whole" | "pel-nas") if cut => Err(Failure::input(format!(
                "--niches and --thresholds cut an axis; --partition {name} is none. Try --partition flops"
            ))),
            "whole" => Ok(Partition::whole()),
            "pel-nas" => Ok(Partition::pel_nas(space)?),
            name => {
                let axis = axis(space, dataset, name)?;
                if !self.thresholds.is_empty() {
                    return Ok(Partition::by_thresholds(axis, &self.thresholds)?);
                }
                let all: Vec<_> = space.enumerate().collect();
                let niches = usize::from(self.niches.unwrap_or(6));
                Ok(Partition::by_quantiles(axis, &all, niches)?)
            }
        }
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
        Ok(KnownAxis::Operations) => Ok(Axis::count_others(space, "none")?),
        Err(_) => Axis::count(space, name).map_err(|_| {
            let mut known = vec!["whole", "pel-nas", "flops", "parameters", "operations"];
            known.extend(space.all_choice_names());
            nas_space::Error::unknown_name("partition", name, known).into()
        }),
    }
}
