//! ONNX Runtime for the workspace, and the checker of the ONNX format that tests use.

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

use super::say::say;
use super::stamp::Stamp;
use super::{python, recipes, wheels};
use crate::error::Error;
use crate::process::output;
use crate::versions::ONNX_RUNTIME as VERSION;
use crate::workspace::Workspace;

/// The package with the checker, as pip names it.
const CHECKER: &str = "onnx==1.23.2";

/// Makes sure that the library is where `.cargo/config.toml` expects it, unless the user has set
/// another.
pub fn set_up(workspace: &Workspace) -> Result<(), Error> {
    let home = workspace.onnxruntime_home();
    let place = home.join("lib");
    let library = place.join("libonnxruntime.so");
    // Cargo sets the variable itself, from `.cargo/config.toml`, where the user has not.
    let named = env::var_os("ORT_DYLIB_PATH").map(PathBuf::from);
    if let Some(named) = named.filter(|named| *named != library) {
        say(&format!("using the ONNX Runtime of ORT_DYLIB_PATH, {}", named.display()));
        return Ok(());
    }
    if Stamp::read(&home, VERSION).is_none_or(|stamp| !stamp.matches(&place)) {
        if !recipes::FIT {
            return Err(Error::NoOnnxRecipe);
        }
        wheels::set_up(recipes::ONNX, &home, &place)?;
    }
    say(&format!("ONNX Runtime {VERSION} is in {}", place.display()));
    Ok(())
}

/// [`set_up`], and a folder of Python packages with the format's checker, 40 MB to download.
pub fn set_up_for_tests(workspace: &Workspace) -> Result<PathBuf, Error> {
    set_up(workspace)?;
    let python = python::with_pip()?;
    let home = workspace.onnxruntime_home();
    let packages = home.join("python");
    let imported = Command::new(python)
        .args(["-c", "import onnx; print('onnx==' + onnx.__version__)"])
        .env("PYTHONPATH", &packages)
        .output();
    let imported = imported.map_err(|source| Error::Start { program: python.into(), source })?;
    if String::from_utf8_lossy(&imported.stdout).trim() == CHECKER {
        return Ok(packages);
    }
    say(&format!("installing {CHECKER} with pip into {}", packages.display()));
    fs::create_dir_all(&home).map_err(Error::file(&home))?;
    let staging = tempfile::tempdir_in(&home).map_err(Error::file(&home))?;
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "install", "--quiet", "--no-cache-dir", "--disable-pip-version-check"]);
    pip.args(["--only-binary", ":all:", "--target"]).arg(staging.path()).arg(CHECKER);
    // pip warns that a superuser could write everywhere, which --target does not.
    pip.env("PIP_ROOT_USER_ACTION", "ignore");
    let ended = output(&mut pip)?;
    if !ended.status.success() {
        let output = String::from_utf8_lossy(&ended.stdout).into_owned();
        return Err(Error::Download { what: CHECKER.to_owned(), output });
    }
    if packages.exists() {
        fs::remove_dir_all(&packages).map_err(Error::file(&packages))?;
    }
    fs::rename(staging.keep(), &packages).map_err(Error::file(&packages))?;
    Ok(packages)
}
