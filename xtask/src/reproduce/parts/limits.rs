//! Table 2: single networks.

use crate::error::Error;
use crate::reproduce::experiment::{Experiment, Kept};
use crate::reproduce::names::DATASETS;
use crate::reproduce::page::Page;
use crate::reproduce::part::Part;
use crate::reproduce::published::BASELINES;
use crate::reproduce::results::Results;
use crate::reproduce::rows::OnFront;
use crate::reproduce::sheet::Sheet;
use nas_pareto::statistics::{Estimate, mean};

pub const T2: Part = Part {
    name: "T2",
    about: "Accuracy within the paper's latencies, and latency at baselines' accuracies",
    experiments: fronts,
    replays: false,
    page: limits,
};

/// The devices and latency limits of the paper's table 2, in ms.
const LIMITS: [(&str, f64); 2] = [("fpga", 1.65), ("edgegpu", 1.78)];

/// What the searches of table 2 see, the searcher, and where its accuracies come from.
const SEEN: [(&str, &str, &str); 3] = [
    ("benchmark", "--searchers statistical --partition pel-nas", "benchmark"),
    ("predictor", "--searchers statistical --partition pel-nas", "shared-predictor"),
    ("bought", "--searchers exhaustive", "predictor"),
];

fn fronts() -> Vec<Experiment> {
    let devices = LIMITS.map(|(device, _)| device).join(",");
    SEEN.map(|(seen, search, accuracy)| {
        let arguments = format!("{search} --accuracy {accuracy} --devices {devices}");
        Experiment::new(Kept::Fronts, format!("fronts-{seen}"), arguments)
    })
    .to_vec()
}

/// How far below a baseline's accuracy a network may be, in points.
const SIMILAR: f64 = 0.5;

/// The fronts of one pair, by seed.
fn fronts_of<'a>(
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

/// The accuracy that a search sees, in table 2.
fn seen(accuracy: &str) -> &'static str {
    match accuracy {
        "benchmark" => "published accuracy",
        "predictor" => "200 random trained networks",
        _ => "200 networks chosen for training",
    }
}

fn limits(results: &Results) -> Result<Page, Error> {
    let data: Vec<Vec<OnFront>> = SEEN
        .iter()
        .map(|(accuracy, ..)| results.fronts(&format!("fronts-{accuracy}")))
        .collect::<Result<_, _>>()?;
    let columns: Vec<&str> = ["device", "within", "dataset", "best in the space"]
        .into_iter()
        .chain(SEEN.iter().map(|(accuracy, ..)| seen(accuracy)))
        .collect();
    let mut within =
        Sheet::new("T2-accuracy", "Test accuracy within the paper's latencies [%]", &columns);
    let mut furthest = vec![0.0_f64; SEEN.len()];
    for (device, limit) in LIMITS {
        for dataset in DATASETS {
            // The answer is the network that the search considers best, not the one that is best.
            let best = |front: &Vec<&OnFront>| {
                let inside = front.iter().filter(|row| row.latency_ms <= limit);
                let chosen = inside.max_by(|a, b| a.seen.total_cmp(&b.seen))?;
                Some(chosen.test_accuracy_percent)
            };
            let exact: Option<f64> =
                fronts_of(&data[0], dataset, device, true).first().and_then(best);
            let mut row = vec![device.to_owned(), format!("{limit} ms"), dataset.to_owned()];
            row.push(exact.map_or("-".to_owned(), |exact| format!("{exact:.2}")));
            for (rows, furthest) in data.iter().zip(&mut furthest) {
                let found: Vec<f64> =
                    fronts_of(rows, dataset, device, false).iter().filter_map(best).collect();
                *furthest = furthest.max(exact.unwrap_or(100.0) - mean(&found));
                row.push(Estimate::of(&found).text(2));
            }
            within.push(row);
        }
    }
    let mut distances =
        Sheet::new("", "", &["the search sees", "furthest from the best in the space, in points"]);
    for ((accuracy, ..), furthest) in SEEN.iter().zip(furthest) {
        distances.push([seen(accuracy).to_owned(), format!("{furthest:.2}")]);
    }
    let count = data.iter().flatten().map(|row| row.seed).max().unwrap_or(0);
    let searches: Vec<String> = SEEN
        .iter()
        .map(|(accuracy, search, _)| format!("{}: `{search}`", seen(accuracy)))
        .collect();
    Ok(Page {
        name: "T2",
        title: "Table 2: accuracy and latency",
        before: format!(
            "The paper reports networks of 1.65 ms on the FPGA and of 1.78 ms on the Edge GPU, up to \
             54 % faster than baselines at similar accuracy. Shown are, within these latencies, the \
             network that each search considers best and the best network of the space, without \
             networks that have no path from input to output. Mean and 95 % interval over seeds 1 to \
             {count}. The searches are those of `nas benchmark` with: {}.",
            searches.join("; ")
        ),
        after: "The accuracies of the baselines are those of NAS-Bench-201's paper (Dong & Yang 2020, \
                arXiv 2001.00326) to our knowledge; we could not compare them with the paper. The \
                baselines searched for accuracy alone. The least latency is that of the fastest network \
                on the search's front with this test accuracy. Seeds whose front has no such network are \
                left out, and the number of the other seeds is given. With published accuracy the front \
                was found on validation accuracy, which misses some networks of high test accuracy: so \
                predicted accuracy can be better. We did not have the latencies and accuracies of the \
                baselines that the paper compares with: its claim of up to 54 % less latency is not \
                tested here."
            .to_owned(),
        sheets: vec![within, latency(&data)],
        blocks: vec![("furthest".to_owned(), distances.markdown())],
        ..Page::default()
    })
}

/// The least latency at accuracies that others have published.
fn latency(data: &[Vec<OnFront>]) -> Sheet {
    let mut columns =
        vec!["dataset".to_owned(), "baseline".to_owned(), "its accuracy [%]".to_owned()];
    for (device, _) in LIMITS {
        columns.push(format!("{device}: least in the space [ms]"));
        columns.extend(SEEN.iter().map(|(accuracy, ..)| format!("{device}: {}", seen(accuracy))));
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
                let exact = fronts_of(&data[0], dataset, device, true).first().and_then(least);
                row.push(exact.map_or("-".to_owned(), |exact| format!("{exact:.2}")));
                for rows in data {
                    let all = fronts_of(rows, dataset, device, false);
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
    latency
}
