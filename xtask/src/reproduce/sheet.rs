//! A table, as Markdown and CSV.

use crate::error::Error;

/// A table.
#[derive(Debug, Clone, Default)]
pub struct Sheet {
    /// The file's name, without its ending.
    pub name: String,
    pub title: String,
    pub columns: Vec<String>,
    pub rows: Vec<Vec<String>>,
    /// Only a file: it is too long for a page.
    pub file_only: bool,
}

impl Sheet {
    pub fn new(name: &str, title: &str, columns: &[&str]) -> Self {
        let columns = columns.iter().map(|&column| column.to_owned()).collect();
        Self {
            name: name.to_owned(),
            title: title.to_owned(),
            columns,
            rows: Vec::new(),
            file_only: false,
        }
    }

    pub fn push(&mut self, row: impl IntoIterator<Item = impl Into<String>>) {
        self.rows.push(row.into_iter().map(Into::into).collect());
    }

    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let rule = vec!["---".to_owned(); self.columns.len()];
        let rows = self.rows.iter().map(|row| line(row));
        [line(&self.columns), line(&rule)].into_iter().chain(rows).collect()
    }

    pub fn csv(&self) -> Result<String, Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        for row in std::iter::once(&self.columns).chain(&self.rows) {
            writer.write_record(row).map_err(problem)?;
        }
        let bytes = writer.into_inner().map_err(problem)?;
        String::from_utf8(bytes).map_err(problem)
    }
}

fn problem(error: impl std::fmt::Display) -> Error {
    Error::Step { step: "write a table", problem: error.to_string() }
}
