//! The plan of a computation of proxies: resolved once, and read by workers.

use std::path::{Path, PathBuf};

use nas_eval::Problem;
use nas_proxy::ProxySet;
use nas_space::Arch;
use serde::{Deserialize, Serialize};

use super::Arguments;
use crate::{
    arch::Architectures,
    commands::images::ProxyArguments,
    failure::Failure,
    space_arguments::{SpaceArguments, default_space},
};

/// Proxies of architectures of a space.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScorePlan {
    pub space: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// Their names, separated by commas.
    pub proxies: String,
    pub seed: u64,
    /// Images in a batch, where asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<usize>,
    /// A file of images; else Gaussian noise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<PathBuf>,
    /// Where proxies are computed, such as `cpu`.
    pub compute: String,
    pub double: bool,
    /// Networks at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jobs: Option<u16>,
    /// Which architectures; if none are given, the whole space.
    pub architectures: Architectures,
}

impl ScorePlan {
    /// Resolves what was typed.
    pub fn resolve(arguments: &Arguments) -> Result<Self, Failure> {
        if arguments.architectures.none_given() && arguments.space.is_none() {
            return Err(Failure::input(
                "nothing to score: name a cell, for example `nas score 6111`, a --file with \
                 one on each line, or `--space nb201` for all",
            ));
        }
        Ok(Self {
            space: arguments.space.clone().unwrap_or_else(default_space),
            dataset: arguments.dataset.clone(),
            proxies: arguments.proxies.clone(),
            seed: arguments.seed,
            batch: arguments.proxy.batch,
            images: arguments.proxy.images.clone(),
            compute: arguments.compute.clone(),
            double: arguments.double,
            jobs: arguments.jobs,
            architectures: arguments.architectures.clone(),
        })
    }

    pub fn problem(&self) -> Result<Problem, Failure> {
        SpaceArguments { space: self.space.clone(), dataset: self.dataset.clone() }.problem()
    }

    /// The files that the scores depend on, with the option that names each.
    pub fn files(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let images = self.images.as_deref().map(|file| ("--images", file));
        let list = self.architectures.named_file().map(|file| ("--file", file));
        images.into_iter().chain(list)
    }

    /// The batch of images that proxies are computed on.
    pub fn batch(&self) -> ProxyArguments {
        ProxyArguments { batch: self.batch, images: self.images.clone() }
    }

    /// The proxies.
    ///
    /// # Errors
    /// An unknown name, with the nearest known one.
    pub fn proxies(&self) -> Result<ProxySet, Failure> {
        let proxies: Result<ProxySet, _> = self.proxies.parse();
        let proxies = proxies.map_err(|error| match error {
            nas_proxy::Error::UnknownProxy { name, .. } => {
                nas_space::Error::unknown_name("proxy", &name, ProxySet::names()).into()
            }
            other => Failure::from(other),
        })?;
        Ok(proxies.with_seed(self.seed))
    }

    /// Whether all proxies that apply to the networks are asked for.
    pub fn asks_for_all(&self) -> bool {
        self.proxies.split(',').any(|name| name.trim() == "all")
    }

    /// The architectures.
    pub fn read(&self, problem: &Problem) -> Result<Vec<Arch>, Failure> {
        if !self.architectures.none_given() {
            return self.architectures.read(problem);
        }
        let Some(numbering) = problem.numbering else {
            return Err(Failure::input(format!(
                "{0} has too many architectures to score all: name some, or a --file with one on \
                 each line, for example from `nas space sample --space {0} --format arch`",
                problem.space.name()
            )));
        };
        let distinct = (numbering.distinct)().into_iter();
        Ok(distinct.map(numbering.arch).collect::<Result<Vec<Arch>, _>>()?)
    }
}
