//! Devices by name, and CUDA where libtorch can use it.

use tch::{Cuda, Device};

use crate::Error;

/// The device of this name: `cpu`, `cuda` (the first one) or `cuda:INDEX`.
///
/// A program linked to the CPU half of libtorch can use CUDA as well, if the other half is in the same
/// folder or on the library path. libtorch looks for it only once, so a CUDA device has to be
/// requested before any other call to libtorch.
///
/// # Errors
///
/// Fails for any other name, and if there is no such CUDA device, with the reason.
pub fn device(name: &str) -> Result<Device, Error> {
    let unknown = || Error::UnknownDevice { name: name.to_owned() };
    let index = match name {
        "cpu" => return Ok(Device::Cpu),
        "cuda" => 0,
        _ => {
            let index = name.strip_prefix("cuda:").ok_or_else(unknown)?;
            index.parse::<usize>().map_err(|_| unknown())?
        }
    };
    let no_cuda = |reason: String| Error::NoCuda { name: name.to_owned(), reason };
    let devices = cuda_devices().map_err(|why| no_cuda(why.to_string()))?;
    devices.get(index).copied().ok_or_else(|| {
        no_cuda(match devices.len() {
            1 => "there is one, cuda:0".to_owned(),
            count => format!("there are {count}, cuda:0 to cuda:{}", count - 1),
        })
    })
}

/// Why there is no CUDA device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoCuda {
    /// The CUDA half of libtorch is missing, or does not load.
    #[error("this libtorch has no CUDA half that loads: {0}")]
    Library(String),
    /// The CUDA half is installed and finds no device.
    #[error(
        "libtorch's CUDA half is installed, but the driver reports no device: is there an NVIDIA \
         GPU, and does `nvidia-smi` list it?"
    )]
    Device,
}

/// The CUDA devices that libtorch can use, at least one, or why there is none. Like [`device`], this
/// has to be called before anything else of libtorch.
pub fn cuda_devices() -> Result<Vec<Device>, NoCuda> {
    cuda::load().map_err(NoCuda::Library)?;
    let count = usize::try_from(Cuda::device_count()).unwrap_or(0);
    if !Cuda::is_available() || count == 0 {
        return Err(NoCuda::Device);
    }
    Ok((0..count).map(Device::Cuda).collect())
}

#[cfg(unix)]
mod cuda {
    use std::error::Error;
    use std::sync::OnceLock;

    use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};

    const LIBRARY: &str = "libtorch_cuda.so";

    /// Loads the CUDA half of libtorch for good, which registers it with the CPU half. It is
    /// looked for where this program's other libraries are: on its rpath, where the CPU half was
    /// found, and on the library path. Nothing happens if the program is linked to it already.
    pub(super) fn load() -> Result<(), String> {
        static LOADED: OnceLock<Result<(), String>> = OnceLock::new();
        LOADED
            .get_or_init(|| {
                // SAFETY: loading runs the library's initialisers. Those of libtorch's own CUDA
                // half only fill libtorch's registries and expect to run in any thread, as they do
                // when Python imports torch.
                #[allow(unsafe_code)]
                let library = unsafe { Library::open(Some(LIBRARY), RTLD_NOW | RTLD_GLOBAL) };
                match library {
                    Ok(library) => {
                        // The registries point into it, so it must never be unloaded.
                        let _ = library.into_raw();
                        Ok(())
                    }
                    Err(error) => {
                        // The error itself only states that it failed; its source has the reason.
                        let reason = error.source().map(ToString::to_string).unwrap_or_default();
                        Err(reason)
                    }
                }
            })
            .clone()
    }
}

#[cfg(not(unix))]
mod cuda {
    /// On other systems the CUDA half is linked, or missing.
    pub(super) fn load() -> Result<(), String> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_is_always_there() {
        assert_eq!(device("cpu").unwrap(), Device::Cpu);
    }

    #[test]
    fn other_names_are_refused() {
        for name in ["", "gpu", "cuda:", "cuda:x", "cuda:-1", "CPU"] {
            let error = device(name).unwrap_err();
            assert!(matches!(error, Error::UnknownDevice { .. }), "{name}");
        }
    }

    #[test]
    fn the_error_of_a_missing_cuda_device_has_the_reason() {
        let error = device("cuda:4096").unwrap_err();
        assert!(matches!(error, Error::NoCuda { .. }));
        assert!(error.to_string().starts_with("no device cuda:4096: "), "{error}");
    }
}
