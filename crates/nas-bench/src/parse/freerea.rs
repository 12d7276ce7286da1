use std::path::Path;

use nas_space::nasbench201::CELLS;

use super::{Sheet, in_order};
use crate::Error;

/// Reads `accuracies.csv` of FreeREA (Cavagnero et al. 2023, arXiv 2207.05135): test accuracies
/// in percent, by index.
pub(crate) fn accuracies(path: &Path, bytes: &[u8]) -> Result<Vec<f64>, Error> {
    let sheet = Sheet::open(path, bytes, &["index", "accuracy"])?;
    let mut values = Vec::with_capacity(CELLS);
    sheet.rows(CELLS, |row| {
        in_order(row)?;
        values.push(row.number_in("accuracy", 0.0, 100.0)?);
        Ok(())
    })?;
    super::expect_percent(path, "accuracy", &values)?;
    Ok(values)
}

/// Reads `naswot.csv` or `logsynflow.csv` of FreeREA: one score for each cell, by index. An
/// infinite score (NASWOT's logarithm of a singular kernel's determinant) is undefined, `None`.
pub(crate) fn proxy(path: &Path, bytes: &[u8], column: &str) -> Result<Vec<Option<f64>>, Error> {
    let sheet = Sheet::open(path, bytes, &["index", column])?;
    let mut values = Vec::with_capacity(CELLS);
    sheet.rows(CELLS, |row| {
        in_order(row)?;
        values.push(Some(row.extended_number(column)?).filter(|value| value.is_finite()));
        Ok(())
    })?;
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::fixture::{by_index, with_line};

    #[test]
    fn accuracies_are_percent_and_in_order() {
        let text = by_index("accuracy", |index| format!("{}.25", index % 90));
        let check = |text: &str, expected: &str| {
            let error = accuracies(Path::new("a.csv"), text.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), expected);
        };
        let values = accuracies(Path::new("a.csv"), text.as_bytes()).unwrap();
        assert_eq!((values.len(), values[91]), (CELLS, 1.25));

        check(&with_line(&text, 3, "2,5.0"), "a.csv:3: column `index`: `2`, expected 1");
        check(
            &with_line(&text, 3, "1,100.5"),
            "a.csv:3: column `accuracy`: `100.5`, expected a number from 0 to 100",
        );
        check(
            &with_line(&text, 3, "1,-inf"),
            "a.csv:3: column `accuracy`: `-inf`, expected a finite number",
        );
        let fractions = by_index("accuracy", |_| "0.9".to_owned());
        check(&fractions, "a.csv: column `accuracy` has nothing above 1, expected percent");
    }

    #[test]
    fn infinite_scores_are_undefined_and_not_a_number_is_refused() {
        let text = by_index("naswot,time=[s]", |index| {
            let score = if index == 5 { "-inf" } else { "700.5" };
            format!("{score},0.1")
        });
        let values = proxy(Path::new("n.csv"), text.as_bytes(), "naswot").unwrap();
        assert_eq!((values[4], values[5]), (Some(700.5), None));
        let error =
            proxy(Path::new("n.csv"), with_line(&text, 9, "7,nan,0.1").as_bytes(), "naswot")
                .unwrap_err();
        assert_eq!(error.to_string(), "n.csv:9: column `naswot`: `nan`, expected a number");
    }
}
