//! The record of a finished set-up, by which a later one checks that all of it is still there.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::inspect;
use crate::error::Error;

/// Raised whenever set-up puts other files there, so that older set-ups are redone.
const RECIPE: u32 = 1;

const FILE: &str = "set-up.json";

/// Where the files came from.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// Unpacked from wheels, the CPU half.
    Wheels,
    /// Unpacked from wheels, both halves.
    CudaWheels,
    /// A link to the torch package of a Python.
    Link(PathBuf),
}

/// Written after everything else: recipe, source, and the size in bytes of every file.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    recipe: u32,
    version: String,
    source: Source,
    files: BTreeMap<PathBuf, u64>,
}

impl Stamp {
    /// The stamp of what was unpacked from wheels: every file below a folder.
    pub fn of_wheels(source: Source, version: &str, unpacked: &Path) -> Result<Self, Error> {
        let mut files = BTreeMap::new();
        let mut folders = vec![unpacked.to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).map_err(Error::file(&folder))? {
                let path = entry.map_err(Error::file(&folder))?.path();
                let found = fs::metadata(&path).map_err(Error::file(&path))?;
                if found.is_dir() {
                    folders.push(path);
                } else if let Ok(inside) = path.strip_prefix(unpacked) {
                    files.insert(inside.to_path_buf(), found.len());
                }
            }
        }
        Ok(Self::new(source, version, files))
    }

    /// The stamp of a link: the file with the version and the main library, whichever of its names
    /// it has on this system.
    pub fn of_link(package: PathBuf, version: &str, torch: &Path) -> Self {
        let mut files = BTreeMap::new();
        for name in inspect::LIBRARIES.iter().chain([&inspect::VERSION_HEADER]) {
            if let Ok(found) = fs::metadata(torch.join(name)) {
                files.insert(PathBuf::from(name), found.len());
            }
        }
        Self::new(Source::Link(package), version, files)
    }

    fn new(source: Source, version: &str, files: BTreeMap<PathBuf, u64>) -> Self {
        Self { recipe: RECIPE, version: version.to_owned(), source, files }
    }

    /// The stamp in `home`; none if it is missing, unreadable or of another recipe or version.
    pub fn read(home: &Path, version: &str) -> Option<Self> {
        let text = fs::read_to_string(home.join(FILE)).ok()?;
        let stamp: Self = serde_json::from_str(&text).ok()?;
        (stamp.recipe == RECIPE && stamp.version == version).then_some(stamp)
    }

    /// Whether every file below a folder has its size, and a link still has its target.
    pub fn matches(&self, folder: &Path) -> bool {
        let link = match &self.source {
            Source::Wheels | Source::CudaWheels => fs::read_link(folder).is_err(),
            Source::Link(package) => fs::read_link(folder).is_ok_and(|target| target == *package),
        };
        link && self.files.iter().all(|(name, size)| {
            fs::metadata(folder.join(name)).is_ok_and(|found| found.len() == *size)
        })
    }

    /// Where the files came from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Writes the stamp, all of it or nothing.
    pub fn write(&self, home: &Path) -> Result<(), Error> {
        let path = home.join(FILE);
        let file = tempfile::NamedTempFile::new_in(home).map_err(Error::file(home))?;
        serde_json::to_writer(&file, self)
            .map_err(|error| Error::file(&path)(std::io::Error::from(error)))?;
        file.persist(&path).map_err(|error| Error::file(&path)(error.error))?;
        Ok(())
    }

    /// Removes an earlier set-up, its stamp first, so that half of it is never taken for all of it.
    pub fn clear(home: &Path, place: &Path) -> Result<(), Error> {
        Self::remove(home)?;
        match fs::symlink_metadata(place) {
            Ok(found) if found.is_dir() => fs::remove_dir_all(place),
            Ok(_) => fs::remove_file(place),
            Err(_) => Ok(()),
        }
        .map_err(Error::file(place))
    }

    /// Removes the stamp, if any.
    pub fn remove(home: &Path) -> Result<(), Error> {
        let path = home.join(FILE);
        if path.exists() {
            fs::remove_file(&path).map_err(Error::file(&path))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION: &str = "1.2.3";

    fn set_up() -> (tempfile::TempDir, PathBuf) {
        let home = tempfile::tempdir().unwrap();
        let torch = home.path().join("torch");
        fs::create_dir_all(torch.join("lib")).unwrap();
        fs::write(torch.join("lib/libtorch_cpu.so"), "library").unwrap();
        fs::write(torch.join("build-version"), VERSION).unwrap();
        Stamp::of_wheels(Source::Wheels, VERSION, &torch).unwrap().write(home.path()).unwrap();
        (home, torch)
    }

    fn whole(home: &Path, torch: &Path) -> bool {
        Stamp::read(home, VERSION).is_some_and(|stamp| stamp.matches(torch))
    }

    #[test]
    fn what_was_written_is_found_whole() {
        let (home, torch) = set_up();
        assert!(whole(home.path(), &torch));
    }

    #[test]
    fn a_truncated_file_is_noticed() {
        let (home, torch) = set_up();
        fs::write(torch.join("lib/libtorch_cpu.so"), "lib").unwrap();
        assert!(!whole(home.path(), &torch));
    }

    #[test]
    fn a_missing_file_is_noticed() {
        let (home, torch) = set_up();
        fs::remove_file(torch.join("build-version")).unwrap();
        assert!(!whole(home.path(), &torch));
    }

    #[test]
    fn a_missing_or_damaged_stamp_is_noticed() {
        let (home, torch) = set_up();
        fs::write(home.path().join(FILE), "{\"recipe\": 1,").unwrap();
        assert!(!whole(home.path(), &torch));
        Stamp::remove(home.path()).unwrap();
        assert!(!whole(home.path(), &torch));
    }

    #[test]
    fn another_version_is_redone() {
        let (home, _) = set_up();
        assert_eq!(Stamp::read(home.path(), "1.2.4"), None);
    }

    #[test]
    fn another_recipe_is_redone() {
        let (home, torch) = set_up();
        let path = home.path().join(FILE);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("\"recipe\":1", "\"recipe\":0")).unwrap();
        assert!(!whole(home.path(), &torch));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_with_another_target_is_noticed() {
        let (home, torch) = set_up();
        let linked = home.path().join("linked");
        std::os::unix::fs::symlink(&torch, &linked).unwrap();
        let stamp = Stamp::of_link(torch.clone(), VERSION, &linked);
        assert!(stamp.matches(&linked));
        assert!(!stamp.matches(&torch), "a folder is not the link");
        fs::remove_file(&linked).unwrap();
        std::os::unix::fs::symlink(home.path(), &linked).unwrap();
        assert!(!stamp.matches(&linked));
    }
}
