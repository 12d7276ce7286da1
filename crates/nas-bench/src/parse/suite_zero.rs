use std::path::Path;

use nas_space::nasbench201;

use super::{ByIndex, Row, Sheet, net};
use crate::Error;

/// The 13 proxies of NAS-Bench-Suite-Zero (Krishnakumar et al. 2022, arXiv 2210.03230), by their
/// column names. `flops` is in millions and `params` in millions.
pub const SUITE_ZERO: [&str; 13] = [
    "epe_nas",
    "fisher",
    "flops",
    "grad_norm",
    "grasp",
    "jacov",
    "l2_norm",
    "nwot",
    "params",
    "plain",
    "snip",
    "synflow",
    "zen",
];

/// The cells in the published files: those without unreachable operations.
pub(crate) const ROWS: usize = 9_445;

/// The authors write this where a proxy came out as not a number or infinite.
const UNDEFINED: f64 = -1e8;

/// Reads `nb201_*zc_proxies.csv`: for each of [`SUITE_ZERO`] its values by benchmark index,
/// `None` where a cell is not in the file or its proxy is undefined.
pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<Vec<Vec<Option<f64>>>, Error> {
    parse_rows(path, bytes, ROWS)
}

fn parse_rows(path: &Path, bytes: &[u8], rows: usize) -> Result<Vec<Vec<Option<f64>>>, Error> {
    let names: Vec<&str> = std::iter::once("net").chain(SUITE_ZERO).collect();
    let sheet = Sheet::open(path, bytes, &names)?;
    let mut cells = ByIndex::new();
    sheet.rows(rows, |row| {
        let arch = net(row)?;
        let mut scores = [None; SUITE_ZERO.len()];
        for (score, column) in scores.iter_mut().zip(SUITE_ZERO) {
            *score = defined(row, column)?;
        }
        cells.set(row, "net", &arch, scores)?;
        // One of the two files gives the cell in both of its text forms.
        match row.text("net_str") {
            Ok(text) if text != nasbench201::arch_str(&arch) => {
                Err(row.wrong("net_str", &nasbench201::arch_str(&arch)))
            }
            _ => Ok(()),
        }
    })?;
    let cells = cells.into_values();
    let column = |place: usize| cells.iter().map(|cell| cell.as_ref()?[place]).collect();
    Ok((0..SUITE_ZERO.len()).map(column).collect())
}

fn defined(row: &Row<'_>, column: &str) -> Result<Option<f64>, Error> {
    let value = row.number(column)?;
    Ok((value.to_bits() != UNDEFINED.to_bits()).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(rows: &[&str]) -> String {
        let header = format!("net,net_str,{}", SUITE_ZERO.join(","));
        rows.iter().fold(header, |text, row| format!("{text}\n{row}"))
    }

    const FIRST: &str = "\"(4, 3, 3, 0, 0, 0)\",\
        |avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|\
        skip_connect~2|,1,2,3,4,5,6,7,8,9,10,11,12,13";
    const SECOND: &str = "\"(2, 2, 0, 4, 2, 0)\",\
        |nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|\
        skip_connect~2|,-100000000.0,2,3,4,5,6,7,-8,9,10,11,12,13";

    #[test]
    fn cells_come_by_index_and_what_is_undefined_is_absent() {
        let text = file(&[SECOND, FIRST]);
        let columns = parse_rows(Path::new("z.csv"), text.as_bytes(), 2).unwrap();
        let epe_nas = &columns[0];
        let nwot = &columns[7];
        assert_eq!((epe_nas[0], epe_nas[1], epe_nas[2]), (Some(1.0), None, None));
        assert_eq!((nwot[0], nwot[1], nwot[2]), (Some(8.0), Some(-8.0), None));
    }

    #[test]
    fn the_two_forms_of_a_cell_must_agree() {
        let text = file(&[&FIRST.replace("|avg_pool_3x3~0|+", "|none~0|+")]);
        let message = parse_rows(Path::new("z.csv"), text.as_bytes(), 1).unwrap_err().to_string();
        assert!(message.starts_with("z.csv:2: column `net_str`: `|none~0|+"), "{message}");
        assert!(message.contains("expected |avg_pool_3x3~0|+"), "{message}");
        let infinite = file(&[&FIRST.replace(",13", ",inf")]);
        let error = parse_rows(Path::new("z.csv"), infinite.as_bytes(), 1).unwrap_err();
        assert_eq!(error.to_string(), "z.csv:2: column `zen`: `inf`, expected a finite number");
        let twice = file(&[FIRST, FIRST]);
        let error = parse_rows(Path::new("z.csv"), twice.as_bytes(), 2).unwrap_err();
        assert!(error.to_string().starts_with("z.csv:3: column `net`"), "{error}");
    }
}
