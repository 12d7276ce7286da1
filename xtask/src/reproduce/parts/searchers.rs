//! Table 3, convergence, and energy: searchers side by side.

use super::scores::{SCORED, SCORES, after, by_seed, of, on, ratio, scores, seeds};
use crate::error::Error;
use crate::reproduce::experiment::Experiment;
use crate::reproduce::figure::{Curves, Dots};
use crate::reproduce::names::{ALLOCATIONS, DATASETS, DEVICES, OURS, SEARCHERS, named};
use crate::reproduce::page::Page;
use crate::reproduce::part::Part;
use crate::reproduce::results::Results;
use crate::reproduce::rows::Scores;
use crate::reproduce::searches::{bought, exact, in_niches, in_niches_on, predicted};
use crate::reproduce::sheet::Sheet;
use nas_pareto::statistics::Estimate;

pub const T3: Part = Part {
    name: "T3",
    about: "Hypervolume and distances of all searchers",
    experiments: || {
        let mut all = vec![exact(), predicted(), bought()];
        for allocation in ALLOCATIONS {
            all.push(in_niches_on("shared-predictor", allocation));
            all.push(in_niches(600, "pel-nas", allocation));
        }
        all
    },
    replays: false,
    page: searchers,
};

pub const CONVERGENCE: Part = Part {
    name: "convergence",
    about: "How searchers converge",
    experiments: || vec![exact()],
    replays: true,
    page: convergence,
};

pub const ENERGY: Part = Part {
    name: "energy",
    about: "Energy as a third objective",
    experiments: || {
        let arguments = format!("--searchers {} --energy", SEARCHERS.join(","));
        vec![Experiment::scores("energy", arguments)]
    },
    replays: false,
    page: energy,
};

/// A kind of search in table 3.
struct Kind {
    sees: &'static str,
    trained: &'static str,
    data: String,
    searcher: &'static str,
    niches: &'static str,
}

fn kinds() -> Vec<Kind> {
    let mut kinds = Vec::new();
    let mut add = |sees, trained, data: &str, searcher, niches| {
        kinds.push(Kind { sees, trained, data: data.to_owned(), searcher, niches });
    };
    let exact = "published accuracy";
    let shared = "predicted from 200 random trained networks";
    for searcher in SEARCHERS {
        add(exact, "", "exact", searcher, "");
    }
    for searcher in OURS {
        add(exact, "", "niches-600-pel-nas-adaptive", searcher, "six, adaptive");
        add(exact, "", "niches-600-pel-nas-equal", searcher, "six, equal");
    }
    for searcher in SEARCHERS {
        add(shared, "200", "predicted", searcher, "");
    }
    for searcher in OURS {
        add(shared, "200", "predicted-adaptive", searcher, "six, adaptive");
        add(shared, "200", "predicted-equal", searcher, "six, equal");
    }
    add(shared, "200", "predicted", "exhaustive", "");
    add("predicted from 200 networks chosen for training", "200", "bought", "exhaustive", "");
    kinds
}

/// Each device on CIFAR-10, published accuracy.
fn devices(rows: &[Scores]) -> Sheet {
    let shown = ["evolution", "statistical", "random"];
    let mut devices = Sheet::new(
        "",
        "",
        &["CIFAR-10, 600 evaluations", named(shown[0]), named(shown[1]), named(shown[2])],
    );
    let rows = after(rows, None);
    for device in DEVICES {
        let mut rows = on(&rows, &[device]);
        rows.retain(|row| row.dataset == DATASETS[0]);
        let ratio = |searcher: &&str| Estimate::of(&by_seed(&of(&rows, searcher), ratio)).text(4);
        devices.push(std::iter::once(device.to_owned()).chain(shown.iter().map(ratio)));
    }
    devices
}

/// Two ways to choose the networks that are trained.
fn trained(results: &Results) -> Result<Sheet, Error> {
    let mut trained = Sheet::new(
        "",
        "",
        &[
            "200 trained networks, all 15,625 cells predicted",
            "HV ratio",
            "worst pair",
            "IGD",
            "coverage",
        ],
    );
    for (name, data) in
        [("chosen for training, the default", "bought"), ("drawn at random", "predicted")]
    {
        let [ratio, worst, _, igd, _, coverage] = scores(&of(&results.scores(data)?, "exhaustive"));
        trained.push([name.to_owned(), ratio, worst, igd, coverage]);
    }
    Ok(trained)
}

fn searchers(results: &Results) -> Result<Page, Error> {
    let columns = ["the search sees", "searcher", "niches", "trained networks", "evaluations"];
    let mut sheet =
        Sheet::new("T3", "All searchers, means over 18 pairs", &[&columns[..], &SCORES].concat());
    let each = ["dataset", "device"];
    let mut all = Sheet::new(
        "T3-pairs",
        "Each pair",
        &[&each[..], &columns, &SCORES[..1], &SCORES[2..]].concat(),
    );
    all.file_only = true;
    let mut short = Sheet::new("", "", &["", "HV ratio", "worst pair", "IGD", "coverage"]);
    let (mut exact, mut predicted) = (Vec::new(), Vec::new());
    let mut count = 0;
    for kind in kinds() {
        let rows = after(&of(&results.scores(&kind.data)?, kind.searcher), None);
        count = seeds(&rows);
        let evaluations = rows.iter().map(|row| row.evaluations).max().unwrap_or(0).to_string();
        let what = [kind.sees, named(kind.searcher), kind.niches, kind.trained, &evaluations];
        let what = what.map(str::to_owned);
        sheet.push(what.iter().cloned().chain(scores(&rows)));
        for dataset in DATASETS {
            let mut devices: Vec<&str> = rows.iter().map(|row| row.device.as_str()).collect();
            devices.sort_unstable();
            devices.dedup();
            for device in devices {
                let mut rows = on(&rows, &[device]);
                rows.retain(|row| row.dataset == dataset);
                let [ratio, _, others @ ..] = scores(&rows);
                let pair = [dataset.to_owned(), device.to_owned()];
                all.push(pair.into_iter().chain(what.iter().cloned()).chain([ratio]).chain(others));
            }
        }
        if kind.niches.is_empty() && SEARCHERS.contains(&kind.searcher) {
            let estimate = Some(Estimate::of(&by_seed(&rows, ratio)));
            if kind.trained.is_empty() {
                exact.push(estimate);
                let [ratio, worst, _, igd, _, coverage] = scores(&rows);
                short.push([named(kind.searcher).to_owned(), ratio, worst, igd, coverage]);
            } else {
                predicted.push(estimate);
            }
        }
    }
    short.rows.reverse();
    let trained = trained(results)?;
    let dots = Dots {
        title: format!("600 evaluations, mean of 18 pairs and {count} seeds"),
        x: "HV ratio, with 95 % interval",
        names: SEARCHERS.map(|searcher| named(searcher).to_owned()).to_vec(),
        series: vec![
            ("published accuracy".to_owned(), exact),
            ("predicted from 200 trained networks".to_owned(), predicted),
        ],
    };
    Ok(Page {
        name: "T3",
        title: "Table 3: hypervolume and distances of all searchers",
        before: format!(
            "CIFAR-10, CIFAR-100 and ImageNet16-120 on six devices of HW-NAS-Bench, seeds 1 to \
             {count}. All searchers have the same evaluator, budget and seeds; those that see predicted \
             accuracy share one predictor for each data set and seed. The published accuracy that a \
             search sees is validation accuracy on CIFAR-10, and test accuracy, the only one in the \
             tables, on the other data sets. {SCORED}"
        ),
        after: "Searchers: Pareto local search (Paquete et al. 2004; White et al. 2021 on its \
                strength in NAS), regularised evolution (Real et al. 2019), NSGA-II (Deb et al. \
                2002, population 50), SPEA2 (Zitzler et al. 2001, population 50, by the library moors \
                0.2), MAP-Elites over FLOPs (Mouret & Clune 2015; the archive of LLMatic, here with \
                mutation instead of a model), evolution by random weights (after Ishibuchi & Murata \
                1998), and the statistical proposer, which chooses among that evolution's children by \
                what the search has measured. The last two were tuned on this benchmark, with seeds \
                above 100. Recorded searches with a language model are in \
                [language-model](language-model.md).\n\n\
                Not included: the numbers of LLMatic, FairNAS and PRP-NAS, which the paper gives on a \
                scale of its own."
            .to_owned(),
        sheets: vec![sheet, all],
        figures: vec![(
            "T3".to_owned(),
            "HV ratio of each searcher, with published and with predicted accuracy".to_owned(),
            dots.svg()?,
        )],
        blocks: vec![
            ("searchers".to_owned(), short.markdown()),
            ("labels".to_owned(), trained.markdown()),
            ("devices".to_owned(), devices(&results.scores("exact")?).markdown()),
        ],
    })
}

fn convergence(results: &Results) -> Result<Page, Error> {
    let rows = results.scores("exact")?;
    let mut at: Vec<u64> = rows.iter().map(|row| row.evaluations).collect();
    at.sort_unstable();
    at.dedup();
    let columns: Vec<String> =
        std::iter::once(String::new()).chain(at.iter().map(u64::to_string)).collect();
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut sheet = Sheet::new(
        "convergence",
        "HV ratio after a number of evaluations, means over 18 pairs",
        &columns,
    );
    let mut series = Vec::new();
    for searcher in SEARCHERS {
        let mine = of(&rows, searcher);
        let estimates: Vec<Estimate> =
            at.iter().map(|&at| Estimate::of(&by_seed(&after(&mine, Some(at)), ratio))).collect();
        let texts = estimates.iter().map(|estimate| estimate.text(4));
        sheet.push(std::iter::once(named(searcher).to_owned()).chain(texts));
        let points = at.iter().zip(&estimates).map(|(&at, estimate)| (at as f64, estimate.mean));
        series.push((named(searcher).to_owned(), points.collect()));
    }
    let curves = Curves {
        title: format!("Published accuracy, mean of 18 pairs and {} seeds", seeds(&rows)),
        x: "evaluations",
        y: "HV ratio",
        range: (0.9, 1.0),
        series,
    };
    Ok(Page {
        name: "convergence",
        title: "How searchers converge",
        before: format!("Each search has a budget of 600 evaluations. {SCORED}"),
        sheets: vec![sheet],
        figures: vec![(
            "convergence".to_owned(),
            "HV ratio against evaluations for each searcher".to_owned(),
            curves.svg()?,
        )],
        ..Page::default()
    })
}

fn energy(results: &Results) -> Result<Page, Error> {
    let rows = results.scores("energy")?;
    let columns: Vec<&str> = std::iter::once("searcher").chain(SCORES).collect();
    let mut sheet =
        Sheet::new("energy", "Accuracy, latency and energy at once, means over 9 pairs", &columns);
    for searcher in SEARCHERS {
        sheet.push(std::iter::once(named(searcher).to_owned()).chain(scores(&of(&rows, searcher))));
    }
    Ok(Page {
        name: "energy",
        title: "Energy as a third objective",
        before: format!(
            "Edge GPU, Eyeriss and FPGA, for which HW-NAS-Bench holds energy; published accuracy, 600 \
             evaluations, seeds 1 to {}. Hypervolume is of three objectives. \
             {SCORED}",
            seeds(&rows)
        ),
        sheets: vec![sheet],
        ..Page::default()
    })
}
