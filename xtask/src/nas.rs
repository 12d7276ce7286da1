//! The program `nas`, built once for all chores.
//!
//! Every chore uses the same build, that of the installed program, so that none of them compiles what
//! another has compiled. Where set-up has put no libtorch, `nas` is built without it in a folder of
//! its own and does not replace the full program. Builds with more features than the installed program are
//! supersets of it: cargo keeps both and links again when a chore goes from one to the other.

use std::env;
use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::error::Error;
use crate::process::{cargo, exit_code, output, status};
use crate::setup::libtorch;
use crate::workspace::Workspace;

/// The program's exit code where nothing that the language model answered could be used.
pub const NOTHING_FROM_MODEL: i32 = 4;

/// How `nas` is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// As `cargo install` builds it.
    Installed,
    /// With the searchers that only the reports show.
    AllSearchers,
    /// With them, and as tests are built.
    Tests,
}

/// Builds the program and returns its path.
pub fn build(workspace: &Workspace, build: Build) -> Result<PathBuf, Error> {
    let mut target = workspace.root().join("target");
    let mut command = cargo(workspace);
    let whole = libtorch::is_there(workspace);
    if build == Build::Tests && whole {
        // With the features that all crates together need, as tests have it, or much is compiled again.
        command.args(["test", "--workspace", "--no-run"]);
    } else {
        command.args(["build", "--package", "nas-cli", "--bins"]);
        if build != Build::Installed {
            command.args(["--features", "spea2"]);
        }
    }
    if !whole {
        eprintln!("no libtorch here: building nas without it (`cargo xtask setup` provides one)");
        target.push("without-libtorch");
        command.arg("--no-default-features");
    }
    let profile = if build == Build::Tests { "debug" } else { "release" };
    if build != Build::Tests {
        command.arg("--release");
    }
    let ended = status(command.arg("--target-dir").arg(&target))?;
    if !ended.success() {
        let problem = format!("cargo ended with {ended}");
        return Err(Error::Step { step: "build the program nas", problem });
    }
    Ok(target.join(profile).join(format!("nas{}", env::consts::EXE_SUFFIX)))
}

/// Runs the program where a language model answers or its calls are replayed, and returns what it prints.
/// Nothing usable from the model is a result too. `what` is run in this step, in an error.
pub fn printed_with_model(
    nas: &mut Command,
    step: &'static str,
    what: &str,
) -> Result<Vec<u8>, Error> {
    let ran = output(nas)?;
    match ran.status.code() {
        Some(0 | NOTHING_FROM_MODEL) => Ok(ran.stdout),
        _ => Err(Error::Step { step, problem: format!("{what} ended with {}", ran.status) }),
    }
}

/// The program, and a hash of it that differs between builds.
pub struct Program {
    path: PathBuf,
    hash: u64,
}

impl Program {
    /// The program as it is built.
    pub fn built(workspace: &Workspace, how: Build) -> Result<Self, Error> {
        let path = build(workspace, how)?;
        // With libtorch `nas` is a starter, which stays as it is when the program changes.
        let program = path.with_file_name(format!("nas-program{}", env::consts::EXE_SUFFIX));
        let hashed = if libtorch::is_there(workspace) { program } else { path.clone() };
        let hash = hash(&fs::read(&hashed).map_err(Error::file(&hashed))?);
        Ok(Self { path, hash })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn hash(&self) -> u64 {
        self.hash
    }
}

/// A hash that is the same in each run of this build.
pub fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

/// The installed program, to be run in the workspace's root; its arguments are to follow.
pub fn installed(workspace: &Workspace) -> Result<Command, Error> {
    let mut command = Command::new(build(workspace, Build::Installed)?);
    command.current_dir(workspace.root());
    Ok(command)
}

/// Runs the installed program.
pub fn run(workspace: &Workspace, args: &[&str]) -> Result<ExitCode, Error> {
    status(installed(workspace)?.args(args)).map(exit_code)
}
