//! PyTorch for the tests of exported networks and for comparisons, in the versions that the script beside
//! exported modules names.

use std::path::PathBuf;

use super::say::say;
use super::venv;
use crate::error::Error;
use crate::workspace::Workspace;

const SCRIPT: &str = include_str!("../../../crates/nas-cli/src/commands/export/train.py");

/// The environment's name.
const NAME: &str = "pytorch";

/// The script's packages with their versions.
fn packages() -> Vec<(&'static str, &'static str)> {
    let list = SCRIPT.lines().find_map(|line| line.strip_prefix("# dependencies = ["));
    let list = list.unwrap_or_default().trim_end_matches(']').split(", ");
    list.filter_map(|package| package.trim_matches('"').split_once("==")).collect()
}

/// The Python that has it; it is installed where it is not.
pub fn set_up(workspace: &Workspace) -> Result<PathBuf, Error> {
    let python = venv::python_with(workspace, NAME, &packages())?;
    say(&format!("PyTorch is in {}", python.display()));
    Ok(python)
}

/// The Python that has it, if it is installed.
pub fn installed(workspace: &Workspace) -> Option<PathBuf> {
    venv::installed(workspace, NAME, &packages())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::versions::LIBTORCH;

    #[test]
    fn the_script_names_the_pytorch_of_this_workspace() {
        assert!(packages().contains(&("torch", LIBTORCH)), "{:?}", packages());
        assert_eq!(packages().len(), 4);
    }
}
