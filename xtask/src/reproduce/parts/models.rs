//! Other language models, and whether they have memorised the benchmark.

use super::recorded;
use super::scores::SCORED;
use crate::error::Error;
use crate::reproduce::methods::MODELS as ASKED;
use crate::reproduce::names::DATASETS;
use crate::reproduce::page::Page;
use crate::reproduce::part::Part;
use crate::reproduce::results::Results;
use crate::reproduce::rows::{Memorised, Recorded};
use crate::reproduce::sheet::Sheet;
use nas_pareto::statistics::mean;

pub const MODELS: Part = Part {
    name: "models",
    about: "Other language models, and whether they have memorised the benchmark",
    experiments: Vec::new,
    replays: true,
    page: models,
};

/// Cells of NAS-Bench-201.
const CELLS: f64 = 15_625.0;

/// Two models, asked plainly and guided by the whole method.
fn compared(results: &Results) -> Result<Sheet, Error> {
    let mut sheet = Sheet::new(
        "models",
        "CIFAR-10 on the Edge GPU, 12 calls, means over the seeds",
        &[
            "model",
            "",
            "seeds",
            "proposals",
            "accepted",
            "coverage",
            "HV ratio",
            "model's own coverage",
            "model's own HV ratio",
        ],
    );
    let records = results.model()?;
    for (files, model) in ASKED {
        for (way, generations, title) in
            [("plain", 12, "asked plainly"), ("co-evolution", 1, "the whole method")]
        {
            let method = format!("{files}{way}");
            let rows = recorded::of(&records, &method, generations);
            let of = |value: &dyn Fn(&Recorded) -> Option<f64>, decimals: usize| {
                let values: Vec<f64> = rows.iter().filter_map(|row| value(row)).collect();
                match values.len() {
                    0 => "-".to_owned(),
                    _ => format!("{:.decimals$}", mean(&values)),
                }
            };
            let accepted = of(&|row| Some(100.0 * row.taken? as f64 / row.made?.max(1) as f64), 0);
            sheet.push([
                model.to_owned(),
                title.to_owned(),
                rows.len().to_string(),
                of(&|row| Some(row.made? as f64), 0),
                format!("{accepted} %"),
                of(&|row| Some(row.coverage), 2),
                of(&|row| Some(row.hypervolume_ratio), 3),
                of(&|row| row.own_coverage, 2),
                of(&|row| row.own_hypervolume_ratio, 3),
            ]);
        }
    }
    Ok(sheet)
}

/// The cells that models name from memory, compared with as many random cells.
fn memorised(results: &Results) -> Result<Sheet, Error> {
    let mut sheet = Sheet::new(
        "memorised",
        "The ten best cells from memory",
        &["model", "data set", "cells", "best named [%]", "its rank of 15,625", "by chance"],
    );
    let all = results.memorised()?;
    for (_, model) in ASKED {
        for dataset in DATASETS {
            let named: Vec<&Memorised> =
                all.iter().filter(|one| one.model == model && one.dataset == dataset).collect();
            let mut cells: Vec<u64> = named.iter().filter_map(|one| one.index).collect();
            cells.sort_unstable();
            cells.dedup();
            let best = named
                .iter()
                .filter_map(|one| Some((one.rank?, one.test_accuracy_percent?)))
                .min_by_key(|(rank, _)| *rank);
            let [accuracy, rank, chance] = match best {
                None => ["-", "-", "-"].map(str::to_owned),
                Some((rank, accuracy)) => {
                    let worse = 1.0 - rank as f64 / CELLS;
                    let chance = 1.0 - worse.powi(i32::try_from(cells.len()).unwrap_or(i32::MAX));
                    [format!("{accuracy:.2}"), rank.to_string(), format!("{:.0} %", 100.0 * chance)]
                }
            };
            sheet.push([
                model.to_owned(),
                dataset.to_owned(),
                cells.len().to_string(),
                accuracy,
                rank,
                chance,
            ]);
        }
    }
    Ok(sheet)
}

fn models(results: &Results) -> Result<Page, Error> {
    Ok(Page {
        name: "models",
        title: "Other models, and whether they have memorised the benchmark",
        before: format!(
            "Qwen2.5-Coder-1.5B-Instruct (Q4_K_M) and SmolLM2-135M-Instruct, calls recorded once and \
             replayed. Accepted: the share of the proposals that are new cells of the requested niche. \
             {SCORED}"
        ),
        after: "A model that names the benchmark's best cells without any information about them has seen \
                the benchmark in training, and its results in a search are no evidence for the search \
                (`nas memorise-test`, temperature 0). Cells: the distinct ones of the ten that were \
                requested. By chance: how often the best of as many random cells is as good."
            .to_owned(),
        sheets: vec![compared(results)?, memorised(results)?],
        ..Page::default()
    })
}
