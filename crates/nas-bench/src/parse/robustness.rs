use std::path::Path;

use nas_space::nasbench201::CELLS;

use super::{ByIndex, Sheet, expect_percent, net};
use crate::Error;

/// Reads column `val_accs` of `robustness_targets.csv`: CIFAR-10 validation accuracies in
/// percent, given by operation tuple, returned by index.
pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<Vec<f64>, Error> {
    const COLUMN: &str = "val_accs";
    let sheet = Sheet::open(path, bytes, &["net", COLUMN])?;
    let mut values = ByIndex::new();
    sheet.rows(CELLS, |row| {
        values.set(row, "net", &net(row)?, row.number_in(COLUMN, 0.0, 100.0)?)
    })?;
    // As many rows as cells and none twice: every cell is there.
    let values: Vec<f64> = values.into_values().into_iter().flatten().collect();
    expect_percent(path, COLUMN, &values)?;
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::fixture::{by_tuple, with_line};

    #[test]
    fn values_come_by_index_whatever_the_order_of_the_lines() {
        let text = by_tuple("val_accs,other", |index| format!("{}.5,nan", index % 91));
        let mut lines: Vec<&str> = text.lines().collect();
        lines[1..].reverse();
        let values = parse(Path::new("r.csv"), lines.join("\n").as_bytes()).unwrap();
        assert_eq!((values[0], values[1], values[90]), (0.5, 1.5, 90.5));
    }

    #[test]
    fn a_cell_given_twice_is_refused() {
        let text = by_tuple("val_accs", |_| "50".to_owned());
        let twice = with_line(&text, 3, text.lines().nth(1).unwrap());
        let error = parse(Path::new("r.csv"), twice.as_bytes()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "r.csv:3: column `net`: `(4, 3, 3, 0, 0, 0)`, expected a cell that no line above has"
        );
    }
}
