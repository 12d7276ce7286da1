//! Searchers compared on the real tables.

use nas_tests::Nas;

const PROGRAM: &str = env!("CARGO_BIN_EXE_nas-under-test");

#[test]
fn searchers_are_compared_with_equal_budgets_and_beat_random_search() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let names = ["random", "local", "regularised-evolution", "nsga2", "evolution", "statistical"];
    let command = format!(
        "benchmark --searchers {} --datasets cifar100 --devices edgegpu,fpga --seeds 3 --evaluations 300 --at 100",
        names.join(",")
    );
    let rows = nas.json(&command);
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), names.len() * 2 * 3 * 2);
    let mean = |searcher: &str, evaluations: u64| {
        let mine = rows
            .iter()
            .filter(|row| row["searcher"] == searcher && row["evaluations"] == evaluations);
        let ratios: Vec<f64> = mine.map(|row| row["hypervolume_ratio"].as_f64().unwrap()).collect();
        assert_eq!(ratios.len(), 6);
        ratios.iter().sum::<f64>() / 6.0
    };
    for name in names {
        assert!(mean(name, 300) >= mean(name, 100), "{name}");
        assert!(name == "random" || mean(name, 300) > mean("random", 300), "{name}");
    }
    assert_eq!(nas.json(&command)[7]["igd"], rows[7]["igd"]);
}

#[test]
fn searchers_are_compared_with_a_shared_predictor_in_a_narrow_table() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let result = nas.run_line(
        "benchmark --datasets cifar10 --devices raspi4 --seeds 2 --accuracy shared-predictor --trained 60 --partition pel-nas",
    );
    assert_eq!(result.code, 0, "{}", result.stderr);
    assert!(result.stdout.contains("60 random trained networks"), "{}", result.stdout);
    for line in result.stdout.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn adaptive_allocation_is_better_than_equal_allocation() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let [adaptive, equal, whole] =
        ["--partition pel-nas", "--partition pel-nas --allocation equal", ""].map(|how| {
            let rows = nas.json(&format!(
            "benchmark --searchers evolution --datasets cifar100 --seeds 5 --evaluations 200 {how}"
        ));
            let rows = rows.as_array().unwrap();
            let ratios = rows.iter().map(|row| row["hypervolume_ratio"].as_f64().unwrap());
            ratios.sum::<f64>() / rows.len() as f64
        });
    println!(
        "hypervolume ratio {adaptive:.4} adaptive, {equal:.4} equal, {whole:.4} without niches"
    );
    assert!(adaptive > equal + 0.002 && adaptive > whole - 0.003);
}

#[test]
fn automatic_niches_are_those_that_explain_the_latency() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    for (device, best) in [("edgetpu", "layers"), ("edgegpu", "layers"), ("fpga", "flops")] {
        let ranked = nas.json(&format!("niches --rank --device {device}"));
        let ranked = ranked.as_array().unwrap();
        assert_eq!(ranked[0]["partition"], best, "{device}");
        let explained = |row: &serde_json::Value| row["explained_percent"].as_f64().unwrap();
        assert!(explained(&ranked[0]) > 50.0, "{device}");
        assert!(ranked.windows(2).all(|pair| explained(&pair[0]) >= explained(&pair[1])));
    }
    let result = nas.run_line(
        "search --device edgetpu --accuracy benchmark --partition automatic --evaluations 200 --run automatic",
    );
    assert_eq!(result.code, 0, "{}", result.stderr);
    assert!(result.stderr.contains("niches by layers, which explain"), "{}", result.stderr);
    // With equal allocation, the choice of niches decides.
    let [automatic, paper] = ["automatic", "pel-nas"].map(|partition| {
        let rows = nas.json(&format!(
            "benchmark --searchers evolution --devices edgetpu --seeds 3 --allocation equal --partition {partition}"
        ));
        let rows = rows.as_array().unwrap();
        let ratios = rows.iter().map(|row| row["hypervolume_ratio"].as_f64().unwrap());
        ratios.sum::<f64>() / rows.len() as f64
    });
    println!("hypervolume ratio {automatic:.4} automatic, {paper:.4} in the paper's niches");
    assert!(automatic > paper);
}

#[test]
fn a_proxy_or_predictions_replace_accuracy_and_fronts_are_written() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let on = "benchmark --datasets cifar10 --devices raspi4 --seeds 1";
    let ratio = |how: &str| {
        let rows = nas.json(&format!("{on} {how}"));
        assert_eq!(rows.as_array().unwrap().len(), 1);
        rows[0]["hypervolume_ratio"].as_f64().unwrap()
    };
    let proxy = ratio("--accuracy proxy --searchers statistical");
    let active =
        ratio("--accuracy predictor --trained 50 --searchers exhaustive --fronts fronts.csv");
    assert!(active > proxy && proxy > 0.8, "{active} {proxy}");
    let fronts = nas.read("fronts.csv");
    assert!(fronts.contains("cifar10,raspi4,exact,1,"));
    assert!(fronts.contains("cifar10,raspi4,exhaustive,1,"));
}

#[test]
fn what_cannot_be_compared_is_an_error() {
    let nas = Nas::without_tables(PROGRAM);
    for (command, expected) in [
        ("benchmark --searchers llm", "nas search --searcher llm"),
        ("benchmark --searchers exhaustive", "another --accuracy"),
        ("benchmark --fronts nowhere/fronts.csv", "create it first"),
        ("niches --partition automatic", "--rank"),
        ("niches --rank", "--device"),
        ("niches --partition automatic --thresholds 1", "divides an axis"),
        ("benchmark --devices nokia", "edgegpu"),
        ("benchmark --evaluations 15626", "15625"),
        ("benchmark --evaluations 100 --at 50,200", "raise --evaluations"),
        ("search --searcher llm --allocation adaptive --llm-model x", "leave it out"),
        ("benchmark", "nas download"),
    ] {
        let ran = nas.run_line(command);
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    }
}

#[test]
fn names_given_twice_count_once() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let once = "benchmark --searchers random --datasets cifar10 --devices fpga --seeds 1 \
                --evaluations 60";
    let twice = format!("{once} --searchers random --datasets cifar10 --devices fpga,fpga");
    let (once, twice) = (nas.json(once), nas.json(&twice));
    assert_eq!(twice.as_array().unwrap().len(), 1);
    assert_eq!(once[0]["igd"], twice[0]["igd"]);
}

#[test]
fn rules_that_hold_are_listed_after_each_number_of_evaluations() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    std::fs::write(
        nas.folder().join("rules.csv"),
        "polarity,decision,choice\nAVOID,0->3,skip_connect\ndo,0->3,avg_pool_3x3\n",
    )
    .unwrap();
    let command = "benchmark --searchers statistical --datasets cifar10 --devices edgegpu --seeds 1 \
                   --evaluations 200 --at 33 --rules rules.csv";
    let refused = nas.run_line(command);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("rules.csv, line 2"), "{}", refused.stderr);
    let text = nas.read("rules.csv").replace("AVOID", "avoid");
    std::fs::write(nas.folder().join("rules.csv"), text).unwrap();
    let rows = nas.json(command);
    let standing: Vec<&str> =
        rows.as_array().unwrap().iter().map(|row| row["rules"].as_str().unwrap()).collect();
    assert_eq!(standing.len(), 2);
    assert!(standing[1].len() <= standing[0].len(), "{standing:?}");
    assert!(!standing[1].contains('2'), "{standing:?}");
}
