//! Latency measured on this machine.

use std::collections::HashMap;

use nas_hw::{Measurement, Plan, measure_fallible};
use nas_net::{
    Task,
    export::{self, Description},
};
use nas_proxy::Batch;
use nas_search::{BoxError, Detail, Objective};
use nas_space::Arch;
use tch::{Device, Tensor};

use super::Networks;
use crate::{Error, Pace, Source, SourceValue, onnx::OnnxNetwork};

/// What runs a network whose latency is measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Runtime {
    /// libtorch ([`forward_inference`](nas_net::BuiltNetwork::forward_inference)).
    #[default]
    Torch,
    /// ONNX Runtime on the processor, with the network's file ([`nas_net::export::onnx`]).
    Onnx,
}

/// Latency of one image through the network on this machine, in ms: the median over repeats, as
/// deployed. On the processor it is measured on one thread: a single small image gains little from
/// more, and with threads that wait for each other the time depends on other work of the machine.
pub struct MeasuredLatency {
    networks: Networks,
    plan: Plan,
    runtime: Runtime,
    image: Tensor,
    objective: Objective,
    details: [Detail; 1],
    /// The measurements so far: value and spread.
    known: HashMap<Arch, SourceValue>,
}

impl MeasuredLatency {
    /// Measures networks on their device.
    ///
    /// # Errors
    /// Failures of libtorch.
    pub fn new(networks: Networks, plan: Plan, runtime: Runtime) -> Result<Self, Error> {
        let Task { channels, side, .. } = networks.blueprint.task;
        let image = Batch::gaussian([1, channels, side, side], networks.seed)?;
        let image = image.to_device(networks.device)?.images().shallow_clone();
        Ok(Self {
            networks,
            plan,
            runtime,
            image,
            objective: Objective::latency(),
            details: [Detail::new("latency_spread", "ms")],
            known: HashMap::new(),
        })
    }

    /// Measures an architecture.
    ///
    /// # Errors
    /// Failures of the runtime.
    pub fn measure(&self, arch: &Arch) -> Result<Measurement, Error> {
        let network = self.networks.build(arch)?;
        if self.runtime == Runtime::Onnx {
            let Task { channels, side, .. } = self.networks.blueprint.task;
            let file = export::onnx(&*network, side, &Description::default())?;
            let mut network = OnnxNetwork::new(&file, 1)?;
            let pixels = self.image.f_reshape(-1).and_then(Vec::try_from);
            let pixels: Vec<f32> = pixels.map_err(nas_net::Error::from)?;
            return measure_fallible(&self.plan, || {
                network.logits(&pixels, [1, channels, side, side]).map(drop)
            });
        }
        let threads = tch::get_num_threads();
        tch::set_num_threads(1);
        let measured = measure_fallible(&self.plan, || {
            let _ = network.forward_inference(&self.image)?;
            if let Device::Cuda(index) = self.networks.device {
                tch::Cuda::synchronize(index as i64);
            }
            Ok::<(), Error>(())
        });
        tch::set_num_threads(threads);
        measured
    }
}

impl Source for MeasuredLatency {
    fn objective(&self) -> &Objective {
        &self.objective
    }

    fn details(&self) -> &[Detail] {
        &self.details
    }

    fn pace(&self) -> Pace {
        Pace::Slow
    }

    fn value(&mut self, arch: &Arch) -> Result<SourceValue, BoxError> {
        let network = self.networks.representative(arch);
        if let Some(known) = self.known.get(&network) {
            return Ok(known.clone());
        }
        let measured = self.measure(arch)?;
        let details = vec![Some(measured.spread.0)];
        let value = SourceValue { value: Some(measured.median.0), details };
        self.known.insert(network, value.clone());
        Ok(value)
    }

    fn remember(&mut self, arch: &Arch, value: &SourceValue) {
        self.known.insert(self.networks.representative(arch), value.clone());
    }
}
