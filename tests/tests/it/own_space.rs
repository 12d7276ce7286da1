//! A space of a user's own, of twelve decisions, and a user's own evaluator, through the whole
//! program: no code of it is written for this space.

use std::sync::{Arc, Mutex};

use nas_predict::{Predictor, Settings, Table, rank::spearman};
use nas_space::{Arch, Space};
use nas_tests::{ChatAnswer, ChatServer, Nas, Ran, SPACE, run_files};
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_nas-under-test");
const EVALUATOR: &str = env!("CARGO_BIN_EXE_evaluator-under-test");

fn nas() -> Nas {
    Nas::with_space(PROGRAM)
}

/// A search with the evaluator, whose command contains a space character.
fn search(nas: &Nas, how: &str, more: &str) -> Ran {
    let command = format!("\"{EVALUATOR}\" {how}");
    let fixed =
        ["search", "--space", "space.toml", "--run", "run", "--force", "--evaluate", &command];
    nas.run(fixed.into_iter().chain(more.split_whitespace()))
}

fn evaluations(nas: &Nas) -> Vec<csv::StringRecord> {
    let text = nas.read("run/evaluations.csv");
    csv::Reader::from_reader(text.as_bytes()).records().map(Result::unwrap).collect()
}

#[test]
fn a_search_finds_a_front_and_reports_it() {
    let nas = nas();
    let ran = search(&nas, "", "--evaluations 120 --max-latency 8ms");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("best of 120 evaluated with latency ≤ 8 ms"), "{}", ran.stdout);
    let narrow = |line: &str| line.chars().count() <= 80 || line.contains(EVALUATOR);
    assert!(ran.stdout.lines().all(narrow), "{}", ran.stdout);
    let rows = evaluations(&nas);
    assert_eq!(rows.len(), 120);
    let space = Space::from_toml(SPACE).unwrap();
    for row in &rows {
        let arch = space.parse(&row[0]).unwrap();
        space.check(&arch).unwrap();
    }
    for file in ["front.csv", "front.svg", "knowledge.md", "config.toml"] {
        assert!(!nas.read(&format!("run/{file}")).is_empty());
    }
    assert!(nas.read("run/front.svg").contains("made-up on program"));
    // The same seed asks for the same architectures.
    let ran = search(&nas, "", "--evaluations 120 --max-latency 8ms");
    assert_eq!((ran.code, evaluations(&nas)), (0, rows));
}

#[test]
fn niches_follow_the_axes_of_the_space() {
    let nas = nas();
    for axis in ["cost", "depth", "relu", "random"] {
        let result = nas.json(&format!("niches --space space.toml --partition {axis} --niches 3"));
        assert!(result.as_array().unwrap().len() >= 2, "{axis}: {result}");
    }
    let refused = nas.run_line("niches --space space.toml --partition flops");
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("unknown partition `flops`"), "{}", refused.stderr);
    assert!(refused.stderr.contains("cost"), "{}", refused.stderr);
    for partition in ["automatic", "cost", "predicted-latency"] {
        let ran = search(&nas, "", &format!("--evaluations 80 --partition {partition}"));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }
}

#[test]
fn every_searcher_searches_it() {
    let nas = nas();
    for searcher in
        ["evolution", "random", "local", "regularised-evolution", "nsga2", "map-elites", "spea2"]
    {
        let ran = search(&nas, "", &format!("--evaluations 60 --searcher {searcher}"));
        assert_eq!(ran.code, 0, "{searcher}: {}", ran.stderr);
        assert_eq!(evaluations(&nas).len(), 60, "{searcher}");
    }
}

#[test]
fn a_language_model_reads_its_description() {
    let nas = nas();
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let heard = Arc::clone(&asked);
    let server = ChatServer::start(move |request| {
        let prompt = request["messages"][1]["content"].as_str().unwrap().to_owned();
        heard.lock().unwrap().push(prompt);
        if request["response_format"]["json_schema"]["name"] == "rules" {
            let rule = json!({ "polarity": "do", "decision": "width", "choice": "24", "at_least": 1, "reason": "wide enough" });
            return ChatAnswer::Text(json!({ "rules": [rule] }).to_string());
        }
        let edit = |choice: &str| json!({ "parent": 1, "edits": [{ "decision": "kernel 1", "choice": choice }], "rationale": "why not" });
        ChatAnswer::Text(json!({ "proposals": [edit("3"), edit("5"), edit("7")] }).to_string())
    });
    let more = format!("--proposer llm --generations 2 --children 2 --llm-url {}", server.url());
    let ran = search(&nas, "", &more);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let asked = asked.lock().unwrap();
    for expected in ["thermometers", "kernel 5", "swish"] {
        assert!(asked.iter().any(|prompt| prompt.contains(expected)), "{expected}: {}", asked[0]);
    }
    let model: Value = serde_json::from_str(&nas.read("run/model.json")).unwrap();
    assert!(model["edits"]["accepted"].as_u64().unwrap() > 0, "{model}");
}

#[test]
fn a_predictor_learns_from_it() {
    let space = Space::from_toml(SPACE).unwrap();
    let all: Vec<Arch> = space.enumerate().step_by(17).take(600).collect();
    let truth: Vec<f64> = all
        .iter()
        .map(|arch| {
            space.axis_value(&space.axes()[0], arch).ln() - 2.0 * f64::from(arch.choices()[7])
        })
        .collect();
    let table = Table::new(&space, &all);
    let labels: Vec<(usize, f64)> =
        (0..all.len()).step_by(5).map(|row| (row, truth[row])).collect();
    let predictor = Predictor::fit(&table, &labels, Settings::default()).unwrap();
    let predicted: Vec<f64> =
        predictor.predict(&table).unwrap().iter().map(|one| one.value).collect();
    assert!(spearman(&predicted, &truth).unwrap() > 0.95);
}

#[test]
fn a_failure_of_the_program_costs_one_evaluation() {
    for (how, expected) in [
        ("dies", "ended before it answered, the first: exit status: 7"),
        ("garbage", "did not answer in time, the first: no answer within 0.2 s"),
        ("nan", "printed a line that is no answer"),
        ("few", "gave an invalid value, the first: latency_ms: nothing"),
        ("late", "did not answer in time, the first: no answer within 0.2 s"),
        ("reports", "answered with an error, the first: out of memory"),
    ] {
        let nas = nas();
        let ran = search(&nas, how, "--evaluations 15 --timeout 200ms --searcher random");
        assert_eq!(ran.code, 0, "{how}: {}", ran.stderr);
        assert!(
            ran.stdout.contains(&format!("5 × the command {expected}")),
            "{how}: {}",
            ran.stdout
        );
        let rows = evaluations(&nas);
        assert_eq!(rows.iter().filter(|row| row[1].is_empty()).count(), 5, "{how}");
    }
    let nas = nas();
    let ran = nas.run(["search", "--space", "space.toml", "--evaluate", "no-such-program-here"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("`no-such-program-here` gave no answer"), "{}", ran.stderr);
}

#[test]
fn a_space_smaller_than_budget_and_workers_ends_when_all_is_evaluated() {
    let nas = nas();
    nas.write("two.toml", "name = \"two\"\n[[decision]]\nname = \"width\"\nchoices = [8, 16]\n");
    for searcher in ["", "--searcher statistical"] {
        let ran = nas.run(
            format!(
                "search --space two.toml --evaluations 600 --workers 4 --run run --force {searcher}"
            )
            .split_whitespace()
            .chain(["--evaluate", EVALUATOR]),
        );
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert_eq!(evaluations(&nas).len(), 2);
    }
}

#[test]
fn values_that_cannot_be_and_log_lines_are_shown_as_such() {
    let nas = nas();
    for (how, expected) in [
        (
            "above",
            "gave an invalid value, the first: accuracy_percent: 187.0, expected a finite number between 0 and 100",
        ),
        (
            "negative",
            "gave an invalid value, the first: latency_ms: -12.8, expected a finite number above 0",
        ),
    ] {
        let ran = search(&nas, how, "--evaluations 15 --searcher random");
        assert_eq!(ran.code, 0, "{how}: {}", ran.stderr);
        assert!(ran.stdout.contains(expected), "{how}: {}", ran.stdout);
    }
    let ran = search(&nas, "fractions", "--evaluations 15 --searcher random");
    assert!(ran.stderr.contains("accuracies are in percent, not fractions"), "{}", ran.stderr);
    let ran = search(&nas, "warns", "--evaluations 15 --searcher random");
    assert!(ran.stdout.contains("15 log lines"), "{}", ran.stdout);
    assert_eq!(ran.stderr.matches("the first: `WARNING: no GPU`").count(), 1, "{}", ran.stderr);
    assert_eq!(nas.read("run/program.log"), "WARNING: no GPU\n".repeat(15));
    assert!(evaluations(&nas).iter().all(|row| !row[1].is_empty()));
}

#[test]
fn it_is_searched_with_a_users_own_tables() {
    let nas = nas();
    let sample = nas.json("space sample --space space.toml -n 30 --seed 4");
    let (mut accuracies, mut latencies) =
        ("arch,accuracy_percent\n".to_owned(), "arch,latency_ms\n".to_owned());
    for (at, row) in sample.as_array().unwrap().iter().enumerate() {
        let (arch, cost) = (row["arch"].as_str().unwrap(), row["cost"].as_f64().unwrap());
        accuracies += &format!("{arch},{}\n", 40.0 + cost.ln() + (at % 5) as f64);
        latencies += &format!("{arch},{cost}\n");
    }
    nas.write("accuracies.csv", &accuracies);
    nas.write("latencies.csv", &latencies);
    let tables = "--accuracy-table accuracies.csv --latency-table latencies.csv";
    let found = nas.json(&format!("search --space space.toml {tables}"));
    assert!(!found["front"].as_array().unwrap().is_empty());
    let refused = nas.run_line("search --space space.toml");
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("--evaluate COMMAND"), "{}", refused.stderr);
}

#[test]
fn a_searcher_that_is_not_available_replaces_no_earlier_run() {
    let nas = nas();
    let (plain, _) = SPACE.split_once("[[axis]]").unwrap();
    nas.write("space.toml", plain);
    assert_eq!(search(&nas, "", "--evaluations 20").code, 0);
    let before = run_files(&nas.folder().join("run"));
    let refused = search(&nas, "", "--evaluations 20 --searcher map-elites");
    assert_eq!(refused.code, 2, "{}", refused.stdout);
    assert!(refused.stderr.contains("add an [[axis]]"), "{}", refused.stderr);
    assert!(run_files(&nas.folder().join("run")) == before);
}

#[test]
fn mistakes_in_a_file_are_shown_with_their_line() {
    let nas = nas();
    let checked = nas.run_line("space check space.toml");
    assert_eq!(checked.code, 0, "{}", checked.stderr);
    assert!(checked.stdout.contains("depth = 5"), "{}", checked.stdout);
    let many = (0..100_000).map(|at| format!("[[decision]]\nname = \"d{at}\"\nchoices = [1, 2]\n"));
    for (file, expected) in [
        (SPACE.replace("name = \"made-up\"\n", ""), "name"),
        (SPACE.replace("choices = [8, 16, 24, 32]", "choices = []"), "line 8: "),
        (SPACE.replace("name = \"width\"\nchoices", "name = \"depth\"\nchoices"), "occurs twice"),
        (SPACE.replace("if = { depth = 5 }", "if = { stem = 1 }"), "must come before it"),
        (SPACE.replace("if = { depth = 5 }", "if = { depht = 5 }"), "did you mean `depth`"),
        (
            SPACE.replace("at_most = 400", "at_most = 1"),
            "none of 10000 random architectures satisfies",
        ),
        (format!("name = \"long\"\n{}", many.collect::<String>()), ""),
    ] {
        nas.write("wrong.toml", &file);
        let ran = nas.run_line("space check wrong.toml");
        if expected.is_empty() {
            assert_eq!(ran.code, 0, "{}", ran.stderr);
            assert!(ran.stdout.contains("more than 10¹⁹ architectures"));
            continue;
        }
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{expected}");
        assert!(
            ran.stderr.contains(expected) && ran.stderr.contains("wrong.toml"),
            "{}",
            ran.stderr
        );
    }
}
