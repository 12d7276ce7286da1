//! Tests of searchers that answer in every way.

use std::{fs, path::PathBuf};

use nas_partition::{Axis, Partition};
use nas_search::{Evaluated, Objective, Search, Settings};
use rand::SeedableRng;

use nas_search::{Answer, Proposal, Proposer, Request, SearchRng};
use serde_json::{Value, json};

use super::*;

/// A searcher in Python that answers each request with this expression of `asked`, `told` (all results by
/// now) and `space`.
fn answering(expression: &str) -> String {
    let script = format!(
        "import json, sys\nspace = json.loads(sys.stdin.readline())\ntold = []\n\
         for line in sys.stdin:\n    asked = json.loads(line)\n    told += asked[\"results\"]\n    \
         proposals = {expression}\n    \
         print(json.dumps(dict(id=asked[\"id\"], proposals=proposals)), flush=True)\n"
    );
    format!("python3 -c '{script}'")
}

fn searcher(command: &str) -> SearcherProgram {
    within(command, Duration::from_secs(60))
}

fn within(command: &str, timeout: Duration) -> SearcherProgram {
    SearcherProgram::new("mine", command, space(), 7, timeout, |_| {})
}

const SPACE: &str = "name = \"mine\"\n[[decision]]\nname = \"depth\"\nchoices = [1, 2, 3]\n\
     [[decision]]\nname = \"kernel\"\nchoices = [3, 5]\nif = { depth = [2, 3] }\n\
     [[axis]]\nname = \"cost\"\nterms = [[\"depth\"]]\n\
     [[constraint]]\nforbid = { depth = 3, kernel = 5 }\n";

fn space() -> &'static Space {
    Box::leak(Box::new(Space::from_toml(SPACE).unwrap()))
}

fn objectives() -> [Objective; 2] {
    [Objective::accuracy("accuracy"), Objective::latency()]
}

fn one(text: &str, value: Option<f64>, failure: Option<&str>) -> Evaluated {
    Evaluated {
        stopped: false,
        arch: space().parse(text).unwrap(),
        values: vec![value, value],
        details: vec![],
        failure: failure.map(str::to_owned),
        niche: 0,
        generation: 0,
        proposer: "random".to_owned(),
        rationale: None,
    }
}

/// The answer to a request for two proposals, with what was evaluated.
fn ask(searcher: &mut SearcherProgram, evaluated: &[Evaluated]) -> Result<Answer, String> {
    let (whole, objectives) = (Partition::whole(), objectives());
    let request = Request::new(space(), &whole, &objectives);
    let request = request.with_evaluated(evaluated).with_count(2);
    asks(searcher, &[request]).remove(0)
}

fn asks(searcher: &mut SearcherProgram, all: &[Request<'_>]) -> Vec<Result<Answer, String>> {
    let answers = searcher.propose_all(all, &mut SearchRng::seed_from_u64(0));
    answers.into_iter().map(|answer| answer.map_err(|error| error.to_string())).collect()
}

/// What it proposed, each with its reason.
fn texts(answer: &Result<Answer, String>) -> Vec<String> {
    let proposals = &answer.as_ref().unwrap().proposals;
    let text = |one: &Proposal| {
        let reason = one.rationale.as_deref().unwrap_or("-");
        format!("{} ({reason})", space().format(&one.arch))
    };
    proposals.iter().map(text).collect()
}

#[test]
fn proposals_are_named_by_choices_or_by_text_and_have_reasons() {
    let mut searcher = searcher(&answering(
        r#"[dict(choices=dict(depth=1), reason=" small "), dict(arch="2 5", reason=None), dict(choices=dict(depth="3", kernel=3.0))]"#,
    ));
    assert_eq!(texts(&ask(&mut searcher, &[])), ["1 - (small)", "2 5 (-)", "3 3 (-)"]);
    assert_eq!((searcher.name(), searcher.is_stateless()), ("mine", false));
}

/// Lines that a searcher read, from a file that it copies them to.
fn lines(file: &std::path::Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A searcher that copies what it reads to a file, and proposes nothing.
fn copying(file: &std::path::Path) -> String {
    let file = file.display();
    format!(
        r#"tee -a '{file}' | (read -r first; while read -r q; do id=${{q#*\"id\":}}; echo "{{\"id\":${{id%%,*}},\"proposals\":[]}}"; done)"#
    )
}

#[test]
fn it_reads_the_space_and_then_each_result_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("read");
    let mut searcher = searcher(&copying(&file));
    let all =
        [one("1 -", Some(50.5), None), one("2 3", None, Some("no memory")), one("2 5", None, None)];
    for count in [1, 3, 3] {
        ask(&mut searcher, &all[..count]).unwrap();
    }
    // A predictor changes its mind about the first.
    let changed = [one("1 -", Some(60.0), None), all[1].clone()];
    ask(&mut searcher, &changed).unwrap();
    let lines = lines(&file);
    let expected = json!({
        "space": {
            "name": "mine",
            "decisions": [
                { "name": "depth", "choices": [1, 2, 3] },
                { "name": "kernel", "choices": [3, 5], "if": { "depth": [2, 3] } },
            ],
            "axes": ["cost"],
        },
        "objectives": [
            { "name": "accuracy_percent", "goal": "max" },
            { "name": "latency_ms", "goal": "min" },
        ],
        "seed": 7,
    });
    assert_eq!(lines[0], expected);
    let expected = json!({
        "id": 0,
        "count": 2,
        "results": [{
            "number": 0,
            "arch": "1 -",
            "choices": { "depth": 1 },
            "values": { "accuracy_percent": 50.5, "latency_ms": 50.5 },
            "proposer": "random",
        }],
        "refused": [],
        "pending": [],
    });
    assert_eq!(lines[1], expected);
    let results = |at: usize| lines[at]["results"].as_array().unwrap();
    assert_eq!(results(2).len(), 2);
    assert_eq!(results(2)[0]["error"], "no memory");
    assert_eq!(results(2)[0]["values"], json!({ "accuracy_percent": null, "latency_ms": null }));
    assert!(results(3).is_empty());
    assert_eq!((results(4).len(), &results(4)[0]["number"]), (1, &json!(0)));
}

#[test]
fn refusals_are_told_with_their_reasons() {
    let folder = tempfile::tempdir().unwrap();
    let expression = format!(
        r#"[open("{}/" + str(asked["id"]), "w").write(line), dict(arch="1 -"), dict(arch="2 3"), dict(arch="2 3"), dict(arch="3 5"), dict(choices=dict(depth=9))][1:]"#,
        folder.path().display(),
    );
    let mut searcher = searcher(&answering(&expression));
    // In two niches by depth.
    let axis = Axis::new("depth", |arch| f64::from(arch.choices()[0]));
    let partition = Partition::by_thresholds(axis, &[0.5]).unwrap();
    let settings =
        Settings { evaluations: 4, initial: 0, generation: 2, seed: 1, ..Settings::default() };
    let mut evaluator = program_of("1");
    let search = Search::new(space(), &partition, settings);
    let mut rejected = Vec::new();
    let outcome = search
        .run(&mut searcher, &mut evaluator, &mut |event| {
            if let nas_search::Event::Generation { rejections, .. } = event {
                rejected.push(*rejections);
            }
        })
        .unwrap();
    assert!(outcome.evaluated.iter().any(|one| one.proposer == "mine"));
    // Each niche gets the same answer.
    assert_eq!((rejected[0].illegal, rejected[0].duplicate, rejected[0].outside_niche), (4, 2, 2));
    let text = fs::read_to_string(folder.path().join("2")).unwrap();
    let line: Value = serde_json::from_str(&text).unwrap();
    let niche = &line["niche"];
    assert!(niche["of"] == 2 && niche["bounds"].as_str().unwrap().contains("depth"), "{niche}");
    let why: Vec<&str> = line["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["why"].as_str().unwrap())
        .collect();
    for kind in ["illegal", "duplicate", "outside niche"] {
        assert!(why.contains(&kind), "{why:?}");
    }
}

/// An evaluator by a program that always answers this.
fn program_of(value: &str) -> Program {
    let command = format!(
        r#"while read -r q; do id=${{q#*\"id\":}}; echo "{{\"id\":${{id%%,*}},\"accuracy_percent\":{value},\"latency_ms\":{value}}}"; done"#
    );
    Program::new(command, space(), objectives().to_vec(), 1, Duration::from_secs(60), |_| {})
}

#[test]
fn a_crash_costs_one_request_and_the_next_process_is_told_everything() {
    // The second request kills it; the answer counts what it was told.
    let mut searcher = searcher(&answering(
        r#"exit(3) if asked["id"] == 1 else [dict(arch="1 -", reason=str(len(told)))]"#,
    ));
    let all = [one("1 -", Some(1.0), None), one("2 3", Some(1.0), None)];
    assert_eq!(texts(&ask(&mut searcher, &all)), ["1 - (2)"]);
    let failed = ask(&mut searcher, &all).unwrap_err();
    assert!(failed.contains("ended before it answered: exit status: 3"), "{failed}");
    assert_eq!(texts(&ask(&mut searcher, &all)), ["1 - (2)"]);
    assert_eq!(texts(&ask(&mut searcher, &all)), ["1 - (2)"]);
    assert_eq!(searcher.failures()[0].1, 1);
    assert!(searcher.gives_up().is_none());
}

#[test]
fn wrong_answers_are_failures_that_say_what_was_expected() {
    for (command, expected) in [
        (answering("[dict(choices=dict(deph=1))]"), "deph"),
        (answering("[dict(choices=dict(depth=7))]"), "unknown choice `7`; known: 1, 2, 3"),
        (answering(r#"["1 -"]"#), "expected an object with `choices`"),
        (answering("3"), "proposals: `3`, expected a list"),
        ("read -r s; read -r q; echo '{\"id\": 0, \"error\": \"no idea\"}'".into(), "no idea"),
        ("read -r s; read -r q; echo '{\"id\": 0, \"proposals\": [1,}'".into(), "no answer"),
        ("cat > /dev/null".into(), "did not answer in time"),
        ("no-such-program-anywhere".into(), "127"),
    ] {
        let seconds = if expected.contains("time") { 1 } else { 60 };
        let error = ask(&mut within(&command, Duration::from_secs(seconds)), &[]).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    // Some that are wrong cost nothing else.
    let some = answering(r#"[dict(choices={}), dict(arch="1 -")]"#);
    let answer = ask(&mut searcher(&some), &[]).unwrap();
    assert_eq!((answer.proposals.len(), answer.unreadable), (1, 1));
}

#[test]
fn one_that_never_answers_gives_up_and_one_that_proposes_nothing_does_not() {
    let mut dies = searcher("exit 1");
    for _ in 0..failures::HOPELESS {
        assert!(dies.gives_up().is_none());
        ask(&mut dies, &[]).unwrap_err();
    }
    let error = dies.gives_up().unwrap().to_string();
    assert!(error.contains("`exit 1` gave no answer to any of 10 requests"), "{error}");
    let mut idle = searcher(&answering("[]"));
    for _ in 0..failures::HOPELESS {
        assert_eq!(ask(&mut idle, &[]), Ok(Answer::default()));
    }
    assert!(idle.gives_up().is_none());
}

#[test]
fn a_program_that_does_not_read_a_long_line_is_not_waited_for_any_longer() {
    let mut sleeps = within("sleep 60", Duration::from_secs(1));
    // More than a pipe holds.
    let long = "x".repeat(1 << 18);
    let error = ask(&mut sleeps, &[one("1 -", None, Some(&long))]).unwrap_err();
    assert!(error.contains("did not answer in time"), "{error}");
}

#[test]
fn one_that_does_not_flush_loses_no_answer() {
    let command = answering(r#"[dict(arch="1 -")]"#).replace(", flush=True", "");
    let command = command.replace("python3", "PYTHONUNBUFFERED= python3");
    let mut searcher = within(&command, Duration::from_secs(6));
    for _ in 0..4 {
        assert_eq!(texts(&ask(&mut searcher, &[])), ["1 - (-)"]);
    }
}

#[test]
fn recorded_answers_are_repeated_without_the_program_and_then_it_is_told_everything() {
    let folder = tempfile::tempdir().unwrap();
    let file: PathBuf = folder.path().join("proposals.jsonl");
    let command =
        answering(r#"exit(3) if asked["id"] == 1 else [dict(arch="1 -", reason=str(len(told)))]"#);
    let recorded = |command: &str| {
        let mut searcher = searcher(command);
        searcher.record_in(&file).unwrap();
        searcher
    };
    let all = [one("1 -", Some(1.0), None), one("2 3", Some(1.0), None)];
    let mut first = recorded(&command);
    let answers: Vec<_> = (0..3).map(|at| ask(&mut first, &all[..at.min(2)])).collect();
    drop(first);
    // A line that was cut when the process was killed did not happen.
    let whole = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{whole}{{\"id\": 3, ")).unwrap();
    let mut again = recorded("exit 1");
    let repeated: Vec<_> = (0..3).map(|at| ask(&mut again, &all[..at.min(2)])).collect();
    assert_eq!(repeated, answers);
    assert_eq!(fs::read_to_string(&file).unwrap(), whole);
    assert!(ask(&mut again, &all).is_err());
    fs::write(&file, &whole).unwrap();
    let mut live = recorded(&command);
    for at in 0..3 {
        let _ = ask(&mut live, &all[..at.min(2)]);
    }
    assert_eq!(texts(&ask(&mut live, &all)), ["1 - (2)"]);
    // A request that was not made then: the rest of the file is of another search.
    let mut other = recorded(&command);
    ask(&mut other, &all).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 1);
    fs::write(&file, "{}\n").unwrap();
    let error = searcher("exit 1").record_in(&file).unwrap_err().to_string();
    assert!(error.contains("proposals.jsonl: line 1") && error.contains("missing"), "{error}");
}

#[test]
fn a_stopped_one_is_not_waited_for_and_nothing_of_it_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("proposals.jsonl");
    let mut slow = searcher("cat > /dev/null");
    slow.record_in(&file).unwrap();
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    slow.stop_by(Arc::clone(&stop));
    let stops = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert_eq!(ask(&mut slow, &[]), Ok(Answer::default()));
    stops.join().unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "");
}
