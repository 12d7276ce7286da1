//! Benchmarks that measure an example of a crate and a script in PyTorch, with the same settings.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::Error;
use crate::process::{cargo, status};
use crate::setup::libtorch::{self, Wanted};
use crate::setup::pytorch;
use crate::workspace::Workspace;

/// Both sides get the settings of threads and memory that the program `nas` runs with.
const SETTINGS: [(&str, &str); 2] = [
    ("GOMP_SPINCOUNT", "1000"),
    (
        "GLIBC_TUNABLES",
        "glibc.malloc.trim_threshold=4294967296:glibc.malloc.mmap_threshold=33554432:\
         glibc.malloc.arena_max=1:glibc.malloc.hugetlb=1",
    ),
];

/// The two sides of a comparison.
pub struct Sides {
    /// A Python with torch and numpy.
    pub python: PathBuf,
    /// The example, built.
    pub example: PathBuf,
}

impl Sides {
    /// Sets up both, with the user's Python if there is one.
    pub fn set_up(
        workspace: &Workspace,
        python: Option<&Path>,
        package: &str,
        example: &str,
    ) -> Result<Self, Error> {
        libtorch::set_up(workspace, &Wanted::Any)?;
        let python = match python {
            Some(python) => python.to_path_buf(),
            None => pytorch::set_up(workspace)?,
        };
        let mut build = cargo(workspace);
        build.args(["build", "--release", "--package", package, "--example", example]);
        let ended = status(&mut build)?;
        if !ended.success() {
            let problem = format!("{example}: cargo ended with {ended}");
            return Err(Error::Step { step: "build the example", problem });
        }
        let path: PathBuf = ["target", "release", "examples", example].iter().collect();
        Ok(Self { python, example: workspace.root().join(path) })
    }
}

/// What a program prints that reads this.
pub fn printed(command: &mut Command, input: &str) -> Result<String, Error> {
    let program = command.get_program().to_string_lossy().into_owned();
    let not_started = |source| Error::Start { program: program.clone(), source };
    let mut child = command
        .envs(SETTINGS)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(not_started)?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes()).map_err(not_started)?;
    }
    let output = child.wait_with_output().map_err(not_started)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    let problem = format!("{program} ended with {} after\n{text}", output.status);
    Err(Error::Step { step: "measure", problem })
}
