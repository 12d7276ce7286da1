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

/// The files that a command line names: as words of it, after `=` or a comma, as modules of Python
/// (`-m NAME`), in the working directory and in those that it changes to.
pub fn files_of(command: &str) -> Vec<PathBuf> {
    let mut folders = vec![PathBuf::new()];
    let mut files: Vec<PathBuf> = Vec::new();
    let mut before = String::new();
    for word in words(command) {
        if before == "cd" {
            let folder = folders.last().map_or_else(PathBuf::new, |folder| folder.join(&word));
            folders.push(folder);
        }
        let module = word.replace('.', "/");
        let modules = [format!("{module}.py"), format!("{module}/__main__.py")];
        let named = word.split(['=', ',']).chain([word.as_str()]);
        let modules = modules.iter().map(String::as_str).filter(|_| before == "-m");
        for name in named.chain(modules) {
            let local = ["$PWD/", "${PWD}/"].iter().find_map(|pwd| name.strip_prefix(pwd));
            let name = local.unwrap_or(name);
            let found = folders.iter().map(|folder| folder.join(name));
            for file in found.filter(|file| file.is_file()) {
                if !files.contains(&file) {
                    files.push(file);
                }
            }
        }
        before = word;
    }
    files
}

/// The words of a command line as a shell reads it, without its operators.
pub fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    let mut characters = command.chars();
    while let Some(c) = characters.next() {
        let last = words.len() - 1;
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (None | Some('"'), '\\') => words[last].extend(characters.next()),
            (None, c) if c.is_whitespace() || ";&|<>()`".contains(c) => words.push(String::new()),
            _ => words[last].push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
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
    fn a_commands_files_are_found_however_it_names_them() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        std::fs::create_dir_all(here.join("sub/package")).unwrap();
        for file in ["train.py", "my train.py", "data.csv", "sub/t.py", "sub/package/__main__.py"] {
            std::fs::write(here.join(file), "").unwrap();
        }
        for (command, expected) in [
            ("python3 train.py --epochs 3", vec!["train.py"]),
            ("python3 'my train.py'", vec!["my train.py"]),
            ("python3 \"my train.py\"", vec!["my train.py"]),
            ("python3 my\\ train.py", vec!["my train.py"]),
            ("(python3 train.py)", vec!["train.py"]),
            ("python3 train.py; true", vec!["train.py"]),
            ("python3 train.py<&0 2>&1|cat", vec!["train.py"]),
            ("cat < data.csv | python3 train.py", vec!["data.csv", "train.py"]),
            ("python3 train.py --data=data.csv", vec!["train.py", "data.csv"]),
            ("DATA=data.csv python3 train.py", vec!["data.csv", "train.py"]),
            ("run data.csv,train.py", vec!["data.csv", "train.py"]),
            ("cd sub && python3 t.py", vec!["sub/t.py"]),
            ("python3 -m train", vec!["train.py"]),
            ("cd sub; python3 -m package", vec!["sub/package/__main__.py"]),
            ("python3 nosuch.py", vec![]),
        ] {
            let expected: Vec<PathBuf> = expected.iter().map(|file| here.join(file)).collect();
            // As if it was started there.
            let command = format!("cd '{}'; {command}", here.display());
            assert_eq!(files_of(&command), expected, "{command}");
        }
        let command = format!("python3 '{}'", here.join("train.py").display());
        assert_eq!(files_of(&command), [here.join("train.py")]);
    }
}
