//! What can go wrong, and what to do about it.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::versions::LIBTORCH as VERSION;

/// Every failure of a chore.
#[derive(Debug, Error)]
pub enum Error {
    #[error("no Cargo.toml above {}: run this as `cargo xtask` in a checkout of the project", manifest.display())]
    NoWorkspace { manifest: PathBuf },

    #[error("cannot start {program}: {source}")]
    Start { program: String, source: io::Error },

    #[error(
        "cannot set up {what}: {problem}\n\
         These tests need Slurm, Ray and Chromium: packages of Debian, which the superuser installs, \
         of PyPI and of the npm registry."
    )]
    Engines { what: String, problem: String },

    #[error("cannot write the list of tests that are left out: {0}")]
    LeftOutFile(io::Error),

    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },

    #[error(
        "LIBTORCH is set to \"{}\", {problem}\n\
         Set it to the folder of a libtorch {VERSION} (the one with lib/ and include/), or unset \
         it and let `cargo xtask setup` provide one.",
        path.display()
    )]
    UsersLibtorch { path: PathBuf, problem: String },

    #[error(
        "the PyTorch of {} cannot be used: {problem}\nExpected: torch {VERSION} (any build of it).",
        python.display()
    )]
    PythonsTorch { python: PathBuf, problem: String },

    #[error(
        "no recipe for libtorch on {} {}.\n\
         Set LIBTORCH to the folder of a libtorch {VERSION} of your own (the one with lib/ and \
         include/), or link to a PyTorch {VERSION} with `cargo xtask setup --python PY`.\n\
         Commands that need only tables build without it: `cargo build -p nas-cli \
         --no-default-features`.",
        std::env::consts::OS,
        std::env::consts::ARCH
    )]
    NoRecipe,

    #[error(
        "no recipe for ONNX Runtime on {} {}.\n\
         Set ORT_DYLIB_PATH to the library of an ONNX Runtime of your own, version 1.22 or later.",
        std::env::consts::OS,
        std::env::consts::ARCH
    )]
    NoOnnxRecipe,

    #[error(
        "set-up downloads with pip, but {problem}\n\
         Install Python 3 with pip (Debian, Ubuntu: `apt install python3 python3-pip`; Fedora: \
         `dnf install python3 python3-pip`), or use files of your own: set LIBTORCH to the folder of \
         a libtorch {VERSION}, ORT_DYLIB_PATH to an ONNX Runtime's libonnxruntime.so."
    )]
    NoPip { problem: String },

    #[error(
        "set-up needs {needed} MB of free space in {}, there are {free} MB; about {kept} MB stay in use",
        path.display()
    )]
    DiskSpace { path: PathBuf, needed: u64, free: u64, kept: u64 },

    #[error("pip could not download {what}:\n{output}")]
    Download { what: String, output: String },

    #[error("cannot unpack {what}:\n{output}")]
    Unpack { what: String, output: String },

    #[error("another set-up (process {process}) is running here; wait until it has ended")]
    Running { process: u32 },

    #[error("cannot {step}:\n{problem}")]
    Step { step: &'static str, problem: String },
}

impl Error {
    /// For `map_err` after an operation on `path`.
    pub fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
