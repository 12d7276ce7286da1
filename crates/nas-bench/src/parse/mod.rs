//! Readers of the published files, one module for each source. All are strict: what a file must
//! be is checked, and what is wrong is named with file, line, column and value.

pub(crate) mod costs;
pub(crate) mod fbnet;
pub(crate) mod freerea;
pub(crate) mod robustness;
mod sheet;
pub(crate) mod suite_zero;
pub(crate) mod vit_bench;

pub(crate) use sheet::{Row, Sheet};

use std::path::Path;

use nas_space::{Arch, nasbench201};

use crate::Error;

/// Values of all cells by benchmark index, filled in any order, each once.
pub(crate) struct ByIndex<T> {
    values: Vec<Option<T>>,
}

impl<T> ByIndex<T> {
    pub(crate) fn new() -> Self {
        let values = std::iter::repeat_with(|| None).take(nasbench201::CELLS).collect();
        Self { values }
    }

    /// Sets the value of the cell that the row's column `key` names.
    pub(crate) fn set(
        &mut self,
        row: &Row<'_>,
        key: &str,
        arch: &Arch,
        value: T,
    ) -> Result<(), Error> {
        let slot = &mut self.values[nasbench201::index(arch)];
        if slot.is_some() {
            return Err(row.wrong(key, "a cell that no line above has"));
        }
        *slot = Some(value);
        Ok(())
    }

    /// The values, `None` where a cell was not in the file.
    pub(crate) fn into_values(self) -> Vec<Option<T>> {
        self.values
    }
}

/// Reads the row's `net` column, an operation tuple.
pub(crate) fn net(row: &Row<'_>) -> Result<Arch, Error> {
    nasbench201::parse_op_tuple(row.text("net")?)
        .map_err(|error| row.wrong("net", &format!("an operation tuple: {error}")))
}

/// Reads the row's `index` column, which must count up from 0 with the rows.
pub(crate) fn in_order(row: &Row<'_>) -> Result<(), Error> {
    let expected = row.position().to_string();
    if row.text("index")? == expected { Ok(()) } else { Err(row.wrong("index", &expected)) }
}

/// Refuses accuracies that were written as fractions: no benchmark's best is below 1 %.
pub(crate) fn expect_percent(path: &Path, column: &str, values: &[f64]) -> Result<(), Error> {
    if values.iter().any(|value| *value > 1.0) {
        return Ok(());
    }
    Err(Error::Malformed {
        file: path.to_owned(),
        line: 0,
        problem: format!("column `{column}` has nothing above 1, expected percent"),
    })
}

#[cfg(test)]
pub(crate) mod fixture {
    //! Small stand-ins for the published files, in their format and full length.

    use nas_space::nasbench201::{CELLS, from_index, op_tuple};

    /// A CSV file of all cells in index order, `line` giving the columns behind `net`.
    pub(crate) fn by_tuple(header: &str, line: impl Fn(usize) -> String) -> String {
        (0..CELLS).fold(format!("net,{header}\n"), |text, index| {
            let tuple = op_tuple(&from_index(index).unwrap());
            text + &format!("\"{tuple}\",{}\n", line(index))
        })
    }

    /// A CSV file of all cells by index, `line` giving the columns behind `index`.
    pub(crate) fn by_index(header: &str, line: impl Fn(usize) -> String) -> String {
        (0..CELLS).fold(format!("index,{header}\n"), |text, index| {
            text + &format!("{index},{}\n", line(index))
        })
    }

    /// Replaces one line, counted from 1.
    pub(crate) fn with_line(text: &str, number: usize, line: &str) -> String {
        let mut lines: Vec<&str> = text.lines().collect();
        lines[number - 1] = line;
        lines.join("\n")
    }
}
