//! A scheduler that fails for a while, prints more than was asked for, and shows results late; and other
//! places where this program depends on its surroundings.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use nas_tests::Nas;

const PROGRAM: &str = env!("CARGO_BIN_EXE_nas-under-test");

/// `sbatch`, which starts the elements of an array and prints a banner; `squeue`, which fails as often
/// as the file `fails` says and lists other people's jobs; `scancel`, which leaves a note.
fn scheduler(nas: &Nas) {
    let folder = nas.folder().display().to_string();
    let sbatch = format!(
        r#"#!/bin/sh
n=$(cat '{folder}/number' 2>/dev/null || echo 100); n=$((n+1)); echo $n > '{folder}/number'
for a in "$@"; do case "$a" in
  --array=*) parts=${{a#--array=}}; parts=${{parts%%%*}};;
  --wrap=*) line=${{a#--wrap=}};;
  --job-name=*) name=${{a#--job-name=}};;
esac; done
for part in $(echo "$parts" | tr , ' '); do
  echo "$n $part" >> '{folder}/queue'
  (sleep 0.3; SLURM_ARRAY_TASK_ID=$part sh -c "$line" >/dev/null 2>>'{folder}/log'
   grep -v "^$n $part\$" '{folder}/queue' > '{folder}/queue.'$part; mv '{folder}/queue.'$part '{folder}/queue') >/dev/null 2>&1 &
done
echo "$name" >> '{folder}/names'
echo 'Welcome to the cluster: 12 nodes'; echo; echo "$n;cluster"
"#
    );
    let squeue = format!(
        r#"#!/bin/sh
echo "$@" >> '{folder}/asked'
left=$(cat '{folder}/fails' 2>/dev/null || echo 0)
if [ "$left" -gt 0 ]; then echo $((left-1)) > '{folder}/fails'; echo 'slurm_load_jobs error: Socket timed out' >&2; exit 1; fi
echo 'NOTE: maintenance on Sunday'; echo '7 1'; cat '{folder}/queue' 2>/dev/null
"#
    );
    let scancel = format!("#!/bin/sh\necho \"$@\" >> '{folder}/cancelled'\n");
    for (name, text) in [("sbatch", sbatch), ("squeue", squeue), ("scancel", scancel)] {
        nas.write(name, &text);
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(nas.folder().join(name), mode).unwrap();
    }
}

const SCORE: &str =
    "score 0 6111 1462 9000 --proxies params --out scores.csv --engine slurm --shards 2";

#[test]
fn a_scheduler_that_fails_for_a_while_loses_nothing_and_nothing_is_cancelled() {
    let nas = Nas::without_tables(PROGRAM);
    scheduler(&nas);
    nas.write("fails", "3");
    let ran = nas.shell(&format!("PATH=\"$PWD:$PATH\" '{PROGRAM}' {SCORE}"));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ran.stderr.matches("Socket timed out").count(), 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("what is under way goes on"), "{}", ran.stderr);
    assert!(!nas.folder().join("cancelled").exists());
    assert_eq!(nas.read("scores.csv").lines().count(), 5);
    // The queue is asked for our jobs alone, by the name that they were given.
    let name = nas.read("names").trim().to_owned();
    let asked = nas.read("asked");
    assert!(asked.lines().all(|line| line.contains(&format!("--name={name}"))), "{asked}");
}

/// Starts the program with the scheduler, and interrupts it once a file is there. Returns when that was.
fn interrupted(nas: &Nas, arguments: &str, file: &str) -> Instant {
    let mut child = Command::new("sh")
        .args(["-c", &format!("PATH=\"$PWD:$PATH\" exec '{PROGRAM}' {arguments}")])
        .current_dir(nas.folder())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while !nas.folder().join(file).exists() {
        assert!(begun.elapsed() < Duration::from_secs(60) && child.try_wait().unwrap().is_none());
        sleep(Duration::from_millis(50));
    }
    let begun = Instant::now();
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    begun
}

#[test]
fn what_the_user_stops_is_cancelled_and_a_first_mistake_ends_at_once() {
    let nas = Nas::without_tables(PROGRAM);
    scheduler(&nas);
    // Neither starts anything nor answers.
    nas.write("sbatch", "#!/bin/sh\necho '101;cluster'\n");
    nas.write("fails", "100000");
    interrupted(&nas, SCORE, "asked");
    assert!(nas.read("cancelled").contains("101"));
    nas.write("sbatch", "#!/bin/sh\necho 'invalid partition specified: gpu' >&2; exit 1\n");
    let other = SCORE.replace("scores.csv", "others.csv");
    let ran = nas.shell(&format!("PATH=\"$PWD:$PATH\" '{PROGRAM}' {other}"));
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    assert!(ran.stderr.contains("invalid partition specified"), "{}", ran.stderr);
}

/// A search whose program Slurm runs, with three evaluations at the same time.
const SEARCH: &str = "search --space space.toml --evaluations 8 --searcher random --run run --engine slurm --workers 3";
const EVALUATOR: &str = env!("CARGO_BIN_EXE_evaluator-under-test");

#[test]
fn a_scheduler_that_fails_for_a_while_loses_no_evaluation() {
    let nas = Nas::with_space(PROGRAM);
    scheduler(&nas);
    nas.write("fails", "3");
    let ran = nas.shell(&format!(
        "PATH=\"$PWD:$PATH\" '{PROGRAM}' {SEARCH} --evaluate \"'{EVALUATOR}' slower\""
    ));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("what is under way goes on"), "{}", ran.stderr);
    assert!(!ran.stdout.contains("failed") && !nas.folder().join("cancelled").exists());
    assert_eq!(nas.read("run/evaluations.csv").lines().count(), 9);
    // Each evaluation was given to the scheduler once, under the name of the run.
    assert_eq!(nas.read("number").trim(), "108");
    let names = nas.read("names");
    assert!(names.lines().all(|name| name == names.lines().next().unwrap()), "{names}");
}

#[test]
fn ctrl_c_cancels_evaluations_and_a_first_mistake_ends_a_search_with_advice() {
    let nas = Nas::with_space(PROGRAM);
    scheduler(&nas);
    let begun = interrupted(&nas, &format!("{SEARCH} --evaluate 'touch began; sleep 30'"), "began");
    assert!(begun.elapsed() < Duration::from_secs(15));
    let cancelled = nas.read("cancelled");
    assert!(["101", "102", "103"].iter().all(|job| cancelled.contains(job)), "{cancelled}");
    nas.write("sbatch", "#!/bin/sh\necho 'invalid partition specified: gpu' >&2; exit 1\n");
    let ran = nas.shell(&format!(
        "PATH=\"$PWD:$PATH\" '{PROGRAM}' {} --evaluate x",
        SEARCH.replace("run run", "run other")
    ));
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    assert!(ran.stderr.contains("invalid partition specified"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("--force") && !ran.stderr.contains("resume with"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_secret_in_a_url_is_never_shown_or_written() {
    let nas = Nas::without_tables(PROGRAM);
    for line in [
        "score 6111 --out s.csv --engine ray --ray-address http://u:PWPW@127.0.0.1:1",
        "score 6111 --out s.csv --engine ray --ray-address http://127.0.0.1:1/?token=PWPW",
        "search --space fbnet --accuracy proxies --compute cpu --engine ray --ray-address http://u:PWPW@127.0.0.1:1",
        "download --base http://u:PWPW@127.0.0.1:1",
        "download --base http://127.0.0.1:1/x?token=PWPW",
        "chat-test http://u:PWPW@127.0.0.1:1",
        "chat-test --llm-url http://u:PWPW@127.0.0.1:1/v1 --llm-model x --llm-timeout 1",
        "search --ray-adress http://u:PWPW@127.0.0.1:1",
    ] {
        let ran = nas.run_line(line);
        assert_ne!(ran.code, 0, "{line}");
        assert!(!ran.stderr.contains("PWPW") && !ran.stdout.contains("PWPW"), "{}", ran.stderr);
    }
    let found = Command::new("grep").args(["-r", "PWPW", "."]).current_dir(nas.folder()).output();
    assert_eq!(String::from_utf8_lossy(&found.unwrap().stdout), "");
    // The advice is followed: a header in the variable, which is not shown either.
    let line = "score 6111 --out s.csv --engine ray --ray-address http://127.0.0.1:1";
    let ran = nas.with_variable("RAY_JOB_HEADERS", "{\"Authorization\": \"Bearer PWPW\"}", line);
    assert!(
        ran.stderr.contains("does not answer") && !ran.stderr.contains("PWPW"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_closed_standard_error_is_no_panic_and_files_have_no_colours() {
    let nas = Nas::without_tables(PROGRAM);
    for line in ["search --resume nosuch", "search --seed abc", "predict apply nosuch"] {
        let ran = nas.shell(&format!("'{PROGRAM}' {line} 2>&-"));
        assert_eq!(ran.code, 2, "{line}");
    }
    let piped = nas.shell(&format!(
        "'{PROGRAM}' chat-test --llm-url http://127.0.0.1:1/v1 --llm-model x --llm-timeout 1"
    ));
    assert_ne!(piped.code, 0);
    assert!(!piped.stderr.contains('\u{1b}'), "{}", piped.stderr);
}

#[test]
fn numbers_of_options_are_refused_in_plain_words() {
    let nas = Nas::without_tables(PROGRAM);
    for (line, option, expected) in [
        ("search --seed abc", "--seed", "expected a whole number"),
        ("search --seed -1", "--seed", "-1"),
        ("search --seed 9223372036854775808", "--seed", "9223372036854775807"),
        ("search --evaluations 1e3", "--evaluations", "expected a whole number"),
        ("search --evaluations -1", "--evaluations", "-1"),
        ("search --max-latency -5ms", "--max-latency", "-5ms"),
    ] {
        let ran = nas.run_line(line);
        assert_eq!(ran.code, 2, "{line}");
        for expected in [option, expected] {
            assert!(ran.stderr.contains(expected), "{line}: {}", ran.stderr);
        }
    }
}

#[test]
fn files_that_are_no_results_of_a_command_are_not_replaced() {
    let nas = Nas::without_tables(PROGRAM);
    nas.write("mine.csv", "arch,accuracy_percent\n0,84.98\n1462,91.12\n1835,71.35\n");
    let fit = "predict fit --accuracy-table mine.csv";
    assert_eq!(nas.run_line(&format!("{fit} --out p.json")).code, 0);
    // Nor is an earlier result, unasked.
    for file in ["p.json", "mine.csv"] {
        let refused = nas.run_line(&format!("{fit} --out {file}"));
        assert_eq!(refused.code, 2);
        assert!(refused.stderr.contains("--force"), "{}", refused.stderr);
    }
    assert!(nas.read("mine.csv").starts_with("arch"));
    assert_eq!(nas.run_line(&format!("{fit} --out mine.csv --force")).code, 0);
}
