//! `nas search` on the benchmark's tables: how near it is to the exact front, and which
//! files it writes.

use approx::assert_abs_diff_eq;
use nas_eval::spaces;
use nas_hw::Metric;
use nas_tests::{Nas, run_files, tables};
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_nas-under-test");

/// HW-NAS-Bench's devices.
const DEVICES: [&str; 6] = ["edgegpu", "raspi4", "edgetpu", "pixel3", "eyeriss", "fpga"];

/// The definition's values: hypervolume of the exact front, objectives scaled to [0, 1] over
/// the cells that the device can run, reference point (1, 1).
#[test]
fn the_exact_fronts_have_the_defined_hypervolumes() {
    let Some(folder) = tables() else { return };
    let expected = [
        ("cifar10", [0.9105, 0.9650, 0.9859, 0.9625, 0.9892, 0.9853]),
        ("cifar100", [0.8924, 0.9483, 0.9764, 0.9541, 0.9719, 0.9593]),
        ("ImageNet16-120", [0.8769, 0.8980, 0.9591, 0.9258, 0.9484, 0.9432]),
    ];
    for (dataset, expected) in expected {
        let problem = spaces::problem("nasbench201", Some(dataset)).unwrap();
        let published = problem.open(&folder).unwrap().unwrap();
        for (device, expected) in DEVICES.into_iter().zip(expected) {
            let truth = problem.truth(&*published, device, &[Metric::Latency]).unwrap().unwrap();
            assert_abs_diff_eq!(truth.hypervolume(), expected, epsilon = 1e-4);
        }
    }
}

/// Median HV ratio over seeds 1 to 5 of 600 evaluations on validation accuracy, the front
/// scored by test accuracy.
fn median_ratio(nas: &Nas, device: &str, searcher: &str) -> f64 {
    let mut ratios: Vec<f64> = (1..=5)
        .map(|seed| {
            let found = nas.json(&format!(
                "search --dataset cifar10 --device {device} --accuracy benchmark \
                 --searcher {searcher} --evaluations 600 --seed {seed}"
            ));
            assert_eq!(found["evaluated"], 600);
            found["scores"]["hypervolume_ratio"].as_f64().unwrap()
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    ratios[2]
}

#[test]
fn evolution_is_near_the_exact_front_and_better_than_random_search() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    for device in DEVICES {
        let evolution = median_ratio(&nas, device, "evolution");
        let random = median_ratio(&nas, device, "random");
        println!("{device}: evolution {evolution:.4}, random {random:.4}");
        assert!(evolution >= 0.993, "{device}: {evolution}");
        assert!(evolution > random, "{device}: evolution {evolution}, random {random}");
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let search = |seed: u32, run: &str| {
        let ran = nas.run_line(&format!(
            "search --device fpga --partition pel-nas --evaluations 200 --seed {seed} --run {run}"
        ));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        run_files(&nas.folder().join(run))
    };
    let first = search(1, "runs/a");
    let names: Vec<&str> = first.keys().map(String::as_str).collect();
    let expected = [
        "config.toml",
        "evaluations.csv",
        "events.jsonl",
        "front.csv",
        "front.json",
        "front.svg",
        "generations.csv",
        "knowledge.md",
        "report.html",
    ];
    assert_eq!(names, expected);
    assert_eq!(first, search(1, "runs/b"));
    assert_ne!(first["front.csv"], search(2, "runs/c")["front.csv"]);
}

#[test]
fn the_best_within_a_limit_is_within_it_and_has_a_path() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let found = nas.json("search --device raspi4 --seed 1 --max-latency 10ms");
    assert_eq!(found["within_limits"], true);
    let best = &found["best"];
    assert_eq!(best["connected"], true);
    assert!(best["latency_ms"].as_f64().unwrap() <= 10.0);
    let better = |row: &&Value| {
        row["connected"] == true
            && row["latency_ms"].as_f64().unwrap() <= 10.0
            && row["predicted_accuracy_percent"].as_f64()
                > best["predicted_accuracy_percent"].as_f64()
    };
    assert_eq!(found["front"].as_array().unwrap().iter().filter(better).count(), 0);
}

#[test]
fn if_nothing_is_within_the_limits_the_nearest_is_printed_with_exit_code_3() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let ran = nas.run_line("search --device raspi4 --seed 1 --max-latency 1us");
    assert_eq!(ran.code, 3);
    assert!(
        ran.stdout.contains("nothing found with latency ≤ 0.001 ms; the nearest:"),
        "{}",
        ran.stdout
    );
    assert!(!ran.stdout.contains("best of"), "{}", ran.stdout);
}

/// Rules that contradict the benchmark are soon refuted; rules that agree with it hold.
#[test]
fn rules_hold_until_evidence_refutes_them() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let rules = "polarity,decision,choice,at_least,niche\n\
                 do,0->3,avg_pool_3x3,,\navoid,0->3,avg_pool_3x3,,\ndo,0->3,skip_connect,,4\n";
    std::fs::write(nas.folder().join("rules.csv"), rules).unwrap();
    let search = "search --device edgegpu --accuracy benchmark --evaluations 200 \
                  --searcher statistical --run run --force --format json --rules rules.csv";
    let ran = nas.run_line(&format!("{search} --partition pel-nas"));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let named = |list: &str, polarity: &str| {
        let rules = report[list].as_array().unwrap().iter();
        let mut rules = rules.filter(|rule| rule["by"] == "user" && rule["polarity"] == polarity);
        rules.any(|rule| rule["condition"] == "0→3 = avg_pool_3x3")
    };
    assert!(named("dropped_rules", "do") && !named("rules", "do"), "{report}");
    assert!(!named("dropped_rules", "avoid") && named("rules", "avoid"), "{report}");
    assert!(nas.read("run/knowledge.md").contains("Rules that no longer hold"));
    assert!(nas.read("run/config.toml").contains("rules.csv"));
    // Rules cannot name niches without niches, and have no effect on an exhaustive search.
    let scan = nas.run_line(
        "search --device edgegpu --searcher exhaustive --rules rules.csv --partition pel-nas",
    );
    assert_eq!(scan.code, 2);
    assert!(
        scan.stderr.contains("--partition has no effect with --searcher exhaustive"),
        "{}",
        scan.stderr
    );
    let whole = nas.run_line(search);
    assert_eq!(whole.code, 2);
    assert!(whole.stderr.contains("rules.csv, line 4: there are no niches"), "{}", whole.stderr);
}

#[test]
fn energy_is_a_third_objective_if_it_is_published() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let found = nas.json("search --device eyeriss --seed 1 --max-latency 5ms --max-energy 1mJ");
    assert!(found["best"]["energy_mJ"].as_f64().unwrap() <= 1.0);
    assert!(found["scores"]["hypervolume_ratio"].as_f64().unwrap() > 0.9);
    let refused = nas.run_line("search --device raspi4 --max-energy 1mJ");
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("raspi4"), "{}", refused.stderr);
}

#[test]
fn every_architecture_of_a_users_own_tables_is_evaluated() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let cells = ["0", "1", "2", "3", "4"];
    let converted = nas.json(&format!("space convert {}", cells.join(" ")));
    let rows = converted.as_array().unwrap().iter().zip(["3.5", "2", "", "1", "9"]);
    let rows = rows.map(|(row, ms)| format!("{},{ms}", row["arch"].as_str().unwrap()));
    nas.write("mine.csv", &format!("arch,latency_ms\n{}\n", rows.collect::<Vec<_>>().join("\n")));
    let found = nas.json("search --latency-table mine.csv --max-latency 2ms");
    assert_eq!(found["evaluated"], 4);
    assert_eq!(found["best"]["index"], 1);
    assert_eq!(found["best"]["latency_ms"], 2.0);
}

/// No tables, no images: proxies and latency of this machine, as the demo does.
#[test]
fn without_a_download_proxies_and_measured_latency_give_a_front() {
    let nas = Nas::without_tables(PROGRAM);
    let found = nas.json("search --dataset ImageNet16-120 --evaluations 12 --batch 16 --run here");
    assert_eq!(found["evaluated"], 12);
    let front = found["front"].as_array().unwrap();
    assert!(!front.is_empty());
    for row in front {
        assert!(row["latency_ms"].as_f64().unwrap() > 0.0);
        assert!(row["jacov"].as_f64().is_some());
    }
    assert!(nas.read("here/front.svg").contains("latency [ms]"));
    let lines = nas.read("here/evaluations.csv").lines().count();
    assert_eq!(lines, 13);
}

/// On CIFAR-10 the proxies are those that are part of the program, unless options choose how to compute
/// them.
#[test]
fn the_score_on_cifar10_comes_with_the_program() {
    let nas = Nas::without_tables(PROGRAM);
    let rows: Vec<String> = (0..30).map(|cell| format!("{cell},{}", 1 + cell)).collect();
    nas.write("mine.csv", &format!("arch,latency_ms\n{}\n", rows.join("\n")));
    let search = "search --accuracy proxies --latency-table mine.csv --run";
    let ours = nas.json(&format!("{search} ours"));
    assert!(
        nas.read("ours/config.toml")
            .contains("that were computed on cifar10 and are part of pel-nas")
    );
    let again = nas.json(&format!("{search} computed --batch 8"));
    assert!(nas.read("computed/config.toml").contains("on this machine on Gaussian noise"));
    let jacov = |found: &Value| found["front"][0]["jacov"].as_f64().unwrap().to_string();
    assert_ne!(jacov(&ours), jacov(&again));
}
