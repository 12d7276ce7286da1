//! What a build without libtorch answers where libtorch is needed.

use std::path::PathBuf;

use nas_eval::Source;
use nas_hw::Measurement;
use nas_space::{Arch, nasbench201::Dataset};

use crate::failure::Failure;

/// How proxies are computed: not at all in this build.
#[derive(Debug, clap::Args)]
pub struct ProxyArguments {
    #[arg(long, hide = true)]
    pub batch: Option<usize>,
    #[arg(long, hide = true)]
    pub images: Option<PathBuf>,
    #[arg(long, hide = true)]
    pub compute: Option<String>,
}

pub fn unavailable(what: &str) -> Failure {
    Failure::input(format!(
        "this `nas` was built without libtorch and cannot {what}: build it with the feature `torch`, which is on by default"
    ))
}

impl ProxyArguments {
    pub fn score(&self, _: Dataset, _: u64) -> Result<Box<dyn Source>, Failure> {
        Err(unavailable("compute proxies"))
    }
}

pub fn latency_source(_: Dataset, _: u64) -> Result<Box<dyn Source>, Failure> {
    Err(unavailable("measure latency"))
}

pub fn latencies(_: Dataset, _: &[Arch]) -> Result<Vec<Measurement>, Failure> {
    Err(unavailable("measure latency"))
}
