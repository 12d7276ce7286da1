//! The recipes for Linux on x86-64: Python wheels hold everything.
//!
//! The wheel of torch carries libtorch for CPU and CUDA together. For the CPU half,
//! `libtorch_cpu.so` needs two small libraries of the CUDA toolkit, for the CUDA half
//! `libtorch_cuda.so` needs many large ones. They come in wheels of their own and are found beside
//! it, as its rpath includes its own folder.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::stamp::{Source, Stamp};
use super::{VERSION, clear, python, say};
use crate::error::Error;

pub struct Wheel {
    pub package: &'static str,
    pub version: &'static str,
    /// The start of a member's name, and what takes its place in the unpacked folder.
    pub members: &'static [(&'static str, &'static str)],
}

/// What is downloaded, and what that takes.
pub struct Recipe {
    pub source: Source,
    /// Of the first wheel.
    pub version: &'static str,
    pub wheels: &'static [Wheel],
    /// What to do with what was unpacked.
    pub finish: fn(&Path) -> Result<(), Error>,
    /// The wheels' size together in MB.
    pub download_mb: u64,
    /// Room for pip, which holds a wheel twice for a moment, or for the wheels and what is
    /// unpacked.
    pub needed_mb: u64,
    /// What is kept of that.
    pub kept_mb: u64,
}

/// Whether the recipes' wheels are for this system.
pub const FIT: bool = cfg!(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"));

const LICENCES: (&str, &str) = ("torch-2.11.0.dist-info/licenses/", "licenses/torch/");

/// The CPU half.
pub const CPU: Recipe = Recipe {
    source: Source::Wheels,
    version: VERSION,
    finish: finish_libtorch,
    wheels: &[
        Wheel {
            package: "torch",
            version: VERSION,
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
    version: VERSION,
    finish: finish_libtorch,
    wheels: &[
        Wheel {
            package: "torch",
            version: VERSION,
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

/// A wheel with libraries of the CUDA toolkit.
const fn nvidia(package: &'static str, version: &'static str) -> Wheel {
    Wheel { package, version, members: &[("nvidia/cu13/lib/", "lib/")] }
}

/// The file names of the wheels end in one of these.
const PLATFORMS: [&str; 6] = [
    "manylinux_2_28_x86_64",
    "manylinux_2_27_x86_64",
    "manylinux_2_25_x86_64",
    "manylinux_2_18_x86_64",
    "manylinux_2_17_x86_64",
    "manylinux2014_x86_64",
];

const UNPACK: &str = include_str!("unpack.py");

/// Downloads, unpacks beside the final place, and moves there in one step.
pub fn set_up(recipe: Recipe, home: &Path, place: &Path) -> Result<(), Error> {
    let python = python::with_pip()?;
    fs::create_dir_all(home).map_err(Error::file(home))?;
    let staging = Staging::new(home)?;
    require_disk_space(&recipe, home)?;
    download(&recipe, python, &staging)?;
    let unpacked = staging.folder.join("unpacked");
    for wheel in recipe.wheels {
        unpack(python, wheel, &staging, &unpacked)?;
    }
    (recipe.finish)(&unpacked)?;
    clear(home, place)?;
    fs::rename(&unpacked, place).map_err(Error::file(place))?;
    Stamp::of_wheels(recipe.source, recipe.version, place)?.write(home)
}

/// A folder for the work in progress, named after this process and removed with it.
struct Staging {
    folder: PathBuf,
}

const STAGING: &str = "setting-up-";

impl Staging {
    /// Removes what killed set-ups left. One that is still alive is an error, as the two would
    /// replace each other's result.
    fn new(home: &Path) -> Result<Self, Error> {
        for entry in fs::read_dir(home).map_err(Error::file(home))? {
            let entry = entry.map_err(Error::file(home))?;
            let name = entry.file_name();
            let Some(process) = name.to_str().and_then(|name| name.strip_prefix(STAGING)) else {
                continue;
            };
            match process.parse() {
                Ok(process) if is_set_up(process) => return Err(Error::AtWork { process }),
                _ => {
                    say("removing what an interrupted set-up left");
                    fs::remove_dir_all(entry.path()).map_err(Error::file(entry.path()))?;
                }
            }
        }
        let folder = home.join(format!("{STAGING}{}", std::process::id()));
        fs::create_dir(&folder).map_err(Error::file(&folder))?;
        Ok(Self { folder })
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // Should it stay, the next set-up removes it.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Whether a living process of this number is an xtask, and not another with a number used anew.
fn is_set_up(process: u32) -> bool {
    fs::read_to_string(format!("/proc/{process}/comm")).is_ok_and(|name| name.trim() == "xtask")
}

/// Asks `df`; where that cannot tell, the set-up goes on and fails by itself if it must.
fn require_disk_space(recipe: &Recipe, home: &Path) -> Result<(), Error> {
    let Some(free) = free_mb(home) else {
        return Ok(());
    };
    let (needed, kept) = (recipe.needed_mb, recipe.kept_mb);
    if free < needed {
        return Err(Error::DiskSpace { path: home.to_path_buf(), needed, free, kept });
    }
    Ok(())
}

fn free_mb(folder: &Path) -> Option<u64> {
    let output = Command::new("df").arg("-Pk").arg(folder).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let kib: u64 = text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
    Some(kib * 1024 / 1_000_000)
}

fn download(recipe: &Recipe, python: &str, staging: &Staging) -> Result<(), Error> {
    let wheels = recipe.wheels.iter();
    let what: Vec<String> =
        wheels.map(|wheel| format!("{}=={}", wheel.package, wheel.version)).collect();
    let (megabytes, kept) = (recipe.download_mb, recipe.kept_mb);
    say(&format!(
        "downloading {megabytes} MB with pip, {kept} MB when unpacked: {}",
        what.join(", ")
    ));
    let log = staging.folder.join("pip.log");
    let sink = File::create(&log).map_err(Error::file(&log))?;
    let mut pip = Command::new(python)
        .args(["-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir"])
        .args(["--disable-pip-version-check", "--no-input"])
        .args(["--only-binary", ":all:", "--implementation", "cp"])
        .args(["--python-version", "3.11", "--abi", "cp311", "--abi", "none"])
        .args(PLATFORMS.iter().flat_map(|name| ["--platform", name]))
        .arg("--dest")
        .arg(staging.folder.join("wheels"))
        .args(&what)
        // Otherwise pip would need as much room again on the disk of the system's temporary files.
        .env("TMPDIR", &staging.folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(sink)
        .spawn()
        .map_err(|source| Error::Start { program: python.to_owned(), source })?;
    let mut said = Instant::now();
    let status = loop {
        match pip.try_wait().map_err(Error::file(&log))? {
            Some(status) => break status,
            None => thread::sleep(Duration::from_millis(100)),
        }
        if said.elapsed() > Duration::from_secs(10) {
            said = Instant::now();
            let done = (size(&staging.folder) / 1_000_000).min(megabytes);
            say(&format!("{done} of {megabytes} MB"));
        }
    };
    if status.success() {
        return Ok(());
    }
    Err(Error::Download {
        what: what.join(", "),
        output: fs::read_to_string(&log).unwrap_or_default(),
    })
}

/// The bytes of all files below a folder, as far as they can be seen while pip works there.
fn size(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(found) if found.is_dir() => size(&entry.path()),
            Ok(found) => found.len(),
            Err(_) => 0,
        })
        .sum()
}

fn unpack(python: &str, wheel: &Wheel, staging: &Staging, target: &Path) -> Result<(), Error> {
    say(&format!("unpacking {}", wheel.package));
    let wheels = staging.folder.join("wheels");
    // In the file names of wheels, underscores stand for the hyphens of package names.
    let start = format!("{}-{}-", wheel.package.replace('-', "_"), wheel.version);
    let failed = |output: String| Error::Unpack { what: wheel.package.to_owned(), output };
    let file = fs::read_dir(&wheels)
        .map_err(Error::file(&wheels))?
        .flatten()
        .find(|entry| entry.file_name().to_string_lossy().starts_with(&start))
        .ok_or_else(|| failed(format!("pip left no file {start}*.whl")))?
        .path();
    let output = Command::new(python)
        .args(["-c", UNPACK])
        .arg(&file)
        .arg(target)
        .args(wheel.members.iter().map(|(from, to)| format!("{from}={to}")))
        .output()
        .map_err(|source| Error::Start { program: python.to_owned(), source })?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        return Err(failed(message.trim_end().to_owned()));
    }
    // The wheel is done with, and the next one may need its room.
    fs::remove_file(&file).map_err(Error::file(&file))
}

/// What the wheels of torch lack: the version for the build script of `torch-sys`, and a `libtorch.so` that
/// does not ask for CUDA, as the one in the wheel does: programs load the CUDA half when they are
/// asked to compute there.
fn finish_libtorch(unpacked: &Path) -> Result<(), Error> {
    let version = unpacked.join("build-version");
    fs::write(&version, VERSION).map_err(Error::file(&version))?;
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn leftovers_of_dead_set_ups_are_removed() {
        let home = tempfile::tempdir().unwrap();
        // Numbers of processes stay below 2^22 on Linux.
        let dead = home.path().join("setting-up-4194305");
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join("half.whl"), "half").unwrap();
        let staging = Staging::new(home.path()).unwrap();
        assert!(!dead.exists());
        let folder = staging.folder.clone();
        assert!(folder.is_dir());
        drop(staging);
        assert!(!folder.exists());
    }

    #[test]
    fn both_recipes_name_each_package_once() {
        for recipe in [CPU, CUDA] {
            let names: std::collections::BTreeSet<_> =
                recipe.wheels.iter().map(|wheel| wheel.package).collect();
            assert_eq!(names.len(), recipe.wheels.len());
            assert!(recipe.download_mb < recipe.needed_mb && recipe.kept_mb < recipe.needed_mb);
        }
    }

    #[test]
    fn the_disk_tells_its_free_space() {
        assert!(free_mb(Path::new("/")).is_some());
        assert_eq!(free_mb(Path::new("/no such folder")), None);
    }
}
