//! A user's program that an engine runs: an evaluation is a task, and what happens to tasks, to the
//! program, and to the search costs no answer and no evaluation twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::{Child, Command},
    thread::sleep,
    time::{Duration, Instant},
};

use nas_tests::{Nas, Ran, run_files};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const PROGRAM: &str = env!("CARGO_BIN_EXE_nas-under-test");
const EVALUATOR: &str = env!("CARGO_BIN_EXE_evaluator-under-test");

fn nas() -> Nas {
    Nas::with_space(PROGRAM)
}

fn arguments(command: &str, more: &str) -> Vec<String> {
    let fixed = ["search", "--space", "space.toml", "--run", "run", "--force", "--evaluate"];
    let fixed = fixed.into_iter().chain([command]).chain(more.split_whitespace());
    fixed.map(str::to_owned).collect()
}

/// A search in the folder `run` whose command three workers of this machine run.
fn search(nas: &Nas, command: &str, more: &str) -> Ran {
    nas.run(arguments(command, &format!("--engine local --workers 3 {more}")))
}

fn rows(nas: &Nas, file: &str) -> BTreeSet<String> {
    nas.read(file).lines().map(str::to_owned).collect()
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(120), "{what} did not come");
        sleep(Duration::from_millis(50));
    }
}

/// The architecture of each question that the program has read, from a file of questions.
fn asked(nas: &Nas) -> Vec<String> {
    let text = fs::read_to_string(nas.folder().join("asked")).unwrap_or_default();
    let question = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
    text.lines().map(|line| question(line)["arch"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn tasks_find_the_front_of_processes_and_of_their_recorded_order() {
    let nas = nas();
    let command = format!("'{EVALUATOR}'");
    // What is proposed at random does not depend on the order of answers.
    let random = "--evaluations 12 --searcher random --seed 3";
    let by_tasks = search(&nas, &command, random);
    assert_eq!(by_tasks.code, 0, "{}", by_tasks.stderr);
    let files = ["run/evaluations.csv", "run/front.csv"];
    let by_tasks = files.map(|file| rows(&nas, file));
    assert!(!nas.folder().join("run/program.job").exists());
    assert_eq!(nas.run(arguments(&command, &format!("{random} --workers 3"))).code, 0);
    let columns = |rows: &BTreeSet<String>| {
        let values = |row: &String| row.splitn(4, ',').take(3).map(str::to_owned).collect();
        rows.iter().map(values).collect::<BTreeSet<Vec<String>>>()
    };
    for (file, rows_of_tasks) in files.iter().zip(by_tasks) {
        assert_eq!(columns(&rows(&nas, file)), columns(&rows_of_tasks), "{file}");
    }
    // A predictor follows the order, which the run contains: the same without an engine.
    let ran = search(&nas, &command, "--evaluations 16 --seed 4");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let run = nas.folder().join("run");
    let before = run_files(&run);
    for file in before.keys().filter(|file| !["config.toml", "events.jsonl"].contains(&&***file)) {
        fs::remove_file(run.join(file)).unwrap();
    }
    let config = nas.read("run/config.toml");
    let engine = "[plan.objectives.program.engine]\nengine = \"local\"\nworkers = 3\n";
    assert!(config.contains(engine), "{config}");
    nas.write("run/config.toml", &config.replace(engine, ""));
    let ran = nas.run_line("search --resume run");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(!ran.stderr.contains("differs from the recorded one"), "{}", ran.stderr);
    let after = run_files(&run);
    for file in ["front.csv", "evaluations.csv", "events.jsonl", "front.json"] {
        assert!(before[file] == after[file], "{file}");
    }
}

#[test]
fn a_lost_task_is_started_again_and_one_that_is_always_lost_costs_one_evaluation() {
    let nas = nas();
    let more = "--evaluations 7 --searcher random --retries 1";
    // The worker is the parent of the shell that runs the command.
    let once = format!("mkdir lost 2>/dev/null && kill -KILL $PPID; '{EVALUATOR}'");
    let ran = search(&nas, &once, more);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ran.stderr.matches("was lost and is started again").count(), 1, "{}", ran.stderr);
    assert!(!ran.stdout.contains("failed"), "{}", ran.stdout);
    let always = format!(
        "read -r q; case \"$q\" in *'\"id\":3,'*) kill -KILL $PPID;; esac; echo \"$q\" | '{EVALUATOR}' warns"
    );
    let ran = search(&nas, &always, more);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("1 × the command was lost, the first: it was started 2 times"));
    assert!(ran.stdout.contains("1 of 7 evaluations failed"), "{}", ran.stdout);
    assert_eq!(nas.read("run/program.log"), "WARNING: no GPU\n".repeat(6));
    assert!(nas.folder().join("run/program.job/shard-3.log").is_file());
}

#[test]
fn a_program_fails_in_tasks_as_in_processes() {
    let nas = nas();
    let more = "--evaluations 5 --searcher random";
    for (how, expected) in [
        ("dies", "2 × the command ended before it answered, the first: exit status: 7"),
        (
            "late --timeout 2s",
            "2 × the command did not answer in time, the first: no answer within 2 s",
        ),
        ("reports", "2 × the command answered with an error, the first: out of memory"),
    ] {
        let (how, options) = how.split_once(' ').unwrap_or((how, ""));
        let ran = search(&nas, &format!("'{EVALUATOR}' {how}"), &format!("{more} {options}"));
        assert_eq!(ran.code, 0, "{how}: {}", ran.stderr);
        assert!(ran.stdout.contains(expected), "{how}: {}", ran.stdout);
    }
    let ran = search(&nas, "no-such-program-here", "");
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("`no-such-program-here` gave no answer"), "{}", ran.stderr);
    assert!(ran.stderr.contains("mend the command"), "{}", ran.stderr);
}

/// The search is killed at any moment, and its tasks go on: each architecture is evaluated once.
#[test]
fn a_killed_search_takes_up_what_its_tasks_have_answered() {
    let nas = nas();
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let command = format!("tee -a asked | '{EVALUATOR}' slower");
    let more = "--engine local --workers 3 --evaluations 14 --seed 1";
    let mut child = nas.spawn(arguments(&command, more));
    wait_until("the first question", || !asked(&nas).is_empty());
    let mut kills = 0;
    while kills < 12 {
        sleep(Duration::from_millis(rng.random_range(1_000..6_000)));
        if child.try_wait().unwrap().is_some() {
            break;
        }
        kills += 1;
        child.kill().unwrap();
        child.wait().unwrap();
        child = nas.spawn(["search", "--resume", "run"]);
    }
    assert!(kills > 0 && child.wait().unwrap().success());
    let asked = asked(&nas);
    let once: BTreeSet<&String> = asked.iter().collect();
    assert_eq!((asked.len(), once.len()), (14, 14));
    assert_eq!(rows(&nas, "run/evaluations.csv").len(), 15);
    assert!(!nas.folder().join("run/program.job").exists());
}

/// An answer counts where the job is the same, and only for its architecture.
#[test]
fn an_answer_of_another_job_does_not_count() {
    let nas = nas();
    nas.write("good.sh", &format!("tee -a asked | '{EVALUATOR}' slower"));
    let more = "--engine local --workers 2 --evaluations 8 --seed 1 --searcher random";
    let mut child = nas.spawn(arguments("sh good.sh", more));
    wait_until("an answer", || nas.folder().join("run/program.job/answer-4.json").exists());
    child.kill().unwrap();
    child.wait().unwrap();
    // The workers that go on write into the same folder.
    nas.write("good.sh", &format!("tee -a asked | '{EVALUATOR}'"));
    let refused = nas.run_line("search --resume run");
    assert!(refused.code == 2 && refused.stderr.contains("good.sh"), "{}", refused.stderr);
    let ran = nas.run_line("search --resume run --accept-changes");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let rows = rows(&nas, "run/evaluations.csv");
    assert_eq!(rows.len(), 9);
    let mut times = BTreeMap::<String, usize>::new();
    for arch in asked(&nas) {
        *times.entry(arch).or_default() += 1;
    }
    // What was under way, or answered and not recorded, was evaluated again by the new program.
    assert!(times.len() == 8 && times.values().any(|count| *count == 2), "{times:?}");
}

fn interrupt(child: &mut Child) -> Option<i32> {
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let begun = Instant::now();
    let code = child.wait().unwrap().code();
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    code
}

#[test]
fn ctrl_c_ends_tasks_with_their_programs_and_the_search_resumes() {
    let nas = nas();
    let command = format!("[ -e go ] || {{ echo $$ >> pids; sleep 300; }}; exec '{EVALUATOR}'");
    for workers in [1, 2] {
        let _ = fs::remove_file(nas.folder().join("pids"));
        let _ = fs::remove_file(nas.folder().join("go"));
        let more = format!("--engine local --workers {workers} --evaluations 6 --searcher random");
        let mut child = nas.spawn(arguments(&command, &more));
        let pids = || fs::read_to_string(nas.folder().join("pids")).unwrap_or_default();
        wait_until("programs", || pids().lines().count() == workers);
        assert_eq!(interrupt(&mut child), Some(130));
        for pid in pids().lines() {
            let is_there = Command::new("kill").args(["-0", pid]).output().unwrap();
            assert!(!is_there.status.success(), "{pid} is left");
        }
        nas.write("go", "");
        let ran = nas.run_line("search --resume run");
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert_eq!(rows(&nas, "run/evaluations.csv").len(), 7);
    }
}
