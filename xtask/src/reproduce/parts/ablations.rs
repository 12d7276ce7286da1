//! Table 5: ablations.

use super::scores::{SCORED, after, differences, of, p_value, ratio, scores};
use crate::error::Error;
use crate::reproduce::experiment::Experiment;
use crate::reproduce::names::{ALLOCATIONS, OURS, named};
use crate::reproduce::page::Page;
use crate::reproduce::part::Part;
use crate::reproduce::results::Results;
use crate::reproduce::rows::Scores;
use crate::reproduce::searches::{bought, exact, in_niches, in_niches_on, predicted, whole};
use crate::reproduce::sheet::Sheet;
use nas_pareto::statistics::Estimate;

pub const T5: Part =
    Part { name: "T5", about: "Ablations", experiments, replays: false, page: ablations };

fn experiments() -> Vec<Experiment> {
    let mut all = vec![exact(), predicted(), bought(), whole()];
    for allocation in ALLOCATIONS {
        for accuracy in ["shared-predictor", "proxy"] {
            all.push(in_niches_on(accuracy, allocation));
        }
        for evaluations in [200, 600] {
            all.push(in_niches(evaluations, "pel-nas", allocation));
        }
    }
    all
}

/// The parts that need no model, left out or replaced.
fn without_model(results: &Results) -> Result<Sheet, Error> {
    let base = of(&results.scores("predicted-adaptive")?, "statistical");
    let mut sheet = Sheet::new(
        "T5",
        "Without a model, means over 18 pairs",
        &["", "HV ratio", "difference", "p", "coverage"],
    );
    let others = [
        ("niches with equal budgets, as in the paper", "predicted-equal", "statistical"),
        ("without the partition", "predicted", "statistical"),
        ("without the knowledge base: evolution in the niches", "predicted-adaptive", "evolution"),
        ("without both", "predicted", "evolution"),
        ("without the predictor: one proxy (NASWOT)", "proxy-adaptive", "statistical"),
        (
            "published accuracy instead of the predictor",
            "niches-600-pel-nas-adaptive",
            "statistical",
        ),
        (
            "200 networks chosen for training, every architecture predicted, no search",
            "bought",
            "exhaustive",
        ),
    ];
    let row = |name: &str, rows: &[Scores], difference: [String; 2]| {
        let [found, _, _, _, _, coverage] = scores(rows);
        let [difference, p] = difference;
        [name.to_owned(), found, difference, p, coverage]
    };
    sheet.push(row(
        "the whole: statistics and knowledge base, six niches with adaptive budgets, \
                    accuracy predicted from 200 random trained networks",
        &base,
        [String::new(), String::new()],
    ));
    for (name, data, searcher) in others {
        let rows = of(&results.scores(data)?, searcher);
        let differences = differences(&rows, &base, ratio);
        let difference = [Estimate::of(&differences).signed(4), p_value(&differences)];
        sheet.push(row(name, &rows, difference));
    }
    Ok(sheet)
}

/// Niches against none.
fn budgets(results: &Results) -> Result<Sheet, Error> {
    let mut budgets = Sheet::new(
        "T5-budgets",
        "Budgets over niches, published accuracy: difference to no niches",
        &["searcher", "evaluations", "niches", "HV ratio", "difference", "at least", "p"],
    );
    for evaluations in [200, 600] {
        for searcher in OURS {
            let whole = if evaluations == 200 { "niches-200-whole" } else { "exact" };
            let whole = after(&of(&results.scores(whole)?, searcher), None);
            let start = |niches: &str| {
                [named(searcher).to_owned(), evaluations.to_string(), niches.to_owned()]
            };
            let blank = || [String::new(), String::new(), String::new()];
            budgets
                .push(start("none").into_iter().chain([scores(&whole)[0].clone()]).chain(blank()));
            for allocation in ALLOCATIONS {
                let rows = results.scores(&format!("niches-{evaluations}-pel-nas-{allocation}"))?;
                let rows = of(&rows, searcher);
                let differences = differences(&rows, &whole, ratio);
                let estimate = Estimate::of(&differences);
                let least = estimate.mean - estimate.half.unwrap_or(0.0);
                let least = Estimate { mean: least, half: None }.signed(4);
                let shown =
                    [scores(&rows)[0].clone(), estimate.signed(4), least, p_value(&differences)];
                budgets.push(start(&format!("six, {allocation}")).into_iter().chain(shown));
            }
        }
    }
    Ok(budgets)
}

fn ablations(results: &Results) -> Result<Page, Error> {
    let budgets = budgets(results)?;
    let block = budgets.markdown();
    Ok(Page {
        name: "T5",
        title: "Table 5: ablations",
        before: format!(
            "Differences are paired by seed, after the mean over the pairs; p by a two-sided paired \
             t-test, not corrected for the number of tests. At least: the lower end of the 95 % \
             interval of the difference. {SCORED}"
        ),
        after: "Without a model the partition brings no gain here: it corrects a proposer's bias, and these \
                proposers have none. What a model adds is in [language-model](language-model.md)."
            .to_owned(),
        sheets: vec![without_model(results)?, budgets],
        blocks: vec![("budgets".to_owned(), block)],
        ..Page::default()
    })
}
