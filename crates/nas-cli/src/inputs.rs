//! Fingerprints of the files that results depend on, so that work which is taken up again finds them
//! unchanged.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use nas_bench::fingerprint;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// A file that results depend on, as it was when the work began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The option that names it, or what it contains.
    pub what: String,
    pub file: PathBuf,
    pub bytes: u64,
    pub sha256: String,
}

/// An input that has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub then: Input,
    pub now: Input,
}

impl Input {
    /// The fingerprint of a file.
    pub fn of(what: &str, file: &Path) -> Result<Self, Failure> {
        let (bytes, sha256) =
            fingerprint(file).map_err(|error| Failure::file("read", file, &error))?;
        Ok(Self { what: what.to_owned(), file: file.to_path_buf(), bytes, sha256 })
    }
}

/// The inputs that are no longer as they were.
pub fn changes(inputs: &[Input]) -> Result<Vec<Change>, Failure> {
    let mut changes = Vec::new();
    for then in inputs {
        let now = Input::of(&then.what, &then.file)?;
        if now != *then {
            changes.push(Change { then: then.clone(), now });
        }
    }
    Ok(changes)
}

/// Changed inputs in words, a line for each.
pub fn in_words(changes: &[Change]) -> String {
    let mut text = String::new();
    for Change { then, now } in changes {
        let _ = write!(
            text,
            "\n  {} ({}): {} bytes, SHA-256 {:.12}… then; {} bytes, {:.12}… now",
            then.file.display(),
            then.what,
            then.bytes,
            then.sha256,
            now.bytes,
            now.sha256,
        );
    }
    text
}

/// The files that a command line names.
pub fn files_of(command: &str) -> impl Iterator<Item = &Path> {
    let words = command.split_whitespace().map(|word| word.trim_matches(['"', '\'']));
    words.map(Path::new).filter(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_the_content_is_found_and_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("t.csv");
        std::fs::write(&file, "1,2\n").unwrap();
        let before = [Input::of("--latency-table", &file).unwrap()];
        assert_eq!(changes(&before).unwrap(), []);
        std::fs::write(&file, "2,4\n").unwrap();
        let found = changes(&before).unwrap();
        let text = in_words(&found);
        for expected in ["t.csv (--latency-table): 4 bytes", "then; 4 bytes", "now"] {
            assert!(text.contains(expected), "{text}");
        }
        // A damaged fingerprint is a change like any other.
        let damaged = [Input { sha256: "ä".to_owned(), ..before[0].clone() }];
        assert!(in_words(&changes(&damaged).unwrap()).contains("SHA-256 ä… then"));
        std::fs::remove_file(&file).unwrap();
        assert!(changes(&before).is_err());
    }

    #[test]
    fn a_commands_files_are_its_words_that_exist() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("train.py");
        std::fs::write(&file, "").unwrap();
        let command = format!("python3 '{}' --epochs 3", file.display());
        assert_eq!(files_of(&command).collect::<Vec<_>>(), [file.as_path()]);
    }
}
