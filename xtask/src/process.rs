//! Runs cargo and other programs.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::process::{Command, ExitCode, ExitStatus, Output, Stdio};

use crate::error::Error;
use crate::workspace::Workspace;

/// The cargo that runs this xtask, in the workspace's root.
pub fn cargo(workspace: &Workspace) -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    command.current_dir(workspace.root());
    for (name, _) in env::vars_os().filter(|(name, _)| is_of_this_package(name)) {
        command.env_remove(name);
    }
    command
}

/// Whether cargo sets a variable for the package that it runs, this one. Build scripts run again when those
/// change (that of `ring` does), and what depends on them is compiled again.
fn is_of_this_package(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_"]
        .iter()
        .any(|of| name.starts_with(of))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Tests run with them too.
    #[test]
    fn cargo_is_run_without_the_variables_of_this_package() {
        let workspace = Workspace::find().unwrap();
        let command = cargo(&workspace);
        let removed: Vec<_> = command.get_envs().filter(|(_, value)| value.is_none()).collect();
        assert!(removed.iter().any(|(name, _)| *name == "CARGO_PKG_NAME"), "{removed:?}");
        assert!(!is_of_this_package("CARGO_HOME".as_ref()));
    }
}
