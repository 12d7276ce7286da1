//! Results as tables, CSV and JSON.

use clap::ValueEnum;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    failure::Failure,
    terminal::{columns, print, printable, write},
};

/// How results are written to standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// A table for reading
    #[default]
    Table,
    /// Comma-separated values with a header
    Csv,
    /// One JSON value
    Json,
}

/// Spaces between the columns of a table.
const GAP: u16 = 2;

/// Results as rows under named columns.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Records {
    columns: Vec<String>,
    /// Shorter titles for tables.
    headings: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

/// One value of a record.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Words.
    Text(String),
    /// A count or an index.
    Count(u64),
    /// Yes or no.
    Flag(bool),
    /// A number: in full in files, rounded in tables.
    Number(f64),
    /// A value that does not exist: empty in CSV, `-` in tables, `null` in JSON.
    Absent,
}

impl From<Option<f64>> for Cell {
    fn from(value: Option<f64>) -> Self {
        value.map_or(Self::Absent, Self::Number)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<usize> for Cell {
    fn from(count: usize) -> Self {
        Self::Count(count as u64)
    }
}

impl Cell {
    /// A count if the number is whole, else a number.
    pub fn whole(number: f64) -> Self {
        if number.fract() == 0.0 && (0.0..=2f64.powi(53)).contains(&number) {
            Self::Count(number as u64)
        } else {
            Self::Number(number)
        }
    }
}

impl Records {
    pub fn new(columns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let columns: Vec<String> = columns.into_iter().map(Into::into).collect();
        let headings = columns.iter().map(|column| printable(column).into_owned()).collect();
        Self { headings, columns, rows: Vec::new() }
    }

    /// Gives a column another title in tables, if there is such a column.
    #[must_use]
    pub fn heading(mut self, column: &str, title: &str) -> Self {
        for (heading, name) in self.headings.iter_mut().zip(&self.columns) {
            if name == column {
                title.clone_into(heading);
            }
        }
        self
    }

    /// Only the columns of these names, in this order.
    #[must_use]
    pub fn only(&self, names: &[&str]) -> Self {
        let of = |name: &&str| self.columns.iter().position(|column| column == *name);
        self.columns_at(&names.iter().filter_map(of).collect::<Vec<_>>())
    }

    /// At most so many rows, evenly chosen, with the first and the last.
    #[must_use]
    pub fn spread(&self, most: usize) -> Self {
        let count = self.rows.len();
        let shown = count.min(most);
        let at = |row: usize| if shown > 1 { row * (count - 1) / (shown - 1) } else { 0 };
        Self { rows: (0..shown).map(|row| self.rows[at(row)].clone()).collect(), ..self.clone() }
    }

    /// Only the columns at these places, in this order.
    fn columns_at(&self, kept: &[usize]) -> Self {
        let texts = |all: &[String]| kept.iter().map(|at| all[*at].clone()).collect();
        let cells = |row: &Vec<Cell>| kept.iter().map(|at| row[*at].clone()).collect();
        Self {
            columns: texts(&self.columns),
            headings: texts(&self.headings),
            rows: self.rows.iter().map(cells).collect(),
        }
    }

    /// For a terminal, these columns and as many others as it has room for, in order, and the names of
    /// the columns that are left out. All columns where there is no terminal.
    #[must_use]
    pub fn fitting(&self, required: &[&str]) -> (Self, Vec<&str>) {
        let Some(columns) = columns() else { return (self.clone(), Vec::new()) };
        self.fitting_within(required, columns)
    }

    fn fitting_within(&self, required: &[&str], columns: usize) -> (Self, Vec<&str>) {
        let rows: Vec<Vec<String>> = self.rows.iter().map(|row| texts(row)).collect();
        let widths = self.widths(&rows, None);
        let with_gap = |(_, width): (&String, &usize)| width + usize::from(GAP);
        let is_required = |name: &String| required.contains(&name.as_str());
        let named = || self.columns.iter().zip(&widths);
        let mut used: usize = named().filter(|(name, _)| is_required(name)).map(with_gap).sum();
        // The last column has no gap after it.
        let room = columns + usize::from(GAP);
        let (mut shown, mut left_out) = (Vec::new(), Vec::new());
        for (name, width) in named() {
            if !is_required(name) {
                if used + with_gap((name, width)) > room {
                    left_out.push(name.as_str());
                    continue;
                }
                used += with_gap((name, width));
            }
            shown.push(name.as_str());
        }
        (self.only(&shown), left_out)
    }

    /// As many of the first columns as this width has room for, with cells wrapped between words, and
    /// the names of the others.
    pub fn first_within(&self, columns: usize) -> (Self, Vec<&str>) {
        let rows: Vec<Vec<String>> = self.rows.iter().map(|row| texts(row)).collect();
        let mut used = 0;
        let narrowest = self.widths(&rows, Some(0)).into_iter();
        let ends = narrowest.map(|width| {
            used += width + usize::from(GAP);
            used - usize::from(GAP)
        });
        let shown = ends.take_while(|end| *end <= columns).count().max(1);
        let left_out = self.columns[shown..].iter().map(String::as_str).collect();
        (self.columns_at(&(0..shown).collect::<Vec<_>>()), left_out)
    }

    /// Adds a row, which has a cell for each column.
    pub fn push(&mut self, row: Vec<Cell>) {
        debug_assert_eq!(row.len(), self.columns.len());
        self.rows.push(row);
    }

    pub fn print(&self, format: Format) -> Result<(), Failure> {
        match format {
            Format::Table => print(&self.table()),
            Format::Csv => write(&self.csv()?),
            Format::Json => print_json(&self.json()),
        }
    }

    /// For a reader: numbers rounded and right-aligned, and on a terminal no wider than that, as far
    /// as words allow.
    pub fn table(&self) -> String {
        self.table_within(columns())
    }

    fn table_within(&self, columns: Option<usize>) -> String {
        let rows: Vec<Vec<String>> = self.rows.iter().map(|row| texts(row)).collect();
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(u16::MAX);
        table.set_header(&self.headings);
        table.add_rows(&rows);
        let widths = self.widths(&rows, columns);
        for ((i, column), width) in table.column_iter_mut().enumerate().zip(widths) {
            let is_text = self.rows.iter().any(|row| matches!(row[i], Cell::Text(_)));
            column.set_padding((0, GAP));
            column.set_cell_alignment(if is_text {
                CellAlignment::Left
            } else {
                CellAlignment::Right
            });
            let width = u16::try_from(width).unwrap_or(u16::MAX).saturating_add(GAP);
            column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width)));
        }
        let lines = table.to_string();
        let lines = lines.lines().map(str::trim_end).collect::<Vec<_>>();
        lines.join("\n") + "\n"
    }

    /// The width of each column: that of its content, or less where the table would be wider than
    /// `columns`. The widest columns are wrapped first, and none is narrower than its longest word.
    fn widths(&self, rows: &[Vec<String>], columns: Option<usize>) -> Vec<usize> {
        let count = |text: &str| text.chars().count();
        let cells = |i: usize| rows.iter().map(move |row| &row[i]).chain([&self.headings[i]]);
        let widest = |i: usize| cells(i).map(|cell| count(cell)).max().unwrap_or(0).max(1);
        let words = |i: usize| cells(i).flat_map(|cell| cell.split_whitespace());
        let longest_word = |i: usize| words(i).map(count).max().unwrap_or(0).max(1);
        let all = 0..self.headings.len();
        let mut widths: Vec<usize> = all.clone().map(widest).collect();
        let Some(columns) = columns else { return widths };
        let gaps = usize::from(GAP) * widths.len().saturating_sub(1);
        while widths.iter().sum::<usize>() + gaps > columns {
            let wider = all.clone().filter(|i| widths[*i] > longest_word(*i));
            let Some(widest) = wider.max_by_key(|i| widths[*i]) else { break };
            widths[widest] -= 1;
        }
        widths
    }

    /// With a header, numbers in full.
    pub fn csv(&self) -> Result<String, Failure> {
        let cannot =
            |error: &dyn std::error::Error| Failure::work(format!("cannot write CSV: {error}"));
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&self.columns).map_err(|error| cannot(&error))?;
        for row in &self.rows {
            writer.write_record(row.iter().map(Cell::in_full)).map_err(|error| cannot(&error))?;
        }
        let bytes = writer.into_inner().map_err(|error| cannot(&error))?;
        String::from_utf8(bytes).map_err(|error| cannot(&error))
    }

    /// An array with one object for each row.
    pub fn json(&self) -> Value {
        let object = |row: &Vec<Cell>| {
            let entries = self.columns.iter().cloned().zip(row.iter().map(Cell::as_json));
            Value::Object(entries.collect::<Map<_, _>>())
        };
        Value::Array(self.rows.iter().map(object).collect())
    }
}

impl Cell {
    pub fn rounded(&self) -> String {
        match self {
            Self::Number(value) => rounded(*value),
            Self::Absent => "-".to_owned(),
            Self::Text(text) => printable(text).into_owned(),
            Self::Flag(true) => "yes".to_owned(),
            Self::Flag(false) => "no".to_owned(),
            other => other.in_full(),
        }
    }

    pub fn in_full(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Count(count) => count.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Number(value) => in_full(*value),
            Self::Absent => String::new(),
        }
    }

    fn as_json(&self) -> Value {
        match self {
            Self::Text(text) => Value::from(text.as_str()),
            Self::Count(count) => Value::from(*count),
            Self::Flag(flag) => Value::from(*flag),
            Self::Number(value) => Value::from(*value),
            Self::Absent => Value::Null,
        }
    }
}

/// The cells of a row as a table shows them.
fn texts(row: &[Cell]) -> Vec<String> {
    row.iter().map(Cell::rounded).collect()
}

/// All significant digits of a number.
fn in_full(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-5..1e16).contains(&magnitude) {
        return format!("{value:e}");
    }
    value.to_string()
}

/// A number of things, in words.
pub fn counted(count: usize, one: &str) -> String {
    let ending = match count {
        1 => "",
        _ if one.ends_with('s') => "es",
        _ => "s",
    };
    format!("{count} {one}{ending}")
}

/// Four significant digits for small numbers, two decimals for larger ones, none for thousands.
pub fn rounded(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-4..1e10).contains(&magnitude) {
        return format!("{value:.3e}");
    }
    let decimals = match magnitude {
        ..1.0 => 4,
        ..10.0 => 3,
        ..1e4 => 2,
        _ => 0,
    };
    format!("{value:.decimals$}")
}

/// Writes a JSON value, indented, to standard output.
pub fn print_json(value: &Value) -> Result<(), Failure> {
    write(&format!("{value:#}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records() -> Records {
        let mut records = Records::new(["name", "count", "ms"]);
        records.push(vec!["a, b".into(), 3.into(), Some(0.123_456_7).into()]);
        records.push(vec!["c".into(), 12.into(), None.into()]);
        records
    }

    #[test]
    fn tables_show_rounded_numbers() {
        insta::assert_snapshot!(records().table(), @r"
        name  count      ms
        a, b      3  0.1235
        c        12       -
        ");
    }

    #[test]
    fn tables_fit_the_terminal_and_break_no_word() {
        let mut records = Records::new(["decision", "choices", "counts while"]);
        let choices = ["nor_conv_3x3", "skip_connect", "avg_pool_3x3", "none"].join(", ");
        records.push(vec!["kernel".into(), choices.into(), "depth = 2 or 3".into()]);
        records.push(vec!["a name of several words".into(), "1, 2".into(), "".into()]);
        insta::assert_snapshot!(records.table_within(Some(44)), @r"
        decision        choices        counts while
        kernel          nor_conv_3x3,  depth = 2 or
                        skip_connect,  3
                        avg_pool_3x3,
                        none
        a name of       1, 2
        several words
        ");
        for columns in 36..80 {
            let table = records.table_within(Some(columns));
            assert!(table.lines().all(|line| line.chars().count() <= columns), "{table}");
            assert!(table.contains("nor_conv_3x3") && table.contains("decision"), "{table}");
        }
        // Where words do not allow it, the table is wider.
        assert!(records.table_within(Some(10)).contains("skip_connect"));
    }

    #[test]
    fn columns_that_do_not_fit_are_left_out_but_required_ones() {
        let mut records = Records::new(["arch", "accuracy", "ms", "seed"]);
        records.push(vec!["|nor_conv_3x3~0|".into(), 93.into(), 7.into(), 1.into()]);
        let fitting = |columns| {
            let (fitting, left_out) = records.fitting_within(&["accuracy", "ms"], columns);
            (fitting.columns.join(" "), left_out.join(" "))
        };
        assert_eq!(fitting(80), ("arch accuracy ms seed".into(), String::new()));
        assert_eq!(fitting(20), ("accuracy ms seed".into(), "arch".into()));
        assert_eq!(fitting(12), ("accuracy ms".into(), "arch seed".into()));
    }

    #[test]
    fn csv_has_numbers_in_full_and_nothing_for_absent_values() {
        insta::assert_snapshot!(records().csv().unwrap(), @r#"
        name,count,ms
        "a, b",3,0.1234567
        c,12,
        "#);
    }

    #[test]
    fn json_has_null_for_absent_values() {
        assert_eq!(records().json()[1]["ms"], Value::Null);
        assert_eq!(records().json()[0]["ms"], 0.123_456_7);
    }

    #[test]
    fn numbers_are_rounded_by_their_size() {
        for (value, expected) in [
            (0.0, "0.0000"),
            (0.12345, "0.1235"),
            (5.80742, "5.807"),
            (94.3733, "94.37"),
            (1e-7, "1.000e-7"),
            (1_073_466.0, "1073466"),
            (1.5e10, "1.500e10"),
        ] {
            assert_eq!(rounded(value), expected);
        }
        for (value, expected) in [(1_073_466.0, "1073466"), (9.617e43, "9.617e43"), (0.0, "0")] {
            assert_eq!(in_full(value), expected);
        }
    }
}
