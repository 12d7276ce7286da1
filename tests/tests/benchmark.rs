//! Searchers compared on the real tables.

use nas_tests::Nas;

const PROGRAM: &str = env!("CARGO_BIN_EXE_nas-under-test");

#[test]
fn searchers_are_compared_on_equal_terms_and_beat_chance() {
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
fn a_shared_predictor_is_compared_on_and_the_table_is_narrow() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let told = nas.say(
        "benchmark --datasets cifar10 --devices raspi4 --seeds 2 --accuracy predictor --labels 60 --partition pel-nas",
    );
    assert_eq!(told.code, 0, "{}", told.stderr);
    assert!(told.stdout.contains("60 random labels"), "{}", told.stdout);
    for line in told.stdout.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn budgets_that_follow_yields_are_better_than_equal_ones() {
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
fn what_cannot_be_compared_is_told() {
    let nas = Nas::without_tables(PROGRAM);
    for (command, expected) in [
        ("benchmark --searchers llm", "nas search --searcher llm"),
        ("benchmark --devices nokia", "edgegpu"),
        ("benchmark --evaluations 15626", "15625"),
        ("search --searcher llm --allocation adaptive --llm-model x", "leave it out"),
        ("benchmark", "nas download"),
    ] {
        let told = nas.say(command);
        assert_eq!(told.code, 2, "{}", told.stderr);
        assert!(told.stderr.contains(expected), "{}", told.stderr);
    }
}
