//! libtorch for the workspace: the user's own, a link to a PyTorch, or a download.

mod inspect;
pub mod python;
pub mod stamp;
pub mod wheels;

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::workspace::Workspace;
use stamp::{Source, Stamp};

/// The only version that the `tch` of this workspace accepts.
pub const VERSION: &str = "2.11.0";

/// Which libtorch is asked for.
pub enum Wanted {
    /// Whichever is there, else the CPU half.
    Any,
    /// One with the CUDA half.
    Cuda,
    /// A link to the PyTorch of this interpreter.
    Python(PathBuf),
}

/// Makes sure that builds find a whole libtorch, and says on stderr which.
///
/// A `LIBTORCH` that the user set is checked and otherwise left alone. What an earlier set-up left
/// is kept if its stamp and every file of it are there with the right size, else replaced.
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
    let present = Stamp::read(&home, VERSION).filter(|stamp| stamp.matches(&torch));
    if let Wanted::Python(python) = wanted {
        let package = python::torch_package(python)?;
        let source = Source::Link(package.clone());
        if present.is_some_and(|stamp| stamp.source() == &source) {
            say(&format!("libtorch {VERSION} is linked to {}", package.display()));
            return Ok(());
        }
        fs::create_dir_all(&home).map_err(Error::file(&home))?;
        clear(&home, &torch)?;
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
        say(&format!("the libtorch here {what}; setting it up anew"));
    }
    if !wheels::FIT {
        return Err(Error::NoRecipe);
    }
    wheels::set_up(if cuda { wheels::CUDA } else { wheels::CPU }, &home, &torch)?;
    say(&format!("libtorch {VERSION} is in {}", torch.display()));
    Ok(())
}

/// Removes an earlier set-up, its stamp first, so that half of it can never pass for all of it.
fn clear(home: &Path, torch: &Path) -> Result<(), Error> {
    Stamp::remove(home)?;
    match fs::symlink_metadata(torch) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(torch),
        Ok(_) => fs::remove_file(torch),
        Err(_) => Ok(()),
    }
    .map_err(Error::file(torch))
}

#[cfg(unix)]
fn link(package: &Path, torch: &Path) -> Result<(), Error> {
    std::os::unix::fs::symlink(package, torch).map_err(Error::file(torch))
}

#[cfg(windows)]
fn link(package: &Path, torch: &Path) -> Result<(), Error> {
    std::os::windows::fs::symlink_dir(package, torch).map_err(Error::file(torch))
}

pub fn say(message: &str) {
    eprintln!("setup: {message}");
}
