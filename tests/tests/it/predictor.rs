//! The predictor on true accuracies: those of some classes of cells, reported on all cells of the
//! other classes, with the proxies that this project computed on CIFAR-10 images.

use std::collections::HashSet;

use nas_space::nasbench201::{Dataset, class, from_index, space};
use nas_tests::Nas;

const PROGRAM: &str = env!("CARGO_BIN_EXE_nas-under-test");

/// Checks the mean over `seeds` draws against the least Spearman of each data set, and the coverage of
/// intervals.
fn orders(trained: usize, seeds: usize, least: [f64; 3]) {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    for (dataset, least) in Dataset::ALL.into_iter().zip(least) {
        let result = nas
            .json(&format!("predict eval --trained {trained} --seeds {seeds} --dataset {dataset}"));
        assert_eq!(result["trained"], trained);
        let quality = &result["quality"];
        println!("{trained} trained, {dataset}: {quality}");
        assert!(quality["spearman"].as_f64().unwrap() >= least, "{quality}");
        assert!((0.85..=0.95).contains(&quality["coverage"].as_f64().unwrap()), "{quality}");
    }
}

#[test]
fn two_hundred_trained_networks_rank_the_other_classes() {
    orders(200, 3, [0.961, 0.963, 0.963]);
}

#[test]
fn a_thousand_trained_networks_rank_the_other_classes() {
    orders(1_000, 1, [0.975, 0.978, 0.978]);
}

/// The predicted front scored on true values, of a search that trains one network of a class.
fn hypervolume_ratio(nas: &Nas, search: &str) -> f64 {
    let found = nas.json(&format!("search {search} --seed 1 --run run --force"));
    assert_eq!(found["trained"], 200);
    let mut reader = csv::Reader::from_path(nas.folder().join("run/evaluations.csv")).unwrap();
    let titles = reader.headers().unwrap().clone();
    let at = |title: &str| titles.iter().position(|name| name == title).unwrap();
    let (index, trained) = (at("index"), at("trained_accuracy_percent"));
    let rows = reader.records().map(Result::unwrap);
    let trained = rows.filter(|row| !row[trained].is_empty());
    let classes: HashSet<usize> =
        trained.map(|row| class(&from_index(row[index].parse().unwrap()).unwrap())).collect();
    assert_eq!(classes.len(), 200);
    found["scores"]["hypervolume_ratio"].as_f64().unwrap()
}

#[test]
fn active_acquisition_gives_better_fronts_than_random() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    for pair in ["--dataset cifar100 --device raspi4", "--dataset ImageNet16-120 --device edgegpu"]
    {
        let [active, random, shown] = ["", "--acquisition random", "--evaluations 600"]
            .map(|how| hypervolume_ratio(&nas, &format!("{pair} {how}")));
        println!(
            "{pair}: hypervolume ratio {active:.4} with 200 trained, {random:.4} at random, \
             {shown:.4} with 600 shown"
        );
        assert!(active >= 0.985 && active > random && shown >= 0.98, "{active} {random} {shown}");
    }
}

#[test]
fn budgets_larger_than_the_space_are_reported() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let few = nas.run_line("search --device raspi4 --evaluations 30 --trained 100 --run few");
    let used = few.stdout.lines().find(|line| line.contains("accuracies used"));
    assert!(used.is_some_and(|line| line.len() <= 80), "{}", few.stdout);
    let all = nas.run_line("search --device raspi4 --evaluations 99999 --trained 30 --run all");
    assert!(all.stderr.contains("15625 architectures: every one is evaluated"), "{}", all.stderr);
    assert!(nas.read("all/config.toml").contains("searcher = \"exhaustive\""));
}

#[test]
fn a_predictor_is_saved_applied_and_used_by_a_search() {
    let nas = Nas::without_tables(PROGRAM);
    let accuracy = |index: usize| {
        let cell = from_index(index).unwrap();
        60.0 + 4.0 * space().count(&cell, "nor_conv_3x3") as f64
    };
    let rows: Vec<String> =
        (0..80).map(|at| format!("{},{}", at * 191, accuracy(at * 191))).collect();
    nas.write("mine.csv", &format!("arch,accuracy\n{}\n", rows.join("\n")));
    let fitted = nas.run_line("predict fit --accuracy-table mine.csv --trees 50");
    assert_eq!(fitted.code, 0, "{}", fitted.stderr);
    assert!(fitted.stdout.starts_with("fitted to 80 trained networks of 7"), "{}", fitted.stdout);
    let result = nas.json("predict apply predictor.json 6111 1462");
    for row in result.as_array().unwrap() {
        let of = |end: &str| row[format!("predicted_{end}_percent")].as_f64().unwrap();
        assert!(of("low") <= of("accuracy") && of("accuracy") <= of("high"));
    }
    let all = nas.run_line("predict apply predictor.json --format csv");
    nas.write("all.csv", &all.stdout);
    let rows: Vec<String> = (0..30).map(|cell| format!("{cell},{}", 1 + cell)).collect();
    nas.write("ms.csv", &format!("arch,latency_ms\n{}\n", rows.join("\n")));
    let found = nas.json("search --accuracy-table all.csv --latency-table ms.csv --run run");
    assert_eq!(found["evaluated"], 30);
    let tried =
        nas.json("predict eval --accuracy-table mine.csv --trained 40 --trees 50 --out draws");
    assert_eq!(tried["trained"], 40);
    assert!(tried["quality"]["spearman"].as_f64().unwrap() > 0.5, "{tried}");
    let drawn = nas.read("draws/seed-1.csv");
    assert_eq!(drawn.lines().filter(|line| line.contains(",true,")).count(), 40);
    assert_eq!(nas.read("draws/features.csv").lines().count(), 81);
}

#[test]
fn bad_accuracies_and_predictors_are_refused() {
    let nas = Nas::without_tables(PROGRAM);
    let refused = |command: &str, expected: &str| {
        let ran = nas.run_line(command);
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    };
    nas.write("one.csv", "arch,accuracy\n6111,90\n");
    nas.write("none.csv", "arch,accuracy\n6111,\n");
    nas.write("nan.csv", "arch,accuracy\n6111,90\n1462,NaN\n");
    refused("predict fit --accuracy-table none.csv", "at least one trained accuracy");
    refused("predict fit --accuracy-table nan.csv", "row 3, column accuracy");
    refused("predict fit --accuracy-table missing.csv", "missing.csv");
    refused("predict eval --accuracy-table one.csv", "leave no architecture of another class");
    refused("predict eval --accuracy-table none.csv", "no accuracy");
    refused("predict fit --accuracy-table one.csv --out nowhere/model.json", "no folder nowhere");
    nas.write("fractions.csv", "arch,accuracy\n6111,0.9\n1462,0.8\n");
    let fractions = nas.run_line("predict fit --accuracy-table fractions.csv");
    assert!(fractions.stderr.contains("not fractions"), "{}", fractions.stderr);
    assert!(!fractions.stderr.contains("intervals mean nothing"), "{}", fractions.stderr);
    let one = nas.run_line("predict fit --accuracy-table one.csv --force");
    assert!(one.stderr.contains("intervals mean nothing"), "{}", one.stderr);
    assert_eq!(one.stdout, "fitted to 1 trained network of 1 class\nwritten to predictor.json\n");
    let result = nas.json("predict apply predictor.json 1462 2");
    assert!((result[0]["predicted_accuracy_percent"].as_f64().unwrap() - 90.0).abs() < 1e-9);
    let model = nas.read("predictor.json");
    nas.write("newer.json", &model.replace("version 3", "version 4"));
    nas.write("elsewhere.json", &model.replace("\"nasbench201\"", "\"fbnet\""));
    nas.write("cut.json", &model[..model.len() / 2]);
    refused("predict apply newer.json 6111", "version 3");
    refused("predict apply elsewhere.json 6111", "changed or damaged");
    let blocks = |first: &str| format!("{first} {}", ["k3_e1"; 21].join(" "));
    let rows = format!("arch,accuracy\n{},70\n{},71\n", blocks("k3_e1"), blocks("k5_e6"));
    nas.write("fbnet.csv", &rows);
    let fit = "predict fit --space fbnet --accuracy-table fbnet.csv --out fbnet.json";
    assert_eq!(nas.run_line(fit).code, 0);
    refused("predict apply fbnet.json 6111", "fbnet");
    let fit = "predict fit --dataset cifar100 --accuracy-table one.csv --out cifar100.json";
    assert_eq!(nas.run_line(fit).code, 0);
    refused("predict apply cifar100.json 6111 --dataset cifar10", "accuracies are of cifar100");
    refused("predict apply cut.json 6111", "cut.json");
    refused("predict apply one.csv 6111", "one.csv");
    refused("search --trained 5 --accuracy proxies", "--trained has no effect");
    refused("search --searcher exhaustive --evaluations 5", "--evaluations has no effect");
}

/// Spearman of each method on ViT-Bench-101's networks, in the order in which they are printed.
fn predicted(nas: &Nas, space: &str, dataset: &str) -> Vec<f64> {
    let result = nas.json(&format!("predict folds --space {space} --dataset {dataset}"));
    println!("{space}, {dataset}: {result}");
    result.as_array().unwrap().iter().map(|row| row["spearman"].as_f64().unwrap()).collect()
}

#[test]
fn held_out_vision_transformers_are_ranked_better_than_by_width_or_size() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    for (dataset, least) in [("imagenet", 0.93), ("cifar100", 0.90)] {
        let spearman = predicted(&nas, "autoformer-tiny", dataset);
        let (predictor, others) = spearman.split_first().unwrap();
        assert_eq!(others.len(), 2);
        assert!(
            *predictor >= least && others.iter().all(|other| predictor > other),
            "{spearman:?}"
        );
    }
    for dataset in ["cifar100", "flowers"] {
        let spearman = predicted(&nas, "pit", dataset);
        assert!(spearman[0] > 0.93 && spearman[0] > spearman[1], "{spearman:?}");
    }
    for (command, why) in [
        ("--space pit --dataset imagenet", "known: cifar100, flowers, chaoyang"),
        ("--space fbnet", "no accuracies of FBNet, cifar100 were published"),
        ("--space nasbench201", "nas predict eval"),
    ] {
        let refused = nas.run_line(&format!("predict folds {command}"));
        assert_eq!(refused.code, 2);
        assert!(refused.stderr.contains(why), "{}", refused.stderr);
    }
}
