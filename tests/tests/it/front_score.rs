//! Fronts of a user's own search, scored against the exact front and compared.

use nas_tests::Nas;
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_nas-under-test");

const INDICATORS: [&str; 4] = ["hypervolume_ratio", "hypervolume", "igd", "igd_plus"];

/// Fronts of three seeds and two searchers on two devices, by `nas benchmark`, and what it printed.
fn benchmark() -> Option<(Nas, Value)> {
    let nas = Nas::with_tables(PROGRAM)?;
    let rows = nas.json(
        "benchmark --searchers random,nsga2 --datasets cifar10 --devices raspi4,edgetpu --seeds 3 \
         --evaluations 150 --fronts fronts.csv",
    );
    Some((nas, rows))
}

/// Writes the rows of a file of fronts that are of a searcher and device, with these columns alone.
fn extract(nas: &Nas, searcher: &str, device: &str, columns: &[&str], file: &str) {
    let text = nas.read("fronts.csv");
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let at = |name: &str| header.iter().position(|title| *title == name).unwrap();
    let rows = lines.filter(|row| row[at("searcher")] == searcher && row[at("device")] == device);
    let rows: String = rows
        .map(|row| columns.iter().map(|name| row[at(name)]).collect::<Vec<_>>().join(",") + "\n")
        .collect();
    assert!(!rows.is_empty(), "no row of {searcher} on {device}");
    nas.write(file, &format!("{}\n{rows}", columns.join(",")));
}

#[test]
fn a_front_scores_what_the_search_that_found_it_printed() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let ran = nas.run_line(
        "search --device raspi4 --dataset cifar100 --accuracy benchmark --searcher random \
         --evaluations 150 --seed 7 --run mine",
    );
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let result: Value = serde_json::from_str(&nas.read("mine/front.json")).unwrap();
    let last = result["generations"].as_array().unwrap().last().unwrap();
    let on = "--device raspi4 --dataset cifar100";
    // The run, its file, and a copy elsewhere.
    nas.write("copy.csv", &nas.read("mine/front.csv"));
    for (front, seed) in
        [("mine", 7.into()), ("mine/front.csv", 7.into()), ("copy.csv", Value::Null)]
    {
        let scored = nas.json(&format!("front-score {front} {on}"));
        let row = &scored["fronts"][0];
        for indicator in INDICATORS {
            assert!(row[indicator].as_f64().is_some());
            assert_eq!(row[indicator], result["scores"][indicator], "{front}, {indicator}");
        }
        assert_eq!(row["coverage"], last["coverage"]);
        assert_eq!(row["seed"], seed, "{front}");
        assert_eq!(row["architectures"], result["front"].as_array().unwrap().len());
    }
    let number = |indicator: &str| format!("{:.4}", result["scores"][indicator].as_f64().unwrap());
    let [ratio, volume, igd, igd_plus] = INDICATORS.map(number);
    let printed = format!("HV ratio {ratio}, HV {volume}, IGD {igd}, IGD+ {igd_plus}\n");
    assert!(ran.stdout.contains(&printed), "{}", ran.stdout);
    let table = nas.run_line(&format!("front-score copy.csv {on}")).stdout;
    let line = table.lines().find(|line| line.starts_with('-')).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words[2..6], [ratio, volume, igd, igd_plus], "{table}");
}

#[test]
fn fronts_of_a_benchmark_score_what_it_printed() {
    let Some((nas, rows)) = benchmark() else { return };
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 12);
    for device in ["raspi4", "edgetpu"] {
        let scored = nas.json(&format!("front-score fronts.csv --device {device}"));
        let scored = scored["fronts"].as_array().unwrap();
        assert_eq!(scored.len(), 6);
        for one in scored {
            let method = one["method"].as_str().unwrap();
            let searcher = method.strip_suffix(" of fronts.csv").unwrap();
            let found = |row: &&Value| {
                row["device"] == device && row["searcher"] == searcher && row["seed"] == one["seed"]
            };
            let row = rows.iter().find(found).unwrap();
            for indicator in INDICATORS.iter().chain(&["coverage"]) {
                assert_eq!(one[indicator], row[indicator], "{device}, {method}, {indicator}");
            }
        }
    }
}

#[test]
fn the_exact_front_scores_perfectly() {
    let Some((nas, _)) = benchmark() else { return };
    for device in ["raspi4", "edgetpu"] {
        extract(&nas, "exact", device, &["index"], "exact.csv");
        let scored = nas.json(&format!("front-score exact.csv --device {device}"));
        let row = &scored["fronts"][0];
        for (indicator, expected) in [("hypervolume_ratio", 1.0), ("igd", 0.0), ("igd_plus", 0.0)] {
            assert_eq!(row[indicator], expected, "{device}, {indicator}");
            assert_eq!(scored["exact"][indicator], expected);
        }
        let ceiling = row["coverage_of_exact_front"].as_f64().unwrap();
        assert!(ceiling > 0.0 && row["coverage"] == ceiling, "{device}: {scored}");
        assert_eq!(scored["exact"]["coverage"], ceiling);
        assert_eq!(row["architectures"], scored["exact"]["architectures"]);
        // Dominated architectures lie where none of the exact front does.
        let all: Vec<String> = (0..15_625).map(|index| index.to_string()).collect();
        nas.write("all.csv", &format!("index\n{}\n", all.join("\n")));
        let all = nas.json(&format!("front-score all.csv --device {device}"));
        let most = &all["fronts"][0]["coverage"];
        assert_eq!(&scored["coverage_at_most"], most, "{device}");
        assert!(most.as_f64().unwrap() >= ceiling);
        // A search reaches less.
        let found = nas.json(&format!("front-score fronts.csv --device {device}"));
        let found = found["fronts"].as_array().unwrap().iter();
        assert!(found.clone().all(|row| row["hypervolume_ratio"].as_f64() < Some(1.0)));
    }
}

#[test]
fn methods_are_compared_in_pairs_of_the_same_seed() {
    let Some((nas, _)) = benchmark() else { return };
    extract(&nas, "nsga2", "raspi4", &["index", "seed"], "mine.csv");
    extract(&nas, "random", "raspi4", &["seed", "index", "latency_ms"], "theirs.csv");
    let command = "front-score mine.csv --against theirs.csv --device raspi4";
    let table = nas.run_line(command);
    assert_eq!((table.code, table.stderr.as_str()), (0, ""));
    insta::assert_snapshot!("table", table.stdout);
    for line in table.stdout.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    let csv = nas.run_line(&format!("{command} --format csv"));
    insta::assert_snapshot!("csv", csv.stdout);
    assert!(csv.stderr.starts_with("mine.csv minus theirs.csv, 3 pairs of the same seed"));

    let scored = nas.json(command);
    let of = |method: &str, indicator: &str| -> Vec<f64> {
        let rows = scored["fronts"].as_array().unwrap().iter();
        let rows = rows.filter(|row| row["method"] == method);
        rows.map(|row| row[indicator].as_f64().unwrap()).collect()
    };
    let (mine, theirs) = (of("mine.csv", "igd"), of("theirs.csv", "igd"));
    let mean = mine.iter().zip(&theirs).map(|(mine, theirs)| mine - theirs).sum::<f64>() / 3.0;
    let difference = &scored["differences"][2];
    assert_eq!((&difference["indicator"], &difference["seeds"]), (&"igd".into(), &3.into()));
    assert!((difference["difference"].as_f64().unwrap() - mean).abs() < 1e-12, "{scored}");
    assert!((0.0..1.0).contains(&difference["p"].as_f64().unwrap()));
    assert_eq!(scored["means"].as_array().unwrap().len(), 10);

    // A file for each seed, in any order, against the fronts of a benchmark.
    for seed in ["1", "2", "3"] {
        let rows = nas.read("mine.csv");
        let rows = rows.lines().filter_map(|line| line.strip_suffix(&format!(",{seed}")));
        let text = format!("arch\n{}\n", rows.collect::<Vec<_>>().join("\n"));
        nas.write(&format!("mine-seed{seed}.csv"), &text);
    }
    let apart = nas.json(
        "front-score mine-seed3.csv mine-seed1.csv mine-seed2.csv --against fronts.csv --device raspi4",
    );
    let differences = apart["differences"].as_array().unwrap();
    assert_eq!(differences.len(), 10);
    assert_eq!(differences[2]["minus"], "random of fronts.csv");
    for name in ["difference", "half", "p"] {
        assert_eq!(differences[2][name], difference[name], "{name}");
    }
    // Against the same searcher, all differences are 0, and there is no p.
    assert_eq!((&differences[7]["difference"], &differences[7]["p"]), (&0.0.into(), &Value::Null));
}

#[test]
fn architectures_that_the_device_cannot_run_do_not_count() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let all = nas.json("latency 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 --device edgetpu");
    let (mut runs, mut not) = (Vec::new(), Vec::new());
    for row in all.as_array().unwrap() {
        let list = if row["latency_ms"].is_null() { &mut not } else { &mut runs };
        list.push(row["index"].to_string());
    }
    assert!(!runs.is_empty() && !not.is_empty(), "{all}");
    let front = |indices: &[String]| format!("index\n{}\n", indices.join("\n"));
    nas.write("runs.csv", &front(&runs));
    nas.write("both.csv", &front(&[not.clone(), runs.clone()].concat()));
    nas.write("not.csv", &front(&not));
    let expected = nas.json("front-score runs.csv --device edgetpu");
    let ran = nas.run_line("front-score both.csv --device edgetpu --format json");
    let scored: Value = serde_json::from_str(&ran.stdout).unwrap();
    let warning = format!(
        "cannot run {} of the 15 architectures on the front, the first in row 2",
        not.len()
    );
    assert!(ran.stderr.contains(&warning), "{}", ran.stderr);
    let row = &scored["fronts"][0];
    assert_eq!((&row["not_run"], &row["architectures"]), (&not.len().into(), &runs.len().into()));
    assert_eq!(row["igd"], expected["fronts"][0]["igd"]);
    let refused = nas.run_line("front-score not.csv --device edgetpu");
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("not.csv: edgetpu can run none of the"), "{}", refused.stderr);
}

#[test]
fn what_is_wrong_with_a_front_is_an_error() {
    let Some((nas, _)) = benchmark() else { return };
    extract(&nas, "exact", "raspi4", &["searcher", "index"], "exact.csv");
    nas.write("a.csv", "index,seed\n5,1\n6,2\n");
    nas.write("b.csv", "index,seed\n5,1\n6,3\n");
    nas.write("c.csv", "arch\n5\n");
    nas.write("twice.csv", "index,seed\n5,1\n5,2\n5,1\n");
    nas.write("unknown.csv", "arch\n5\n|nor_conv_5x5~0|+|none~0|none~1|+|none~0|none~1|none~2|\n");
    nas.write("empty.csv", "arch,seed\n");
    nas.write("mine-seed1.csv", "arch\n5\n");
    nas.write("column.csv", "cell,seed\n5,1\n");
    for (arguments, expected) in [
        ("a.csv --device nokia", "known: edgegpu, raspi4, edgetpu, pixel3, eyeriss, fpga"),
        ("a.csv --device fpga --dataset mnist", "known: cifar10, cifar100, ImageNet16-120"),
        ("a.csv --device fpga --space fbnet", "no accuracies of all architectures of FBNet"),
        ("a.csv", "--device <NAME>"),
        ("nowhere.csv --device fpga", "nowhere.csv: No such file"),
        (". --device fpga", "is no run"),
        ("unknown.csv --device fpga", "unknown.csv, row 3, column arch"),
        ("column.csv --device fpga", "no column arch or index; the header is: cell, seed"),
        (
            "twice.csv --device fpga",
            "twice.csv, row 4, column index: the front of seed 1 has this architecture in row 2",
        ),
        ("empty.csv --device fpga", "empty.csv: the front is empty"),
        ("exact.csv --device fpga", "all rows are of the searcher `exact`"),
        (
            "fronts.csv --device fpga",
            "no row is of cifar10 on fpga; it has cifar10 on raspi4, cifar10 on edgetpu",
        ),
        ("a.csv a.csv --device fpga", "a.csv is named twice"),
        ("a.csv mine-seed1.csv --device fpga", "both contain the front of seed 1"),
        ("c.csv empty.csv --device fpga", "the front is empty"),
        ("a.csv --against b.csv --device fpga", "only a.csv has seed 2, and only b.csv has seed 3"),
        ("a.csv --against c.csv --device fpga", "only c.csv has no seed"),
    ] {
        let ran = nas.run_line(&format!("front-score {arguments}"));
        assert_eq!(ran.code, 2, "{arguments}: {}", ran.stdout);
        assert_eq!(ran.stdout, "", "{arguments}");
        assert!(ran.stderr.contains(expected), "{arguments}: {}", ran.stderr);
    }
    nas.write("d.csv", "arch\n6\n");
    let ran = nas.run_line("front-score c.csv d.csv --device fpga");
    assert!(ran.stderr.contains("c.csv and d.csv: of which seed is each?"), "{}", ran.stderr);
    let search = "search --device eyeriss --accuracy benchmark --evaluations 60 --run run";
    assert_eq!(nas.run_line(search).code, 0);
    let ran = nas.run_line("front-score run --device fpga");
    assert!(ran.stderr.contains("run is a run of device eyeriss, not of fpga"), "{}", ran.stderr);
}
