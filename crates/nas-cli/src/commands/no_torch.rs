//! What a build without libtorch answers where libtorch is needed: the same functions as in the
//! module `live` of a build with it.

#![allow(clippy::unused_self)]

use std::rc::Rc;

use nas_eval::{Source, Task};
use nas_hw::Measurement;
use nas_space::Arch;

use crate::{
    commands::{Runtime, Target, Workers},
    failure::Failure,
};

/// Nothing to say about proxies in this build.
#[derive(Debug, clap::Args)]
pub struct ProxyArguments {}

/// Nor how a search computes them.
#[derive(Debug, clap::Args)]
pub struct ComputedProxies {}

pub fn unavailable(what: &str) -> Failure {
    Failure::input(format!(
        "this `nas` was built without libtorch and cannot {what}: build it with the feature `torch`, which is on by default"
    ))
}

impl ComputedProxies {
    pub fn given(&self) -> Option<&'static str> {
        None
    }

    pub fn by_workers(&self) -> bool {
        false
    }

    pub fn origin(&self, _: &Task) -> String {
        String::new()
    }

    pub fn config(&self, _: &Task) -> toml::Table {
        toml::Table::new()
    }

    pub fn score(&self, _: &Task, _: u64, _: &Rc<Workers>) -> Result<Box<dyn Source>, Failure> {
        Err(unavailable("compute proxies"))
    }
}

pub fn latency_origin(_: Target) -> String {
    String::new()
}

pub fn latency_source(_: &Task, _: Target, _: u64) -> Result<Box<dyn Source>, Failure> {
    Err(unavailable("measure latency"))
}

pub fn latencies(_: &Task, _: Target, _: Runtime, _: &[Arch]) -> Result<Vec<Measurement>, Failure> {
    Err(unavailable("measure latency"))
}
