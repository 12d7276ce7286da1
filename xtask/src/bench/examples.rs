//! Benchmarks that are examples of a crate, so that xtask itself stays free of what they link:
//! `cargo xtask bench tables` opens the compiled NAS-Bench-201 table and looks up every cell,
//! `cargo xtask bench growth` searches FBNet with more and more evaluations.

use std::process::ExitCode;

use crate::error::Error;
use crate::process::{cargo, exit_code, status};
use crate::workspace::Workspace;

pub fn run(workspace: &Workspace, package: &str, example: &str) -> Result<ExitCode, Error> {
    let mut command = cargo(workspace);
    command.args(["run", "--quiet", "--release", "--no-default-features"]);
    command.args(["--package", package, "--example", example]);
    status(&mut command).map(exit_code)
}
