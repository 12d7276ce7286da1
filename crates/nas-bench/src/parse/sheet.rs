use std::path::Path;

use csv::{ReaderBuilder, StringRecord};

use crate::Error;

/// A CSV file with named columns.
pub(crate) struct Sheet<'a> {
    path: &'a Path,
    header: StringRecord,
    reader: csv::Reader<&'a [u8]>,
}

/// One of its rows.
pub(crate) struct Row<'a> {
    path: &'a Path,
    header: &'a StringRecord,
    record: StringRecord,
    position: usize,
}

impl<'a> Sheet<'a> {
    /// A sheet over the content of a file. `path` is named in errors; all of `columns` must be
    /// there, others may.
    pub(crate) fn open(path: &'a Path, bytes: &'a [u8], columns: &[&str]) -> Result<Self, Error> {
        let mut reader = ReaderBuilder::new().from_reader(bytes);
        let header = reader.headers().map_err(|error| malformed(path, &error))?.clone();
        for column in columns {
            let count = header.iter().filter(|name| name == column).count();
            if count != 1 {
                let there: Vec<&str> = header.iter().collect();
                return Err(Error::Malformed {
                    file: path.to_owned(),
                    line: 1,
                    problem: format!(
                        "{count} columns are named `{column}`, expected one; there are {}",
                        there.join(", ")
                    ),
                });
            }
        }
        Ok(Self { path, header, reader })
    }

    /// Whether there is a column of that name.
    pub(crate) fn has(&self, column: &str) -> bool {
        self.header.iter().any(|name| name == column)
    }

    /// Calls `read` for every row, of which there must be `expected`.
    pub(crate) fn rows(
        mut self,
        expected: usize,
        mut read: impl FnMut(&Row<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut position = 0;
        loop {
            let mut record = StringRecord::new();
            let more = self
                .reader
                .read_record(&mut record)
                .map_err(|error| malformed(self.path, &error))?;
            if !more {
                break;
            }
            read(&Row { path: self.path, header: &self.header, record, position })?;
            position += 1;
        }
        if position == expected {
            Ok(())
        } else {
            Err(Error::Malformed {
                file: self.path.to_owned(),
                line: 0,
                problem: format!("{position} rows, expected {expected}"),
            })
        }
    }
}

impl Row<'_> {
    /// Which row it is, from 0.
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// The text of a column.
    pub(crate) fn text(&self, column: &str) -> Result<&str, Error> {
        self.header
            .iter()
            .position(|name| name == column)
            .and_then(|place| self.record.get(place))
            .ok_or_else(|| self.wrong(column, "a column of this name"))
    }

    /// The number of a column, which may be infinite, but is a number.
    pub(crate) fn extended_number(&self, column: &str) -> Result<f64, Error> {
        match self.text(column)?.parse::<f64>() {
            Ok(value) if !value.is_nan() => Ok(value),
            _ => Err(self.wrong(column, "a number")),
        }
    }

    /// The number of a column, finite.
    pub(crate) fn number(&self, column: &str) -> Result<f64, Error> {
        match self.extended_number(column) {
            Ok(value) if value.is_finite() => Ok(value),
            _ => Err(self.wrong(column, "a finite number")),
        }
    }

    /// The number of a column, finite and in a range.
    pub(crate) fn number_in(&self, column: &str, least: f64, most: f64) -> Result<f64, Error> {
        let value = self.number(column)?;
        if (least..=most).contains(&value) {
            Ok(value)
        } else {
            Err(self.wrong(column, &format!("a number from {least} to {most}")))
        }
    }

    /// The error of a value that is not what was `expected`.
    pub(crate) fn wrong(&self, column: &str, expected: &str) -> Error {
        let place = self.header.iter().position(|name| name == column);
        let value = place.and_then(|place| self.record.get(place)).unwrap_or_default();
        Error::Value {
            file: self.path.to_owned(),
            line: self.record.position().map_or(0, csv::Position::line),
            column: column.to_owned(),
            value: value.chars().take(80).collect(),
            expected: expected.to_owned(),
        }
    }
}

fn malformed(path: &Path, error: &csv::Error) -> Error {
    let problem = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} fields, expected {expected_len}")
        }
        csv::ErrorKind::Utf8 { err, .. } => err.to_string(),
        _ => error.to_string(),
    };
    Error::Malformed {
        file: path.to_owned(),
        line: error.position().map_or(0, csv::Position::line),
        problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums column `b`, which says where a file is wrong.
    fn check(text: &str, expected: &str) {
        let sheet = Sheet::open(Path::new("f.csv"), text.as_bytes(), &["a", "b"]);
        let read = |row: &Row<'_>| row.number_in("b", 0.0, 9.0).map(|_| ());
        let message = match sheet.and_then(|sheet| sheet.rows(2, read)) {
            Ok(()) => "fine".to_owned(),
            Err(error) => error.to_string(),
        };
        assert_eq!(message, expected, "{text:?}");
    }

    #[test]
    fn faults_are_named_with_line_column_and_value() {
        check("a,b\nx,1\ny,2\n", "fine");
        check("c,a,b\n_,x,1\n_,y,2", "fine");
        check("a,b\nx,1\n\"y\nz\",NaN", "f.csv:3: column `b`: `NaN`, expected a finite number");
        check("a,b\nx,1\ny,inf", "f.csv:3: column `b`: `inf`, expected a finite number");
        check("a,b\nx,\ny,1", "f.csv:2: column `b`: ``, expected a finite number");
        check("a,b\nx,1\ny,-1", "f.csv:3: column `b`: `-1`, expected a number from 0 to 9");
        check("a,b\nx,1\ny", "f.csv:3: 1 fields, expected 2");
        check("a,b\nx,1\n", "f.csv: 1 rows, expected 2");
        check("a,b\nx,1\ny,1\nz,1\n", "f.csv: 3 rows, expected 2");
        check("a,c\n", "f.csv:1: 0 columns are named `b`, expected one; there are a, c");
        check("a,b,b\n", "f.csv:1: 2 columns are named `b`, expected one; there are a, b, b");
        check("", "f.csv:1: 0 columns are named `a`, expected one; there are ");
    }

    #[test]
    fn what_is_not_text_is_named_by_line() {
        let bytes = b"a,b\nx,1\n\xff,2\n";
        let sheet = Sheet::open(Path::new("f.csv"), bytes, &["a"]).unwrap();
        let message = sheet.rows(2, |_| Ok(())).unwrap_err().to_string();
        assert!(message.starts_with("f.csv:3: invalid utf-8"), "{message}");
    }
}
