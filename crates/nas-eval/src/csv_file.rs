//! A CSV file that a user wrote, and errors that name its row and column.

use std::path::Path;

use crate::{Error, check_header, read_text};

/// A CSV file with a header. Fields are trimmed, and lines that begin with `#` are comments.
#[derive(Debug, Clone)]
pub struct CsvFile {
    name: String,
    titles: Vec<String>,
    rows: Vec<CsvRow>,
}

/// A row of a CSV file.
#[derive(Debug, Clone)]
pub struct CsvRow {
    /// The line in the file; the header is line 1.
    pub line: u64,
    fields: csv::StringRecord,
}

impl CsvRow {
    /// The field of a column.
    pub fn field(&self, column: usize) -> &str {
        self.fields.get(column).unwrap_or_default()
    }
}

impl CsvFile {
    /// Reads a whole file.
    ///
    /// # Errors
    /// [`Error::Csv`] for a file that cannot be read, and the first row whose length is not the
    /// header's; [`Error::Value`] for two columns of one name.
    pub fn read(file: &Path) -> Result<Self, Error> {
        let name = file.display().to_string();
        let csv = |error| Error::Csv { file: name.clone(), error };
        let text = read_text(file).map_err(|error| csv(error.into()))?;
        let mut reader = csv::ReaderBuilder::new();
        let reader = reader.trim(csv::Trim::All).comment(Some(b'#'));
        let mut reader = reader.from_reader(text.as_bytes());
        let titles: Vec<String> =
            reader.headers().map_err(csv)?.iter().map(str::to_owned).collect();
        check_header(titles.iter().map(String::as_str)).map_err(|problem| Error::Value {
            file: name.clone(),
            row: 1,
            column: "header".to_owned(),
            problem,
        })?;
        let row = |fields: csv::StringRecord| CsvRow {
            line: fields.position().map_or(0, csv::Position::line),
            fields,
        };
        let rows = reader.records().map(|record| record.map(row).map_err(csv));
        let rows = rows.collect::<Result<_, _>>()?;
        Ok(Self { name, titles, rows })
    }

    /// The file, as errors name it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The columns' titles.
    pub fn titles(&self) -> Vec<&str> {
        self.titles.iter().map(String::as_str).collect()
    }

    /// The rows, in order.
    pub fn rows(&self) -> &[CsvRow] {
        &self.rows
    }

    /// The position of a column, if the file has it.
    pub fn column(&self, title: &str) -> Option<usize> {
        self.titles.iter().position(|known| known == title)
    }

    /// The position of the first of these columns that the file has.
    ///
    /// # Errors
    /// [`Error::Column`], with the header.
    pub fn first_of(&self, titles: &[&str]) -> Result<usize, Error> {
        let found = titles.iter().find_map(|title| self.column(title));
        let mut titles = titles.to_vec();
        titles.dedup();
        found.ok_or_else(|| self.missing(titles.join(" or ")))
    }

    /// The error about a column that the file lacks.
    pub fn missing(&self, expected: impl Into<String>) -> Error {
        Error::Column {
            file: self.name.clone(),
            expected: expected.into(),
            found: self.titles.join(", "),
        }
    }

    /// The error about a field.
    pub fn wrong(&self, row: &CsvRow, column: usize, problem: impl Into<String>) -> Error {
        Error::Value {
            file: self.name.clone(),
            row: row.line,
            column: self.titles.get(column).cloned().unwrap_or_default(),
            problem: problem.into(),
        }
    }
}
