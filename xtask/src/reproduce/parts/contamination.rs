//! Whether language models know the benchmark.

use crate::error::Error;
use crate::reproduce::names::DATASETS;
use crate::reproduce::page::Page;
use crate::reproduce::part::Part;
use crate::reproduce::results::Results;
use crate::reproduce::rows::Memorised;
use crate::reproduce::sheet::Sheet;

pub const CONTAMINATION: Part = Part {
    name: "contamination",
    about: "Whether language models know the benchmark",
    experiments: Vec::new,
    replays: true,
    page,
};

/// Cells of NAS-Bench-201.
const CELLS: f64 = 15_625.0;

/// The cells that models name from memory, compared with as many random cells.
fn memorised(results: &Results) -> Result<Sheet, Error> {
    let mut sheet = Sheet::new(
        "memorised",
        "The ten best cells from memory",
        &["model", "data set", "cells", "best named [%]", "its rank of 15,625", "by chance"],
    );
    let all = results.memorised()?;
    let mut models: Vec<&str> = all.iter().map(|one| one.model.as_str()).collect();
    models.dedup();
    for model in models {
        for dataset in DATASETS {
            let named: Vec<&Memorised> =
                all.iter().filter(|one| one.model == model && one.dataset == dataset).collect();
            let mut cells: Vec<u64> = named.iter().filter_map(|one| one.index).collect();
            cells.sort_unstable();
            cells.dedup();
            let best = named.iter().filter(|one| one.rank.is_some()).min_by_key(|one| one.rank);
            let accuracy = best.and_then(|one| one.test_accuracy_percent);
            let rank = best.and_then(|one| one.rank);
            // The best of as many random cells is at least as good with this probability.
            let chance = rank.map(|rank| {
                let worse = 1.0 - rank as f64 / CELLS;
                format!("{:.0} %", 100.0 * (1.0 - worse.powi(cells.len() as i32)))
            });
            let dash = || "-".to_owned();
            sheet.push([
                model.to_owned(),
                dataset.to_owned(),
                cells.len().to_string(),
                accuracy.map_or_else(dash, |accuracy| format!("{accuracy:.2}")),
                rank.map_or_else(dash, |rank| rank.to_string()),
                chance.unwrap_or_else(dash),
            ]);
        }
    }
    Ok(sheet)
}

/// The order of two cells, by models and by FLOPs.
fn pairs(results: &Results) -> Result<Sheet, Error> {
    let mut sheet = Sheet::new(
        "pairs",
        "The order of two cells",
        &[
            "model",
            "shown before",
            "names",
            "pairs",
            "right",
            "more FLOPs is better",
            "accuracies stated to 0.05 points",
        ],
    );
    for one in results.pairs()? {
        let share = |mean: f64, low: f64, high: f64| format!("{mean:.2} [{low:.2}, {high:.2}]");
        sheet.push([
            one.model,
            if one.known { "the accuracies of five cells" } else { "nothing" }.to_owned(),
            if one.disguised { "neutral" } else { "own" }.to_owned(),
            one.pairs.to_string(),
            share(one.right, one.low, one.high),
            share(one.by_flops, one.flops_low, one.flops_high),
            format!("{:.0} %", 100.0 * one.exact),
        ]);
    }
    Ok(sheet)
}

/// What neutral names change of the choices.
fn disguised(results: &Results) -> Result<Sheet, Error> {
    let mut sheet = Sheet::new(
        "disguised",
        "Choices with neutral names",
        &["model", "asked", "choices", "percentile", "difference to own names"],
    );
    for one in results.skills()? {
        let (Some(difference), Some(low), Some(high)) =
            (one.difference, one.difference_low, one.difference_high)
        else {
            continue;
        };
        if !["together", "without means"].contains(&one.choice.as_str()) {
            continue;
        }
        let choices = if one.choice == "together" {
            "both orders"
        } else {
            "both, without the letters' means"
        };
        sheet.push([
            one.model,
            one.prompting,
            choices.to_owned(),
            format!("{:.3} [{:.3}, {:.3}]", one.percentile, one.low, one.high),
            format!("{difference:+.3} [{low:+.3}, {high:+.3}]").replace('-', "−"),
        ]);
    }
    Ok(sheet)
}

fn page(results: &Results) -> Result<Page, Error> {
    Ok(Page {
        name: "contamination",
        title: "Do the language models know the benchmark?",
        before: "A model that has seen the benchmark in its training may find good cells without any search. \
                 Then its results are no evidence for the search. Three tests, with calls that were recorded \
                 once (Q4_K_M, llama.cpp) and are replayed.\n\n\
                 From memory: the model names the ten best cells, with no data (`nas memorise-test`, \
                 temperature 0). Pairs: it states the accuracies of two random cells on CIFAR-10, one after the other \
                 (`nas memorise-test --pairs 100`, temperature 0). Right: their order is; equal ones count \
                 as half. A test that finds nothing must be able to find something: with five cells' \
                 accuracies shown before, then twenty cells without, the pairs are among the five \
                 (`--known 5`); a model that reads is right in all, and states their accuracies. Ten pairs are of the same \
                 five cells, and are resampled together. Of a model that does not find the accuracies that it was shown, the other \
                 rows are no evidence. Neutral names hide what the model may know: the choices \
                 are those of `nas skill-test`, in the same situations and from the same candidates. \
                 [95 % interval by resampling]."
            .to_owned(),
        after: "Cells: the distinct ones of the ten that were requested; a model that repeats one names one, \
                which is weak evidence. By chance: how often the best of as \
                many random cells is as good. More FLOPs is better: how often that alone is right, for the same \
                pairs. Percentile: of what a choice adds to its niche's front, among the candidates; chance is \
                0.5."
            .to_owned(),
        sheets: vec![memorised(results)?, pairs(results)?, disguised(results)?],
        ..Page::default()
    })
}
