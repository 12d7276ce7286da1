//! Reader of published costs of NAS-Bench-201 cells.

use std::path::Path;

use nas_space::{
    Arch,
    nasbench201::{self, CELLS},
};

use super::{ByIndex, Row, Sheet};
use crate::{Error, manifest::CostColumn};

/// A column that names a row's cell, and how its text is read.
type Key = (&'static str, &'static str, fn(&str) -> Result<Arch, nas_space::Error>);

/// In the order in which they are looked for: title, what it holds, reader.
const KEYS: [Key; 3] = [
    ("net", "an operation tuple", nasbench201::parse_op_tuple),
    ("arch", "an arch string", nasbench201::parse_arch_str),
    ("index", "a benchmark index", |text| {
        let index = text.parse().unwrap_or(usize::MAX);
        nasbench201::from_index(index)
    }),
];

/// Reads a CSV file such as HW-NAS-Bench's (Li et al. 2021, arXiv 2103.10584): for each of the columns
/// the costs of all cells by benchmark index, in the metric's unit. Rows may be in any order; a cell
/// that has none, or the column's number for absent, has no cost.
pub(crate) fn parse(
    path: &Path,
    bytes: &[u8],
    columns: &[CostColumn],
) -> Result<Vec<Vec<Option<f64>>>, Error> {
    let names: Vec<&str> = columns.iter().map(|column| column.column.as_str()).collect();
    let sheet = Sheet::open(path, bytes, &names)?;
    let Some((key, holds, read)) = KEYS.into_iter().find(|(key, ..)| sheet.has(key)) else {
        let keys: Vec<&str> = KEYS.iter().map(|(key, ..)| *key).collect();
        return Err(Error::Malformed {
            file: path.to_owned(),
            line: 1,
            problem: format!("no column names the cell: expected one of {}", keys.join(", ")),
        });
    };
    let mut rows = ByIndex::new();
    sheet.rows(CELLS, |row| {
        let arch =
            read(row.text(key)?).map_err(|error| row.wrong(key, &format!("{holds}: {error}")))?;
        let costs =
            columns.iter().map(|column| cost(row, column)).collect::<Result<Vec<_>, _>>()?;
        rows.set(row, key, &arch, costs)
    })?;
    let rows: Vec<Option<Vec<Option<f64>>>> = rows.into_values();
    let of = |at: usize| rows.iter().map(move |costs| costs.as_ref().and_then(|costs| costs[at]));
    Ok((0..columns.len()).map(|at| of(at).collect()).collect())
}

fn cost(row: &Row<'_>, column: &CostColumn) -> Result<Option<f64>, Error> {
    let value = row.number(&column.column)?;
    match column.absent {
        Some(absent) if value.to_bits() == absent.to_bits() => Ok(None),
        _ if value > 0.0 => Ok(Some(value)),
        Some(absent) => Err(row.wrong(
            &column.column,
            &format!("a number above 0, or {absent} for a cell that it cannot run"),
        )),
        None => Err(row.wrong(&column.column, "a number above 0")),
    }
}

#[cfg(test)]
mod tests {
    use nas_hw::Metric;

    use super::*;
    use crate::parse::fixture::{by_index, by_tuple, with_line};

    const HEADER: &str = "edgegpu_latency,edgetpu_latency,eyeriss_arithmetic_intensity,fpga_energy";

    fn columns() -> Vec<CostColumn> {
        let column = |name: &str, metric, absent| CostColumn {
            column: name.to_owned(),
            device: name.split('_').next().unwrap().to_owned(),
            metric,
            absent,
        };
        vec![
            column("edgegpu_latency", Metric::Latency, None),
            column("edgetpu_latency", Metric::Latency, Some(-1.0)),
            column("fpga_energy", Metric::Energy, None),
        ]
    }

    fn line(index: usize) -> String {
        let edgetpu = if index.is_multiple_of(2) { "-1.0" } else { "0.5" };
        format!("{}.5,{edgetpu},-7,9", index + 1)
    }

    fn read(text: &str) -> Result<Vec<Vec<Option<f64>>>, Error> {
        parse(Path::new("hw.csv"), text.as_bytes(), &columns())
    }

    fn fault(text: &str) -> String {
        read(text).err().unwrap().to_string()
    }

    #[test]
    fn costs_are_read_by_column_whatever_names_the_cell() {
        for text in [by_tuple(HEADER, line), by_index(HEADER, line)] {
            let [gpu, tpu, fpga] = <[_; 3]>::try_from(read(&text).unwrap()).unwrap();
            assert_eq!(gpu[7], Some(8.5));
            assert_eq!((tpu[0], tpu[1]), (None, Some(0.5)));
            assert_eq!(fpga[CELLS - 1], Some(9.0));
        }
    }

    #[test]
    fn the_order_of_the_lines_does_not_matter() {
        let text = by_tuple(HEADER, line);
        let mut lines: Vec<&str> = text.lines().collect();
        lines[1..].reverse();
        assert_eq!(read(&lines.join("\n")).unwrap(), read(&text).unwrap());
    }

    #[test]
    fn minus_one_elsewhere_and_a_cell_given_twice_are_refused() {
        let text = by_tuple(HEADER, line);
        let first = text.lines().nth(1).unwrap();
        let negative = with_line(&text, 2, &first.replace(",9", ",-1"));
        assert_eq!(
            fault(&negative),
            "hw.csv:2: column `fpga_energy`: `-1`, expected a number above 0"
        );
        let twice = with_line(&text, 3, first);
        assert_eq!(
            fault(&twice),
            "hw.csv:3: column `net`: `(4, 3, 3, 0, 0, 0)`, expected a cell that no line above has"
        );
        let unknown = with_line(&text, 2, &first.replace("(4,", "(7,"));
        assert!(fault(&unknown).contains("expected an operation tuple"), "{}", fault(&unknown));
        assert!(fault(&text.replace("fpga_energy", "fpga")).contains("`fpga_energy`"));
        let nameless = fault(&text.replacen("net,", "cell,", 1));
        assert!(nameless.contains("expected one of net, arch, index"), "{nameless}");
        let shorter = text.lines().take(CELLS).collect::<Vec<_>>().join("\n");
        assert_eq!(fault(&shorter), "hw.csv: 15624 rows, expected 15625");
    }
}
