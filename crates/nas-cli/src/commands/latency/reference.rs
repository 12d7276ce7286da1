//! The published devices that latencies of a new device are predicted from.

use std::path::Path;

use nas_eval::{Problem, Published};
use nas_hw::Metric;
use nas_predict::FewShot;
use nas_space::Arch;

use crate::{
    failure::Failure,
    partition::population,
    space_arguments::SpaceArguments,
    tables::{self, value_of},
};

/// The published latencies that a prediction builds on.
#[derive(Debug, clap::Args)]
pub struct ReferenceArguments {
    #[command(flatten)]
    space: SpaceArguments,
    /// The seed of the samples that show how devices relate
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// Architectures with their latencies on all devices with published costs.
pub struct Reference {
    pub problem: Problem,
    pub architectures: Vec<Arch>,
    /// Name, and the latency of each architecture in ms.
    pub devices: Vec<(String, Vec<Option<f64>>)>,
    seed: u64,
}

impl ReferenceArguments {
    pub fn problem(&self) -> Result<Problem, Failure> {
        self.space.problem()
    }

    /// The published latencies of all architectures, of a sample of a large space, and of `more`.
    pub fn open(
        &self,
        problem: Problem,
        tables: Option<&Path>,
        more: impl IntoIterator<Item = Arch>,
    ) -> Result<Reference, Failure> {
        let published = tables::needed(&problem, tables, "latencies")?;
        let mut architectures = problem.numbered().unwrap_or_else(|| population(problem.space));
        if problem.numbering.is_none() {
            architectures.extend(more);
            architectures.sort();
            architectures.dedup();
        }
        let mut devices = Vec::new();
        for device in problem.devices()? {
            if problem.has_cost(&device.name, Metric::Latency)? {
                let latencies = latencies(&*published, &device.name, &architectures)?;
                devices.push((device.name.clone(), latencies));
            }
        }
        if devices.is_empty() {
            return Err(tables::lacking(&problem, "latencies"));
        }
        Ok(Reference { problem, architectures, devices, seed: self.seed })
    }
}

impl Reference {
    /// What all devices but one show of the architectures.
    pub fn model(&self, but: Option<&str>) -> Result<FewShot, Failure> {
        let devices = self.devices.iter().filter(|(name, _)| Some(name.as_str()) != but);
        let latencies: Vec<Vec<Option<f64>>> =
            devices.map(|(_, latencies)| latencies.clone()).collect();
        Ok(FewShot::new(self.problem.space, &self.architectures, &latencies, self.seed)?)
    }
}

fn latencies(
    published: &dyn Published,
    device: &str,
    architectures: &[Arch],
) -> Result<Vec<Option<f64>>, Failure> {
    let mut latency = published.cost(device, Metric::Latency)?;
    architectures.iter().map(|arch| value_of(&mut *latency, arch)).collect()
}
