//! The report that `nas search` prints as JSON, as one row.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::Error;

/// Reads what `nas` has printed as JSON; `run` is named in errors.
pub fn parse(report: &[u8], run: &Path) -> Result<Value, Error> {
    serde_json::from_slice(report)
        .map_err(|source| Error::File { path: PathBuf::from(run), source: source.into() })
}

/// Proposals of the model in both forms.
pub fn proposals(report: &Value, which: &str) -> u64 {
    let forms = ["edits", "whole"].into_iter();
    forms.filter_map(|form| report["model"][form][which].as_u64()).sum()
}

/// The number of rules that the search began with and that hold at its end.
pub fn rules_that_hold(report: &Value) -> u64 {
    let rules = report["rules"].as_array().into_iter().flatten();
    rules.filter(|rule| rule["by"] == "user").count() as u64
}

/// Proposals of the model that were proposed or evaluated before.
pub fn duplicates(report: &Value) -> u64 {
    let forms = ["edits", "whole"].into_iter();
    forms.filter_map(|form| report["model"][form]["faults"]["duplicate"].as_u64()).sum()
}

/// The scores of one search. The model's part is absent where there was no model, and its scores
/// where nothing of it could be used.
#[derive(Clone, Copy, Default)]
pub struct Row {
    pub calls: Option<f64>,
    pub made: Option<f64>,
    duplicates: Option<f64>,
    pub coverage: Option<f64>,
    pub hypervolume_ratio: Option<f64>,
    pub own_coverage: Option<f64>,
    pub own_hypervolume_ratio: Option<f64>,
}

impl Row {
    pub fn of(report: &Value) -> Self {
        let model = &report["model"];
        let forms = [&model["edits"], &model["whole"]].into_iter();
        let made = model.is_object().then(|| forms.filter_map(|form| form["made"].as_f64()).sum());
        let duplicates = model.is_object().then(|| duplicates(report) as f64);
        let last = report["generations"].as_array().and_then(|rows| rows.last());
        Self {
            calls: model["usage"]["calls"].as_f64(),
            made,
            duplicates: duplicates.zip(made).map(|(some, all)| some / f64::max(all, 1.0)),
            coverage: last.and_then(|row| row["coverage"].as_f64()),
            hypervolume_ratio: report["scores"]["hypervolume_ratio"].as_f64(),
            own_coverage: report["model_alone"]["coverage"].as_f64(),
            own_hypervolume_ratio: report["model_alone"]["hypervolume_ratio"].as_f64(),
        }
    }

    /// The mean of what is there.
    pub fn mean(rows: &[Self]) -> Self {
        let mean = |of: fn(&Self) -> Option<f64>| {
            let values: Vec<f64> = rows.iter().filter_map(of).collect();
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        Self {
            calls: mean(|row| row.calls),
            made: mean(|row| row.made),
            duplicates: mean(|row| row.duplicates),
            coverage: mean(|row| row.coverage),
            hypervolume_ratio: mean(|row| row.hypervolume_ratio),
            own_coverage: mean(|row| row.own_coverage),
            own_hypervolume_ratio: mean(|row| row.own_hypervolume_ratio),
        }
    }
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let number = |value: Option<f64>, decimals: usize| {
            value.map_or_else(|| "-".to_owned(), |value| format!("{value:.decimals$}"))
        };
        let percent = self
            .duplicates
            .map_or_else(|| "-".to_owned(), |share| format!("{:.0} %", 100.0 * share));
        write!(
            f,
            "{:>5} {:>8} {percent:>5} {:>9} {:>8} {:>9} {:>8}",
            number(self.calls, 0),
            number(self.made, 0),
            number(self.coverage, 2),
            number(self.hypervolume_ratio, 4),
            number(self.own_coverage, 2),
            number(self.own_hypervolume_ratio, 4),
        )
    }
}
