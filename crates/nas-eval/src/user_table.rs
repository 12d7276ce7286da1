//! A user's own values of architectures, from CSV files.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use nas_search::{BoxError, Detail, Objective, Role};
use nas_space::Arch;

use crate::{CsvFile, Error, Source, SourceValue};

/// A user's own values of one objective, by architecture.
#[derive(Debug, Clone, PartialEq)]
pub struct UserTable {
    values: HashMap<Arch, Option<f64>>,
    /// The ends of 90 % intervals, of values that are uncertain.
    ends: HashMap<Arch, [f64; 2]>,
}

/// Half of a 90 % interval in standard deviations.
const HALF: f64 = 1.645;

impl UserTable {
    /// Reads a CSV file with a header: a column `arch` with a text that `parse` reads, and the
    /// first of `columns` that exists with its value. An empty value is a missing one. Where a value is
    /// uncertain, its standard deviation is in a column such as `deviation_ms`, or the ends of its 90 %
    /// interval are in columns such as `predicted_low_percent` and `predicted_high_percent`; further columns
    /// are ignored.
    ///
    /// # Errors
    /// File, row and column of the first architecture that is malformed or occurs twice, and of
    /// the first value that the objective cannot have ([`Objective::checked`]).
    pub fn read(
        file: &Path,
        parse: impl Fn(&str) -> Result<Arch, nas_space::Error>,
        columns: &[&str],
        objective: &Objective,
    ) -> Result<Self, Error> {
        let of_unit = |name: &str| Detail::new(name, &objective.unit).column();
        let (deviation, low, high) =
            (of_unit("deviation"), of_unit("predicted_low"), of_unit("predicted_high"));
        let wanted = |header: &[&str]| {
            let position = |title: &str| header.iter().position(|h| *h == title);
            let found = columns.iter().find_map(|title| position(title));
            let value = found.ok_or_else(|| columns.join(" or "))?;
            let ends = match (position(&deviation), position(&low), position(&high)) {
                (Some(deviation), _, _) => vec![deviation],
                (None, Some(low), Some(high)) => vec![low, high],
                _ => Vec::new(),
            };
            Ok(std::iter::once(value).chain(ends).collect())
        };
        let (_, rows) = rows(file, parse, wanted, |text| number(text, objective))?;
        let mut table = Self { values: HashMap::new(), ends: HashMap::new() };
        for (arch, values) in rows {
            let ends = match values[..] {
                [Some(value), Some(deviation)] => {
                    Some([value - HALF * deviation, value + HALF * deviation])
                }
                [Some(_), Some(low), Some(high)] => Some([low, high]),
                _ => None,
            };
            table.ends.extend(ends.map(|ends| (arch.clone(), ends)));
            table.values.insert(arch, values[0]);
        }
        Ok(table)
    }

    /// The number of architectures in the table.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether the table is empty.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The architectures that have a value, in no particular order.
    pub fn architectures(&self) -> impl Iterator<Item = &Arch> {
        self.values.iter().filter(|(_, value)| value.is_some()).map(|(arch, _)| arch)
    }

    /// The architectures that have a value, sorted by their choices.
    pub fn sorted(&self) -> Vec<Arch> {
        let mut sorted: Vec<Arch> = self.architectures().cloned().collect();
        sorted.sort();
        sorted
    }

    /// All architectures with their values, in no particular order.
    pub fn rows(&self) -> impl Iterator<Item = (&Arch, Option<f64>)> {
        self.values.iter().map(|(arch, value)| (arch, *value))
    }

    /// The value of an architecture, if the table contains one.
    pub fn value(&self, arch: &Arch) -> Option<f64> {
        self.values.get(arch).copied().flatten()
    }

    /// The table as a source of the objective; other architectures have no value. Where values are
    /// uncertain, the ends of their intervals are its details.
    pub fn into_source(self, objective: Objective) -> impl Source + 'static {
        let details =
            if self.ends.is_empty() { Vec::new() } else { interval_ends(&objective).to_vec() };
        TableSource { table: self, objective, details }
    }
}

/// The details that are the ends of an objective's 90 % interval: `predicted_low` and `predicted_high` of
/// an accuracy, else for example `latency_low` and `latency_high`.
pub fn interval_ends(objective: &Objective) -> [Detail; 2] {
    let name = if objective.role == Role::Accuracy { "predicted" } else { &objective.name };
    ["low", "high"].map(|end| Detail::new(format!("{name}_{end}"), &objective.unit))
}

struct TableSource {
    table: UserTable,
    objective: Objective,
    details: Vec<Detail>,
}

impl Source for TableSource {
    fn objective(&self) -> &Objective {
        &self.objective
    }

    fn details(&self) -> &[Detail] {
        &self.details
    }

    fn value(&mut self, arch: &Arch) -> Result<SourceValue, BoxError> {
        let ends = self.table.ends.get(arch).copied();
        let details = (0..self.details.len()).map(|end| Some(ends?[end])).collect();
        Ok(SourceValue { value: self.table.value(arch), details })
    }
}

/// Several scores of architectures, such as zero-cost proxies, as `nas score --format csv` prints them.
#[derive(Debug, Clone, PartialEq)]
pub struct UserScores {
    /// The scores' names.
    pub names: Vec<String>,
    values: HashMap<Arch, Vec<Option<f64>>>,
}

impl UserScores {
    /// Reads a CSV file with a header: a column `arch` with a text that `parse` reads, and one column
    /// for each score; a column `index` is ignored. An empty value is a missing one, and lines that
    /// begin with `#` are comments.
    ///
    /// # Errors
    /// File, row and column of the first architecture that is malformed or occurs twice, and of
    /// the first value that is no finite number.
    pub fn read(
        file: &Path,
        parse: impl Fn(&str) -> Result<Arch, nas_space::Error>,
    ) -> Result<Self, Error> {
        let wanted = |header: &[&str]| {
            let scores = (0..header.len()).filter(|&at| !["arch", "index"].contains(&header[at]));
            let scores: Vec<usize> = scores.collect();
            if scores.is_empty() { Err("with a score".to_owned()) } else { Ok(scores) }
        };
        let finite = |text: &str| match text.parse::<f64>() {
            _ if text.is_empty() => Ok(None),
            Ok(value) if value.is_finite() => Ok(Some(value)),
            _ => Err(format!("`{text}`; expected a finite number, or nothing where there is none")),
        };
        let (names, rows) = rows(file, parse, wanted, finite)?;
        Ok(Self { names, values: rows.into_iter().collect() })
    }

    /// The scores of an architecture in the order of the names, if the file contains it.
    pub fn values(&self, arch: &Arch) -> Option<&[Option<f64>]> {
        self.values.get(arch).map(Vec::as_slice)
    }
}

/// A file's rows, each an architecture and its numbers, with the titles of these columns. `wanted`
/// chooses the columns from the header, or returns the name of a missing one.
#[allow(clippy::type_complexity)]
fn rows(
    file: &Path,
    parse: impl Fn(&str) -> Result<Arch, nas_space::Error>,
    wanted: impl Fn(&[&str]) -> Result<Vec<usize>, String>,
    number: impl Fn(&str) -> Result<Option<f64>, String>,
) -> Result<(Vec<String>, Vec<(Arch, Vec<Option<f64>>)>), Error> {
    let csv = CsvFile::read(file)?;
    let titles = csv.titles();
    let arch_at = csv.first_of(&["arch"])?;
    let columns = wanted(&titles).map_err(|expected| csv.missing(expected))?;
    let mut rows = Vec::new();
    let mut known = HashSet::new();
    for row in csv.rows() {
        let text = row.field(arch_at);
        let arch = parse(text).map_err(|error| csv.wrong(row, arch_at, error.to_string()))?;
        let value =
            |&at: &usize| number(row.field(at)).map_err(|problem| csv.wrong(row, at, problem));
        let values = columns.iter().map(value).collect::<Result<_, _>>()?;
        if !known.insert(arch.clone()) {
            return Err(csv.wrong(row, arch_at, format!("{text} occurs twice")));
        }
        rows.push((arch, values));
    }
    let names = columns.iter().map(|&at| titles[at].to_owned()).collect();
    Ok((names, rows))
}

/// A value of the objective; none where the text is empty.
pub(crate) fn number(text: &str, objective: &Objective) -> Result<Option<f64>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let value = objective.checked(text.parse().unwrap_or(f64::NAN));
    value.map(Some).map_err(|expected| {
        format!("`{text}`; expected {expected}, or nothing for a missing value")
    })
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
        UserTable::read(&file, nasbench201::parse, &["latency_ms"], &Objective::latency())
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
    fn uncertain_values_have_the_ends_of_their_intervals() {
        let arch = |text| parse_arch_str(text).unwrap();
        let table =
            read(&format!("arch,latency_ms,deviation_ms\n{SKIP},8,1\n{NONE},2,\n")).unwrap();
        let mut source = table.into_source(Objective::latency());
        let columns: Vec<String> = source.details().iter().map(Detail::column).collect();
        assert_eq!(columns, ["latency_low_ms", "latency_high_ms"]);
        let value = source.value(&arch(SKIP)).unwrap();
        assert_eq!((value.value, value.details), (Some(8.0), vec![Some(6.355), Some(9.645)]));
        // What was measured has none.
        assert_eq!(source.value(&arch(NONE)).unwrap().details, [None, None]);
        let exact = read(&format!("arch,latency_ms\n{SKIP},8\n")).unwrap();
        assert!(exact.into_source(Objective::latency()).details().is_empty());
        // As nas predict apply writes them.
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mine.csv");
        let columns =
            "arch,predicted_accuracy_percent,predicted_low_percent,predicted_high_percent";
        std::fs::write(&file, format!("{columns}\n{SKIP},90,88,91\n")).unwrap();
        let accuracy = Objective::accuracy("accuracy");
        let named = ["predicted_accuracy_percent"];
        let table = UserTable::read(&file, nasbench201::parse, &named, &accuracy).unwrap();
        let mut source = table.into_source(accuracy);
        assert_eq!(source.details()[0].name, "predicted_low");
        assert_eq!(source.value(&arch(SKIP)).unwrap().details, [Some(88.0), Some(91.0)]);
    }

    #[test]
    fn mistakes_are_shown_with_row_and_column() {
        let file = "mine.csv";
        for bad in ["NaN", "inf", "-1", "fast", "1e999"] {
            let text = format!("arch,latency_ms\n{SKIP},2\n{NONE},{bad}\n");
            check_error(&text, &[file, "row 3, column latency_ms", bad, "finite number"]);
        }
        check_error("arch,latency_ms\n|none~0|,1\n", &["row 2, column arch", "position 8"]);
        check_error(&format!("arch,latency_s\n{NONE},1\n"), &["no column latency_ms", "latency_s"]);
        check_error(&format!("arch,latency_ms\n{NONE},1\n{NONE},2\n"), &["row 3", "twice"]);
        check_error(&format!("arch,latency_ms\n{NONE}\n"), &[file]);
    }
}
