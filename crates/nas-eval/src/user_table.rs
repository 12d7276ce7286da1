use std::{collections::HashMap, path::Path};

use nas_search::Objective;
use nas_space::Arch;

use crate::{Error, Lookup};

/// A user's own values of one objective, by architecture.
#[derive(Debug, Clone, PartialEq)]
pub struct UserTable {
    values: HashMap<Arch, Option<f64>>,
}

impl UserTable {
    /// Reads a CSV file with a header: a column `arch` with a text that `parse` reads, and the
    /// first of `columns` that is there with its value; further columns do not matter. An empty
    /// value means that there is none.
    ///
    /// # Errors
    /// File, row and column of the first architecture that is malformed or occurs twice, and of
    /// the first value that is not a finite number between 0 and `at_most`.
    pub fn read(
        file: &Path,
        parse: impl Fn(&str) -> Result<Arch, nas_space::Error>,
        columns: &[&str],
        at_most: f64,
    ) -> Result<Self, Error> {
        let name = file.display().to_string();
        let csv = |source| Error::Csv { file: name.clone(), source };
        let mut reader =
            csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(file).map_err(csv)?;
        let header = reader.headers().map_err(csv)?.clone();
        let column = |wanted: &[&str]| {
            let found = wanted.iter().find_map(|title| {
                header.iter().position(|found| found == *title).map(|at| (at, (*title).to_owned()))
            });
            found.ok_or_else(|| Error::Column {
                file: name.clone(),
                expected: wanted.join(" or "),
                found: header.iter().collect::<Vec<_>>().join(", "),
            })
        };
        let (arch_at, _) = column(&["arch"])?;
        let (value_at, value_title) = column(columns)?;
        let mut values = HashMap::new();
        for record in reader.records() {
            let record = record.map_err(csv)?;
            let row = record.position().map_or(0, csv::Position::line);
            let wrong = |column: &str, problem: String| Error::Value {
                file: name.clone(),
                row,
                column: column.to_owned(),
                problem,
            };
            let arch = parse(&record[arch_at]).map_err(|error| wrong("arch", error.to_string()))?;
            let value = number(&record[value_at], at_most)
                .map_err(|problem| wrong(&value_title, problem))?;
            if values.insert(arch, value).is_some() {
                let problem = format!("{} occurs twice", &record[arch_at]);
                return Err(wrong("arch", problem));
            }
        }
        Ok(Self { values })
    }

    /// The number of architectures in the table.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether the table holds no architecture.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The architectures that have a value, in no particular order.
    pub fn architectures(&self) -> impl Iterator<Item = &Arch> {
        self.values.iter().filter(|(_, value)| value.is_some()).map(|(arch, _)| arch)
    }

    /// All architectures with their values, in no particular order.
    pub fn rows(&self) -> impl Iterator<Item = (&Arch, Option<f64>)> {
        self.values.iter().map(|(arch, value)| (arch, *value))
    }

    /// The value of an architecture, if the table holds one.
    pub fn value(&self, arch: &Arch) -> Option<f64> {
        self.values.get(arch).copied().flatten()
    }

    /// The table as a source of the objective; what it does not hold is absent.
    pub fn into_source(
        self,
        objective: Objective,
    ) -> Lookup<impl FnMut(&Arch) -> Option<f64> + 'static> {
        Lookup::new(objective, move |arch: &Arch| self.value(arch))
    }
}

fn number(text: &str, at_most: f64) -> Result<Option<f64>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let range = if at_most.is_finite() {
        format!("between 0 and {at_most}")
    } else {
        "of at least 0".to_owned()
    };
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value >= 0.0 && value <= at_most => Ok(Some(value)),
        _ => Err(format!(
            "`{text}`; expected a finite number {range}, or nothing where there is no value"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nas_space::nasbench201::{self, parse_arch_str};

    const NONE: &str = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|";
    const SKIP: &str = "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|";

    fn read(text: &str) -> Result<UserTable, Error> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mine.csv");
        std::fs::write(&file, text).unwrap();
        UserTable::read(&file, nasbench201::parse, &["latency_ms"], 1e6)
    }

    fn check_error(text: &str, expected: &[&str]) {
        let message = read(text).unwrap_err().to_string();
        for expected in expected {
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn values_are_found_and_an_empty_one_is_absent() {
        let table = read(&format!("latency_ms,note,arch\n1.5,x,{SKIP}\n,y,{NONE}\n")).unwrap();
        assert_eq!(table.value(&parse_arch_str(SKIP).unwrap()), Some(1.5));
        assert_eq!(table.value(&parse_arch_str(NONE).unwrap()), None);
        assert_eq!(table.len(), 2);
    }

    #[test]
    fn mistakes_are_shown_with_row_and_column() {
        let file = "mine.csv";
        for bad in ["NaN", "inf", "-1", "fast", "1e7"] {
            let text = format!("arch,latency_ms\n{SKIP},2\n{NONE},{bad}\n");
            check_error(&text, &[file, "row 3, column latency_ms", bad, "finite number"]);
        }
        check_error("arch,latency_ms\n|none~0|,1\n", &["row 2, column arch", "position 8"]);
        check_error(&format!("arch,latency_s\n{NONE},1\n"), &["no column latency_ms", "latency_s"]);
        check_error(&format!("arch,latency_ms\n{NONE},1\n{NONE},2\n"), &["row 3", "twice"]);
        check_error(&format!("arch,latency_ms\n{NONE}\n"), &[file]);
    }
}
