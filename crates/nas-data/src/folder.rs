//! Folders of images by class.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::dataset::{Example, PartName};
use crate::files::EXTENSIONS;
use crate::{Error, cifar};

/// Image files with their classes, by part.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    pub classes: Vec<String>,
    pub files: Vec<PathBuf>,
    pub train: Vec<Example>,
    pub validation: Vec<Example>,
    pub test: Vec<Example>,
    /// Other files, by extension.
    pub others: BTreeMap<String, usize>,
}

/// Names of the folders of each part.
const TRAIN: [&str; 2] = ["train", "training"];
const VALIDATION: [&str; 3] = ["val", "valid", "validation"];
const TEST: [&str; 1] = ["test"];

/// Lists `path/CLASS/…`, or `path/train/CLASS/…` beside `path/val/CLASS/…` and `path/test/CLASS/…`, in
/// alphabetical order. Folders within a class belong to it.
pub(crate) fn list(path: &Path) -> Result<Listed, Error> {
    let mut listed = Listed::default();
    let folders = folders(path)?;
    let part = |names: &[&str]| {
        let found = folders.iter().find(|(name, _)| names.contains(&name.as_str()));
        found.map(|(_, folder)| folder.as_path())
    };
    let Some(train) = part(&TRAIN) else {
        listed.train = listed.part(path, path, PartName::Train)?;
        return Ok(listed);
    };
    listed.train = listed.part(path, train, PartName::Train)?;
    if let Some(validation) = part(&VALIDATION) {
        listed.validation = listed.part(path, validation, PartName::Validation)?;
    }
    if let Some(test) = part(&TEST) {
        listed.test = listed.part(path, test, PartName::Test)?;
    }
    Ok(listed)
}

/// The folders in a folder, by name.
fn folders(path: &Path) -> Result<Vec<(String, PathBuf)>, Error> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(path).map_err(Error::read(path))? {
        let entry = entry.map_err(Error::read(path))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') && entry.path().is_dir() {
            folders.push((name, entry.path()));
        }
    }
    folders.sort();
    Ok(folders)
}

impl Listed {
    /// Adds the files of a part. Its classes are those of the training part, which is added first.
    fn part(&mut self, path: &Path, part: &Path, name: PartName) -> Result<Vec<Example>, Error> {
        let found = folders(part)?;
        if found.is_empty() {
            let problem = if cifar::files_of(part)?.is_some() {
                "a folder of CIFAR's files within another"
            } else {
                "a folder without folders"
            };
            return Err(Error::Unknown { path: part.to_owned(), problem: problem.to_owned() });
        }
        if name == PartName::Train {
            self.classes = found.iter().map(|(class, _)| class.clone()).collect();
            check_names(path, &self.classes)?;
        }
        let mut examples = Vec::new();
        for (class, folder) in found {
            let label = self.classes.iter().position(|known| *known == class).ok_or_else(|| {
                Error::UnknownClass { path: path.to_owned(), class: class.clone(), part: name }
            })?;
            let first = self.files.len();
            self.files_in(&folder)?;
            if self.files.len() == first && name == PartName::Train {
                let (path, what) = (folder, "PNG or JPEG files");
                return Err(Error::EmptyClass { path, class, what });
            }
            self.files[first..].sort();
            examples.extend(
                (first..self.files.len()).map(|at| Example { at: at as u32, label: label as u32 }),
            );
        }
        Ok(examples)
    }

    /// Adds the image files in a folder and the folders in it. A link to a folder is not followed, so that
    /// no circle is.
    fn files_in(&mut self, folder: &Path) -> Result<(), Error> {
        for entry in fs::read_dir(folder).map_err(Error::read(folder))? {
            let entry = entry.map_err(Error::read(folder))?;
            let path = entry.path();
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            if entry.file_type().map_err(Error::read(&path))?.is_dir() {
                self.files_in(&path)?;
                continue;
            }
            let extension = path.extension().map(|end| end.to_string_lossy().to_lowercase());
            let extension = extension.unwrap_or_default();
            if EXTENSIONS.contains(&extension.as_str()) {
                self.files.push(path);
            } else {
                *self.others.entry(extension).or_default() += 1;
            }
        }
        Ok(())
    }
}

/// Refuses names that some file systems and people take for one.
fn check_names(path: &Path, classes: &[String]) -> Result<(), Error> {
    let mut seen: BTreeMap<String, &String> = BTreeMap::new();
    for class in classes {
        if let Some(first) = seen.insert(class.to_lowercase(), class) {
            return Err(Error::ClassesByCase {
                path: path.to_owned(),
                first: first.clone(),
                second: class.clone(),
            });
        }
    }
    Ok(())
}
