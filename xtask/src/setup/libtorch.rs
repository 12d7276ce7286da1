//! libtorch for the workspace: the user's own, a link to a PyTorch, or a download.

use std::fs;
use std::path::{Path, PathBuf};

use super::say::say;
use super::stamp::{Source, Stamp};
use super::{inspect, python, recipes, wheels};
use crate::error::Error;
use crate::versions::LIBTORCH as VERSION;
use crate::workspace::Workspace;

/// Which libtorch is requested.
pub enum Wanted {
    /// Any that is there, else the CPU half.
    Any,
    /// One with the CUDA half.
    Cuda,
    /// A link to the PyTorch of this interpreter.
    Python(PathBuf),
}

/// Whether builds find a complete libtorch: the user's own, or what set-up has put there.
pub fn is_there(workspace: &Workspace) -> bool {
    match workspace.users_libtorch() {
        Some(path) => inspect::require_libtorch(&path).is_ok(),
        None => present(workspace).is_some(),
    }
}

/// The stamp of a complete libtorch that set-up has put there.
fn present(workspace: &Workspace) -> Option<Stamp> {
    let stamp = Stamp::read(&workspace.libtorch_home(), VERSION)?;
    stamp.matches(&workspace.libtorch()).then_some(stamp)
}

/// Makes sure that builds find a complete libtorch, and prints to standard error which.
///
/// A `LIBTORCH` that the user has set is checked and used as it is. What an earlier set-up has put
/// there is kept if its stamp is there and every file has the right size; otherwise it is replaced.
pub fn set_up(workspace: &Workspace, wanted: &Wanted) -> Result<(), Error> {
    if let Some(path) = workspace.users_libtorch() {
        inspect::require_libtorch(&path)
            .map_err(|problem| Error::UsersLibtorch { path: path.clone(), problem })?;
        say(&format!("using the libtorch of LIBTORCH, {}", path.display()));
        if !matches!(wanted, Wanted::Any) {
            say("--python and --cuda have no effect while LIBTORCH is set");
        }
        return Ok(());
    }
    let home = workspace.libtorch_home();
    let torch = workspace.libtorch();
    let present = present(workspace);
    if let Wanted::Python(python) = wanted {
        let package = python::torch_package(python)?;
        let source = Source::Link(package.clone());
        if present.is_some_and(|stamp| stamp.source() == &source) {
            say(&format!("libtorch {VERSION} is linked to {}", package.display()));
            return Ok(());
        }
        fs::create_dir_all(&home).map_err(Error::file(&home))?;
        Stamp::clear(&home, &torch)?;
        link(&package, &torch)?;
        Stamp::of_link(package.clone(), VERSION, &torch).write(&home)?;
        say(&format!("linked libtorch {VERSION} to {}", package.display()));
        return Ok(());
    }
    let cuda = matches!(wanted, Wanted::Cuda);
    if let Some(stamp) = present
        && (!cuda || *stamp.source() == Source::CudaWheels)
    {
        say(&format!("libtorch {VERSION} is in {}", torch.display()));
        return Ok(());
    }
    if fs::symlink_metadata(&torch).is_ok() {
        let what = if cuda { "has no CUDA half, or is incomplete" } else { "is incomplete" };
        say(&format!("the libtorch here {what}; setting it up again"));
    }
    if !recipes::FIT {
        return Err(Error::NoRecipe);
    }
    wheels::set_up(if cuda { recipes::CUDA } else { recipes::CPU }, &home, &torch)?;
    say(&format!("libtorch {VERSION} is in {}", torch.display()));
    Ok(())
}

#[cfg(unix)]
fn link(package: &Path, torch: &Path) -> Result<(), Error> {
    std::os::unix::fs::symlink(package, torch).map_err(Error::file(torch))
}

#[cfg(windows)]
fn link(package: &Path, torch: &Path) -> Result<(), Error> {
    std::os::windows::fs::symlink_dir(package, torch).map_err(Error::file(torch))
}
