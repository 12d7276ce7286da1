//! Whether a folder is a libtorch of the right version.

use std::fs;
use std::path::Path;

use crate::versions::LIBTORCH as VERSION;

/// The name of the main library on the three systems that `tch` supports.
pub const LIBRARIES: [&str; 3] =
    ["lib/libtorch_cpu.so", "lib/libtorch_cpu.dylib", "lib/torch_cpu.lib"];

/// The header with the version numbers.
pub const VERSION_HEADER: &str = "include/torch/headeronly/version.h";

/// Checks the main library and the version in the headers; an error is what is wrong.
pub fn require_libtorch(folder: &Path) -> Result<(), String> {
    if folder.as_os_str().is_empty() {
        return Err("an empty path".to_owned());
    }
    if !folder.is_absolute() {
        return Err("which is not an absolute path".to_owned());
    }
    if !LIBRARIES.iter().any(|library| folder.join(library).is_file()) {
        return Err(format!("which holds no {}", LIBRARIES[0]));
    }
    let header = fs::read_to_string(folder.join(VERSION_HEADER))
        .map_err(|_| format!("which holds no {VERSION_HEADER} of torch {VERSION}"))?;
    match version(&header) {
        Some(found) if found == VERSION => Ok(()),
        Some(found) => Err(format!("which is torch {found}")),
        None => Err(format!("whose {VERSION_HEADER} names no version")),
    }
}

fn version(header: &str) -> Option<String> {
    let number = |part: &str| {
        let name = format!("TORCH_VERSION_{part}");
        header.lines().find_map(|line| {
            let mut words = line.split_whitespace();
            (words.next() == Some("#define") && words.next() == Some(&name))
                .then(|| words.next())
                .flatten()
        })
    };
    Some(format!("{}.{}.{}", number("MAJOR")?, number("MINOR")?, number("PATCH")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(major: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("lib")).unwrap();
        fs::create_dir_all(folder.path().join("include/torch/headeronly")).unwrap();
        fs::write(folder.path().join("lib/libtorch_cpu.so"), "ELF").unwrap();
        let header = format!(
            "#define TORCH_VERSION_MAJOR {major}\n#define TORCH_VERSION_MINOR 11\n\
             #define TORCH_VERSION_PATCH 0\n#define TORCH_VERSION \"{major}.11.0\"\n"
        );
        fs::write(folder.path().join(VERSION_HEADER), header).unwrap();
        folder
    }

    #[test]
    fn the_right_version_passes() {
        assert_eq!(require_libtorch(folder("2").path()), Ok(()));
    }

    #[test]
    fn another_version_is_named() {
        let problem = require_libtorch(folder("1").path()).unwrap_err();
        assert!(problem.contains("torch 1.11.0"), "{problem}");
    }

    #[test]
    fn a_folder_without_the_library_is_refused() {
        let folder = folder("2");
        fs::remove_file(folder.path().join("lib/libtorch_cpu.so")).unwrap();
        let problem = require_libtorch(folder.path()).unwrap_err();
        assert!(problem.contains("lib/libtorch_cpu.so"), "{problem}");
    }

    #[test]
    fn a_relative_path_is_refused() {
        // Build scripts run in each crate's own folder, where it would mean something else.
        let problem = require_libtorch(Path::new("libtorch")).unwrap_err();
        assert!(problem.contains("absolute"), "{problem}");
    }
}
