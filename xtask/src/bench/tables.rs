//! `cargo xtask bench tables`: opening the compiled NAS-Bench-201 table and looking up every
//! cell. It runs an example of nas-bench, so that xtask itself stays free of an HTTP client.

use std::process::ExitCode;

use crate::cargo::{cargo, exit_code, status};
use crate::error::Error;
use crate::workspace::Workspace;

pub fn run(workspace: &Workspace) -> Result<ExitCode, Error> {
    let mut command = cargo(workspace);
    command.args(["run", "--quiet", "--release", "--package", "nas-bench"]);
    command.args(["--example", "table_access"]);
    status(&mut command).map(exit_code)
}
