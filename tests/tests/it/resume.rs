//! Searches that are killed, stopped, or cannot write: nothing is lost, and resumed they end with the
//! same files.

use std::{
    fs,
    path::Path,
    process::{Child, Command},
    thread::{scope, sleep},
    time::{Duration, Instant},
};

use nas_tests::{ChatAnswer, ChatServer, Nas, SPACE, random_searcher, run_files};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_nas-under-test");
const EVALUATOR: &str = env!("CARGO_BIN_EXE_evaluator-under-test");

fn words(arguments: &str) -> Vec<String> {
    // Text in quotes is one argument.
    let parts = arguments.split('\'').enumerate();
    let words = parts.flat_map(|(at, part)| match at % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![part.to_owned()],
    });
    words.collect()
}

/// Searches of every kind, each with what it must find in its folder.
fn searches() -> Vec<(&'static str, String)> {
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bench-data/language-model/qwen");
    let calls = recorded.join("choose-cifar10-edgegpu-seed1.jsonl");
    vec![
        ("labels", "search --device raspi4 --trained 60 --evaluations 150 --seed 1".into()),
        (
            "tables, niches chosen automatically",
            "search --device edgegpu --accuracy benchmark --evaluations 4000 --partition automatic --seed 2"
                .into(),
        ),
        (
            "a searcher with a state of its own",
            "search --device fpga --accuracy benchmark --searcher nsga2 --evaluations 3000".into(),
        ),
        (
            "recorded calls of a model",
            format!(
                "search --proposer llm --device edgegpu --accuracy benchmark --prompting choose --evaluations 120 --seed 1 --replay '{}'",
                calls.display()
            ),
        ),
        (
            "a program that measures",
            format!(
                "search --space space.toml --evaluate '{EVALUATOR} slow' --evaluations 60 --seed 3"
            ),
        ),
        (
            "a program that measures, and one that proposes",
            format!(
                "search --space space.toml --evaluate '{EVALUATOR} slow' --propose 'evolve: python3 random_searcher.py evolve' --partition cost --evaluations 60"
            ),
        ),
        (
            "a program that proposes, and predicted accuracy",
            "search --device fpga --trained 50 --evaluations 200 --propose 'python3 random_searcher.py'".into(),
        ),
    ]
}

fn nas() -> Option<Nas> {
    let nas = Nas::with_tables(PROGRAM)?;
    nas.write("space.toml", SPACE);
    nas.write("random_searcher.py", random_searcher());
    Some(nas)
}

/// Resumes a run until it ends.
fn resume(nas: &Nas, run: &str) {
    let ran = nas.run(["search", "--resume", run]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(!ran.stderr.contains("another way"), "{}", ran.stderr);
}

#[test]
fn a_search_that_is_killed_at_any_moment_ends_with_the_same_files() {
    let searches: Vec<_> = (8..).zip(searches()).collect();
    scope(|scope| {
        // Two at a time: other tests run beside them, some of which wait for no longer than so many seconds.
        for half in searches.chunks(searches.len().div_ceil(2)) {
            scope.spawn(move || {
                for (seed, (kind, arguments)) in half {
                    killed_at_any_moment(kind, arguments, *seed);
                }
            });
        }
    });
}

fn killed_at_any_moment(kind: &str, arguments: &str, seed: u64) {
    let Some(nas) = nas() else { return };
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let begun = Instant::now();
    let ran = nas.run(words(&format!("{arguments} --run whole")));
    assert_eq!(ran.code, 0, "{kind}: {}", ran.stderr);
    let took = begun.elapsed();
    let whole = run_files(&nas.folder().join("whole"));
    for kills in 1..=10 {
        let run = format!("killed-{kills}");
        let mut child: Child = nas.spawn(words(&format!("{arguments} --run {run}")));
        sleep(took.mul_f64(rng.random_range(0.0..1.0)));
        child.kill().unwrap();
        child.wait().unwrap();
        // Before the folder is there, nothing was done.
        if !nas.folder().join(&run).exists() {
            continue;
        }
        // Every second is killed once more, while it is resumed.
        if kills % 2 == 0 {
            let mut child = nas.spawn(words(&format!("search --resume {run}")));
            sleep(took.mul_f64(rng.random_range(0.0..0.7)));
            child.kill().unwrap();
            child.wait().unwrap();
        }
        resume(&nas, &run);
        let mut killed = run_files(&nas.folder().join(&run));
        // It remains if the search was killed between its end and the removal of the checkpoint.
        killed.remove("checkpoint.bin");
        assert_eq!(killed.keys().collect::<Vec<_>>(), whole.keys().collect::<Vec<_>>());
        for (name, content) in &killed {
            assert!(content == &whole[name], "{kind}, {run}: {name} differs");
        }
    }
}

/// Waits until a search has evaluated so much.
fn wait_for(nas: &Nas, run: &str, events: usize) {
    let file = nas.folder().join(run).join("events.jsonl");
    while fs::read_to_string(&file).unwrap_or_default().lines().count() < events {
        sleep(Duration::from_millis(10));
    }
}

fn interrupt(child: &mut Child) -> Option<i32> {
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    child.wait().unwrap().code()
}

fn slow(how: &str, run: &str) -> Vec<String> {
    let search = "search --space space.toml --evaluations 60 --seed 3 --evaluate";
    words(&format!("{search} '{EVALUATOR} {how}' --run {run}"))
}

#[test]
fn a_stopped_search_writes_its_front_and_is_resumed_later() {
    let Some(nas) = nas() else { return };
    assert_eq!(nas.run(slow("slow", "whole")).code, 0);
    let mut child = nas.spawn(slow("slow", "stopped"));
    wait_for(&nas, "stopped", 25);
    assert_eq!(interrupt(&mut child), Some(130));
    let result: Value = serde_json::from_str(&nas.read("stopped/front.json")).unwrap();
    assert_eq!(result["interrupted"], true);
    let evaluated = result["evaluated"].as_u64().unwrap();
    assert!((10..60).contains(&evaluated), "{evaluated}");
    assert!(!result["front"].as_array().unwrap().is_empty());
    assert_eq!(nas.read("stopped/evaluations.csv").lines().count() as u64, 1 + evaluated);

    // Killed while it was resumed, it is a killed run; and a result that is damaged is made again.
    let so_far = nas.read("stopped/events.jsonl").lines().count();
    let mut child = nas.spawn(["search", "--resume", "stopped"]);
    wait_for(&nas, "stopped", so_far + 5);
    child.kill().unwrap();
    child.wait().unwrap();
    let listed = nas.json("runs .");
    let run = listed.as_array().unwrap().iter().find(|run| run["run"] == "./stopped").unwrap();
    assert_eq!(run["state"], "killed");
    assert!(run["evaluated"].as_u64().unwrap() > evaluated, "{run}");
    nas.write("stopped/front.json", "{");
    resume(&nas, "stopped");
    let (stopped, whole) = (nas.folder().join("stopped"), nas.folder().join("whole"));
    assert!(run_files(&stopped) == run_files(&whole));
    let again = nas.run_line("search --resume stopped");
    assert_eq!(again.code, 0);
    assert!(again.stderr.contains("there is nothing to resume"), "{}", again.stderr);
}

#[test]
fn a_search_is_stopped_while_a_model_does_not_answer() {
    let Some(nas) = nas() else { return };
    let server = ChatServer::start(|_| {
        sleep(Duration::from_secs(600));
        ChatAnswer::Http(500, String::new())
    });
    let arguments = format!(
        "search --proposer llm --device edgegpu --accuracy benchmark --run run --llm-url {}",
        server.url()
    );
    let mut child = nas.spawn(words(&arguments));
    wait_for(&nas, "run", 61);
    assert_eq!(interrupt(&mut child), Some(130));
    let result: Value = serde_json::from_str(&nas.read("run/front.json")).unwrap();
    assert_eq!((&result["interrupted"], &result["evaluated"]), (&true.into(), &60.into()));
}

#[test]
fn a_run_has_one_process() {
    let Some(nas) = nas() else { return };
    let mut child = nas.spawn(slow("slower", "run"));
    wait_for(&nas, "run", 5);
    let force = [slow("slower", "run"), vec!["--force".to_owned()]].concat();
    for second in [words("search --resume run"), force] {
        let ran = nas.run(second);
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.contains("run is in use"), "{}", ran.stderr);
    }
    assert_eq!(interrupt(&mut child), Some(130));
    assert!(nas.read("run/evaluations.csv").lines().count() > 4);
}

/// A limit of the size of files is like a full disk: both end a write halfway.
#[test]
fn a_full_disk_ends_the_search_and_nothing_is_lost() {
    let Some(nas) = nas() else { return };
    let search = |run: &str| {
        format!("search --device fpga --accuracy benchmark --evaluations 300 --run {run}")
    };
    assert_eq!(nas.run_line(&search("whole")).code, 0);
    let limited = format!("ulimit -f 64; trap '' XFSZ; exec {PROGRAM} {}", search("full"));
    let ran = nas.shell(&limited);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    let expected = "cannot write full/events.jsonl: File too large";
    assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    assert!(ran.stderr.contains("resume with nas search --resume full"), "{}", ran.stderr);
    assert!(nas.read("full/events.jsonl").lines().count() > 50);
    resume(&nas, "full");
    assert!(run_files(&nas.folder().join("full")) == run_files(&nas.folder().join("whole")));
    let nowhere = nas.run_line("search --device fpga --run /proc/here/run");
    assert_eq!(nowhere.code, 2);
    assert!(nowhere.stderr.contains("cannot create /proc/here"), "{}", nowhere.stderr);
}

#[test]
fn damaged_files_of_a_run_are_errors_or_ignored() {
    let Some(nas) = nas() else { return };
    let arguments = format!(
        "search --space space.toml --evaluations 240 --searcher statistical --evaluate '{EVALUATOR} slow'"
    );
    assert_eq!(nas.run(words(&format!("{arguments} --run whole"))).code, 0);
    let whole = run_files(&nas.folder().join("whole"));
    let checkpoint = nas.folder().join("run/checkpoint.bin");
    let mut child = nas.spawn(words(&format!("{arguments} --run run")));
    while !checkpoint.exists() {
        assert!(child.try_wait().unwrap().is_none(), "it ended without a checkpoint");
        sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let (bytes, events) = (fs::read(&checkpoint).unwrap(), nas.read("run/events.jsonl"));
    let config = nas.read("run/config.toml");
    let with = |at: usize, byte: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = byte;
        bytes
    };
    // The events contain what the checkpoint contains.
    for (damaged, expected) in [
        (bytes[..bytes.len() / 2].to_vec(), "bytes long, expected"),
        (with(12, 9), "format version 9, but this program reads 3"),
        (with(23, 0x80), "bytes long, expected 92"),
        (with(100, 0xff), "the checksum does not fit"),
        (Vec::new(), "not a file of this kind"),
    ] {
        fs::write(&checkpoint, damaged).unwrap();
        nas.write("run/events.jsonl", &events);
        let ran = nas.run_line("search --resume run");
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(
            ran.stderr.contains("is ignored") && ran.stderr.contains(expected),
            "{}",
            ran.stderr
        );
        let mut run = run_files(&nas.folder().join("run"));
        run.remove("checkpoint.bin");
        assert!(run == whole, "{expected}");
        fs::remove_file(nas.folder().join("run/front.json")).unwrap();
    }
    let hostile = r#"{"event":"evaluated","arch":"x","choices":[9,9],"values":[],"details":[],"niche":0,"generation":0,"proposer":"x"}"#;
    for (line, expected) in [
        ("{", "EOF while parsing"),
        ("{\"event\":\"../../etc/passwd\"}", "unknown variant"),
        (hostile, "expected"),
    ] {
        let _ = fs::remove_file(&checkpoint);
        nas.write("run/events.jsonl", &format!("{line}\n{events}"));
        let ran = nas.run_line("search --resume run");
        assert_eq!(ran.code, 2, "{}", ran.stdout);
        assert!(ran.stderr.contains("run/events.jsonl, line 1: "), "{}", ran.stderr);
        assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    }
    nas.write("run/events.jsonl", &events);
    for (from, to, expected) in [
        ("format_version = 7", "format_version = 8", "format 8, but this program reads 7"),
        ("searcher = \"statistical\"", "searcher = \"oracle\"", "unknown searcher `oracle`"),
        ("evaluations = 240", "evaluations = -1", "evaluations"),
        ("seed = 0", "sed = 0", "unknown field `sed`"),
    ] {
        assert!(config.contains(from), "{config}");
        nas.write("run/config.toml", &config.replace(from, to));
        let ran = nas.run_line("search --resume run");
        assert_eq!(ran.code, 2, "{}", ran.stdout);
        assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    }
    let ran = nas.run_line("search --resume nowhere");
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("nowhere is no run"), "{}", ran.stderr);
}
