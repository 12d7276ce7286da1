//! The plan of a training, and its file `config.toml`.

use std::path::{Path, PathBuf};

use nas_data::Options;
use nas_eval::{
    Problem,
    live::{Blueprint, Networks},
};
use nas_net::{BuiltNetwork, Scale};
use nas_proxy::NetworkKind;
use nas_space::Arch;
use nas_train::Recipe;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind};

use super::{
    Arguments, ScaleArguments,
    data::{Data, Found},
};
use crate::{
    commands::{images::blueprint, search::TrainPlan},
    failure::Failure,
    run_folder::{self, FORMAT_VERSION, config_text},
    space_arguments::SpaceArguments,
};

/// A training, with everything that was left open filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    pub space: String,
    pub arch: String,
    pub data: PathBuf,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<usize>,
    pub holdout: f64,
    pub holdout_seed: u64,
    /// Of networks of NAS-Bench-201.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cells: Option<usize>,
    pub compute: String,
    pub precision: String,
    pub threads: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teacher: Option<PathBuf>,
    /// The folder in which the training was started: paths are relative to it.
    pub folder: PathBuf,
    pub recipe: Recipe,
}

/// What the file contains.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    format_version: u32,
    kind: run_folder::Kind,
    nas_version: String,
    pub plan: Plan,
    pub found: Found,
}

impl Config {
    pub fn new(plan: Plan, found: Found) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            kind: run_folder::Kind::Training,
            nas_version: env!("CARGO_PKG_VERSION").to_owned(),
            plan,
            found,
        }
    }

    /// The file's text.
    pub fn text(&self) -> Result<String, Failure> {
        config_text(self)
    }
}

impl ScaleArguments {
    /// The size of networks; `None` where a space leaves none open.
    pub fn scale(&self, problem: &Problem) -> Result<Option<Scale>, Failure> {
        let Some(published) = problem.scale() else {
            let given = [("--width", self.width), ("--cells", self.cells)];
            return match given.into_iter().find(|(_, given)| given.is_some()) {
                Some((option, _)) => Err(Failure::input(format!(
                    "{option} has no effect on {}, whose architectures have their sizes: leave it out",
                    problem.space.name()
                ))),
                None => Ok(None),
            };
        };
        Ok(Some(Scale {
            width: self.width.unwrap_or(published.width),
            cells: self.cells.unwrap_or(published.cells),
        }))
    }
}

impl Plan {
    /// The plan of what was typed, for data and a network of that kind.
    pub fn resolve(
        arguments: &Arguments,
        problem: &Problem,
        arch: &Arch,
        scale: Option<Scale>,
        recipe: Recipe,
    ) -> Result<Self, Failure> {
        let machine = &arguments.machine;
        let device = nas_proxy::device(&machine.compute)?;
        let default = if device.is_cuda() { "bfloat16" } else { "float32" };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let folder = std::env::current_dir()
            .map_err(|error| Failure::work(format!("there is no working folder: {error}")))?;
        let Options { hold_out, seed, size } = arguments.how.options();
        Ok(Self {
            space: arguments.space.clone(),
            arch: problem.space.format(arch),
            data: arguments.data.clone().unwrap_or_default(),
            size,
            holdout: hold_out,
            holdout_seed: seed,
            width: scale.map(|scale| scale.width),
            cells: scale.map(|scale| scale.cells),
            compute: machine.compute.clone(),
            precision: machine.precision.clone().unwrap_or_else(|| default.to_owned()),
            threads: machine.threads.map_or(cores, usize::from),
            teacher: arguments.recipe.teacher.clone(),
            folder,
            recipe,
        })
    }

    /// The plan of an architecture that a search found, of published size and with the default recipe, on this
    /// machine's processor.
    pub fn of_search(
        space: &str,
        arch: &str,
        train: &TrainPlan,
        seed: u64,
        folder: &Path,
    ) -> Result<Self, Failure> {
        let space = SpaceArguments { space: space.to_owned(), dataset: None };
        let problem = space.problem()?;
        let data = Data::open_quietly(&train.data, &train.options())?;
        let scale = problem.scale();
        let blueprint = blueprint_for(&problem, &data.found, scale)?;
        let kind = kind_of(blueprint, &problem.parse(arch)?)?;
        let recipe = Recipe::default_for(kind, data.set.shape()?);
        Ok(Self {
            space: space.space,
            arch: arch.to_owned(),
            data: train.data.clone(),
            size: train.size,
            holdout: train.holdout,
            holdout_seed: train.holdout_seed,
            width: scale.map(|scale| scale.width),
            cells: scale.map(|scale| scale.cells),
            compute: "cpu".to_owned(),
            precision: "float32".to_owned(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            teacher: None,
            folder: folder.to_path_buf(),
            recipe: Recipe { epochs: train.finish_epochs, seed, ..recipe },
        })
    }

    /// How the data are read.
    pub fn options(&self) -> Options {
        Options { hold_out: self.holdout, seed: self.holdout_seed, size: self.size }
    }

    pub fn problem(&self) -> Result<Problem, Failure> {
        SpaceArguments { space: self.space.clone(), dataset: None }.problem()
    }

    /// Where it is trained.
    pub fn device(&self) -> Result<Device, Failure> {
        Ok(nas_proxy::device(&self.compute)?)
    }

    /// The type of convolutions and linear layers, where it is another than that of the weights.
    pub fn computed_in(&self) -> Option<Kind> {
        (self.precision == "bfloat16").then_some(Kind::BFloat16)
    }

    /// The network for such data, untrained.
    pub fn network(
        &self,
        problem: &Problem,
        found: &Found,
        device: Device,
    ) -> Result<Box<dyn BuiltNetwork>, Failure> {
        let scale = self.width.zip(self.cells).map(|(width, cells)| Scale { width, cells });
        let blueprint = blueprint_for(problem, found, scale)?;
        let networks = Networks { blueprint, seed: self.recipe.seed, device };
        Ok(networks.build(&problem.parse(&self.arch)?)?)
    }
}

/// The kind of an architecture's network.
pub fn kind_of(blueprint: Blueprint, arch: &Arch) -> Result<NetworkKind, Failure> {
    let networks = Networks { blueprint, seed: 0, device: Device::Cpu };
    Ok(networks.build(arch)?.kind().unwrap_or(NetworkKind::Convolutional))
}

/// How networks are built for such data.
pub fn blueprint_for(
    problem: &Problem,
    found: &Found,
    scale: Option<Scale>,
) -> Result<Blueprint, Failure> {
    blueprint(problem)?;
    let blueprint = problem.blueprint_for(found.task(), scale);
    blueprint.ok_or_else(|| {
        Failure::input(format!(
            "networks of {} cannot be built for other images than published: name another --space",
            problem.space.name()
        ))
    })
}
