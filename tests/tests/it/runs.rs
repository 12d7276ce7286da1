//! Runs listed, compared and shown.

use std::{fs, process::Command};

use nas_tests::{ChatAnswer, ChatServer, Nas, SPACE, latencies};
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_nas-under-test");

fn nas() -> Option<Nas> {
    let nas = Nas::with_tables(PROGRAM)?;
    for seed in 1..=3 {
        for searcher in ["random", "statistical"] {
            let ran = nas.run_line(&format!(
                "search --device raspi4 --accuracy benchmark --evaluations 200 --searcher {searcher} \
                 --seed {seed} --run runs/{searcher}-{seed}"
            ));
            assert_eq!(ran.code, 0, "{}", ran.stderr);
        }
    }
    Some(nas)
}

#[test]
fn runs_are_listed_compared_and_shown() {
    let Some(nas) = nas() else { return };
    // One that was killed has events and no result.
    fs::create_dir(nas.folder().join("runs/killed")).unwrap();
    for file in ["config.toml", "events.jsonl"] {
        let text = nas.read(&format!("runs/random-1/{file}"));
        nas.write(&format!("runs/killed/{file}"), &text);
    }
    insta::assert_snapshot!(nas.run_line("runs").stdout);
    let listed = nas.json("runs");
    assert_eq!(listed.as_array().unwrap().len(), 7);
    assert_eq!((&listed[0]["state"], &listed[0]["evaluated"]), (&json!("killed"), &json!(200)));

    let all = "runs/random-1 runs/random-2 runs/random-3 runs/statistical-1 runs/statistical-2 \
               runs/statistical-3";
    insta::assert_snapshot!(nas.run_line(&format!("compare {all}")).stdout);
    let compared = nas.json(&format!("compare {all}"));
    let of = |row: usize| compared[row]["hypervolume"].as_f64().unwrap();
    assert!((0..3).all(|seed| of(seed) < of(seed + 3)), "{compared}");

    assert_eq!(nas.run_line("report runs/random-1 runs/statistical-1").code, 0);
    let page = nas.read("report.html");
    assert!(page.contains(r#""name":"runs/random-1""#) && page.contains("exact_front"));
    fs::rename(nas.folder().join("runs/random-3"), nas.folder().join("moved")).unwrap();
    assert_eq!(nas.run_line("report moved --out moved.html").code, 0);
    assert!(nas.read("moved.html").contains(r#""name":"moved""#));
    for (arguments, expected) in [
        ("report runs/random-1 runs/random-2", "report.html exists"),
        (
            "report runs/killed",
            "after 200 evaluations: resume it with nas search --resume runs/killed",
        ),
        ("compare runs/random-1 runs/killed", "was killed after 200 evaluations"),
        ("compare runs/random-1 runs/random-1", "the same search with the same seed, 1"),
        ("compare runs/random-1", "runs/random-1 contains one front alone"),
        ("compare runs/random-1 .", ". is no run"),
        ("runs nowhere", "there is no folder nowhere"),
    ] {
        let ran = nas.run_line(arguments);
        assert_eq!(ran.code, 2, "{arguments}: {}", ran.stdout);
        assert!(ran.stderr.contains(expected), "{arguments}: {}", ran.stderr);
    }
}

#[test]
fn fronts_of_different_objectives_are_not_compared() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    for (accuracy, run) in [("benchmark", "a"), ("predictor --trained 20", "b")] {
        let search = "search --device fpga --evaluations 60";
        assert_eq!(nas.run_line(&format!("{search} --accuracy {accuracy} --run {run}")).code, 0);
    }
    let ran = nas.run_line("compare a b");
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("fronts of different objectives"), "{}", ran.stderr);
    // Nor milliseconds of one device with those of another.
    let other = "search --device eyeriss --evaluations 60 --accuracy benchmark --run c";
    assert_eq!(nas.run_line(other).code, 0);
    let ran = nas.run_line("compare a c");
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("c is of device eyeriss, a of fpga"), "{}", ran.stderr);
}

/// Files that a search reads may be others for each seed, whatever they are called.
#[test]
fn runs_are_matched_by_seed_not_by_the_names_of_their_files() {
    let nas = Nas::without_tables(PROGRAM);
    nas.write("ms.csv", &latencies());
    let mut compared = Vec::new();
    for (table, run, seed) in [
        ("a-1.csv", "a1", 1),
        ("a-2.csv", "a2", 2),
        ("b/seed01.csv", "b1", 1),
        ("b/seed02.csv", "b2", 2),
        ("monday.csv", "c1", 1),
        ("tuesday.csv", "c2", 2),
    ] {
        fs::create_dir_all(nas.folder().join("b")).unwrap();
        let row = |cell: usize| format!("{cell},{}\n", 50 + (cell * (run.len() + seed)) % 40);
        let rows: String = (0..15_625).map(row).collect();
        nas.write(table, &format!("arch,accuracy\n{rows}"));
        let ran = nas.run_line(&format!(
            "search --accuracy-table {table} --latency-table ms.csv --searcher random \
             --evaluations 40 --seed {seed} --run {run}"
        ));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        compared.push(run);
    }
    let groups = |runs: &[&str]| {
        let rows = nas.json(&format!("compare {}", runs.join(" ")));
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| row["group"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let [a, b] = ["a-*.csv", "b/seed*.csv"].map(|name| format!("objectives.accuracy.file {name}"));
    assert_eq!(groups(&compared[..4]), [a.clone(), a, b.clone(), b]);
    // Each seed has a file of its own: one group. Beside others it is unknown which belong together.
    let table = nas.run_line("compare c1 c2").stdout;
    assert!(table.contains("\n    1      2  ") && !table.contains("\n    2 "), "{table}");
    let mixed = groups(&["a1", "c1", "c2"]);
    assert!(mixed[1] != mixed[2], "{mixed:?}");
}

#[test]
fn fronts_of_files_are_compared_with_each_other_and_with_runs() {
    let Some(nas) = nas() else { return };
    let header = "name,validation_accuracy_percent,latency_ms";
    nas.write("mine-seed1.csv", &format!("{header}\na,88,5\nb,90.5,12\nc,,1\n"));
    nas.write("mine-seed2.csv", &format!("{header}\na,87,4\nb,90,9\n"));
    nas.write("theirs.csv", &format!("seed,{header}\n1,x,86,6\n2,x,89,9\n2,y,85,4\n"));
    let objectives = "--objectives validation_accuracy_percent:max,latency_ms:min";
    let files = "compare mine-seed1.csv mine-seed2.csv theirs.csv";
    let table = nas.run_line(&format!("{files} {objectives}"));
    assert_eq!(table.code, 0, "{}", table.stderr);
    insta::assert_snapshot!("files", table.stdout);
    assert!(table.stdout.lines().all(|line| line.chars().count() <= 80));
    let runs = "runs/random-1 runs/random-2";
    let table = nas.run_line(&format!("compare {runs} mine-seed1.csv mine-seed2.csv"));
    assert_eq!(table.code, 0, "{}", table.stderr);
    insta::assert_snapshot!("files_and_runs", table.stdout);

    nas.write("fpga.csv", &format!("device,{header}\nfpga,a,88,5\n"));
    nas.write("both.csv", &format!("device,{header}\nfpga,a,88,5\nraspi4,a,88,5\n"));
    nas.write("raspi4.csv", &format!("device,{header}\nraspi4,a,88,5\n"));
    nas.write("bad.csv", &format!("{header}\na,88,0\n"));
    nas.write("empty.csv", &format!("{header}\n"));
    for (arguments, expected) in [
        (files.to_owned(), "which columns of the files are objectives?"),
        (format!("compare theirs.csv {runs} {objectives}"), "leave it out"),
        (format!("compare mine-seed1.csv {objectives}"), "mine-seed1.csv contains one front alone"),
        (
            format!("compare mine-seed1.csv mine-seed1.csv {objectives}"),
            "mine-seed1.csv is named twice",
        ),
        (
            "compare theirs.csv mine-seed1.csv --objectives accuracy:max".to_owned(),
            "theirs.csv: no column accuracy; the header is: seed, name",
        ),
        (format!("compare {runs} fpga.csv"), "fpga.csv is of device fpga, runs/random-1 of raspi4"),
        (
            format!("compare raspi4.csv fpga.csv {objectives}"),
            "fpga.csv is of device fpga, raspi4.csv of raspi4",
        ),
        (
            format!("compare theirs.csv both.csv {objectives}"),
            "both.csv is of device raspi4, both.csv of fpga",
        ),
        (
            format!("compare theirs.csv bad.csv {objectives}"),
            "bad.csv, row 2, column latency_ms: `0`",
        ),
        (
            format!("compare theirs.csv empty.csv {objectives}"),
            "empty.csv: no row has all objectives",
        ),
        (format!("compare theirs.csv nowhere.csv {objectives}"), "nowhere.csv: No such file"),
        (format!("compare {runs} runs/random-3/front.csv"), "name its folder, runs/random-3"),
    ] {
        let ran = nas.run_line(&arguments);
        assert_eq!(ran.code, 2, "{arguments}: {}", ran.stdout);
        assert!(ran.stderr.contains(expected), "{arguments}: {}", ran.stderr);
    }
}

/// Replies of a model are shown as text, never as part of the page.
#[test]
fn hostile_replies_and_pages_do_no_harm() {
    let nas = Nas::without_tables(PROGRAM);
    nas.write("space.toml", SPACE);
    let hostile = "</script><script>alert(1)</script><img src=x onerror=alert(2)>{{script}}";
    let server = ChatServer::start(move |request| {
        if request["response_format"]["json_schema"]["name"] == "rules" {
            return ChatAnswer::Text(r#"{"rules":[]}"#.to_owned());
        }
        let edit = |kernel: &str| {
            let edits = [json!({ "decision": "kernel 1", "choice": kernel })];
            json!({ "parent": 1, "edits": edits, "rationale": hostile })
        };
        let proposals = [edit("3"), edit("5"), edit("7")];
        ChatAnswer::Text(json!({ "proposals": proposals }).to_string())
    });
    let evaluator = env!("CARGO_BIN_EXE_evaluator-under-test");
    let arguments = format!(
        "search --space space.toml --proposer llm --generations 2 --children 2 --run run --llm-url {} --evaluate {evaluator}",
        server.url()
    );
    let ran = nas.run_line(&arguments);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let page = nas.read("run/report.html");
    assert!(page.contains("\\u003c/script>\\u003cscript>alert(1)"), "the words are not shown");
    assert!(!page.contains("<script>alert") && !page.contains("<img src=x"));
    assert_eq!(page.matches("</script>").count(), page.matches("<script").count());

    let data = r#"<script type="application/json" id="data">"#;
    let (before, rest) = page.split_once(data).unwrap();
    let (content, after) = rest.split_once("</script>").unwrap();
    let content: Value = serde_json::from_str(content).unwrap();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut content = content.clone();
        change(&mut content);
        format!("{before}{data}{}</script>{after}", content.to_string().replace('<', "\\u003c"))
    };
    for (page, expected) in [
        (with(&|content| content["version"] = json!(1)), "format 1, but this program reads 2"),
        (with(&|content| content["runs"][0]["front"][0] = json!(u64::MAX)), "are inconsistent"),
        (with(&|content| content["runs"][0]["front"][0] = json!(-1)), "invalid value"),
        (
            with(&|content| content["runs"][0]["architectures"]["arch"] = json!([])),
            "are inconsistent",
        ),
        (with(&|content| content["runs"] = json!("all")), "invalid type"),
        ("<html>".to_owned(), "contains no data of a run"),
        (before.to_owned() + data + "{}", "contains no data of a run"),
    ] {
        nas.write("run/report.html", &page);
        let ran = nas.run_line("report run");
        assert_eq!(ran.code, 2, "{expected}");
        assert!(ran.stderr.contains("run/report.html: ") && ran.stderr.contains(expected));
    }
}

/// A run that its own error ended is not one that something killed.
#[test]
fn a_run_that_an_error_ended_says_which() {
    let nas = Nas::without_tables(PROGRAM);
    nas.write("space.toml", SPACE);
    let search = "search --space space.toml --evaluations 10 --run run --evaluate";
    let ended = nas.run_line(&format!("{search} nosuchcommand"));
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(nas.read("run/error.txt").contains("nosuchcommand"));
    assert!(ended.stderr.contains("repeat the search with --force"), "{}", ended.stderr);
    let listed = nas.run_line("runs run").stdout;
    assert!(listed.contains("run  failed"), "{listed}");
    let report = nas.run_line("report run").stderr;
    for expected in ["run failed after", "its error: ", "nosuchcommand", "--resume run"] {
        assert!(report.contains(expected), "{report}");
    }
    // An empty command, and a time limit of 0.
    for (options, expected) in [
        (["--evaluate", " "].as_slice(), "the command is empty"),
        (&["--evaluate", "true", "--timeout", "0s"], "expected more than 0, for example 600s"),
    ] {
        let refused = nas.run(["search", "--space", "space.toml"].iter().chain(options));
        assert_eq!(refused.code, 2);
        assert!(refused.stderr.contains(expected), "{}", refused.stderr);
    }
}

/// The user stops it while the networks are scored that set the scale, before the first evaluation.
#[test]
fn a_run_that_was_stopped_before_its_first_evaluation_is_shown_as_stopped() {
    let nas = Nas::without_tables(PROGRAM);
    let mut search = nas.spawn(["search", "--space", "fbnet", "--run", "run"]);
    let config = nas.folder().join("run/config.toml");
    while !config.exists() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let id = search.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    assert_eq!(search.wait().unwrap().code(), Some(130));
    let listed = nas.run_line("runs run").stdout;
    assert!(listed.contains("run  stopped"), "{listed}");
    let report = nas.run_line("report run").stderr;
    assert!(
        report.contains("run was stopped after") && report.contains("--resume run"),
        "{report}"
    );
}
