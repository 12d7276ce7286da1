//! Runs listed, compared and shown.

use std::{fs, process::Command};

use nas_tests::{ChatAnswer, ChatServer, Nas, SPACE};
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
        ("compare runs/random-1", "2 values required"),
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
