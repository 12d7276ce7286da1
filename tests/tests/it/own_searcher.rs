//! A user's own searcher: with every kind of search, with its mistakes, and repeated from its record.

use std::{fs, time::Duration};

use nas_tests::{Nas, Ran, random_searcher, run_files};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_nas-under-test");
const EVALUATOR: &str = env!("CARGO_BIN_EXE_evaluator-under-test");

/// It copies what it reads to a file, which is none of its inputs.
const COPIES: &str = "mine: F=read; tee -a $F.jsonl | python3 random_searcher.py";

/// Every third request kills it.
const DIES: &str = "import json, sys\nsys.stdin.readline()\nfor line in sys.stdin:\n    \
    asked = json.loads(line)\n    if asked['id'] % 3 == 2:\n        sys.exit('out of ideas')\n    \
    print('thinking', flush=True)\n    print(json.dumps({'id': asked['id'], 'proposals': []}), flush=True)\n";

fn nas() -> Nas {
    let nas = Nas::with_space(PROGRAM);
    nas.write("random_searcher.py", random_searcher());
    nas
}

fn search(nas: &Nas, propose: &str, more: &str) -> Ran {
    let fixed = ["search", "--space", "space.toml", "--run", "run", "--force"];
    let commands = ["--evaluate", EVALUATOR, "--propose", propose];
    nas.run(fixed.into_iter().chain(commands).chain(more.split_whitespace()))
}

fn column(nas: &Nas, name: &str) -> Vec<String> {
    let text = nas.read("run/evaluations.csv");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let at = reader.headers().unwrap().iter().position(|one| one == name).unwrap();
    reader.records().map(|row| row.unwrap()[at].to_owned()).collect()
}

fn lines(nas: &Nas, file: &str) -> Vec<Value> {
    nas.read(file).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// How many times each part occurs in what it was told to be refused.
fn refused(lines: &[Value], why: &str) -> usize {
    let all = lines.iter().filter_map(|line| line["refused"].as_array()).flatten();
    all.filter(|one| one["why"] == why).count()
}

#[test]
fn it_proposes_under_its_own_name_and_is_told_every_result_once() {
    let nas = nas();
    for (more, known, pending) in [("", 0, 0), ("--workers 3", 0, 1), ("--known known.csv", 60, 0)]
    {
        let _ = fs::remove_file(nas.folder().join("read.jsonl"));
        let ran = search(&nas, COPIES, &format!("--evaluations 60 --seed 1 {more}"));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let expected = "architectures after generation 0 were proposed by mine";
        assert!(ran.stdout.contains(expected), "{}", ran.stdout);
        let own = column(&nas, "proposer").iter().filter(|name| *name == "mine").count();
        // The example proposes what constraints forbid, too.
        assert!(own >= 30, "{more}: {own}");
        let read = lines(&nas, "read.jsonl");
        assert_eq!(read[0]["seed"], 1);
        let results: Vec<&Value> =
            read.iter().filter_map(|line| line["results"].as_array()).flatten().collect();
        // The last ones are told to nobody.
        assert!((50 + known..=60 + known).contains(&results.len()), "{more}: {}", results.len());
        for (number, result) in results.iter().enumerate() {
            assert_eq!(result["number"], number);
        }
        let waiting = |line: &&Value| line["pending"].as_array().is_some_and(|all| !all.is_empty());
        assert_eq!(read.iter().any(|line| waiting(&line)), pending > 0, "{more}");
        nas.write("known.csv", &nas.read("run/evaluations.csv"));
        assert!(nas.json("runs run")[0]["searcher"] == "mine");
    }
}

#[test]
fn it_searches_niches_and_within_limits_and_is_told_what_is_refused() {
    let nas = nas();
    let ran =
        search(&nas, COPIES, "--evaluations 60 --partition cost --niches 3 --allocation equal");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let read = lines(&nas, "read.jsonl");
    let niches: Vec<&Value> =
        read.iter().map(|line| &line["niche"]).filter(|n| n.is_object()).collect();
    assert!(niches.iter().any(|niche| niche["number"] == 3 && niche["of"] == 3));
    assert!(niches.iter().all(|niche| niche["bounds"].as_str().unwrap().contains("cost")));
    assert!(niches.iter().any(|niche| !niche["parents"].as_array().unwrap().is_empty()));
    // The example draws from the whole space, and knows nothing of constraints.
    assert!(refused(&read, "outside niche") > 0 && refused(&read, "illegal") > 0);
    fs::remove_file(nas.folder().join("read.jsonl")).unwrap();
    let more =
        "--objectives accuracy_percent:max --minimise cost --limit cost<=100 --evaluations 40";
    let ran = search(&nas, COPIES, more);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(refused(&lines(&nas, "read.jsonl"), "no candidate") > 0);
}

#[test]
fn its_mistakes_cost_its_proposals_and_are_shown() {
    let nas = nas();
    nas.write("dies.py", DIES);
    let ran = search(&nas, "python3 dies.py", "--evaluations 40");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(column(&nas, "proposer").len(), 40);
    assert!(ran.stderr.contains("no proposals: dies ended before it answered"), "{}", ran.stderr);
    assert!(ran.stdout.contains("× dies ended before it answered, the first:"), "{}", ran.stdout);
    assert!(ran.stdout.contains("after: out of ideas"), "{}", ran.stdout);
    assert!(nas.read("run/program.log").contains("thinking"));
    let events = lines(&nas, "run/events.jsonl");
    let failed = events.iter().filter(|event| event["event"] == "proposer_failed").count();
    let asked = lines(&nas, "run/proposals.jsonl").len();
    assert_eq!(failed, asked / 3);
    let result: Value = serde_json::from_str(&nas.read("run/front.json")).unwrap();
    assert_eq!(result["searcher_failures"][0][1], failed);
}

#[test]
fn one_that_never_works_ends_the_search_which_is_resumed_once_it_is_mended() {
    let nas = nas();
    nas.write("mine.py", "import nosuch\n");
    let ran = search(&nas, "python3 mine.py", "--evaluations 60");
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    for expected in [
        "the searcher mine failed",
        "`python3 mine.py` gave no answer to any of 10 requests",
        "No module named 'nosuch'",
        "resume with nas search --resume run",
    ] {
        assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    }
    nas.write("mine.py", random_searcher());
    let ran = nas.run_line("search --resume run");
    assert!(ran.code == 2 && ran.stderr.contains("mine.py (--propose)"), "{}", ran.stderr);
    let ran = nas.run_line("search --resume run --accept-changes");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(!ran.stderr.contains("differs from the recorded"), "{}", ran.stderr);
    assert_eq!(column(&nas, "proposer").len(), 60);
    nas.write("garbage.py", &DIES.replace("[]", "7"));
    let garbage = search(&nas, "python3 garbage.py", "--evaluations 60");
    assert_eq!(garbage.code, 1, "{}", garbage.stderr);
    assert!(garbage.stderr.contains("proposals: `7`, expected a list"), "{}", garbage.stderr);
}

#[test]
fn several_evaluations_at_a_time_are_repeated_from_the_records_after_a_kill() {
    let nas = nas();
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let evaluate = format!("'{EVALUATOR}' slow");
    let start = ["search", "--space", "space.toml", "--run", "run", "--force", "--workers", "3"];
    let start = start.into_iter().chain(["--evaluate", &evaluate, "--evaluations", "60"]);
    let start: Vec<&str> = start.chain(["--propose", COPIES]).collect();
    let mut kills = 0;
    while kills < 10 {
        let pause = || Duration::from_millis(rng.random_range(100..1_500));
        kills += nas.killed_and_resumed(&start, pause);
        if !nas.folder().join("run/front.json").exists() {
            continue;
        }
        let killed = run_files(&nas.folder().join("run"));
        let kept = ["config.toml", "events.jsonl", "proposals.jsonl"];
        for file in killed.keys().filter(|name| !kept.contains(&&***name)) {
            fs::remove_file(nas.folder().join("run").join(file)).unwrap();
        }
        let before = nas.read("read.jsonl");
        let ran = nas.run_line("search --resume run");
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(!ran.stderr.contains("differs from the recorded one"), "{}", ran.stderr);
        // Nothing was asked again.
        assert_eq!(nas.read("read.jsonl"), before);
        assert!(run_files(&nas.folder().join("run")) == killed);
    }
}

#[test]
fn a_run_is_extended_and_begins_as_it_was() {
    let nas = nas();
    for more in ["", " --workers 3"] {
        let ran = search(&nas, COPIES, &format!("--evaluations 30 --seed 2{more}"));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let before = ["run/events.jsonl", "run/proposals.jsonl"].map(|file| nas.read(file));
        let ran = nas.run_line("search --resume run --evaluations 45");
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(nas.read("run/events.jsonl").starts_with(&before[0]), "{more}");
        assert!(nas.read("run/proposals.jsonl").starts_with(&before[1]), "{more}");
        assert_eq!(column(&nas, "proposer").len(), 45);
    }
}

#[test]
fn searchers_of_the_users_are_compared_with_those_of_the_program() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    nas.write("random_searcher.py", random_searcher());
    nas.write("lazy.py", DIES);
    let command = "nas benchmark --searchers random --datasets cifar10 --devices fpga --seeds 8 \
        --evaluations 200 --format json --propose 'python3 random_searcher.py' --propose 'python3 lazy.py'";
    let ran = nas.shell(&format!("nas() {{ '{PROGRAM}' \"$@\"; }}\n{command}"));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("lazy proposed 0 of the"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("lazy: ") && ran.stderr.contains("failed request"),
        "{}",
        ran.stderr
    );
    let rows: Value = serde_json::from_str(&ran.stdout).unwrap();
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 3 * 8);
    let mean = |searcher: &str| {
        let mine = rows.iter().filter(|row| row["searcher"] == searcher);
        let ratios: Vec<f64> = mine.map(|row| row["hypervolume_ratio"].as_f64().unwrap()).collect();
        assert_eq!(ratios.len(), 8);
        ratios.iter().sum::<f64>() / 8.0
    };
    let difference = mean("random") - mean("random_searcher");
    assert!(difference.abs() < 0.05, "{difference}");
    let twice = command.replace("lazy.py", "random_searcher.py");
    let ran = nas.shell(&format!("nas() {{ '{PROGRAM}' \"$@\"; }}\n{twice}"));
    assert!(ran.code == 2 && ran.stderr.contains("random_searcher-2: python3"), "{}", ran.stderr);
}
