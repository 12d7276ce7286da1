//! `nas search --proposer llm` against a server that misbehaves, and from recorded calls.

use std::{
    path::Path,
    sync::{Barrier, Mutex},
};

use nas_tests::{ChatAnswer, ChatServer, Nas, Ran};
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_nas-under-test");

/// A search of two generations in six niches, two proposals each.
fn search(nas: &Nas, url: &str, more: &str) -> Ran {
    nas.run_line(&format!(
        "search --proposer llm --device edgegpu --accuracy benchmark --generations 2 --children 2 \
         --llm-url {url} --run run {more}"
    ))
}

fn report(nas: &Nas) -> Value {
    serde_json::from_str(&nas.read("run/model.json")).unwrap()
}

fn is_for_rules(request: &Value) -> bool {
    request["response_format"]["json_schema"]["name"] == "rules"
}

fn text(value: &Value) -> ChatAnswer {
    ChatAnswer::Text(value.to_string())
}

/// A server that proposes no rules and answers each request for architectures with this text.
fn proposing(answer: &'static str) -> ChatServer {
    ChatServer::start(move |request| {
        if is_for_rules(request) {
            return text(&json!({ "rules": [] }));
        }
        ChatAnswer::Text(answer.to_owned())
    })
}

#[test]
fn both_stages_are_asked_and_replies_are_used() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let server = ChatServer::start(|request| {
        if is_for_rules(request) {
            let rule = json!({ "polarity": "do", "decision": "0→3", "choice": "skip_connect", "at_least": 1, "reason": "a short way" });
            return text(&json!({ "rules": [rule] }));
        }
        // Of each parent one neighbour; duplicates and architectures outside the niche are rejected.
        let edit = |choice: &str| json!({ "parent": 1, "edits": [{ "decision": "1→2", "choice": choice }], "rationale": "why not" });
        let choices = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"];
        let whole = json!({ "architecture": vec!["nor_conv_3x3"; 6], "rationale": "all of it" });
        let edits = request["messages"][1]["content"].as_str().unwrap().contains("edits");
        text(&json!({ "proposals": if edits { choices.map(edit).to_vec() } else { vec![whole] } }))
    });
    let ran = search(&nas, server.url(), "");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let report = report(&nas);
    assert_eq!(report["usage"]["calls"], 24);
    assert_eq!((&report["reflections"], &report["proposals"]), (&json!(12), &json!(12)));
    assert_eq!(server.calls(), 24);
    assert!(report["edits"]["accepted"].as_u64().unwrap() > 0, "{report}");
    assert!(report["edits"]["faults"]["outside-niche"].as_u64().unwrap() > 0, "{report}");
    assert!(report["whole"]["made"].as_u64().unwrap() > 0, "{report}");
    assert!(ran.stdout.contains("language model: 24 calls"), "{}", ran.stdout);
    let knowledge = nas.run_line("knowledge run").stdout;
    assert!(knowledge.contains("0→3 = skip_connect"), "{knowledge}");
    assert!(nas.read("run/evaluations.csv").contains("language-model"));
    assert_eq!(nas.read("run/transcript.jsonl").lines().count(), 24);
}

#[test]
fn a_recorded_search_replays_to_the_same_bytes_without_a_server() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let server = proposing(
        r#"{"proposals":[{"architecture":["none","none","none","nor_conv_3x3","none","none"]}]}"#,
    );
    assert_eq!(search(&nas, server.url(), "--record calls.jsonl").code, 0);
    let calls = server.calls();
    let files = ["front.csv", "evaluations.csv", "generations.csv", "knowledge.md", "model.json"];
    let before = files.map(|file| nas.read(&format!("run/{file}")));
    let replayed = nas.run_line(
        "search --proposer llm --device edgegpu --accuracy benchmark --generations 2 --children 2 \
         --replay calls.jsonl --run run --force",
    );
    assert_eq!(replayed.code, 0, "{}", replayed.stderr);
    assert_eq!(files.map(|file| nas.read(&format!("run/{file}"))), before);
    assert_eq!(server.calls(), calls);
    let other = nas.run_line(
        "search --proposer llm --device edgegpu --accuracy benchmark --generations 2 --children 2 \
         --replay calls.jsonl --run other --seed 7",
    );
    assert_eq!(other.code, 2);
    assert!(other.stderr.contains("does not contain the calls of this search"), "{}", other.stderr);
    // A failed replay, or a missing record, replaces nothing.
    nas.write("calls-cut.jsonl", "{\"version\":");
    for record in ["calls.jsonl --seed 7", "calls-cut.jsonl"] {
        let refused = nas.run_line(&format!(
            "search --proposer llm --device edgegpu --accuracy benchmark --generations 2 --children 2 \
             --run run --force --replay {record}"
        ));
        assert_eq!(refused.code, 2, "{record}: {}", refused.stderr);
        assert_eq!(files.map(|file| nas.read(&format!("run/{file}"))), before, "{record}");
    }
    assert!(!nas.folder().join("other").exists());
    // A record in the folder that is replaced is not lost.
    let calls_before = nas.read("run/transcript.jsonl");
    let in_place = nas.run_line(
        "search --proposer llm --device edgegpu --accuracy benchmark --generations 2 --children 2 \
         --replay run/transcript.jsonl --run run/ --force",
    );
    assert_eq!(in_place.code, 0, "{}", in_place.stderr);
    assert_eq!(nas.read("run/transcript.jsonl"), calls_before);
}

#[test]
fn options_of_a_language_model_are_never_ignored() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let refused = |arguments: &str, words: &str| {
        let ran = nas.run_line(arguments);
        assert_eq!(ran.code, 2, "{}", ran.stdout);
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
    };
    refused("search --device edgegpu --llm-url http://127.0.0.1:9/v1", "--llm-url has no effect");
    refused(
        "search --device edgegpu --proposer evolution --prompting plain",
        "--prompting has no effect",
    );
    let llm = "search --proposer llm --device edgegpu --llm-url http://127.0.0.1:9/v1";
    refused(&format!("{llm} --llm-money 1"), "--llm-prices");
    refused(&format!("{llm} --llm-key-env sk-pasted-3b1f"), "is it the key itself?");
    refused(&format!("{llm} --run run --record run/transcript.jsonl"), "leave --record out");
    refused("search --proposer llm --device edgegpu --llm-url 127.0.0.1:9/v1", "http://");
    assert!(
        !nas.run_line(&format!("{llm} --llm-key-env sk-pasted-3b1f")).stderr.contains("sk-pasted")
    );
}

#[test]
fn a_missing_server_ends_the_calls() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let server = ChatServer::start(|_| ChatAnswer::Http(404, "not found".into()));
    let ran = search(&nas, server.url(), "");
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    // One generation of six niches, two stages each.
    assert_eq!(report(&nas)["usage"]["calls"], 12);
    assert!(ran.stdout.contains("no more calls after this"), "{}", ran.stdout);
    assert_eq!(ran.stderr.matches("no proposals").count(), 1, "{}", ran.stderr);
    assert_eq!(nas.read("run/evaluations.csv").lines().count(), 1 + 60 + 24);
}

#[test]
fn scarce_calls_are_spent_on_architectures() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let server = proposing(
        r#"{"proposals":[{"architecture":["none","none","none","nor_conv_3x3","none","none"]}]}"#,
    );
    assert_eq!(search(&nas, server.url(), "--llm-calls 6").code, 0);
    let report = report(&nas);
    assert_eq!((&report["reflections"], &report["proposals"]), (&json!(0), &json!(6)));
    assert_eq!(server.calls(), 6);
    assert!(report["ended"].as_str().unwrap().contains("6 of 6 calls"), "{report}");
}

#[test]
fn a_killed_search_continues_from_its_record() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let server = proposing(
        r#"{"proposals":[{"architecture":["none","none","none","nor_conv_3x3","none","none"]}]}"#,
    );
    assert_eq!(search(&nas, server.url(), "--record calls.jsonl").code, 0);
    let whole = nas.read("calls.jsonl");
    let front = nas.read("run/front.csv");
    // Ten calls and a half are left.
    let half = whole.lines().nth(10).unwrap();
    let kept: Vec<&str> = whole.lines().take(10).chain([&half[..half.len() / 2]]).collect();
    nas.write("calls.jsonl", &kept.join("\n"));
    let before = server.calls();
    let other = search(&nas, server.url(), "--replay calls.jsonl --llm-model other --force");
    assert_eq!(other.code, 2);
    assert!(other.stderr.contains("was recorded with model default"), "{}", other.stderr);
    let refused = search(&nas, server.url(), "--record calls.jsonl --force");
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("--replay calls.jsonl"), "{}", refused.stderr);
    let ran = search(&nas, server.url(), "--replay calls.jsonl --force");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(server.calls() - before, 14);
    assert_eq!(nas.read("run/front.csv"), front);
    assert_eq!(report(&nas)["usage"]["calls"], 24);
    let sorted = |text: &str| {
        let keys = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut keys: Vec<String> = keys.map(|call| call["key"].to_string()).collect();
        keys.sort();
        keys
    };
    assert_eq!(sorted(&nas.read("calls.jsonl")), sorted(&whole));
}

/// Recorded with Qwen2.5-Coder-1.5B-Instruct, without the prompts: a search of the study behind
/// `cargo xtask reproduce language-model`.
#[test]
fn replies_of_a_real_model_are_replayed_without_its_prompts() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let calls = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../bench-data/language-model/qwen/choose-cifar10-edgegpu-seed1.jsonl");
    let run = |run: &str| {
        let ran = nas.run_line(&format!(
            "search --proposer llm --device edgegpu --accuracy benchmark --prompting choose \
             --evaluations 120 --seed 1 --run {run} --force --replay {}",
            calls.display()
        ));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(ran.stdout.contains("as choices: 60 of 60 (100 %)"), "{}", ran.stdout);
        assert!(ran.stdout.contains("of all that could have been proposed"), "{}", ran.stdout);
    };
    run("run");
    run("again");
    assert_eq!(report(&nas)["usage"]["calls"], 12);
    assert_eq!(nas.read("run/evaluations.csv"), nas.read("again/evaluations.csv"));
}

#[test]
fn without_rules_parents_are_shown_and_no_rule_is_asked_for() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let server = ChatServer::start(|request| {
        let prompt = request["messages"][1]["content"].as_str().unwrap();
        assert!(!is_for_rules(request) && !prompt.contains("Design rules"), "{prompt}");
        assert!(prompt.contains("Parents") && prompt.contains("of this niche"), "{prompt}");
        let edits = json!([{ "decision": "0→1", "choice": "skip_connect" }]);
        text(&json!({ "proposals": [{ "parent": 1, "edits": edits }] }))
    });
    let ran = search(&nas, server.url(), "--prompting without-rules --llm-calls 12");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(server.calls(), 12);
    // The sample, and architectures in place of the model's, are there all the same.
    assert_eq!(nas.read("run/evaluations.csv").lines().count(), 1 + 60 + 24);
}

#[test]
fn the_test_of_contamination_is_recorded_and_replayed() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let cell = r#"["nor_conv_3x3","nor_conv_3x3","nor_conv_3x3","skip_connect","nor_conv_3x3","nor_conv_3x3"]"#;
    let answer = format!(r#"{{"proposals":[{{"architecture":{cell}}}]}}"#);
    let server = ChatServer::start(move |_| ChatAnswer::Text(answer.clone()));
    let asked =
        nas.run_line(&format!("memorise-test --llm-url {} --record one.jsonl", server.url()));
    assert_eq!(asked.code, 0, "{}", asked.stderr);
    let replayed = nas.run_line("memorise-test --replay one.jsonl");
    assert_eq!((replayed.code, server.calls()), (0, 1), "{}", replayed.stderr);
    assert_eq!(replayed.stdout, asked.stdout);
    let other = nas.run_line("memorise-test --replay one.jsonl --dataset cifar100");
    assert_eq!(other.code, 2, "{}", other.stderr);
}

#[test]
fn with_plain_prompts_nothing_is_added_to_the_proposals() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let server = ChatServer::start(|request| {
        let prompt = request["messages"][1]["content"].as_str().unwrap();
        assert!(!prompt.contains("Parents"), "{prompt}");
        let whole = |choice: &str| json!({ "architecture": vec![choice; 6] });
        text(&json!({ "proposals": [whole("nor_conv_3x3"), whole("nor_conv_1x1")] }))
    });
    let ran = search(&nas, server.url(), "--prompting plain");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(server.calls(), 2);
    let evaluations = nas.read("run/evaluations.csv");
    assert_eq!(evaluations.lines().count(), 1 + 2, "{evaluations}");
    assert_eq!(evaluations.matches(",1,language-model").count(), 2, "{evaluations}");
    let report = report(&nas);
    assert_eq!(report["whole"]["faults"]["duplicate"], 2, "{report}");
    // Without a useful reply, no run is left.
    let useless = proposing("I am sorry, I cannot do that.");
    let ran = search(&nas, useless.url(), "--prompting plain --force");
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert_eq!(nas.read("run/evaluations.csv").lines().count(), 1);
}

/// The search ends with its results so far, prints what was wrong, and its exit code shows it.
fn check_useless(answer: &'static str, fault: &str) {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let server = proposing(answer);
    let ran = search(&nas, server.url(), "--llm-calls 60");
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert!(ran.stderr.contains("nothing that could be used"), "{}", ran.stderr);
    let report = report(&nas);
    let all = report["edits"]["faults"][fault].as_u64().unwrap_or(0)
        + report["whole"]["faults"][fault].as_u64().unwrap_or(0);
    assert!(all > 0, "{report}");
    assert!(server.calls() <= 60, "{}", server.calls());
    assert!(report["asked_again"].as_u64().unwrap() > 0, "{report}");
    assert_eq!(nas.read("run/evaluations.csv").lines().count(), 1 + 60 + 24);
}

#[test]
fn a_model_that_does_not_answer_in_json_costs_only_its_calls() {
    check_useless("I am sorry, I cannot do that.", "not-json");
}

#[test]
fn an_unknown_operation_is_refused() {
    check_useless(
        r#"{"proposals":[{"architecture":["attention","none","none","none","none","none"]}]}"#,
        "unknown-choice",
    );
}

#[test]
fn five_operations_are_no_cell() {
    check_useless(
        r#"{"proposals":[{"architecture":["none","none","none","none","none"]}]}"#,
        "wrong-length",
    );
}

#[test]
fn the_same_architecture_ten_times_is_accepted_once() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let server = ChatServer::start(|request| {
        if is_for_rules(request) {
            return text(&json!({ "rules": [] }));
        }
        let one = json!({ "architecture": ["none", "nor_conv_1x1", "none", "none", "none", "skip_connect"] });
        text(&json!({ "proposals": vec![one; 10] }))
    });
    let ran = search(&nas, server.url(), "");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let report = report(&nas);
    let sum = |what: &str| {
        let of = |form: &str| report[form]["faults"][what].as_u64().unwrap_or(0);
        of("edits") + of("whole")
    };
    assert!(sum("duplicate") >= 9, "{report}");
    assert!(sum("outside-niche") > 0, "{report}");
    let evaluations = nas.read("run/evaluations.csv");
    assert!(evaluations.matches("language-model").count() <= 1, "{evaluations}");
}

#[test]
fn a_failure_in_one_niche_does_not_affect_others() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let server = ChatServer::start(|request| {
        let prompt = request["messages"][1]["content"].as_str().unwrap();
        if prompt.contains("this niche count: 3x3 = 3") {
            return ChatAnswer::Http(400, r#"{"error":{"message":"no"}}"#.into());
        }
        if is_for_rules(request) {
            return text(&json!({ "rules": [] }));
        }
        let edits = [0, 1, 2, 4, 5].map(|at| {
            let decision = ["0→1", "0→2", "1→2", "0→3", "1→3", "2→3"][at];
            json!({ "parent": 1, "edits": [{ "decision": decision, "choice": "skip_connect" }] })
        });
        text(&json!({ "proposals": edits }))
    });
    let ran = search(&nas, server.url(), "");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let report = report(&nas);
    assert!(report["failures"]["refused"]["count"].as_u64().unwrap() > 0, "{report}");
    assert!(report["edits"]["accepted"].as_u64().unwrap() > 0, "{report}");
    assert_eq!(nas.read("run/evaluations.csv").lines().count(), 1 + 60 + 24);
}

#[test]
fn niches_are_asked_in_parallel() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    // No request of a stage is answered before all six niches have asked: one after the other
    // would wait until the timeout.
    let barrier = Barrier::new(6);
    let server = ChatServer::start(move |request| {
        barrier.wait();
        if is_for_rules(request) {
            return text(&json!({ "rules": [] }));
        }
        text(&json!({ "proposals": [] }))
    });
    let ran = search(&nas, server.url(), "--llm-parallel 6 --llm-timeout 20");
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert_eq!(server.calls(), 24);
    assert!(!ran.stdout.contains("failed calls"), "{}", ran.stdout);
}

#[test]
fn an_exhausted_quota_ends_the_calls_and_not_the_search() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let server = ChatServer::start(|_| {
        let error = json!({ "error": { "code": "insufficient_quota", "message": "You exceeded your current quota" } });
        ChatAnswer::Http(429, error.to_string())
    });
    let ran = search(&nas, server.url(), "");
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert!(server.calls() <= 6, "{}", server.calls());
    assert!(ran.stdout.contains("quota"), "{}", ran.stdout);
    assert_eq!(nas.read("run/evaluations.csv").lines().count(), 1 + 60 + 24);
}

#[test]
fn neither_key_nor_password_is_ever_written_or_printed() {
    const KEY: &str = "sk-test-3b1f9c7e2a";
    const PASSWORD: &str = "hunter2-in-url";
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let seen = Mutex::new(Vec::new());
    let server = ChatServer::start(move |request| {
        seen.lock().unwrap().push(request.clone());
        ChatAnswer::Http(
            401,
            json!({ "error": { "message": format!("Incorrect API key: {KEY} {PASSWORD}") } })
                .to_string(),
        )
    });
    let url = server.url().replace("http://", &format!("http://user:{PASSWORD}@"));
    // The variable is set for the program alone.
    let ran = nas.with_variable("NAS_TEST_KEY", KEY, &format!(
        "search --proposer llm --device edgegpu --accuracy benchmark --generations 1 --children 1 \
         --llm-url {url}?token={PASSWORD} --llm-key-env NAS_TEST_KEY --run run"
    ));
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    let mut everything = ran.stdout + &ran.stderr;
    for entry in std::fs::read_dir(nas.folder().join("run")).unwrap() {
        everything += &std::fs::read_to_string(entry.unwrap().path()).unwrap();
    }
    for secret in [KEY, PASSWORD] {
        assert!(!everything.contains(secret), "{everything}");
    }
    assert!(everything.contains("unauthorised"), "{everything}");
    let missing = nas.run_line("search --proposer llm --device edgegpu --llm-url http://127.0.0.1:9/v1 --llm-key-env NAS_NO_KEY");
    assert_eq!(missing.code, 2);
    assert!(missing.stderr.contains("NAS_NO_KEY"), "{}", missing.stderr);
}
