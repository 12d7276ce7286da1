//! The whole method on a user's own problem: objectives from several sources, a predictor, several
//! evaluations at the same time, limits, tables that hold part of a space, runs that are extended.

use std::{collections::HashSet, thread::sleep, time::Duration};

use nas_tests::{Nas, Ran, SPACE, run_files};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_nas-under-test");
const EVALUATOR: &str = env!("CARGO_BIN_EXE_evaluator-under-test");

fn nas() -> Nas {
    Nas::with_space(PROGRAM)
}

/// A search of the space with the evaluator, in the folder `run`.
fn search(nas: &Nas, how: &str, more: &str) -> Ran {
    let command = format!("'{EVALUATOR}' {how}");
    let fixed = ["search", "--space", "space.toml", "--run", "run", "--force"];
    let fixed = fixed.into_iter().chain(["--evaluate", &command]);
    nas.run(fixed.chain(more.split_whitespace()))
}

fn rows(nas: &Nas, file: &str) -> Vec<Vec<(String, String)>> {
    let text = nas.read(file);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let row = |row: csv::StringRecord| {
        header.iter().map(str::to_owned).zip(row.iter().map(str::to_owned)).collect()
    };
    reader.records().map(|record| row(record.unwrap())).collect()
}

fn value(row: &[(String, String)], column: &str) -> String {
    row.iter().find(|cell| cell.0 == column).unwrap().1.clone()
}

fn number(row: &[(String, String)], column: &str) -> f64 {
    value(row, column).parse().unwrap()
}

#[test]
fn a_predictor_chooses_by_default_and_the_front_tells_predicted_from_measured() {
    let nas = nas();
    let ran = search(&nas, "", "--evaluations 60");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(rows(&nas, "run/evaluations.csv").len(), 60);
    let config = nas.read("run/config.toml");
    assert!(config.contains("searcher = \"predictor\"") && config.contains("confirm = 3"));
    let front = rows(&nas, "run/front.csv");
    let (predicted, measured): (Vec<_>, Vec<_>) =
        front.iter().partition(|row| value(row, "value") == "predicted");
    assert!(!measured.is_empty() && !predicted.is_empty());
    for row in &front {
        let column = |end: &str| number(row, &format!("accuracy_percent{end}"));
        let (low, middle, high) = (column("_low"), column(""), column("_high"));
        assert!(low <= middle && middle <= high, "{row:?}");
        assert_eq!(low < high, value(row, "value") == "predicted", "{row:?}");
    }
    let evaluated: HashSet<String> =
        rows(&nas, "run/evaluations.csv").iter().map(|row| value(row, "arch")).collect();
    assert!(predicted.iter().all(|row| !evaluated.contains(&value(row, "arch"))));
    let count = format!("{} more predicted to be on it (~)", predicted.len());
    assert!(ran.stdout.contains(&count), "{}", ran.stdout);
    assert!(ran.stdout.lines().any(|line| line.starts_with('~')), "{}", ran.stdout);
}

/// With as many evaluations a predictor's front is better than chance's and than a plain search's.
#[test]
fn a_predictor_finds_a_better_front_from_few_evaluations() {
    let nas = nas();
    let volume = |searcher: &str, seed: u64| {
        let ran =
            search(&nas, "", &format!("--evaluations 40 --searcher {searcher} --seed {seed}"));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        // Accuracy above 20 % within a latency of 40 ms, over all latencies.
        let mut points: Vec<(f64, f64)> = rows(&nas, "run/evaluations.csv")
            .iter()
            .map(|row| (number(row, "latency_ms"), number(row, "accuracy_percent")))
            .collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut volume, mut best) = (0.0, 20.0_f64);
        for (at, (latency, accuracy)) in points.iter().enumerate() {
            best = best.max(*accuracy);
            let next = points.get(at + 1).map_or(40.0, |next| next.0).min(40.0);
            volume += (next - latency).max(0.0) * (best - 20.0);
        }
        volume
    };
    let mean = |searcher: &str| (0..5).map(|seed| volume(searcher, seed)).sum::<f64>() / 5.0;
    let [predictor, statistical, random] = ["predictor", "statistical", "random"].map(mean);
    assert!(predictor > statistical && predictor > random, "{predictor} {statistical} {random}");
}

#[test]
fn a_search_with_four_workers_that_is_killed_ends_as_its_recorded_order_does() {
    let nas = nas();
    let mut rng = ChaCha8Rng::seed_from_u64(27);
    let command = format!("'{EVALUATOR}' slow");
    let fixed = ["search", "--space", "space.toml", "--run", "run", "--force"];
    let start: Vec<&str> = fixed
        .into_iter()
        .chain(["--evaluate", &command, "--workers", "4", "--evaluations", "60"])
        .collect();
    let mut kills = 0;
    while kills < 50 {
        let pause = || Duration::from_millis(rng.random_range(100..1_500));
        kills += nas.killed_and_resumed(&start, pause);
        if !nas.folder().join("run/front.json").exists() {
            continue;
        }
        let killed = run_files(&nas.folder().join("run"));
        // The undisturbed search of the recorded order: nothing is evaluated again.
        for file in
            killed.keys().filter(|name| !["config.toml", "events.jsonl"].contains(&&***name))
        {
            std::fs::remove_file(nas.folder().join("run").join(file)).unwrap();
        }
        let ran = nas.run_line("search --resume run");
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(!ran.stderr.contains("differs from the recorded one"), "{}", ran.stderr);
        let again = run_files(&nas.folder().join("run"));
        assert_eq!(again.keys().collect::<Vec<_>>(), killed.keys().collect::<Vec<_>>());
        for (name, content) in &killed {
            assert!(again[name] == *content, "{name} differs");
        }
    }
}

/// What was under way when it was stopped still comes: once, that was said to differ from what was recorded.
#[test]
fn a_search_with_four_workers_that_is_interrupted_goes_on_as_recorded() {
    let nas = nas();
    let search = format!(
        "search --space space.toml --run run --evaluations 60 --workers 4 --evaluate \"'{EVALUATOR}' slower\""
    );
    let mut next = search.as_str();
    for _ in 0..3 {
        let stop = "timeout --foreground --preserve-status -s INT 1.2";
        let stopped = nas.shell(&format!("{stop} '{PROGRAM}' {next}"));
        assert!(!stopped.stderr.contains("differs from the recorded one"), "{}", stopped.stderr);
        next = "search --resume run";
    }
    let ran = nas.run_line(next);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(!ran.stderr.contains("differs from the recorded one"), "{}", ran.stderr);
    let asked = rows(&nas, "run/evaluations.csv");
    assert_eq!(asked.iter().map(|row| value(row, "arch")).collect::<HashSet<_>>().len(), 60);
    // The undisturbed search of the recorded order.
    let interrupted = run_files(&nas.folder().join("run"));
    std::fs::remove_file(nas.folder().join("run/front.json")).unwrap();
    let ran = nas.run_line(next);
    assert!(!ran.stderr.contains("differs from the recorded one"), "{}", ran.stderr);
    assert_eq!(run_files(&nas.folder().join("run")), interrupted);
}

#[test]
fn trainings_that_are_stopped_are_on_no_front_and_no_failures_also_after_a_kill() {
    let nas = nas();
    let trains = "--steps 9 --early-stop --evaluations 40";
    let ran = search(&nas, "", trains);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let evaluations = rows(&nas, "run/evaluations.csv");
    assert_eq!(evaluations.len(), 40);
    let (stopped, whole): (Vec<_>, Vec<_>) =
        evaluations.iter().partition(|row| value(row, "accuracy_percent").is_empty());
    assert!(stopped.len() > 5 && whole.len() > 5, "{} stopped", stopped.len());
    let mut steps = 0.0;
    for row in &evaluations {
        let is_whole = !value(row, "accuracy_percent").is_empty();
        assert_eq!(value(row, "steps") == "9", is_whole, "{row:?}");
        assert_eq!(value(row, "failure"), "");
        assert!(!is_whole || number(row, "accuracy_after_3_percent") > 0.0, "{row:?}");
        steps += number(row, "steps");
    }
    let all = format!("{} of 40 trainings stopped early: {steps} of 360 steps", stopped.len());
    assert!(ran.stdout.contains(&all), "{all}\n{}", ran.stdout);
    assert!(!ran.stdout.contains("failed"), "{}", ran.stdout);
    let result: Value = serde_json::from_str(&nas.read("run/front.json")).unwrap();
    assert_eq!(result["stopped"]["trainings"], stopped.len());
    assert_eq!(result["failed"], 0);
    for row in rows(&nas, "run/front.csv") {
        let is_predicted = value(&row, "value") == "predicted";
        assert!(is_predicted || value(&row, "steps") == "9", "{row:?}");
    }
    // Killed wherever it stands, it goes on as if it had not been.
    let undisturbed = run_files(&nas.folder().join("run"));
    let events: Vec<String> =
        nas.read("run/events.jsonl").split_inclusive('\n').map(str::to_owned).collect();
    for kept in [3, events.len() / 3, events.len() / 2, events.len() - 2] {
        for name in undisturbed.keys().filter(|name| !["config.toml"].contains(&&***name)) {
            std::fs::remove_file(nas.folder().join("run").join(name)).unwrap();
        }
        nas.write("run/events.jsonl", &events[..kept].concat());
        let ran = nas.run_line("search --resume run");
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(!ran.stderr.contains("differs from the recorded one"), "{}", ran.stderr);
        for (name, content) in run_files(&nas.folder().join("run")) {
            assert!(undisturbed[&name] == content, "{name} differs");
        }
    }
    // Several at the same time.
    let ran = search(&nas, "", &format!("{trains} --workers 3"));
    assert!(ran.code == 0 && ran.stdout.contains("trainings stopped early"), "{}", ran.stdout);
}

#[test]
fn a_run_that_ended_is_extended_and_begins_as_it_was() {
    let nas = nas();
    for more in ["", " --workers 3", " --searcher statistical"] {
        search(&nas, "", &format!("--evaluations 30 --seed 2{more}"));
        let before = nas.read("run/events.jsonl");
        let ran = nas.run_line("search --resume run --evaluations 45");
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(nas.read("run/events.jsonl").starts_with(&before), "{more}");
        assert_eq!(rows(&nas, "run/evaluations.csv").len(), 45);
    }
    let ran = nas.run_line("search --resume run --evaluations 45");
    assert!(ran.code == 2 && ran.stderr.contains("more than the 45"), "{}", ran.stderr);
    let ran = nas.run_line("search --resume run --seed 3");
    assert!(ran.code == 2 && ran.stderr.contains("start a new run"), "{}", ran.stderr);
    let ran = nas.run_line("search --resume run");
    assert!(ran.code == 0 && ran.stderr.contains("--evaluations"), "{}", ran.stderr);
}

#[test]
fn a_search_starts_from_evaluations_that_were_made_before() {
    let nas = nas();
    search(&nas, "", "--evaluations 25 --seed 1 --searcher random");
    nas.write("before.csv", &nas.read("run/evaluations.csv"));
    for workers in [1, 3] {
        let more = format!("--evaluations 20 --known before.csv --seed 5 --workers {workers}");
        let ran = search(&nas, "", &more);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let all = rows(&nas, "run/evaluations.csv");
        assert_eq!(all.len(), 45);
        assert!(all[..25].iter().all(|row| value(row, "proposer") == "known"));
        assert!(all[25..].iter().all(|row| value(row, "proposer") != "known"));
    }
    // Trainings that were stopped early have no accuracy: they are not known.
    let space = nas_space::Space::from_toml(SPACE).unwrap();
    let axis = &space.axes()[0].name;
    let by_axis = format!("--minimise {axis} --steps 9 --early-stop --evaluations 40");
    search(&nas, "", &by_axis);
    let before = nas.read("run/evaluations.csv");
    // An axis that is an objective has one column.
    let header = before.lines().next().unwrap().split(',');
    assert_eq!(header.filter(|title| title == axis).count(), 1, "{before}");
    nas.write("stopped.csv", &before);
    let whole = rows(&nas, "run/evaluations.csv");
    let whole = whole.iter().filter(|row| !value(row, "accuracy_percent").is_empty()).count();
    assert!(whole < 40);
    let ran = search(&nas, "", &format!("--minimise {axis} --known stopped.csv --evaluations 5"));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(rows(&nas, "run/evaluations.csv").len(), whole + 5);
    let ran = search(&nas, "", &format!("--minimise {axis} --minimise {axis}"));
    assert!(ran.code == 2 && ran.stderr.contains("is named twice"), "{}", ran.stderr);
    nas.write("before.csv", "arch,accuracy_percent\nx,1\n");
    let ran = search(&nas, "", "--evaluations 20 --known before.csv");
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("before.csv") && ran.stderr.contains("row 2"), "{}", ran.stderr);
}

#[test]
fn failures_and_their_reasons_are_in_the_runs_files_also_after_resume() {
    let nas = nas();
    let ran = search(&nas, "reports", "--evaluations 30");
    assert!(ran.stdout.contains("10 × the command answered with an error"), "{}", ran.stdout);
    assert!(ran.stdout.contains("10 of 30 evaluations failed"), "{}", ran.stdout);
    let failed = |nas: &Nas| {
        let rows = rows(nas, "run/evaluations.csv");
        rows.iter().filter(|row| value(row, "failure").contains("out of memory")).count()
    };
    assert_eq!(failed(&nas), 10);
    let result: Value = serde_json::from_str(&nas.read("run/front.json")).unwrap();
    assert_eq!(result["failed"], 10);
    let ran = nas.run_line("search --resume run --evaluations 36");
    assert!(ran.stdout.contains("12 × the command answered with an error"), "{}", ran.stdout);
    assert_eq!(failed(&nas), 12);
    let listed = nas.run_line("runs . --format csv");
    assert!(listed.stdout.contains(",24,12,36,"), "{}", listed.stdout);
}

/// Tables and counted numbers beside the program, and limits on each of them.
#[test]
fn what_is_known_beforehand_is_not_evaluated_beyond_its_limits() {
    let nas = nas();
    let space = nas_space::Space::from_toml(SPACE).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut table = "arch,latency_ms\n".to_owned();
    let mut listed = HashSet::new();
    while listed.len() < 300 {
        let arch = space.sample(&mut rng);
        if listed.insert(arch.clone()) {
            table += &format!("{},{}\n", space.format(&arch), listed.len() as f64 / 10.0);
        }
    }
    nas.write("latency.csv", &table);
    let axis = space.axes()[0].name.clone();
    let fixed = format!("--evaluations 40 --latency-table latency.csv --minimise {axis}");
    let ran = search(&nas, "", &format!("{fixed} --limit latency_ms<=9.5"));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let all = rows(&nas, "run/evaluations.csv");
    assert_eq!(all.len(), 40);
    for row in &all {
        assert!(listed.contains(&space.parse(&value(row, "arch")).unwrap()));
        assert!(number(row, "latency_ms") <= 9.5);
    }
    // A table's values that are uncertain keep a limit with a probability of 90 %.
    let uncertain = table.replace("latency_ms", "latency_ms,deviation_ms");
    let uncertain: Vec<String> = uncertain
        .lines()
        .enumerate()
        .map(|(at, line)| if at == 0 { line.to_owned() } else { format!("{line},1.0") })
        .collect();
    nas.write("uncertain.csv", &(uncertain.join("\n") + "\n"));
    let of_it = fixed.replace("latency.csv", "uncertain.csv");
    for (risk, most) in [("", 9.5 - 1.28), (" --limit-risk 0.05", 9.5 - 1.64)] {
        let ran = search(&nas, "", &format!("{of_it} --limit latency_ms<=9.5{risk}"));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let all = rows(&nas, "run/evaluations.csv");
        let latencies: Vec<f64> = all.iter().map(|row| number(row, "latency_ms")).collect();
        assert!(latencies.iter().all(|latency| *latency <= most), "{latencies:?}");
        assert!(all.iter().all(|row| number(row, "latency_high_ms") > number(row, "latency_ms")));
        assert!(ran.stdout.contains("latency ≤ 9.5 ms, with a probability of"), "{}", ran.stdout);
    }
    // A counted number, and an accuracy that is known once it was evaluated.
    let least = all.iter().map(|row| number(row, &axis)).fold(f64::INFINITY, f64::min);
    let limit = least + 2.0;
    let ran = search(&nas, "", &format!("{fixed} --limit {axis}<={limit} --limit accuracy>=5"));
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(rows(&nas, "run/evaluations.csv").iter().all(|row| number(row, &axis) <= limit));
    assert!(ran.stdout.contains("accuracy ≥ 5 %"), "{}", ran.stdout);
    // Nothing keeps a measured limit: the nearest by name.
    let ran = search(&nas, "", &format!("{fixed} --limit accuracy_percent>=99.9"));
    assert_eq!(ran.code, 3, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("the nearest"), "{}", ran.stdout);
    // Nothing keeps a known one: nothing is evaluated, and nothing is left.
    let ran = search(&nas, "", &format!("{fixed} --limit latency_ms<=0.05"));
    assert_eq!(ran.code, 3, "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stderr.contains("the nearest") && ran.stderr.contains("latency 0.1"),
        "{}",
        ran.stderr
    );
    assert!(!nas.folder().join("run").exists());
    let ran = search(&nas, "", &format!("{fixed} --limit latencyms<=1"));
    assert!(ran.code == 2 && ran.stderr.contains("latency_ms"), "{}", ran.stderr);
}

/// Once, 562 of 600 evaluations went to architectures that the table lacks.
#[test]
fn only_what_a_table_contains_is_searched() {
    let nas = nas();
    let space = nas_space::Space::from_toml(SPACE).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut table = "arch,accuracy_percent,latency_ms\n".to_owned();
    let mut listed = HashSet::new();
    while listed.len() < 200 {
        let arch = space.sample(&mut rng);
        if listed.insert(arch.clone()) {
            let accuracy = 50.0 + (listed.len() * 37 % 41) as f64;
            table += &format!("{},{accuracy},{}\n", space.format(&arch), listed.len());
        }
    }
    nas.write("mine.csv", &table);
    for searcher in ["", "--searcher evolution", "--searcher random"] {
        let line = format!(
            "search --space space.toml --accuracy-table mine.csv --latency-table mine.csv --evaluations 90 --run run --force {searcher}"
        );
        let ran = nas.run_line(&line);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let all = rows(&nas, "run/evaluations.csv");
        assert_eq!(all.len(), 90);
        assert!(all.iter().all(|row| !value(row, "accuracy_percent").is_empty()));
    }
}

/// Once, Ctrl-C said nothing until the evaluation under way had ended.
#[test]
fn ctrl_c_answers_while_an_evaluation_is_under_way() {
    let nas = nas();
    let search = format!(
        "'{PROGRAM}' search --space space.toml --run run --evaluations 40 --evaluate \"'{EVALUATOR}' slower\""
    );
    let stopped = nas.shell(&format!("timeout --foreground --preserve-status -s INT 4 {search}"));
    assert_eq!(stopped.code, 130, "{}", stopped.stderr);
    let said = stopped.stderr.find("stopping after the evaluation under way; once more ends");
    let ended = stopped.stderr.find("of 40 evaluations: resume with");
    assert!(said.is_some() && said < ended, "{}", stopped.stderr);
}

/// Once, there was no page before a search had ended.
#[test]
fn the_page_is_there_from_the_first_generation_and_tells_of_failures() {
    let nas = nas();
    let mut child = nas.spawn(
        ["search", "--space", "space.toml", "--run", "run", "--evaluations", "60", "--evaluate"]
            .map(str::to_owned)
            .into_iter()
            .chain([format!("'{EVALUATOR}' slower")])
            .collect::<Vec<String>>(),
    );
    let page = nas.folder().join("run/report.html");
    let begun = std::time::Instant::now();
    while !page.exists() && begun.elapsed() < Duration::from_secs(60) {
        sleep(Duration::from_millis(50));
    }
    let text = std::fs::read_to_string(&page).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(text.contains("http-equiv=\"refresh\"") && text.contains("\"running\":true"));
    assert!(!nas.folder().join("run/front.json").exists());
    // What has ended does not load itself again.
    let ran = search(&nas, "reports", "--evaluations 30");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let text = nas.read("run/report.html");
    assert!(!text.contains("http-equiv=\"refresh\"") && !text.contains("\"running\""));
    assert!(text.contains("answered with an error") && text.contains("out of memory"));
    assert!(text.contains("\"predicted\":[{"), "what is only predicted is missing");
    assert!(nas.read("run/front.svg").contains("predicted to be on it"));
    let generations = rows(&nas, "run/generations.csv");
    let shares: Vec<f64> =
        generations.iter().map(|row| number(row, "hypervolume_of_best_known")).collect();
    assert!(shares.is_sorted() && shares.last() == Some(&1.0), "{shares:?}");
}
