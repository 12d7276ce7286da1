//! The number of niches, and the axes that define them.

use super::scores::{SCORED, by_seed, differences, of, on, p_value, ratio, scores};
use crate::error::Error;
use crate::reproduce::experiment::Experiment;
use crate::reproduce::figure::{Curves, Dots};
use crate::reproduce::names::{ALLOCATIONS, OURS, named};
use crate::reproduce::page::Page;
use crate::reproduce::part::Part;
use crate::reproduce::results::Results;
use crate::reproduce::rows::Scores;
use crate::reproduce::searches::{in_niches, whole};
use crate::reproduce::sheet::Sheet;
use nas_pareto::statistics::{Estimate, mean};

pub const NICHES: Part = Part {
    name: "niches",
    about: "The number of niches",
    experiments: || {
        let mut all = Vec::new();
        for niches in COUNTS {
            for allocation in ALLOCATIONS {
                let cut = format!("--partition flops --niches {niches} --allocation {allocation}");
                all.push(Experiment::scores(
                    format!("count-{niches}-{allocation}"),
                    format!("--searchers statistical {cut} --evaluations 200"),
                ));
            }
        }
        all
    },
    replays: false,
    page: niches,
};

pub const AXES: Part = Part {
    name: "axes",
    about: "The axes that define niches",
    experiments: || {
        let mut all = vec![whole()];
        for allocation in ALLOCATIONS {
            all.extend(CUTS.map(|axis| in_niches(200, axis, allocation)));
            all.extend(["pel-nas", "automatic"].map(|axis| in_niches(600, axis, allocation)));
        }
        all
    },
    replays: false,
    page: axes,
};

/// The axes that can define niches: the paper's niches, single axes, and the choice among them.
const CUTS: [&str; 10] = [
    "pel-nas",
    "nor_conv_3x3",
    "nor_conv_1x1",
    "parameters",
    "flops",
    "operations",
    "layers",
    "predicted-latency",
    "random",
    "automatic",
];

/// Numbers of niches, by FLOPs.
const COUNTS: std::ops::RangeInclusive<u32> = 1..=12;

/// The devices on which the paper's axis explains little of the latency.
const HARD: [&str; 2] = ["edgetpu", "edgegpu"];

fn niches(results: &Results) -> Result<Page, Error> {
    let mut sheet = Sheet::new(
        "niches",
        "Niches of about equal size by FLOPs, means over 18 pairs",
        &["niches", "budgets", "HV ratio", "worst pair", "IGD", "coverage"],
    );
    let mut series = Vec::new();
    for allocation in ALLOCATIONS {
        let mut points = Vec::new();
        for niches in COUNTS {
            let rows = results.scores(&format!("count-{niches}-{allocation}"))?;
            let [ratio_text, worst, _, igd, _, coverage] = scores(&rows);
            sheet.push([
                niches.to_string(),
                allocation.to_owned(),
                ratio_text,
                worst,
                igd,
                coverage,
            ]);
            points.push((f64::from(niches), mean(&by_seed(&rows, ratio))));
        }
        series.push((format!("{allocation} budgets"), points));
    }
    let curves = Curves {
        title: "Statistical proposer, 200 evaluations, niches by FLOPs".to_owned(),
        x: "niches",
        y: "HV ratio",
        range: (0.96, 1.0),
        series,
    };
    Ok(Page {
        name: "niches",
        title: "The number of niches",
        before: format!(
            "The statistical proposer on published accuracy, 200 evaluations. With equal budgets niches \
             are separate. With adaptive budgets half of the budget is free, the other half goes to the \
             niches that improve the front, and parents come from all niches. {SCORED}"
        ),
        sheets: vec![sheet],
        figures: vec![(
            "niches".to_owned(),
            "HV ratio against the number of niches".to_owned(),
            curves.svg()?,
        )],
        ..Page::default()
    })
}

/// An axis's name in tables.
fn axis_named(axis: &str) -> &str {
    match axis {
        "pel-nas" => "the paper's niches",
        "nor_conv_3x3" => "number of 3×3 convolutions",
        "nor_conv_1x1" => "number of 1×1 convolutions",
        "operations" => "operations, not none",
        "layers" => "operations that compute",
        "flops" => "FLOPs",
        "predicted-latency" => "predicted latency",
        "random" => "at random",
        other => other,
    }
}

/// The automatic axis and the paper's.
fn automatic(results: &Results) -> Result<Sheet, Error> {
    let mut automatic = Sheet::new(
        "axes-automatic",
        "The automatic axis and the paper's, on edgetpu and edgegpu",
        &[
            "evaluations",
            "budgets",
            "searcher",
            "HV ratio, the paper's",
            "HV ratio, automatic",
            "difference",
            "p",
            "coverage, the paper's",
            "coverage, automatic",
            "difference in coverage",
            "its p",
        ],
    );
    for evaluations in [200, 600] {
        for allocation in ALLOCATIONS {
            let rows = |axis: &str| {
                let rows = results.scores(&format!("niches-{evaluations}-{axis}-{allocation}"));
                Ok::<_, Error>(on(&rows?, &HARD))
            };
            let (paper, found) = (rows("pel-nas")?, rows("automatic")?);
            for searcher in OURS {
                let (paper, found) = (of(&paper, searcher), of(&found, searcher));
                let ratios = differences(&found, &paper, ratio);
                let coverages = differences(&found, &paper, |row| row.coverage);
                let ([paper, .., covered], [found, .., more]) = (scores(&paper), scores(&found));
                automatic.push([
                    evaluations.to_string(),
                    allocation.to_owned(),
                    named(searcher).to_owned(),
                    paper,
                    found,
                    Estimate::of(&ratios).signed(4),
                    p_value(&ratios),
                    covered,
                    more,
                    Estimate::of(&coverages).signed(2),
                    p_value(&coverages),
                ]);
            }
        }
    }
    Ok(automatic)
}

fn axes(results: &Results) -> Result<Page, Error> {
    let columns = ["niches by", "budgets", "HV ratio", "IGD", "coverage"];
    let hard: Vec<&str> = ["HV ratio, edgetpu and edgegpu", "coverage there"].to_vec();
    let mut sheet = Sheet::new(
        "axes",
        "200 evaluations, evolution and statistical proposer, means over 18 pairs",
        &[&columns[..], &hard].concat(),
    );
    let row = |rows: &[Scores]| {
        let [ratio, _, _, igd, _, coverage] = scores(rows);
        let [hard, _, _, _, _, covered] = scores(&on(rows, &HARD));
        [ratio, igd, coverage, hard, covered]
    };
    let whole = results.scores("niches-200-whole")?;
    sheet.push(["none".to_owned(), String::new()].into_iter().chain(row(&whole)));
    let mut series = Vec::new();
    for allocation in ALLOCATIONS {
        let mut estimates = vec![Some(Estimate::of(&by_seed(&whole, ratio)))];
        for axis in CUTS {
            let rows = results.scores(&format!("niches-200-{axis}-{allocation}"))?;
            let name = [axis_named(axis).to_owned(), allocation.to_owned()];
            sheet.push(name.into_iter().chain(row(&rows)));
            estimates.push(Some(Estimate::of(&by_seed(&rows, ratio))));
        }
        series.push((format!("{allocation} budgets"), estimates));
    }
    let names = std::iter::once("none").chain(CUTS.map(axis_named)).map(str::to_owned);
    let dots = Dots {
        title: "200 evaluations, mean of 18 pairs, two searchers".to_owned(),
        x: "HV ratio, with 95 % interval",
        names: names.collect(),
        series,
    };
    let automatic = automatic(results)?;
    let block = automatic.markdown();
    let before = format!(
        "Six niches of about equal size on an axis, fewer where the axis has few \
         values. Automatic is the paper's niches or the axis that explains most of the latencies that \
         the search has seen; it is chosen after the random sample and again whenever the number of \
         evaluations has doubled (`nas niches --rank --device NAME` ranks the axes on a sample). \
         Predicted latency is an additive model of the latencies that the search has seen. At random \
         is the control. {SCORED}"
    );
    Ok(Page {
        name: "axes",
        title: "The axes that define niches",
        before,
        after:
            "With adaptive budgets, no axis is better than no niches by more than chance: for \
                proposers without a bias, partitioning does not help on this benchmark. With equal \
                budgets it costs hypervolume, and the axis decides how much: an axis that explains more \
                of a device's latency is not always the better one. On the Edge TPU and the Edge GPU \
                the operations that compute explain more of it than the paper's niches do (`nas niches \
                --rank`), and with equal budgets and 200 evaluations niches by them reach less. \
                Differences are paired by seed and not corrected for their number."
                .to_owned(),
        sheets: vec![sheet, automatic],
        figures: vec![(
            "axes".to_owned(),
            "HV ratio for each axis, with adaptive and with equal budgets".to_owned(),
            dots.svg()?,
        )],
        blocks: vec![("automatic".to_owned(), block)],
    })
}
