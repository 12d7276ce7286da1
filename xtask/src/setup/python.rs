//! Python: the PyTorch of an interpreter to link to, and pip to download with.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::inspect;
use crate::error::Error;

/// Finds the package without importing it, which would take seconds.
const FIND_TORCH: &str = "import importlib.util as u; s = u.find_spec('torch'); \
                          print(s.submodule_search_locations[0] if s else '')";

/// The folder of the torch package of an interpreter, if it is of the right version.
pub fn torch_package(python: &Path) -> Result<PathBuf, Error> {
    let cannot = |problem: String| Error::PythonsTorch { python: python.to_path_buf(), problem };
    let output = Command::new(python)
        .args(["-c", FIND_TORCH])
        .output()
        .map_err(|source| cannot(format!("it does not start: {source}")))?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        return Err(cannot(format!("it fails with\n{}", message.trim_end())));
    }
    let package = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    if package.as_os_str().is_empty() {
        return Err(cannot("it has no module torch".to_owned()));
    }
    inspect::require_libtorch(&package)
        .map_err(|problem| cannot(format!("its torch is {}, {problem}", package.display())))?;
    Ok(package)
}

/// The Python 3 on the path, if it has pip.
pub fn with_pip() -> Result<&'static str, Error> {
    const PYTHON: &str = "python3";
    let output = Command::new(PYTHON)
        .args(["-m", "pip", "--version"])
        .output()
        .map_err(|_| Error::NoPip { problem: "there is no python3 on the path.".to_owned() })?;
    if output.status.success() {
        return Ok(PYTHON);
    }
    let message = String::from_utf8_lossy(&output.stderr);
    Err(Error::NoPip { problem: format!("`python3 -m pip` fails: {}", message.trim_end()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interpreter_that_is_not_there_is_named() {
        let error = torch_package(Path::new("/nowhere/python3")).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("/nowhere/python3"), "{text}");
        assert!(text.contains("2.11.0"), "{text}");
    }
}
