//! What set-up downloads, for Linux on x86-64: Python wheels.
//!
//! The wheel of torch contains libtorch for CPU and CUDA together. For the CPU half,
//! `libtorch_cpu.so` needs two small libraries of the CUDA toolkit, for the CUDA half
//! `libtorch_cuda.so` needs many large ones. They come in wheels of their own and are found beside
//! it, as its rpath includes its own folder.

use std::fs;
use std::path::Path;

use super::stamp::Source;
use crate::error::Error;
use crate::versions::{LIBTORCH, ONNX_RUNTIME};

pub struct Wheel {
    pub package: &'static str,
    pub version: &'static str,
    /// The start of a member's name, and what takes its place in the unpacked folder.
    pub members: &'static [(&'static str, &'static str)],
}

/// What is downloaded, and the space that it needs.
pub struct Recipe {
    pub source: Source,
    /// The first wheel's.
    pub version: &'static str,
    pub wheels: &'static [Wheel],
    /// What to do with what was unpacked.
    pub finish: fn(&Path) -> Result<(), Error>,
    /// The wheels' size together in MB.
    pub download_mb: u64,
    /// Space for pip, which keeps a wheel twice for a moment, or for the wheels and what is unpacked
    /// from them.
    pub needed_mb: u64,
    /// The part of it that is kept.
    pub kept_mb: u64,
}

/// Whether the wheels are for this system.
pub const FIT: bool = cfg!(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"));

const LICENCES: (&str, &str) = ("torch-2.11.0.dist-info/licenses/", "licenses/torch/");

/// The CPU half.
pub const CPU: Recipe = Recipe {
    source: Source::Wheels,
    version: LIBTORCH,
    finish: finish_libtorch,
    wheels: &[
        Wheel {
            package: "torch",
            version: LIBTORCH,
            members: &[
                ("torch/include/", "include/"),
                ("torch/lib/libc10.so", "lib/libc10.so"),
                ("torch/lib/libtorch_cpu.so", "lib/libtorch_cpu.so"),
                ("torch/lib/libgomp.so", "lib/libgomp.so"),
                LICENCES,
            ],
        },
        RUNTIME,
        CUPTI,
    ],
    download_mb: 544,
    needed_mb: 1200,
    kept_mb: 500,
};

/// Both halves, with the libraries of NVIDIA that torch's own package names.
pub const CUDA: Recipe = Recipe {
    source: Source::CudaWheels,
    version: LIBTORCH,
    finish: finish_libtorch,
    wheels: &[
        Wheel {
            package: "torch",
            version: LIBTORCH,
            members: &[("torch/include/", "include/"), ("torch/lib/", "lib/"), LICENCES],
        },
        RUNTIME,
        CUPTI,
        nvidia("nvidia-cublas", "13.1.0.3"),
        nvidia("nvidia-cuda-nvrtc", "13.0.88"),
        nvidia("nvidia-cufft", "12.0.0.61"),
        nvidia("nvidia-cufile", "1.15.1.6"),
        nvidia("nvidia-curand", "10.4.0.35"),
        nvidia("nvidia-cusolver", "12.0.4.66"),
        nvidia("nvidia-cusparse", "12.6.3.3"),
        nvidia("nvidia-nvjitlink", "13.0.88"),
        nvidia("nvidia-nvtx", "13.0.85"),
        Wheel {
            package: "nvidia-cudnn-cu13",
            version: "9.19.0.56",
            members: &[("nvidia/cudnn/lib/", "lib/")],
        },
        Wheel {
            package: "nvidia-cusparselt-cu13",
            version: "0.8.0",
            members: &[("nvidia/cusparselt/lib/", "lib/")],
        },
        Wheel {
            package: "nvidia-nccl-cu13",
            version: "2.28.9",
            members: &[("nvidia/nccl/lib/", "lib/")],
        },
        Wheel {
            package: "nvidia-nvshmem-cu13",
            version: "3.4.5",
            members: &[("nvidia/nvshmem/lib/", "lib/")],
        },
    ],
    download_mb: 2512,
    needed_mb: 6500,
    kept_mb: 3700,
};

const RUNTIME: Wheel = Wheel {
    package: "nvidia-cuda-runtime",
    version: "13.0.96",
    members: &[
        ("nvidia/cu13/lib/libcudart.so", "lib/libcudart.so"),
        ("nvidia_cuda_runtime-13.0.96.dist-info/licenses/", "licenses/nvidia-cuda-runtime/"),
    ],
};

const CUPTI: Wheel = Wheel {
    package: "nvidia-cuda-cupti",
    version: "13.0.85",
    members: &[
        ("nvidia/cu13/lib/libcupti.so", "lib/libcupti.so"),
        ("nvidia_cuda_cupti-13.0.85.dist-info/licenses/", "licenses/nvidia-cuda-cupti/"),
    ],
};

/// ONNX Runtime.
pub const ONNX: Recipe = Recipe {
    source: Source::Wheels,
    version: ONNX_RUNTIME,
    finish: |_| Ok(()),
    wheels: &[Wheel {
        package: "onnxruntime",
        version: ONNX_RUNTIME,
        members: &[
            ("onnxruntime/capi/libonnxruntime.so.1.28.0", "libonnxruntime.so"),
            ("onnxruntime/LICENSE", "LICENSE"),
            ("onnxruntime/ThirdPartyNotices.txt", "ThirdPartyNotices.txt"),
        ],
    }],
    download_mb: 19,
    needed_mb: 70,
    kept_mb: 25,
};

/// A wheel with libraries of the CUDA toolkit.
const fn nvidia(package: &'static str, version: &'static str) -> Wheel {
    Wheel { package, version, members: &[("nvidia/cu13/lib/", "lib/")] }
}

/// Adds what the wheels of torch lack: the version for the build script of `torch-sys`, and a
/// `libtorch.so` that does not need CUDA, as the one in the wheel does: programs load the CUDA half
/// when they compute there.
fn finish_libtorch(unpacked: &Path) -> Result<(), Error> {
    let version = unpacked.join("build-version");
    fs::write(&version, LIBTORCH).map_err(Error::file(&version))?;
    #[cfg(unix)]
    {
        let link = unpacked.join("lib/libtorch.so");
        if link.exists() {
            fs::remove_file(&link).map_err(Error::file(&link))?;
        }
        std::os::unix::fs::symlink("libtorch_cpu.so", &link).map_err(Error::file(&link))?;
    }
    Ok(())
}
