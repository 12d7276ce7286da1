//! The program `nas`, asked for tables.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::Error;

/// A row of a table: the value of each column.
pub type Row = HashMap<String, String>;

/// The program `nas`.
pub struct Nas(pub PathBuf);

impl Nas {
    /// Runs it in a folder on one thread; returns what it prints to standard output.
    pub fn run(&self, folder: &Path, arguments: &[&str]) -> Result<String, Error> {
        let mut command = Command::new(&self.0);
        command.current_dir(folder).args(arguments).env("RAYON_NUM_THREADS", "1");
        let ran = command
            .stdin(Stdio::null())
            .output()
            .map_err(|source| Error::Start { program: self.0.display().to_string(), source })?;
        if ran.status.success() {
            return Ok(String::from_utf8_lossy(&ran.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&ran.stderr);
        let problem = format!("{} ended with {}:\n{said}", arguments.join(" "), ran.status);
        Err(Error::Step { step: "run nas", problem })
    }

    /// As [`run`](Self::run), of a command that prints CSV.
    pub fn table(&self, folder: &Path, arguments: &[&str]) -> Result<Vec<Row>, Error> {
        let mut arguments = arguments.to_vec();
        arguments.extend(["--format", "csv"]);
        rows(&self.run(folder, &arguments)?)
    }

    /// The values of all that a search evaluates.
    pub fn evaluations(&self, folder: &Path, arguments: &[&str]) -> Result<Vec<Row>, Error> {
        let mut all = vec!["search", "--run", "tables", "--force"];
        all.extend(arguments);
        self.run(folder, &all)?;
        read(&folder.join("tables/evaluations.csv"))
    }
}

/// The rows of a CSV text; lines that begin with `#` are comments.
pub fn rows(text: &str) -> Result<Vec<Row>, Error> {
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(text.as_bytes());
    let rows = reader.deserialize().collect::<Result<_, _>>();
    rows.map_err(|error| failed(&error))
}

/// The rows of a CSV file.
pub fn read(path: &Path) -> Result<Vec<Row>, Error> {
    rows(&std::fs::read_to_string(path).map_err(Error::file(path))?)
}

/// A file that is there as a whole or not at all.
pub fn write(path: &Path, text: &str) -> Result<(), Error> {
    let beside = path.with_extension("part");
    std::fs::write(&beside, text).map_err(Error::file(&beside))?;
    std::fs::rename(&beside, path).map_err(Error::file(path))
}

/// The value of a column.
pub fn text<'a>(row: &'a Row, column: &str) -> Result<&'a str, Error> {
    row.get(column).map(String::as_str).ok_or_else(|| failed(&format!("no column {column}")))
}

/// The number in a column.
pub fn number(row: &Row, column: &str) -> Result<f64, Error> {
    let text = text(row, column)?;
    text.parse().map_err(|_| failed(&format!("column {column}: `{text}` is no number")))
}

/// What is wrong with a table.
pub fn failed(problem: &dyn std::fmt::Display) -> Error {
    Error::Step { step: "read a table", problem: problem.to_string() }
}
