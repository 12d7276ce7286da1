//! Cargo, called again.

use std::env;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitCode, ExitStatus, Output, Stdio};

use crate::error::Error;
use crate::workspace::Workspace;

/// The cargo that runs this xtask, in the workspace's root.
pub fn cargo(workspace: &Workspace) -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    command.current_dir(workspace.root());
    command
}

/// The program `nas`, built with optimisation; its arguments are to follow.
pub fn nas(workspace: &Workspace, build: &[&str]) -> Command {
    let mut command = cargo(workspace);
    command.args(["run", "--release", "--package", "nas-cli", "--bin", "nas"]);
    command.args(build).arg("--");
    command
}

/// Builds the program `nas` with optimisation, without libtorch, and returns its path.
pub fn built_nas(workspace: &Workspace) -> Result<PathBuf, Error> {
    build_nas(workspace, &["--release", "--no-default-features"], "release")
}

/// Builds the program `nas` with optimisation and with libtorch, in the other's place, and returns its
/// path.
pub fn measuring_nas(workspace: &Workspace) -> Result<PathBuf, Error> {
    build_nas(workspace, &["--release"], "release")
}

/// Builds the program `nas` as tests do, and returns its path.
pub fn dev_nas(workspace: &Workspace) -> Result<PathBuf, Error> {
    build_nas(workspace, &[], "debug")
}

fn build_nas(workspace: &Workspace, how: &[&str], folder: &str) -> Result<PathBuf, Error> {
    let mut command = cargo(workspace);
    command.args(["build", "--quiet", "--package", "nas-cli"]).args(how);
    eprintln!("building nas ({folder}); the first time this takes minutes");
    let ended = status(&mut command)?;
    if !ended.success() {
        let problem = format!("cargo ended with {ended}");
        return Err(Error::Bench { step: "build the program nas", problem });
    }
    let program = format!("nas{}", env::consts::EXE_SUFFIX);
    Ok(workspace.root().join("target").join(folder).join(program))
}

/// Builds the program `nas` with optimisation and runs it.
pub fn run_nas(workspace: &Workspace, build: &[&str], args: &[&str]) -> Result<ExitCode, Error> {
    status(nas(workspace, build).args(args)).map(exit_code)
}

/// Runs a command to its end with this process's input and output.
pub fn status(command: &mut Command) -> Result<ExitStatus, Error> {
    command.status().map_err(|source| not_started(command, source))
}

/// Runs a command to its end, keeps what it prints as its result, and shows the rest.
pub fn output(command: &mut Command) -> Result<Output, Error> {
    command.stderr(Stdio::inherit()).output().map_err(|source| not_started(command, source))
}

fn not_started(command: &Command, source: io::Error) -> Error {
    Error::Start { program: command.get_program().to_string_lossy().into_owned(), source }
}

/// The exit code to pass on; a command that a signal ended counts as a plain failure.
pub fn exit_code(status: ExitStatus) -> ExitCode {
    match status.code() {
        Some(code) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
        None => ExitCode::FAILURE,
    }
}
