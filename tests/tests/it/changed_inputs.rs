//! Work that is taken up again finds the files that it depends on unchanged, or is refused.

use std::{collections::HashSet, fs};

use nas_tests::{Nas, SPACE};

const PROGRAM: &str = env!("CARGO_BIN_EXE_nas-under-test");
const EVALUATOR: &str = env!("CARGO_BIN_EXE_evaluator-under-test");

/// A run that was killed after its last evaluation.
fn killed(nas: &Nas, arguments: &str) {
    let ran = nas.shell(&format!("'{PROGRAM}' search {arguments} --run run --force"));
    assert_eq!(ran.code, 0, "{arguments}: {}", ran.stderr);
    fs::remove_file(nas.folder().join("run/front.json")).unwrap();
}

/// A table of a value for architectures of the space.
fn table(nas: &Nas, column: &str, value: impl Fn(f64) -> f64) -> String {
    let mut text = format!("arch,{column}\n");
    let mut known = HashSet::new();
    for row in nas.json("space sample --space space.toml -n 300 --seed 4").as_array().unwrap() {
        let (arch, cost) = (row["arch"].as_str().unwrap(), row["cost"].as_f64().unwrap());
        if known.insert(arch.to_owned()) {
            text += &format!("{arch},{}\n", value(cost));
        }
    }
    text
}

#[test]
fn a_changed_input_is_refused_by_name_and_resumed_only_where_the_user_accepts_it() {
    let nas = Nas::without_tables(PROGRAM);
    nas.write("space.toml", SPACE);
    let latencies = table(&nas, "latency_ms", |cost| cost);
    nas.write("latencies.csv", &latencies);
    nas.write("accuracies.csv", &table(&nas, "accuracy_percent", |cost| 40.0 + cost.ln()));
    nas.write("rules.csv", "polarity,decision,choice\ndo,depth,5\n");
    nas.write("train.sh", &format!("exec '{EVALUATOR}'\n"));
    let tables = "--accuracy-table accuracies.csv --latency-table latencies.csv";
    let own = "--space space.toml --evaluations 40 --searcher statistical";
    for (arguments, file, what) in [
        (format!("{own} {tables}"), "latencies.csv", "--latency-table"),
        (format!("{own} {tables}"), "accuracies.csv", "--accuracy-table"),
        (format!("{own} {tables} --rules rules.csv"), "rules.csv", "--rules"),
        (format!("{own} --evaluate 'sh train.sh'"), "train.sh", "--evaluate"),
    ] {
        killed(&nas, &arguments);
        let before = nas.read(file);
        nas.write(file, &format!("{before}\n"));
        let refused = nas.run_line("search --resume run");
        assert_eq!(refused.code, 2, "{file}: {}", refused.stdout);
        for expected in [file, what, "bytes", "--accept-changes"] {
            assert!(refused.stderr.contains(expected), "{file}: {}", refused.stderr);
        }
        // The advice works, and what was accepted is on record.
        let accepted = nas.run_line("search --resume run --accept-changes");
        assert_eq!(accepted.code, 0, "{file}: {}", accepted.stderr);
        let note = format!("{file} changed after 40 evaluations, which was accepted");
        assert!(accepted.stdout.contains(&note), "{}", accepted.stdout);
        assert!(nas.read("run/config.toml").contains(&note));
        nas.write(file, &before);
        killed(&nas, &arguments);
        let resumed = nas.run_line("search --resume run");
        assert_eq!(resumed.code, 0, "{file}: {}", resumed.stderr);
        assert!(!resumed.stdout.contains("accepted"), "{}", resumed.stdout);
    }
    // Two values for one architecture: what was evaluated stays as it is.
    killed(&nas, &format!("{own} {tables}"));
    let evaluations = nas.read("run/evaluations.csv");
    nas.write("latencies.csv", &table(&nas, "latency_ms", |cost| 2.0 * cost));
    assert_eq!(nas.run_line("search --resume run --accept-changes").code, 0);
    assert_eq!(nas.read("run/evaluations.csv"), evaluations);
}

#[test]
fn a_space_that_was_reordered_is_never_misread() {
    let nas = Nas::without_tables(PROGRAM);
    nas.write("space.toml", SPACE);
    killed(&nas, &format!("--space space.toml --evaluations 30 --evaluate '{EVALUATOR}'"));
    nas.write("predictor.csv", &table(&nas, "accuracy_percent", |cost| 40.0 + cost.ln()));
    let fit = "predict fit --space space.toml --accuracy-table predictor.csv";
    assert_eq!(nas.run_line(fit).code, 0);
    let sample = nas.json("space sample --space space.toml -n 20 --seed 9");
    let some: Vec<&str> =
        sample.as_array().unwrap()[..8].iter().map(|row| row["arch"].as_str().unwrap()).collect();
    nas.write("some.txt", &some.join("\n"));
    let apply = "predict apply predictor.json --space space.toml --file some.txt";
    let before = nas.json(apply);
    let turned = SPACE.replace("choices = [8, 16, 24, 32]", "choices = [32, 24, 16, 8]");
    assert_ne!(turned, SPACE);
    nas.write("space.toml", &turned);
    for more in ["", " --accept-changes"] {
        let refused = nas.run_line(&format!("search --resume run{more}"));
        assert_eq!(refused.code, 2, "{}", refused.stdout);
        assert!(refused.stderr.contains("the space of run has changed"), "{}", refused.stderr);
    }
    // A predictor is refused, or predicts the same.
    let ran = nas.run_line(&format!("{apply} --format json"));
    if ran.code == 0 {
        assert_eq!(serde_json::from_str::<serde_json::Value>(&ran.stdout).unwrap(), before);
    } else {
        assert_eq!(ran.code, 2, "{}", ran.stderr);
    }
}

#[test]
fn changed_tables_of_a_benchmark_and_images_are_refused() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    // A copy of the tables, which the test may change.
    let tables = nas_tests::tables().unwrap();
    let copy = nas.folder().join("data");
    fs::create_dir(&copy).unwrap();
    for entry in fs::read_dir(tables).unwrap() {
        let entry = entry.unwrap();
        if entry.path().extension().is_some_and(|end| end == "bin") {
            fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
        }
    }
    killed(&nas, "--device raspi4 --accuracy benchmark --evaluations 50 --tables data");
    let other = nas_tests::tables().unwrap();
    // The same tables in another folder are no change.
    let resumed =
        nas.shell(&format!("'{PROGRAM}' search --resume run --tables '{}'", other.display()));
    assert_eq!(resumed.code, 0, "{}", resumed.stderr);
    fs::remove_file(nas.folder().join("run/front.json")).unwrap();
    let config = nas.read("run/config.toml");
    let at = config.find("sha256 = \"").unwrap() + 10;
    let other = if config[at..].starts_with('0') { "1" } else { "0" };
    nas.write("run/config.toml", &format!("{}{other}{}", &config[..at], &config[at + 1..]));
    let refused = nas.run_line("search --resume run");
    assert_eq!(refused.code, 2, "{}", refused.stdout);
    assert!(refused.stderr.contains("published tables"), "{}", refused.stderr);
}

#[test]
fn options_beside_resume_are_refused_with_advice_that_works() {
    let nas = Nas::without_tables(PROGRAM);
    nas.write("space.toml", SPACE);
    killed(&nas, &format!("--space space.toml --evaluations 12 --evaluate '{EVALUATOR}'"));
    for option in ["--workers 3", "--seed 3", "--space fbnet", "--force"] {
        let refused = nas.run_line(&format!("search --resume run {option}"));
        let name = option.split(' ').next().unwrap();
        assert_eq!(refused.code, 2, "{}", refused.stdout);
        assert!(refused.stderr.contains(&format!("leave {name} out")), "{}", refused.stderr);
    }
    assert_eq!(nas.run_line("search --resume run").code, 0);
}
