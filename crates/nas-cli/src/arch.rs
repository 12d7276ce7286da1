//! Architectures on the command line and in results.

use std::{
    io::{self, Read},
    path::PathBuf,
};

#[cfg(feature = "torch")]
use std::path::Path;

use nas_eval::{Problem, read_text, text_of};
use nas_space::{Arch, Space};
use serde::{Deserialize, Serialize};

use crate::{failure::Failure, output::Format};

/// Architectures given on the command line or in a file.
#[derive(Debug, Clone, Default, PartialEq, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Architectures {
    /// Arch strings, op tuples like "(4, 3, 3, 0, 0, 0)", NAS-Bench-201 indices, or operations
    /// like "3x3 skip - 3x3 pool 1x1"
    #[arg(value_name = "ARCH")]
    #[serde(default, rename = "names", skip_serializing_if = "Vec::is_empty")]
    architectures: Vec<String>,
    /// A file with one architecture on each line; - reads standard input
    #[arg(long, value_name = "FILE", conflicts_with = "architectures")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<PathBuf>,
}

impl Architectures {
    /// The architectures of a file.
    #[cfg(feature = "torch")]
    pub fn of_file(file: &Path) -> Self {
        Self { architectures: Vec::new(), file: Some(file.to_path_buf()) }
    }

    /// Whether neither an architecture nor a file was given.
    pub fn none_given(&self) -> bool {
        self.architectures.is_empty() && self.file.is_none()
    }

    /// The file that contains them, if they are in one.
    #[cfg(feature = "torch")]
    pub fn named_file(&self) -> Option<&Path> {
        self.file.as_deref().filter(|file| file.as_os_str() != "-")
    }

    /// Whether they are read from standard input.
    #[cfg(feature = "torch")]
    pub fn are_on_standard_input(&self) -> bool {
        self.file.as_deref().is_some_and(|file| file.as_os_str() == "-")
    }

    /// The architectures.
    ///
    /// # Errors
    /// The first mistake, with its line.
    pub fn read(&self, problem: &Problem) -> Result<Vec<Arch>, Failure> {
        let Some(file) = &self.file else {
            if self.architectures.is_empty() {
                return Err(Failure::input(
                    "no architecture given: name one, for example `6111` of NAS-Bench-201, or a --file with one on each line",
                ));
            }
            return self.architectures.iter().map(|text| Ok(problem.parse(text)?)).collect();
        };
        let read = if file.as_os_str() == "-" {
            let mut bytes = Vec::new();
            io::stdin().read_to_end(&mut bytes).and_then(|_| text_of(bytes))
        } else {
            read_text(file)
        };
        let text = read.map_err(|error| Failure::file("read", file, &error))?;
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let architectures = lines.map(|(number, line)| {
            problem.parse(line).map_err(|error| {
                Failure::input(format!("{}, line {}: {error}", file.display(), number + 1))
            })
        });
        let architectures = architectures.collect::<Result<Vec<Arch>, Failure>>()?;
        if architectures.is_empty() {
            return Err(Failure::input(format!("{} contains no architecture", file.display())));
        }
        Ok(architectures)
    }
}

/// As many names of a list as fit.
pub fn abridged(names: &str, widest: usize) -> String {
    if names.chars().count() <= widest {
        return names.to_owned();
    }
    let fits = |end: &usize| names[..*end].chars().count() < widest;
    let end = names.match_indices(' ').map(|(at, _)| at).rfind(fits).unwrap_or(0);
    format!("{} …", &names[..end])
}

/// Characters of an architecture in a table at most.
const WIDEST: usize = 30;

/// An architecture in a result: in a table by its short names, abridged if there are many; in CSV and
/// JSON in full.
pub fn shown(space: &Space, arch: &Arch, format: Format) -> String {
    match format {
        Format::Table => abridged(&space.short(arch), WIDEST),
        Format::Csv | Format::Json => space.format(arch),
    }
}
