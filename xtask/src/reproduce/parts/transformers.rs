//! Table 6: vision transformers.

use crate::error::Error;
use crate::reproduce::experiment::{Experiment, Kept};
use crate::reproduce::page::Page;
use crate::reproduce::part::Part;
use crate::reproduce::results::Results;
use crate::reproduce::rows::{Rank, Transformer};
use crate::reproduce::sheet::Sheet;

pub const T6: Part = Part {
    name: "T6",
    about: "Vision transformers; named here, latency is measured anew on this machine",
    experiments,
    replays: false,
    page: transformers,
};

/// The columns of ViT-Bench-101 of which accuracy is predicted.
const TESTED: [&str; 4] = ["imagenet", "cifar100", "flowers", "chaoyang"];

/// The searchers for vision transformers.
const TRANSFORMERS: [&str; 2] = ["statistical", "random"];

/// Proxies of the networks of ViT-Bench-101.
const VIT_SCORES: &str = "bench-data/vit-bench-101-proxies.csv";

fn experiments() -> Vec<Experiment> {
    let ranks = TESTED.map(|dataset| {
        let arguments = format!(
            "predict folds --space autoformer-tiny --dataset {dataset} --scores {VIT_SCORES}"
        );
        Experiment::new(Kept::Ranks, format!("transformers-{dataset}"), arguments)
    });
    let fronts = TRANSFORMERS.map(|searcher| {
        let arguments = format!("search --space autoformer-tiny --proposer {searcher} --seed 1");
        Experiment::new(Kept::Measured, format!("transformers-{searcher}"), arguments)
    });
    ranks.into_iter().chain(fronts).collect()
}

/// Networks of a front that the table shows.
const SHOWN: usize = 6;

fn transformers(results: &Results) -> Result<Page, Error> {
    let tables = TESTED
        .iter()
        .map(|dataset| results.ranks(dataset))
        .collect::<Result<Vec<Vec<Rank>>, Error>>()?;
    let inside = tables[0].first().and_then(|rank| rank.inside_percent).unwrap_or(f64::NAN);
    let mut sheet = Sheet::new(
        "T6",
        "Vision transformers",
        &["", "parameters [M]", "top-1 [%]", "latency [ms]", "embedding dimension, depth"],
    );
    sheet.push(["PEL-NAS, as published", "20.2", "82.5, predicted", "5.4, on its host", "-"]);
    sheet.push(["AutoFormer, as published there", "23", "-", "8.4, on its host", "-"]);
    let mut machine = String::new();
    for searcher in TRANSFORMERS {
        let (front, measured) = results.transformers(searcher)?;
        machine = measured;
        for one in shown(&front) {
            let (size, _) = one.arch.split_once(':').unwrap_or((&one.arch, ""));
            sheet.push([
                format!("ours, {searcher}"),
                format!("{:.2}", one.parameters / 1e6),
                format!(
                    "{:.2} ({:.2} to {:.2}), predicted",
                    one.predicted_accuracy_percent,
                    one.predicted_low_percent,
                    one.predicted_high_percent
                ),
                format!("{:.1} ± {:.1}", one.latency_ms, one.latency_spread_ms),
                size.replace(' ', ", "),
            ]);
        }
    }
    let mut ranks = Sheet::new(
        "T6-predictor",
        "Rank correlation of what is predicted with accuracy, ViT-Bench-101",
        &[
            "",
            "ImageNet, 100",
            "CIFAR-100, 200",
            "Flowers, 200",
            "Chaoyang, 200",
            "ImageNet, of width 192",
            "216",
            "240",
        ],
    );
    let mut methods: Vec<&str> = Vec::new();
    for method in tables.iter().flatten().map(|rank| rank.method.as_str()) {
        if !methods.contains(&method) {
            methods.push(method);
        }
    }
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |v| format!("{v:.3}"));
    for method in methods {
        let of = |at: usize| tables[at].iter().find(|rank| rank.method == method);
        let mut row = vec![method.to_owned()];
        row.extend((0..tables.len()).map(|at| number(of(at).and_then(|rank| rank.spearman))));
        let within = of(0).map_or([None; 3], |rank| [rank.of_192, rank.of_216, rank.of_240]);
        row.extend(within.map(number));
        ranks.push(row);
    }
    Ok(Page {
        name: "T6",
        title: "Table 6: vision transformers",
        before: format!(
            "AutoFormer's tiny space, searched with `nas search --space autoformer-tiny`: 200 networks \
             evaluated, {SHOWN} of each front, evenly spaced; and the paper's row for comparison.\n\n\
             - **Accuracy is predicted**, with a 90 % interval ({inside:.0} % of the held-out accuracies lie \
             in theirs), from the 100 networks of ViT-Bench-101 whose ImageNet accuracy is usable. These \
             accuracies are inherited from a supernet, not from training each network. All 38 networks of \
             width 240 are some four points below every narrower one, because of the supernet and not of \
             the width: no front contains one.\n\
             - **The paper's network of 20.2 M parameters is outside the data**: the data is of the tiny \
             space, with up to 10 M of at most 10.5 M parameters. Nothing here predicts its accuracy. For \
             the small and the base space no accuracy is predicted at all: their fronts use a \
             training-free score.\n\
             - **Latency is of another machine** than the paper's: one image of 224×224 on one thread, \
             {machine}; the median, ± half the range between the quartiles. \
             `cargo xtask reproduce --only T6` measures on yours."
        ),
        after: "The predictor learns from the layers and the number of parameters; searches use it. With \
                scores it is the mean with a second one that learns from zero-cost proxies \
                (`bench-data/vit-bench-101-proxies.csv`). A fifth of the networks at a time is held out; \
                the mean of ten draws. The other rows are what it has to beat: the mean accuracy of \
                networks of the same width, the number of parameters, and each proxy alone, which learn \
                little or nothing. It is better than all of them on ImageNet, mostly by the gap between \
                the widths, and a little better on CIFAR-100; not on Flowers and Chaoyang, and within a \
                width the number of parameters often ranks as well or better. All accuracies except \
                ImageNet's are of networks trained with distillation. NASWOT, SWAP, MeCo, Zen and SynFlow \
                do not apply to transformers."
            .to_owned(),
        sheets: vec![sheet, ranks],
        ..Page::default()
    })
}

fn shown(front: &[Transformer]) -> Vec<&Transformer> {
    let shown = front.len().min(SHOWN);
    let place = |row: usize| if shown > 1 { row * (front.len() - 1) / (shown - 1) } else { 0 };
    (0..shown).map(|row| &front[place(row)]).collect()
}
