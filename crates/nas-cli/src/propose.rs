//! The option with a user's own searcher.

use std::path::Path;

use clap::ValueEnum;
use nas_eval::{Problem, SearcherProgram};
use serde::{Deserialize, Serialize};

use crate::{
    evaluate::{TIMEOUT, time_limit},
    inputs::{files_of, words},
    searcher::Searcher,
    terminal::note,
};

/// The option.
pub const PROPOSE: &str = "--propose";

/// Names of proposers that are no searchers, and of the exact front.
const RESERVED: [&str; 2] = ["known", "exact"];

/// A user's own searcher, as it is typed: a command, or `NAME: COMMAND`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnSearcher {
    pub searcher: Searcher,
    pub command: String,
}

/// A user's own searcher, resolved; its name is the plan's searcher.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProposePlan {
    pub command: String,
    pub timeout_seconds: f64,
}

impl OwnSearcher {
    /// Reads a command with its name, which is that of its first file unless it is named; for clap.
    pub fn parse(text: &str) -> Result<Self, String> {
        let named = text.split_once(": ").filter(|(name, _)| is_name(name));
        let (name, command) = match named {
            Some((name, command)) => (name.to_owned(), command.trim()),
            None => (default_name(text), text.trim()),
        };
        if command.is_empty() {
            return Err("the command is empty: expected one as a shell reads it, for example \"python3 searcher.py\"".to_owned());
        }
        let is_taken = |one: &Searcher| one.name() == name;
        if Searcher::value_variants().iter().any(is_taken) || RESERVED.contains(&&*name) {
            return Err(format!(
                "`{name}` is the name of another searcher: name yours before the command, as in \"my-{name}: {command}\""
            ));
        }
        Ok(Self { searcher: Searcher::own(name), command: command.to_owned() })
    }

    /// With the default time limit.
    pub fn plan(&self) -> ProposePlan {
        ProposePlan { command: self.command.clone(), timeout_seconds: TIMEOUT.0 / 1e3 }
    }
}

impl ProposePlan {
    /// The proposer, of this name.
    pub fn build(&self, name: &str, problem: &Problem, seed: u64) -> SearcherProgram {
        let timeout = time_limit(self.timeout_seconds);
        SearcherProgram::new(name, self.command.clone(), problem.space, seed, timeout, note)
    }
}

/// Whether a text can be the name of a searcher, and of a folder.
fn is_name(text: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    !text.is_empty() && text.chars().all(is_plain)
}

/// The name of the first file of a command without its ending, or else of its program.
fn default_name(command: &str) -> String {
    let words = words(command);
    let program = words.iter().find(|word| !word.contains('=')).map(|word| Path::new(word).into());
    let file = files_of(command).into_iter().next().or(program).unwrap_or_default();
    // A package of Python is started by a file of this name.
    let file = file.parent().filter(|_| file.ends_with("__main__.py")).unwrap_or(&file);
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let name = stem.replace(|c: char| !is_name(&c.to_string()), "-");
    if name.is_empty() { "own".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_searcher_is_named_by_its_user_or_by_its_file() {
        for (text, name, command) in [
            ("python3 no/such/script.py", "python3", "python3 no/such/script.py"),
            ("SEED=1 ./my_searcher --fast", "my_searcher", "SEED=1 ./my_searcher --fast"),
            ("tpe: python3 s.py", "tpe", "python3 s.py"),
            ("python3 src/lib.rs", "lib", "python3 src/lib.rs"),
            ("echo a: b", "echo", "echo a: b"),
        ] {
            let own = OwnSearcher::parse(text).unwrap();
            assert_eq!((own.searcher.name(), own.command.as_str()), (name, command));
        }
        for (text, expected) in [
            ("  ", "the command is empty"),
            ("tpe:  ", "the command is empty"),
            ("random: python3 s.py", "as in \"my-random: python3 s.py\""),
            ("known: x", "the name of another searcher"),
        ] {
            let error = OwnSearcher::parse(text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
