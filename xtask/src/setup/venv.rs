//! Python packages for tests and comparisons, each set in an environment of its own.

use std::path::PathBuf;
use std::process::Command;

use crate::error::Error;
use crate::workspace::Workspace;

/// Fails unless each package that is named is installed in its version.
const VERSIONS: &str = "\
import sys
from importlib.metadata import version
for package in sys.argv[1:]:
    name, wanted = package.split('==')
    # A local version, as of torch's builds, is one of the same release.
    assert version(name).split('+')[0] == wanted
";

/// Where the environment `target/<name>` is, and its Python.
fn place(workspace: &Workspace, name: &str) -> [PathBuf; 2] {
    let venv = workspace.root().join("target").join(name);
    let python = if cfg!(windows) { ["Scripts", "python.exe"] } else { ["bin", "python"] };
    let python = venv.join(python.iter().collect::<PathBuf>());
    [venv, python]
}

/// Packages as pip names them.
fn requirements(packages: &[(&str, &str)]) -> Vec<String> {
    packages.iter().map(|(name, version)| format!("{name}=={version}")).collect()
}

/// The Python of the environment `target/<name>`, if these packages (name and version of each) are there.
pub fn installed(workspace: &Workspace, name: &str, packages: &[(&str, &str)]) -> Option<PathBuf> {
    let [_, python] = place(workspace, name);
    let mut check = Command::new(&python);
    let checked = check.args(["-c", VERSIONS]).args(requirements(packages)).output();
    checked.is_ok_and(|output| output.status.success()).then_some(python)
}

/// The same, after installing the packages unless all of them are there.
pub fn python_with(
    workspace: &Workspace,
    name: &str,
    packages: &[(&str, &str)],
) -> Result<PathBuf, Error> {
    let [venv, python] = place(workspace, name);
    if installed(workspace, name, packages).is_none() {
        let packages = requirements(packages);
        eprintln!("Installing {} into {} ...", packages.join(", "), venv.display());
        let venv_module = ["-m", "venv", "--clear"];
        quietly(Command::new("python3").args(venv_module).arg(&venv), "make a Python venv")?;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        quietly(Command::new(&python).args(pip).args(packages), "install packages with pip")?;
    }
    Ok(python)
}

fn quietly(command: &mut Command, step: &'static str) -> Result<(), Error> {
    let output = command.output().map_err(|source| Error::Start {
        program: command.get_program().to_string_lossy().into_owned(),
        source,
    })?;
    if output.status.success() {
        return Ok(());
    }
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    Err(Error::Step { step, problem: text.trim().to_owned() })
}
