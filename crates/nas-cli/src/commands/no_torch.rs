//! The functions of the module `live` in a build without libtorch: they return errors.

#![allow(clippy::unused_self)]

use std::rc::Rc;

use nas_eval::{Problem, Source};
use nas_hw::Measurement;
use nas_space::Arch;
use serde::{Deserialize, Serialize};

use crate::{engine::EngineArguments, failure::Failure, runtime::Runtime, workers::Workers};

/// No options about how a search computes proxies in this build.
#[derive(Debug, Clone, clap::Args)]
pub struct ComputedProxies {}

impl ComputedProxies {
    pub fn given(&self) -> Option<&'static str> {
        None
    }

    pub fn plan(&self, _: &Problem, _: Option<EngineArguments>) -> ProxyPlan {
        ProxyPlan {}
    }
}

/// Proxies cannot be computed in this build.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProxyPlan {}

impl ProxyPlan {
    pub fn images(&self) -> Option<&std::path::Path> {
        None
    }

    pub fn is_computed_before(&self) -> bool {
        true
    }

    pub fn origin(&self, _: &Problem) -> String {
        String::new()
    }

    pub fn score(&self, _: &Problem, _: u64, _: &Rc<Workers>) -> Result<Box<dyn Source>, Failure> {
        Err(Failure::without_torch("compute proxies"))
    }
}

pub fn latency_origin(_: Option<usize>) -> String {
    String::new()
}

pub fn latency_source(_: &Problem, _: Option<usize>, _: u64) -> Result<Box<dyn Source>, Failure> {
    Err(Failure::without_torch("measure latency"))
}

pub fn latencies(
    _: &Problem,
    _: Option<usize>,
    _: Runtime,
    _: &[Arch],
) -> Result<Vec<Measurement>, Failure> {
    Err(Failure::without_torch("measure latency"))
}
