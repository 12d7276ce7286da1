//! Networks in TorchScript, as traces.

use std::path::Path;

use tch::{CModule, Device, Kind, Tensor};

use super::format::Format;
use crate::{BuiltNetwork, Error};

pub(super) const FORMAT: Format = Format {
    name: "torchscript",
    title: "TorchScript",
    extension: "pt",
    description: "torch.jit.load in Python, torch::jit::load in C++; AutoFormer's from PyTorch 2.1 on",
    has_weights: true,
    write: |network, side, _, file| save(network, side, file),
};

/// Writes a network into a file, traced for square images of `side` pixels; the file takes any number
/// of them. While it is traced, no parameter has a gradient.
fn save(network: &dyn BuiltNetwork, side: usize, file: &Path) -> Result<(), Error> {
    let (parameters, channels, side) =
        (network.parameters(), network.channels() as i64, side as i64);
    let device = parameters.first().map_or(Device::Cpu, |(_, parameter)| parameter.device());
    let image = Tensor::f_zeros([1, channels, side, side], (Kind::Float, device))?;
    // A failure amid a trace would leave it open for the next one, so the first run is outside.
    let _ = network.forward_inference(&image)?;
    let require = |gradients: bool| {
        parameters.iter().try_for_each(|(_, one)| one.f_set_requires_grad(gradients).map(drop))
    };
    // A trace holds weights as constants, which have no gradients.
    require(false)?;
    let mut failed = None;
    let trace = CModule::create_by_tracing("Network", "forward", &[image], &mut |images| {
        let logits = network.forward_inference(&images[0]);
        logits.map_err(|error| failed = Some(error)).into_iter().collect()
    });
    let module = failed.map_or_else(|| trace.map_err(Error::from), Err);
    let saved = module.and_then(|module| Ok(module.save(file)?));
    require(true)?;
    saved
}
