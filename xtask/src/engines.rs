//! The tests that need other software on the machine: Slurm, Ray, and Chromium.

use std::env;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::error::Error;
use crate::process::{cargo, exit_code, status};
use crate::workspace::Workspace;

/// Debian's packages, and a program of each by which it is known.
const PACKAGES: [(&str, &str); 4] = [
    ("slurm-wlm", "slurmctld"),
    ("munge", "munged"),
    ("chromium", "chromium"),
    ("procps", "pkill"),
];

/// From PyPI and from the npm registry.
const RAY: &str = "ray[default]==2.60.0";
const PLAYWRIGHT: &str = "playwright-core@1.64";

/// Sets up what is missing, the rest of it into `.engines/`, and runs the tests that the others leave
/// out.
pub fn test(workspace: &Workspace) -> Result<ExitCode, Error> {
    let folder = workspace.root().join(".engines");
    let missing = PACKAGES.iter().filter(|(_, program)| !is_there(program));
    let missing: Vec<&str> = missing.map(|(package, _)| *package).collect();
    if !missing.is_empty() {
        // A new machine has no list of packages.
        run(Command::new("apt-get").args(["update", "--quiet"]), "the list of packages")?;
        let install = ["install", "--yes", "--no-install-recommends"];
        run(Command::new("apt-get").args(install).args(&missing), &missing.join(", "))?;
    }
    let ray = folder.join("ray");
    if !ray.join("bin/ray").is_file() {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&ray), "Ray")?;
        run(Command::new(ray.join("bin/pip")).args(["install", "--quiet", RAY]), "Ray")?;
    }
    if !folder.join("node_modules/playwright-core").is_dir() {
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-save", PLAYWRIGHT, "--prefix"]).arg(&folder);
        run(&mut npm, "Playwright")?;
    }
    let mut command = cargo(workspace);
    command.args(["test", "-p", "nas-tests", "--test", "it", "engines::"]);
    // One after the other: each wants the whole machine.
    command.args(["--", "--ignored", "--test-threads=1"]).env("PEL_NAS_ENGINES", &folder);
    Ok(exit_code(status(&mut command)?))
}

/// Whether a program is found, also where only a superuser looks.
fn is_there(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    env::split_paths(&path).chain(system).any(|folder| folder.join(program).is_file())
}

fn run(command: &mut Command, what: &str) -> Result<(), Error> {
    let line = format!("{command:?}").replace('"', "");
    let problem = match status(command)? {
        status if status.success() => return Ok(()),
        status => format!("{line}: {status}"),
    };
    Err(Error::Engines { what: what.to_owned(), problem })
}
