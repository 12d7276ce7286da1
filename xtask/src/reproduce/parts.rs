//! The tables and figures, each from what is kept in `reports/data/`.

use std::fmt::Write as _;

use super::Part;
use super::experiments::{
    ALLOCATIONS, AXES, LIMITS, NICHES, OnFront, Results, SEARCHERS, SEEN, Scores, by_pair, by_seed,
};
use super::figure::{Curves, Dots};
use super::model::{Generation, Recorded};
use super::published::{ABLATION, BASELINES, PRICES};
use super::sheet::{Report, Sheet};
use super::statistics::{Estimate, mean, paired_p};
use crate::error::Error;

const DATASETS: [&str; 3] = ["cifar10", "cifar100", "ImageNet16-120"];

/// Where the paper's axis says little about latency.
const HARD: [&str; 2] = ["edgetpu", "edgegpu"];

/// How far below a baseline's accuracy a network may be, in points.
const SIMILAR: f64 = 0.5;

/// The reports of a part.
pub fn reports(part: Part, results: &Results) -> Result<Vec<Report>, Error> {
    Ok(vec![match part {
        Part::T2 => limits(results)?,
        Part::T3 => searchers(results)?,
        Part::T4 => costs(results)?,
        Part::T5 => ablations(results)?,
        Part::T6 => transformers(),
        Part::Figure1 => coverage(results)?,
        Part::Convergence => convergence(results)?,
        Part::Niches => niches(results)?,
        Part::Axes => axes(results)?,
        Part::Energy => energy(results)?,
    }])
}

/// A searcher's name for people.
fn named(searcher: &str) -> &str {
    match searcher {
        "random" => "random search",
        "local" => "Pareto local search",
        "regularised-evolution" => "regularised evolution",
        "nsga2" => "NSGA-II",
        "spea2" => "SPEA2, of the library moors",
        "map-elites" => "MAP-Elites",
        "evolution" => "evolution by random weights",
        "exhaustive" => "scan of the whole space",
        other => other,
    }
}

fn of(rows: &[Scores], searcher: &str) -> Vec<Scores> {
    rows.iter().filter(|row| row.searcher == searcher).cloned().collect()
}

fn on(rows: &[Scores], devices: &[&str]) -> Vec<Scores> {
    rows.iter().filter(|row| devices.contains(&row.device.as_str())).cloned().collect()
}

/// After so many evaluations; `None` for the last.
fn after(rows: &[Scores], evaluations: Option<u64>) -> Vec<Scores> {
    let last = rows.iter().map(|row| row.evaluations).max();
    rows.iter().filter(|row| Some(row.evaluations) == evaluations.or(last)).cloned().collect()
}

/// A search that found nothing has no share of the hypervolume.
fn ratio(row: &Scores) -> f64 {
    row.hypervolume_ratio.unwrap_or(0.0)
}

fn seeds(rows: &[Scores]) -> usize {
    by_seed(rows, ratio).len()
}

/// Means over pairs and seeds: hypervolume ratio, worst pair, hypervolume, IGD, IGD+, coverage.
fn scores(rows: &[Scores]) -> [String; 6] {
    let estimate = |value: fn(&Scores) -> f64| Estimate::of(&by_seed(rows, value));
    let worst = by_pair(rows, ratio).into_iter().fold(f64::INFINITY, f64::min);
    [
        estimate(ratio).text(4),
        format!("{worst:.4}"),
        format!("{:.4}", estimate(|row| row.hypervolume.unwrap_or(0.0)).mean),
        estimate(|row| row.igd.unwrap_or(1.0)).text(4),
        estimate(|row| row.igd_plus.unwrap_or(1.0)).text(4),
        format!("{:.2}", estimate(|row| row.coverage).mean),
    ]
}

const SCORES: [&str; 6] = ["HV ratio", "worst pair", "HV", "IGD", "IGD+", "coverage"];

/// Paired by seed: the first less the second.
fn differences(one: &[Scores], other: &[Scores]) -> Vec<f64> {
    let pairs = by_seed(one, ratio).into_iter().zip(by_seed(other, ratio));
    pairs.map(|(one, other)| one - other).collect()
}

fn p_value(differences: &[f64]) -> String {
    match paired_p(differences) {
        Some(p) if p < 0.001 => "< 0.001".to_owned(),
        Some(p) => format!("{p:.3}"),
        None => "-".to_owned(),
    }
}

const SCORED: &str = "Hypervolume and distances are of the front found, on test accuracy and \
published latency, error and latency scaled to 0 to 1 over all cells that the device can run, \
reference (1, 1); the HV ratio is to that of the exact front of the whole space. Coverage: of ten \
equal parts of the exact front's range of log latency, the share with a network found that is at \
most one point less accurate than the exact front is there. ±: 95 % interval over the seeds, \
Student's t.";

/// A kind of search in table 3.
struct Kind {
    sees: &'static str,
    labels: &'static str,
    data: String,
    searcher: &'static str,
    niches: &'static str,
}

fn kinds() -> Vec<Kind> {
    let mut kinds = Vec::new();
    let mut add = |sees, labels, data: &str, searcher, niches| {
        kinds.push(Kind { sees, labels, data: data.to_owned(), searcher, niches });
    };
    let exact = "published accuracy";
    let shared = "predicted from 200 random labels";
    for searcher in SEARCHERS {
        add(exact, "", "exact", searcher, "");
    }
    for searcher in ["evolution", "statistical"] {
        add(exact, "", "niches-600-pel-nas-adaptive", searcher, "six, adaptive");
        add(exact, "", "niches-600-pel-nas-equal", searcher, "six, equal");
    }
    for searcher in SEARCHERS {
        add(shared, "200", "predicted", searcher, "");
    }
    for searcher in ["evolution", "statistical"] {
        add(shared, "200", "predicted-adaptive", searcher, "six, adaptive");
        add(shared, "200", "predicted-equal", searcher, "six, equal");
    }
    add(shared, "200", "predicted", "exhaustive", "");
    add("predicted from 200 labels bought", "200", "bought", "exhaustive", "");
    kinds
}

fn searchers(results: &Results) -> Result<Report, Error> {
    let columns = ["the search sees", "searcher", "niches", "labels", "evaluations"];
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
        let what = [kind.sees, named(kind.searcher), kind.niches, kind.labels, &evaluations];
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
            if kind.labels.is_empty() {
                exact.push(estimate);
                let [ratio, worst, _, igd, _, coverage] = scores(&rows);
                short.push([named(kind.searcher).to_owned(), ratio, worst, igd, coverage]);
            } else {
                predicted.push(estimate);
            }
        }
    }
    short.rows.reverse();
    let mut labels = Sheet::new(
        "",
        "",
        &["200 labels of 15,625 cells, all predicted", "HV ratio", "worst pair", "IGD", "coverage"],
    );
    for (name, data) in
        [("bought for the front, the default", "bought"), ("at random", "predicted")]
    {
        let [ratio, worst, _, igd, _, coverage] = scores(&of(&results.scores(data)?, "exhaustive"));
        labels.push([name.to_owned(), ratio, worst, igd, coverage]);
    }
    let dots = Dots {
        title: format!("600 evaluations, mean of 18 pairs and {count} seeds"),
        x: "HV ratio, with 95 % interval",
        names: SEARCHERS.map(|searcher| named(searcher).to_owned()).to_vec(),
        series: vec![
            ("published accuracy".to_owned(), exact),
            ("predicted from 200 labels".to_owned(), predicted),
        ],
    };
    Ok(Report {
        name: "T3",
        title: "Table 3: hypervolume and distances of all searchers",
        before: format!(
            "CIFAR-10, CIFAR-100 and ImageNet16-120 on six devices of HW-NAS-Bench, seeds 1 to \
             {count}. All searchers get the same evaluator, budget and seeds; those that see \
             predicted accuracy share one predictor for each data set and seed. On CIFAR-10 the \
             published accuracy that is seen is on validation images, else on test images, the only \
             one that the tables hold. {SCORED}"
        ),
        after: "Searchers: Pareto local search (Paquete et al. 2004; White et al. 2021 on its \
                strength in NAS), regularised evolution (Real et al. 2019), NSGA-II (Deb et al. \
                2002, population 50), SPEA2 (Zitzler et al. 2001, population 50, as the library moors 0.2 has \
                it), MAP-Elites over FLOPs (Mouret & Clune 2015; the archive of \
                LLMatic, here with mutation in the model's place), evolution by random weights \
                (after Ishibuchi & Murata 1998), and the statistical proposer, which chooses among \
                that evolution's children by what the search has measured. The last two were tuned \
                on this benchmark, with seeds above 100. A language model's recorded searches are in \
                [figure-1](figure-1.md): they are of one pair.\n\n\
                Not here: the numbers of LLMatic, FairNAS and PRP-NAS, which the paper gives on a \
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
            ("labels".to_owned(), labels.markdown()),
        ],
    })
}

/// The fronts of one pair, by seed.
fn fronts<'a>(
    rows: &'a [OnFront],
    dataset: &str,
    device: &str,
    exact: bool,
) -> Vec<Vec<&'a OnFront>> {
    let mine = |row: &&OnFront| {
        row.dataset == dataset && row.device == device && (row.searcher == "exact") == exact
    };
    let rows: Vec<&OnFront> = rows.iter().filter(mine).filter(|row| row.connected).collect();
    let mut seeds: Vec<u64> = rows.iter().map(|row| row.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let front = |seed: u64| rows.iter().copied().filter(|row| row.seed == seed).collect();
    seeds.into_iter().map(front).collect()
}

/// What a search sees, in table 2.
fn seen(accuracy: &str) -> &'static str {
    match accuracy {
        "benchmark" => "published accuracy",
        "predictor" => "200 random labels",
        _ => "200 labels bought",
    }
}

fn limits(results: &Results) -> Result<Report, Error> {
    let data: Vec<Vec<OnFront>> = SEEN
        .iter()
        .map(|(accuracy, _)| results.fronts(&format!("fronts-{accuracy}")))
        .collect::<Result<_, _>>()?;
    let columns: Vec<&str> = ["device", "within", "dataset", "best in the space"]
        .into_iter()
        .chain(SEEN.iter().map(|(accuracy, _)| seen(accuracy)))
        .collect();
    let mut within =
        Sheet::new("T2-accuracy", "Test accuracy within the paper's latencies [%]", &columns);
    let mut furthest = vec![0.0_f64; SEEN.len()];
    for (device, limit) in LIMITS {
        for dataset in DATASETS {
            // The answer is the one that the search takes for the best, not the one that is.
            let best = |front: &Vec<&OnFront>| {
                let inside = front.iter().filter(|row| row.latency_ms <= limit);
                let chosen = inside.max_by(|a, b| a.seen.total_cmp(&b.seen))?;
                Some(chosen.test_accuracy_percent)
            };
            let exact: Option<f64> = fronts(&data[0], dataset, device, true).first().and_then(best);
            let mut row = vec![device.to_owned(), format!("{limit} ms"), dataset.to_owned()];
            row.push(exact.map_or("-".to_owned(), |exact| format!("{exact:.2}")));
            for (rows, furthest) in data.iter().zip(&mut furthest) {
                let found: Vec<f64> =
                    fronts(rows, dataset, device, false).iter().filter_map(best).collect();
                *furthest = furthest.max(exact.unwrap_or(100.0) - mean(&found));
                row.push(Estimate::of(&found).text(2));
            }
            within.push(row);
        }
    }
    let mut columns =
        vec!["dataset".to_owned(), "baseline".to_owned(), "its accuracy [%]".to_owned()];
    for (device, _) in LIMITS {
        columns.push(format!("{device}: least in the space [ms]"));
        columns.extend(SEEN.iter().map(|(accuracy, _)| format!("{device}: {}", seen(accuracy))));
    }
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut latency = Sheet::new(
        "T2-latency",
        "Least latency within 0.5 points of a baseline's accuracy [ms]",
        &columns,
    );
    for (at, dataset) in DATASETS.into_iter().enumerate() {
        for (baseline, accuracies) in BASELINES {
            let least = |front: &Vec<&OnFront>| {
                let similar = front
                    .iter()
                    .filter(|row| row.test_accuracy_percent >= accuracies[at] - SIMILAR);
                similar.map(|row| row.latency_ms).min_by(f64::total_cmp)
            };
            let mut row =
                vec![dataset.to_owned(), baseline.to_owned(), format!("{:.2}", accuracies[at])];
            for (device, _) in LIMITS {
                let exact = fronts(&data[0], dataset, device, true).first().and_then(least);
                row.push(exact.map_or("-".to_owned(), |exact| format!("{exact:.2}")));
                for rows in &data {
                    let all = fronts(rows, dataset, device, false);
                    let found: Vec<f64> = all.iter().filter_map(least).collect();
                    let seldom = if found.len() < all.len() {
                        format!(" ({} of {} seeds)", found.len(), all.len())
                    } else {
                        String::new()
                    };
                    row.push(if found.is_empty() {
                        "-".to_owned()
                    } else {
                        Estimate::of(&found).text(2) + &seldom
                    });
                }
            }
            latency.push(row);
        }
    }
    let mut distances =
        Sheet::new("", "", &["the search sees", "furthest from the best in the space, in points"]);
    for ((accuracy, _), furthest) in SEEN.iter().zip(furthest) {
        distances.push([seen(accuracy).to_owned(), format!("{furthest:.2}")]);
    }
    let searches: Vec<String> =
        SEEN.iter().map(|(accuracy, search)| format!("{}: `{search}`", seen(accuracy))).collect();
    Ok(Report {
        name: "T2",
        title: "Table 2: accuracy and latency",
        before: format!(
            "The paper reports networks of 1.65 ms on the FPGA and of 1.78 ms on the Edge GPU, up to \
             54 % faster than baselines at similar accuracy. Within these latencies, the network \
             that each search takes for the best, and the best that the space holds; networks \
             without a path from input to output left out. Mean and 95 % interval over the seeds. \
             The searches, of `nas benchmark`: {}.",
            searches.join("; ")
        ),
        after: "Baselines' accuracies are those that NAS-Bench-201's paper (Dong & Yang 2020, arXiv \
                2001.00326) reports; they looked for accuracy alone. The least latency is that of the \
                network on the search's front that has this test accuracy: which one that is, is \
                read off the test accuracies. The table of the paper names further baselines, \
                whose accuracies are of networks that they trained; they are not repeated here."
            .to_owned(),
        sheets: vec![within, latency],
        blocks: vec![("furthest".to_owned(), distances.markdown())],
        ..Report::default()
    })
}

fn costs(results: &Results) -> Result<Report, Error> {
    let mut sheet = Sheet::new(
        "T4",
        "What a search costs",
        &[
            "search",
            "evaluations",
            "labels",
            "calls",
            "tokens asked",
            "tokens answered",
            "seconds of the model",
            &format!("US$ as {}", PRICES[0].0),
            &format!("US$ as {}", PRICES[1].0),
        ],
    );
    let records = results.model()?;
    let mut groups: Vec<(String, u32)> = Vec::new();
    for record in &records {
        let group = (record.method.clone(), record.generations);
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    for (method, generations) in groups {
        let rows: Vec<_> = records
            .iter()
            .filter(|row| row.method == method && row.generations == generations)
            .collect();
        let whole = |of: fn(&Recorded) -> Option<f64>| {
            let values: Vec<f64> = rows.iter().filter_map(|row| of(row)).collect();
            (!values.is_empty()).then(|| mean(&values))
        };
        let text = |value: Option<f64>| value.map_or("0".to_owned(), |value| format!("{value:.0}"));
        let asked = whole(|row| Some(row.prompt_tokens? as f64));
        let answered = whole(|row| Some(row.completion_tokens? as f64));
        let mut row = vec![
            format!(
                "{method}, {generations} generation{}",
                if generations == 1 { "" } else { "s" }
            ),
            text(whole(|row| Some(row.evaluated as f64))),
            "0".to_owned(),
            text(whole(|row| Some(row.calls? as f64))),
            text(asked),
            text(answered),
            text(whole(|row| row.seconds)),
        ];
        for (_, ask, answer) in PRICES {
            let price = asked
                .zip(answered)
                .map(|(asked, answered)| (asked * ask + answered * answer) / 1e6);
            row.push(price.map_or("0".to_owned(), |price| format!("{price:.4}")));
        }
        sheet.push(row);
    }
    let free = |search: &str, evaluations: &str, labels: &str| {
        let zeros = ["0"; 6];
        [search, evaluations, labels]
            .into_iter()
            .chain(zeros)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    sheet.push(free("statistical or evolution, published accuracy", "600", "0"));
    sheet.push(free("the same, predicted accuracy", "600", "200"));
    sheet.push(free("`nas search` as it comes: labels bought, all predicted", "15625", "200"));
    Ok(Report {
        name: "T4",
        title: "Table 4: what a search costs",
        before: "The searches with a model are recorded ones, on CIFAR-10 and the Edge GPU, with \
                 Qwen2.5-Coder-1.5B-Instruct (Q4_K_M) on two cores; means over their seeds. A price is what their \
                 tokens would have cost, at what the vendor listed in 2024. The paper states 120 \
                 calls and about three minutes for each data set and device."
            .to_owned(),
        after: "What the paper leaves out: the predictor's labels are networks trained for 200 \
                epochs, 200 of them for each data set, whatever the device; and its proxies are \
                computed once for all devices, here 21 of them for 6,877 networks in some hours on \
                two cores. Published accuracy in a search's place of labels is what a benchmark \
                allows and practice does not: each evaluation would be a trained network. Searches \
                without a model take fractions of a second, `nas benchmark` prints them; labels \
                bought and all predicted take some seconds."
            .to_owned(),
        sheets: vec![sheet],
        ..Report::default()
    })
}

fn ablations(results: &Results) -> Result<Report, Error> {
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
            "published accuracy in the predictor's place",
            "niches-600-pel-nas-adaptive",
            "statistical",
        ),
        ("labels bought for the front, all predicted, no search", "bought", "exhaustive"),
    ];
    let row = |name: &str, rows: &[Scores], difference: [String; 2]| {
        let [ratio, _, _, _, _, coverage] = scores(rows);
        let [difference, p] = difference;
        [name.to_owned(), ratio, difference, p, coverage]
    };
    sheet.push(row(
        "the whole: statistics and knowledge base, six niches with adaptive budgets, \
                    accuracy predicted from 200 random labels",
        &base,
        [String::new(), String::new()],
    ));
    for (name, data, searcher) in others {
        let rows = of(&results.scores(data)?, searcher);
        let differences = differences(&rows, &base);
        let difference = [Estimate::of(&differences).signed(4), p_value(&differences)];
        sheet.push(row(name, &rows, difference));
    }
    let mut budgets = Sheet::new(
        "T5-budgets",
        "Budgets over niches, published accuracy: difference to no niches",
        &["searcher", "evaluations", "niches", "HV ratio", "difference", "at least", "p"],
    );
    for evaluations in [200, 600] {
        for searcher in ["evolution", "statistical"] {
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
                let differences = differences(&rows, &whole);
                let estimate = Estimate::of(&differences);
                let least = estimate.mean - estimate.half.unwrap_or(0.0);
                let least = Estimate { mean: least, half: None }.signed(4);
                let told =
                    [scores(&rows)[0].clone(), estimate.signed(4), least, p_value(&differences)];
                budgets.push(start(&format!("six, {allocation}")).into_iter().chain(told));
            }
        }
    }
    let mut model = Sheet::new(
        "T5-model",
        "With a model, CIFAR-10 on the Edge GPU, 12 calls, three seeds",
        &["", "HV ratio", "coverage", "the paper's HV"],
    );
    let records = results.model()?;
    let methods = [("co-evolution", 0), ("plain", 1), ("statistical", 2)];
    for (method, paper) in methods {
        let generations = if method == "plain" { 12 } else { 1 };
        let rows: Vec<_> = records
            .iter()
            .filter(|row| row.method == method && row.generations == generations)
            .collect();
        let of = |value: fn(&Recorded) -> f64| {
            Estimate::of(&rows.iter().map(|row| value(row)).collect::<Vec<_>>())
        };
        let (name, published) = ABLATION[paper];
        let name =
            if method == "plain" { "asked plainly: no partition, no knowledge base" } else { name };
        let (hv, coverage) = (of(|row| row.hypervolume_ratio), of(|row| row.coverage));
        model.push([name.to_owned(), hv.text(3), coverage.text(2), published.to_owned()]);
    }
    let block = budgets.markdown();
    Ok(Report {
        name: "T5",
        title: "Table 5: ablations",
        before: format!(
            "Differences are paired by seed, after the mean over the pairs; p by a paired t-test, \
             two-sided. {SCORED}"
        ),
        after: "The paper's HV is on a scale of its own, so only its order can be compared. With a \
                model of 1.5 billion parameters the order is the paper's in the first two rows: \
                asked plainly it finds least. Statistics in its place do as well as the whole method \
                there, where the paper's model is ahead. Without a model the partition is worth \
                nothing here: it cures a proposer's bias, and the others have none."
            .to_owned(),
        sheets: vec![sheet, budgets, model],
        blocks: vec![("budgets".to_owned(), block)],
        ..Report::default()
    })
}

fn transformers() -> Report {
    let mut sheet = Sheet::new(
        "T6",
        "Vision transformers",
        &["", "parameters [M]", "top-1 [%]", "latency [ms]"],
    );
    sheet.push(["PEL-NAS, as published", "20.2", "82.5, predicted", "5.4"]);
    sheet.push(["AutoFormer, as published there", "23", "-", "8.4"]);
    sheet.push(["ours", "not there yet", "not there yet", "not there yet"]);
    Report {
        name: "T6",
        title: "Table 6: vision transformers",
        before: "AutoFormer's space is not part of pel-nas yet.".to_owned(),
        sheets: vec![sheet],
        ..Report::default()
    }
}

fn coverage(results: &Results) -> Result<Report, Error> {
    let records = results.model()?;
    let columns = [
        "",
        "seeds",
        "calls",
        "evaluated",
        "proposed before",
        "coverage",
        "HV ratio",
        "model's own coverage",
        "model's own HV ratio",
    ];
    let mut sheet = Sheet::new("figure-1", "What a language model finds", &columns);
    let ways = [
        ("plain", 12, "asked plainly"),
        ("latency-oriented", 12, "asked for the range of latency"),
        ("co-evolution", 1, "the whole method"),
        ("statistical", 1, "statistics in the model's place"),
        ("co-evolution", 3, "the whole method, three generations"),
        ("statistical", 3, "statistics, three generations"),
    ];
    for (method, generations, name) in ways {
        let rows: Vec<_> = records
            .iter()
            .filter(|row| row.method == method && row.generations == generations)
            .collect();
        let mean_of = |value: &dyn Fn(&Recorded) -> Option<f64>, decimals: usize| {
            let values: Vec<f64> = rows.iter().filter_map(|row| value(row)).collect();
            if values.is_empty() { "-".to_owned() } else { format!("{:.decimals$}", mean(&values)) }
        };
        let before =
            mean_of(&|row| Some(100.0 * row.duplicates? as f64 / (row.made? as f64).max(1.0)), 0);
        sheet.push([
            name.to_owned(),
            rows.len().to_string(),
            mean_of(&|row| Some(row.calls? as f64), 0),
            mean_of(&|row| Some(row.evaluated as f64), 0),
            if before == "-" { before } else { before + " %" },
            mean_of(&|row| Some(row.coverage), 2),
            mean_of(&|row| Some(row.hypervolume_ratio), 3),
            mean_of(&|row| row.own_coverage, 2),
            mean_of(&|row| row.own_hypervolume_ratio, 3),
        ]);
    }
    let block = sheet.markdown();
    Ok(Report {
        name: "figure-1",
        title: "Figure 1: how much of the range of latency a model finds",
        before: format!(
            "CIFAR-10 on the Edge GPU, published accuracy, with Qwen2.5-Coder-1.5B-Instruct: calls recorded \
             once and replayed. What was found counts the random sample that starts the whole method \
             and what statistics filled in, which plain prompts do without; the model's own is \
             what it proposed, alone. Means over the seeds. {SCORED}"
        ),
        sheets: vec![sheet],
        blocks: vec![("figure-1".to_owned(), block)],
        ..Report::default()
    })
}

fn convergence(results: &Results) -> Result<Report, Error> {
    let rows = results.scores("exact")?;
    let mut at: Vec<u64> = rows.iter().map(|row| row.evaluations).collect();
    at.sort_unstable();
    at.dedup();
    let columns: Vec<String> =
        std::iter::once(String::new()).chain(at.iter().map(u64::to_string)).collect();
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut sheet = Sheet::new(
        "convergence",
        "HV ratio after so many evaluations, means over 18 pairs",
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
    let generations = results.model_curves()?;
    let ways = [
        ("plain", 12, 1.0, "asked plainly"),
        ("latency-oriented", 12, 1.0, "asked for the range of latency"),
        ("co-evolution", 1, 12.0, "the whole method"),
        ("co-evolution", 3, 12.0, "the whole method, three generations"),
    ];
    let mut calls = Sheet::new(
        "convergence-calls",
        "HV ratio after so many calls of a model, CIFAR-10 on the Edge GPU",
        &["", "calls", "HV ratio", "coverage"],
    );
    let mut series = Vec::new();
    for (method, of, per_generation, name) in ways {
        let mine =
            || generations.iter().filter(|row| row.method == method && row.generations == of);
        let mut seeds: Vec<u64> = mine().map(|row| row.seed).collect();
        seeds.dedup();
        let mut points = Vec::new();
        for generation in 0..=u64::from(of) {
            // A generation without anything new leaves a search as it was.
            let last =
                |seed: &u64| mine().rfind(|row| row.seed == *seed && row.generation <= generation);
            let found: Vec<_> = seeds.iter().map(last).collect();
            if found.iter().all(Option::is_none) {
                continue;
            }
            let of = |value: fn(&Generation) -> f64| {
                mean(&found.iter().map(|row| row.map_or(0.0, value)).collect::<Vec<_>>())
            };
            let (at, hv) = (
                generation as f64 * per_generation,
                of(|row| row.hypervolume_ratio.unwrap_or(0.0)),
            );
            let coverage = of(|row| row.coverage);
            points.push((at, hv));
            let row = [format!("{at:.0}"), format!("{:.4}", hv), format!("{coverage:.2}")];
            calls.push(std::iter::once(name.to_owned()).chain(row));
        }
        series.push((name.to_owned(), points));
    }
    let by_calls = Curves {
        title: "CIFAR-10 on the Edge GPU, Qwen2.5-Coder-1.5B-Instruct".to_owned(),
        x: "calls",
        y: "HV ratio",
        range: (0.7, 1.0),
        series,
    };
    Ok(Report {
        name: "convergence",
        title: "How searchers converge",
        before: format!(
            "Each search has a budget of 600 evaluations. After 0 calls the whole method has its \
             random sample of 60. {SCORED}"
        ),
        sheets: vec![sheet, calls],
        figures: vec![
            (
                "convergence".to_owned(),
                "HV ratio against evaluations for each searcher".to_owned(),
                curves.svg()?,
            ),
            (
                "convergence-calls".to_owned(),
                "HV ratio against calls for each way to ask a model".to_owned(),
                by_calls.svg()?,
            ),
        ],
        ..Report::default()
    })
}

fn niches(results: &Results) -> Result<Report, Error> {
    let mut sheet = Sheet::new(
        "niches",
        "Niches of about equal size by FLOPs, means over 18 pairs",
        &["niches", "budgets", "HV ratio", "worst pair", "IGD", "coverage"],
    );
    let mut series = Vec::new();
    for allocation in ALLOCATIONS {
        let mut points = Vec::new();
        for niches in NICHES {
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
    Ok(Report {
        name: "niches",
        title: "The number of niches",
        before: format!(
            "The statistical proposer on published accuracy, 200 evaluations. Equal budgets keep each \
             niche to itself; adaptive ones leave half of the budget open, follow what the niches yield \
             with the other, and take parents from all. {SCORED}"
        ),
        sheets: vec![sheet],
        figures: vec![(
            "niches".to_owned(),
            "HV ratio against the number of niches".to_owned(),
            curves.svg()?,
        )],
        ..Report::default()
    })
}

/// An axis's name for people.
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

fn axes(results: &Results) -> Result<Report, Error> {
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
        for axis in AXES {
            let rows = results.scores(&format!("niches-200-{axis}-{allocation}"))?;
            let name = [axis_named(axis).to_owned(), allocation.to_owned()];
            sheet.push(name.into_iter().chain(row(&rows)));
            estimates.push(Some(Estimate::of(&by_seed(&rows, ratio))));
        }
        series.push((format!("{allocation} budgets"), estimates));
    }
    let names = std::iter::once("none").chain(AXES.map(axis_named)).map(str::to_owned);
    let dots = Dots {
        title: "200 evaluations, mean of 18 pairs, two searchers".to_owned(),
        x: "HV ratio, with 95 % interval",
        names: names.collect(),
        series,
    };
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
        ],
    );
    for evaluations in [200, 600] {
        for allocation in ALLOCATIONS {
            let rows = |axis: &str| {
                let rows = results.scores(&format!("niches-{evaluations}-{axis}-{allocation}"));
                Ok::<_, Error>(on(&rows?, &HARD))
            };
            let (paper, found) = (rows("pel-nas")?, rows("automatic")?);
            for searcher in ["evolution", "statistical"] {
                let (paper, found) = (of(&paper, searcher), of(&found, searcher));
                let differences = differences(&found, &paper);
                let ([paper, .., covered], [found, .., more]) = (scores(&paper), scores(&found));
                automatic.push([
                    evaluations.to_string(),
                    allocation.to_owned(),
                    named(searcher).to_owned(),
                    paper,
                    found,
                    Estimate::of(&differences).signed(4),
                    p_value(&differences),
                    covered,
                    more,
                ]);
            }
        }
    }
    let block = automatic.markdown();
    let mut before = String::new();
    let _ = write!(
        before,
        "What niches are cut by: six of about equal size on an axis, fewer where it takes few \
         values. Automatic is the paper's niches or that axis which explains most of the latencies \
         that the search has seen, chosen after the random sample and again whenever as much again \
         was evaluated (`nas niches --rank --device NAME` ranks them on a sample). Predicted latency is \
         an additive model of what the search has seen. At random is the control. {SCORED}"
    );
    Ok(Report {
        name: "axes",
        title: "What niches are cut by",
        before,
        after:
            "Where budgets are adaptive, no axis is ahead of no niches by more than chance: for \
                proposers without a bias partitioning does not help on this benchmark. With equal \
                budgets it costs, and the axis decides how much."
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

fn energy(results: &Results) -> Result<Report, Error> {
    let rows = results.scores("energy")?;
    let columns: Vec<&str> = std::iter::once("searcher").chain(SCORES).collect();
    let mut sheet =
        Sheet::new("energy", "Accuracy, latency and energy at once, means over 9 pairs", &columns);
    for searcher in SEARCHERS {
        sheet.push(std::iter::once(named(searcher).to_owned()).chain(scores(&of(&rows, searcher))));
    }
    Ok(Report {
        name: "energy",
        title: "Energy as a third objective",
        before: format!(
            "Edge GPU, Eyeriss and FPGA, for which HW-NAS-Bench holds energy; published accuracy, 600 \
             evaluations, seeds 1 to {}. Hypervolume is of three objectives, reference (1, 1, 1). \
             {SCORED}",
            seeds(&rows)
        ),
        sheets: vec![sheet],
        ..Report::default()
    })
}
