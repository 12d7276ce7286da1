//! Table 4 and figure 1: searches with a language model, from recorded calls.

use super::recorded;
use super::scores::SCORED;
use crate::error::Error;
use crate::reproduce::figure::Curves;
use crate::reproduce::methods::{LONGER, SMALL, title};
use crate::reproduce::page::Page;
use crate::reproduce::part::Part;
use crate::reproduce::published::PRICES;
use crate::reproduce::results::Results;
use crate::reproduce::rows::{Generation, Recorded};
use crate::reproduce::sheet::Sheet;
use nas_pareto::statistics::{Estimate, mean};

pub const T4: Part = Part {
    name: "T4",
    about: "What a search costs",
    experiments: Vec::new,
    replays: true,
    page: costs,
};

pub const FIGURE_1: Part = Part {
    name: "figure-1",
    about: "A language model's coverage of the range of latency",
    experiments: Vec::new,
    replays: true,
    page: coverage,
};

fn costs(results: &Results) -> Result<Page, Error> {
    let mut sheet = Sheet::new(
        "T4",
        "What a search costs",
        &[
            "search",
            "evaluations",
            "trained networks",
            "calls",
            "prompt tokens",
            "completion tokens",
            "seconds of the model",
            &format!("US$ as {}", PRICES[0].0),
            &format!("US$ as {}", PRICES[1].0),
        ],
    );
    let records = results.model()?;
    let mut groups: Vec<(String, u32)> = Vec::new();
    for record in records.iter().filter(|record| !record.method.starts_with(SMALL)) {
        let group = (record.method.clone(), record.generations);
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    for (method, generations) in groups {
        let rows = recorded::of(&records, &method, generations);
        let whole = |of: fn(&Recorded) -> Option<f64>| {
            let values: Vec<f64> = rows.iter().filter_map(|row| of(row)).collect();
            (!values.is_empty()).then(|| mean(&values))
        };
        let text = |value: Option<f64>| value.map_or("0".to_owned(), |value| format!("{value:.0}"));
        let asked = whole(|row| Some(row.prompt_tokens? as f64));
        let answered = whole(|row| Some(row.completion_tokens? as f64));
        let mut row = vec![
            format!(
                "{}, {generations} generation{}",
                title(&method),
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
    let free = |search: &str, evaluations: &str, trained: &str| {
        let zeros = ["0"; 6];
        [search, evaluations, trained]
            .into_iter()
            .chain(zeros)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    sheet.push(free("statistical or evolution, published accuracy", "600", "0"));
    sheet.push(free("the same, predicted accuracy", "600", "200"));
    sheet.push(free("`nas search` with its defaults: networks chosen for training, every architecture predicted", "15625", "200"));
    Ok(Page {
        name: "T4",
        title: "Table 4: what a search costs",
        before: "The searches with a model are recorded, on CIFAR-10 and the Edge GPU, with \
                 Qwen2.5-Coder-1.5B-Instruct (Q4_K_M) on two cores; means over their seeds. A price is \
                 the cost of their tokens by the vendor's list of 2024. The paper states 120 calls and \
                 about three minutes for each data set and device."
            .to_owned(),
        after: "What the paper leaves out: the predictor learns from 200 networks for each data set, \
                trained for 200 epochs, whatever the device; and the proxies are computed once for all \
                devices, here 21 of them for 6,877 networks in some hours on two cores. Searches on \
                published accuracy are possible on a benchmark only: in practice each evaluation would be \
                a training run. Searches without a model take fractions of a second (`nas benchmark` \
                prints the time); to choose networks for training and predict every architecture takes \
                some seconds."
            .to_owned(),
        sheets: vec![sheet],
        ..Page::default()
    })
}

fn coverage(results: &Results) -> Result<Page, Error> {
    let records = results.model()?;
    let columns = [
        "",
        "seeds",
        "calls",
        "evaluated",
        "proposals",
        "proposed before",
        "accepted",
        "coverage",
        "HV ratio",
        "model's own coverage",
        "model's own HV ratio",
    ];
    let mut sheet = Sheet::new("figure-1", "What a language model finds", &columns);
    let ways = [
        ("plain", 12),
        ("latency-oriented", 12),
        ("plain-in-niches", 2),
        ("co-evolution", 1),
        ("statistical", 1),
        ("co-evolution", LONGER),
        ("statistical", LONGER),
    ];
    for (method, generations) in ways {
        let longer = if generations == LONGER { ", ten generations" } else { "" };
        let name = format!("{}{longer}", title(method));
        let rows = recorded::of(&records, method, generations);
        let values = |value: &dyn Fn(&Recorded) -> Option<f64>| -> Vec<f64> {
            rows.iter().filter_map(|row| value(row)).collect()
        };
        let text = |values: &[f64], decimals: usize| match values {
            [] => "-".to_owned(),
            values => Estimate::of(values).text(decimals),
        };
        let mean_of = |value: &dyn Fn(&Recorded) -> Option<f64>| {
            let values = values(value);
            if values.is_empty() { "-".to_owned() } else { format!("{:.0}", mean(&values)) }
        };
        let of_made = |part: &dyn Fn(&Recorded) -> Option<u64>| {
            let share =
                |row: &Recorded| Some(100.0 * part(row)? as f64 / (row.made? as f64).max(1.0));
            let share = mean_of(&share);
            if share == "-" { share } else { share + " %" }
        };
        if (method, generations) == ("co-evolution", 1) {
            let sample = results.model_curves()?;
            let mine = |row: &&Generation| {
                row.method == method && row.generations == generations && row.after == 0
            };
            let sample: Vec<&Generation> = sample.iter().filter(mine).collect();
            let coverage: Vec<f64> = sample.iter().map(|row| row.coverage).collect();
            let ratios: Vec<f64> = sample.iter().filter_map(|row| row.hypervolume_ratio).collect();
            let evaluated: Vec<f64> = sample.iter().map(|row| row.evaluated as f64).collect();
            let none = || "-".to_owned();
            sheet.push([
                "its random sample alone".to_owned(),
                sample.len().to_string(),
                "0".to_owned(),
                format!("{:.0}", mean(&evaluated)),
                none(),
                none(),
                none(),
                text(&coverage, 2),
                text(&ratios, 3),
                none(),
                none(),
            ]);
        }
        sheet.push([
            name,
            rows.len().to_string(),
            mean_of(&|row| Some(row.calls? as f64)),
            mean_of(&|row| Some(row.evaluated as f64)),
            mean_of(&|row| Some(row.made? as f64)),
            of_made(&|row| row.duplicates),
            of_made(&|row| row.taken),
            text(&values(&|row| Some(row.coverage)), 2),
            text(&values(&|row| Some(row.hypervolume_ratio)), 3),
            text(&values(&|row| row.own_coverage), 2),
            text(&values(&|row| row.own_hypervolume_ratio), 3),
        ]);
    }
    let block = sheet.markdown();
    Ok(Page {
        name: "figure-1",
        title: "Figure 1: how much of the range of latency a model finds",
        before: format!(
            "CIFAR-10 on the Edge GPU, published accuracy, with Qwen2.5-Coder-1.5B-Instruct: calls \
             recorded once and replayed. Coverage and HV ratio include the random sample that starts the \
             whole method and the architectures that statistics added; searches with plain prompts have \
             neither. The model's own are of its proposals alone. Of its proposals, some were evaluated \
             before, some are accepted, and the others are in another niche or no architecture. {SCORED}"
        ),
        sheets: vec![sheet],
        blocks: vec![("figure-1".to_owned(), block)],
        ..Page::default()
    })
}

/// Scores after each number of calls of a model.
pub fn by_calls(results: &Results) -> Result<(Sheet, Curves), Error> {
    let generations = results.model_curves()?;
    let ways = [
        ("plain", 12, 1.0, "three seeds"),
        ("latency-oriented", 12, 1.0, "three seeds"),
        ("plain-in-niches", 2, 6.0, "three seeds"),
        ("co-evolution", 1, 12.0, "three seeds"),
        ("co-evolution", LONGER, 12.0, "one seed"),
    ];
    let mut calls = Sheet::new(
        "convergence-calls",
        "HV ratio after a number of calls of a model, CIFAR-10 on the Edge GPU",
        &["", "calls", "HV ratio", "coverage"],
    );
    let mut series = Vec::new();
    for (method, of, per_generation, seeds) in ways {
        let name = format!("{}, {seeds}", title(method));
        let mine =
            || generations.iter().filter(|row| row.method == method && row.generations == of);
        let mut seeds: Vec<u64> = mine().map(|row| row.seed).collect();
        seeds.dedup();
        let mut points = Vec::new();
        for generation in 0..=u64::from(of) {
            // A generation that adds nothing leaves the search unchanged.
            let last =
                |seed: &u64| mine().rfind(|row| row.seed == *seed && row.after <= generation);
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
            let row = [format!("{at:.0}"), format!("{hv:.4}"), format!("{coverage:.2}")];
            calls.push(std::iter::once(name.clone()).chain(row));
        }
        series.push((name, points));
    }
    let curves = Curves {
        title: "CIFAR-10 on the Edge GPU, Qwen2.5-Coder-1.5B-Instruct".to_owned(),
        x: "calls",
        y: "HV ratio",
        range: (0.7, 1.0),
        series,
    };
    Ok((calls, curves))
}
