//! Runs cargo and other programs.

use std::env;
use std::ffi::OsString;
use std::io;
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

/// Runs a command to its end with this process's input and output.
pub fn status(command: &mut Command) -> Result<ExitStatus, Error> {
    command.status().map_err(|source| not_started(command, source))
}

/// Runs a command to its end, returns what it prints to standard output, and shows the rest.
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
