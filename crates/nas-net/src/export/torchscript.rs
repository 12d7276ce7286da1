use std::path::Path;

use nas_proxy::Role;
use tch::{CModule, Device, Kind, TchError, Tensor};

use crate::Error;

/// Writes a network down as what `forward` does with an image; the file takes any number of them.
pub(crate) fn save_torchscript(
    parameters: &[(Role, Tensor)],
    side: i64,
    file: &Path,
    mut forward: impl FnMut(&Tensor) -> Result<Tensor, TchError>,
) -> Result<(), Error> {
    let device = parameters.first().map_or(Device::Cpu, |(_, parameter)| parameter.device());
    let image = Tensor::f_zeros([1, 3, side, side], (Kind::Float, device))?;
    // Otherwise the first failure would be one amid a trace, which the next trace would find open.
    let _ = forward(&image)?;
    let require = |gradients: bool| {
        parameters.iter().try_for_each(|(_, one)| one.f_set_requires_grad(gradients).map(drop))
    };
    // A trace holds weights as constants, which have no gradients, nor have they in the file.
    require(false)?;
    let mut failed = None;
    let trace = CModule::create_by_tracing("Network", "forward", &[image], &mut |images| {
        forward(&images[0]).map_err(|error| failed = Some(error)).into_iter().collect()
    });
    let saved = failed.map_or(trace, Err).and_then(|module| module.save(file));
    require(true)?;
    Ok(saved?)
}
