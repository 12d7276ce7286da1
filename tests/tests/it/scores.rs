//! `nas score` into a file: killed and continued, in shards, in both formats.

use std::{
    fs,
    process::{Child, Command},
    thread,
    time::Duration,
};

use nas_tests::{Nas, latencies};

const PROGRAM: &str = env!("CARGO_BIN_EXE_nas-under-test");

/// Cells, some of them isomorphic, which have equal values; small images for speed.
const SCORE: &str =
    "score --file cells.txt --dataset ImageNet16-120 --batch 16 --proxies nwot,jacov,synflow";
const CELLS: &str = "6111\n857\n1\n2\n3\n1462\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n6111\n";

fn nas() -> Nas {
    let nas = Nas::without_tables(PROGRAM);
    nas.write("cells.txt", CELLS);
    nas
}

/// Runs a command that has to succeed.
fn ran(nas: &Nas, arguments: &str) -> String {
    let ran = nas.run_line(arguments);
    assert_eq!(ran.code, 0, "{arguments}: {}", ran.stderr);
    ran.stdout
}

#[test]
fn a_killed_command_is_resumed_to_the_same_file() {
    let nas = nas();
    ran(&nas, &format!("{SCORE} --out whole.bin"));
    let whole = fs::read(nas.folder().join("whole.bin")).unwrap();

    let mut child = nas.spawn(format!("{SCORE} --out cut.bin --jobs 1").split_whitespace());
    let partial = nas.folder().join("cut.bin.partial");
    let record = 6 + 3 * 8 + 4;
    let header = whole.iter().position(|&byte| byte == b'\n').unwrap();
    while fs::metadata(&partial).map_or(0, |found| found.len()) < (header + 3 * record) as u64 {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it could be killed");
        thread::sleep(Duration::from_millis(5));
    }
    stop(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let mut child = nas.spawn(format!("{SCORE} --out cut.bin --jobs 1").split_whitespace());
    let stopped = fs::metadata(&partial).unwrap().len();
    while fs::metadata(&partial).unwrap().len() <= stopped {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it could be killed");
        thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!nas.folder().join("cut.bin").exists());

    let other = nas.run_line(&format!("{SCORE} --out cut.bin --seed 5"));
    assert_eq!(other.code, 2);
    assert!(other.stderr.contains("another computation: command"), "{}", other.stderr);

    // Another shard would drop computed scores: it is an error, and nothing is lost.
    let part = nas.run_line(&format!(
        "score 857 {} --out cut.bin",
        SCORE.replace("score --file cells.txt", "")
    ));
    assert_eq!(part.code, 2, "{}", part.stderr);
    assert!(part.stderr.contains("architectures in it are not among those"), "{}", part.stderr);

    let again = nas.run_line(&format!("{SCORE} --out cut.bin"));
    assert!(again.stderr.contains("resuming after"), "{}", again.stderr);
    assert_eq!(fs::read(nas.folder().join("cut.bin")).unwrap(), whole);
    assert!(!partial.exists());
}

#[test]
fn shards_merge_to_the_bytes_of_the_whole() {
    let nas = nas();
    let result = ran(&nas, &format!("{SCORE} --out whole.bin"));
    assert_eq!(result, "17 architectures, 3 proxies, in whole.bin\n");
    for shard in 1..=3 {
        ran(&nas, &format!("{SCORE} --out part{shard}.bin --shard {shard}/3"));
    }
    ran(&nas, "score-merge part3.bin part1.bin part2.bin --out merged.bin");
    ran(&nas, "score-merge whole.bin --out whole.csv");
    ran(&nas, &format!("{SCORE} --out direct.csv"));
    let bytes = |name: &str| fs::read(nas.folder().join(name)).unwrap();
    assert_eq!(bytes("merged.bin"), bytes("whole.bin"));
    assert_eq!(bytes("direct.csv"), bytes("whole.csv"));
    assert!(nas.read("whole.csv").starts_with("index,arch,nwot,jacov,synflow\n1,|"));

    let twice = nas.run_line("score-merge part1.bin part1.bin --out twice.bin");
    assert_eq!(twice.code, 2);
    assert!(twice.stderr.contains("is in a file before as well"), "{}", twice.stderr);
}

#[test]
fn a_list_of_any_space_is_scored_in_parts() {
    let nas = nas();
    let space = "--space fbnet --dataset cifar10";
    let list = ran(&nas, &format!("space sample {space} --count 9 --format arch"));
    assert_eq!(list.lines().count(), 9);
    nas.write("list.txt", &list);
    let score = format!("score {space} --file list.txt --batch 4 --proxies params,synflow");
    assert_eq!(
        ran(&nas, &format!("{score} --out whole.bin")),
        "9 architectures, 2 proxies, in whole.bin\n"
    );
    for shard in 1..=2 {
        ran(&nas, &format!("{score} --out part{shard}.bin --shard {shard}/2"));
    }
    ran(&nas, "score-merge part2.bin part1.bin --out merged.bin");
    ran(&nas, &format!("{score} --out workers.bin --engine local --shards 4"));
    let bytes = |name: &str| fs::read(nas.folder().join(name)).unwrap();
    assert!(bytes("merged.bin") == bytes("whole.bin"));
    assert!(bytes("workers.bin") == bytes("whole.bin"));
    ran(&nas, "score-merge whole.bin --out whole.csv");
    let csv = nas.read("whole.csv");
    assert!(csv.starts_with("arch,params,synflow\n"), "{csv}");
    let mut listed: Vec<&str> =
        csv.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    let mut asked: Vec<&str> = list.lines().collect();
    listed.sort_unstable();
    asked.sort_unstable();
    assert_eq!(listed, asked);

    // Of another space, and a space that only a newer program knows.
    ran(&nas, "score 6111 --batch 4 --proxies params,synflow --out cell.bin");
    let mixed = nas.run_line("score-merge whole.bin cell.bin --out mixed.bin");
    assert!(mixed.stderr.contains("computed otherwise"), "{}", mixed.stderr);
    let mut unknown = bytes("whole.bin");
    let at = unknown.windows(7).position(|bytes| bytes == b"\"fbnet\"").unwrap();
    unknown.splice(at..at + 7, *b"\"darts\"");
    fs::write(nas.folder().join("unknown.bin"), unknown).unwrap();
    let refused = nas.run_line("score-merge unknown.bin --out unknown.csv");
    assert_eq!(refused.code, 2);
    assert!(
        refused.stderr.contains("the space of these scores, darts, is not known"),
        "{}",
        refused.stderr
    );
    let refused =
        nas.run_line(&format!("{} --out x.bin --engine local", score.replace("list.txt", "-")));
    assert!(
        refused.stderr.contains("cannot read this command's standard input"),
        "{}",
        refused.stderr
    );
}

#[test]
fn an_existing_file_is_kept() {
    let nas = nas();
    nas.write("mine.csv", "precious");
    let refused = nas.run_line(&format!("{SCORE} --out mine.csv"));
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("--force"), "{}", refused.stderr);
    let refused = nas.run_line(&format!("{SCORE} --out mine.parquet"));
    assert!(refused.stderr.contains(".csv or .bin"), "{}", refused.stderr);
    assert_eq!(nas.read("mine.csv"), "precious");
    fs::create_dir(nas.folder().join("folder.bin")).unwrap();
    let refused = nas.run_line(&format!("{SCORE} --out folder.bin --force"));
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("is a folder"), "{}", refused.stderr);
    let refused = nas.run_line("score-merge mine.csv --out other.bin");
    assert!(refused.stderr.contains("not a file of scores"), "{}", refused.stderr);
}

#[test]
fn a_file_has_one_writer() {
    let nas = nas();
    let partial = nas.folder().join("same.bin.partial");
    let mut first = nas.spawn(format!("{SCORE} --out same.bin --jobs 1").split_whitespace());
    while !partial.exists() {
        assert!(first.try_wait().unwrap().is_none(), "it ended before the second began");
        thread::sleep(Duration::from_millis(2));
    }
    let second = nas.run_line(&format!("{SCORE} --out same.bin --jobs 1"));
    assert!(first.wait().unwrap().success());
    assert_eq!(second.code, 2, "{}", second.stderr);
    assert!(second.stderr.contains("another process is writing it"), "{}", second.stderr);
    ran(&nas, &format!("{SCORE} --out alone.bin"));
    let bytes = |name: &str| fs::read(nas.folder().join(name)).unwrap();
    assert_eq!(bytes("same.bin"), bytes("alone.bin"));
}

#[test]
fn a_part_of_the_space_is_reported_as_a_part_and_a_batch_has_a_limit() {
    let nas = nas();
    let result = ran(&nas, "score --space nb201 --proxies flops --shard 1/200 --out part.bin");
    assert!(result.contains(" architectures of the space's 6877, 1 proxy"), "{result}");
    let result = ran(&nas, "score-merge part.bin --out merged.bin");
    assert!(result.contains(" architectures of the space's 6877, 1 proxy"), "{result}");
    let refused = nas.run_line("score 6111 --proxies flops --batch 1000000000000");
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("expected 2 to 65536"), "{}", refused.stderr);
}

#[test]
fn a_cell_may_start_with_the_operation_none() {
    let nas = nas();
    let ran = nas.run(["score", "- - - 3x3 - -", "--proxies", "flops", "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("flops"), "{}", ran.stdout);
    let typo = nas.run_line("score 6111 --proxis flops");
    assert_eq!(typo.code, 2);
    assert!(typo.stderr.contains("--proxis"), "{}", typo.stderr);
}

#[test]
fn values_do_not_depend_on_the_number_of_jobs() {
    let nas = nas();
    let one = nas.json(&format!("{SCORE} --jobs 1"));
    assert_eq!(one, nas.json(&format!("{SCORE} --jobs 3")));
    assert_eq!(one.as_array().unwrap().len(), 18, "as many as were given, in their order");
    assert_eq!(one[0], one[17]);
}

#[test]
fn many_proxies_of_many_cells_fit_a_terminal() {
    let result = ran(&nas(), "score 6111 1 2 3 4 5 --batch 4 --proxies all");
    assert!(result.lines().all(|line| line.len() <= 80), "{result}");
    assert_eq!(result.lines().filter(|line| line.starts_with("params ")).count(), 2, "{result}");
    assert!(result.contains("1073466"), "{result}");
}

#[test]
fn errors_of_score_show_what_to_type() {
    let nas = nas();
    nas.write("images.bin", &"\0".repeat(4 * 3073));
    for (arguments, expected) in [
        ("score", "--space nb201"),
        ("score 6111 --out nowhere/scores.bin", "no folder nowhere"),
        ("score 6111 --images images.bin --dataset cifar100", "--dataset"),
        ("score 6111 --compute cuda:4096", "nas doctor"),
    ] {
        let refused = nas.run_line(arguments);
        assert_eq!(refused.code, 2, "{arguments}");
        assert!(refused.stderr.contains(expected), "{arguments}: {}", refused.stderr);
    }
}

/// Ctrl-C.
fn stop(child: &Child) {
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn workers_compute_the_scores_of_one_process_and_the_same_command_resumes() {
    let nas = nas();
    ran(&nas, &format!("{SCORE} --out whole.bin"));
    let by_workers = format!("{SCORE} --out parts.bin --engine local --workers 2");
    // A part that is there is not computed again, and a job of its own is not mixed with another.
    ran(&nas, &format!("{by_workers} --shards 3"));
    let (whole, parts) = (nas.folder().join("whole.bin"), nas.folder().join("parts.bin"));
    assert_eq!(fs::read(&parts).unwrap(), fs::read(&whole).unwrap());
    assert!(!nas.folder().join("parts.bin.job").exists());

    fs::remove_file(&parts).unwrap();
    fs::create_dir(nas.folder().join("parts.bin.job")).unwrap();
    nas.write("parts.bin.job/job.toml", "format_version = 9\nshards = 3");
    let newer = nas.run_line(&format!("{by_workers} --shards 3"));
    assert_eq!(newer.code, 2);
    assert!(newer.stderr.contains("format 9, but this program reads 4"), "{}", newer.stderr);
    nas.write(
        "parts.bin.job/job.toml",
        "format_version = 4\ninputs = []\nfolder = '.'\nshards = 3\n[score]\nspace = 'nasbench201'\n\
         proxies = 'synflow'\nseed = 0\ncompute = 'cpu'\ndouble = false\n[score.architectures]\n",
    );
    let other = nas.run_line(&format!("{by_workers} --shards 3"));
    assert_eq!(other.code, 2);
    for expected in ["contains another job (", "score.proxies was synflow, now "] {
        assert!(other.stderr.contains(expected), "{}", other.stderr);
    }
    let worker = nas.run_line("worker parts.bin.job --shard 4");
    assert!(worker.stderr.contains("has 3 parts"), "{}", worker.stderr);
    fs::remove_dir_all(nas.folder().join("parts.bin.job")).unwrap();

    // A list that was changed since the job began is refused by name.
    nas.write("list.txt", "6111\n1462\n");
    let of_list =
        "score --file list.txt --proxies synflow --out list.bin --engine local --shards 2";
    let mut killed = nas.spawn(of_list.split_whitespace());
    while !nas.folder().join("list.bin.job/job.toml").exists() {
        assert!(killed.try_wait().unwrap().is_none(), "it ended before it could be killed");
        thread::sleep(Duration::from_millis(2));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    nas.write("list.txt", "6111\n1463\n");
    let changed = nas.run_line(of_list);
    assert_eq!(changed.code, 2, "{}", changed.stdout);
    assert!(changed.stderr.contains("list.txt (--file)"), "{}", changed.stderr);
    fs::remove_dir_all(nas.folder().join("list.bin.job")).unwrap();
    assert_eq!(nas.run_line(of_list).code, 0);

    // A worker waits for another one at the same part, which a killed command left behind.
    let mut by_hand = nas.spawn(by_workers.split_whitespace());
    while !nas.folder().join("parts.bin.job/job.toml").exists() {
        assert!(by_hand.try_wait().unwrap().is_none(), "it ended before it could be killed");
        thread::sleep(Duration::from_millis(2));
    }
    by_hand.kill().unwrap();
    by_hand.wait().unwrap();
    let worker = || nas.spawn(["worker", "parts.bin.job", "--shard", "8"]);
    for mut one in [worker(), worker()] {
        assert!(one.wait().unwrap().success());
    }
    let again = ran(&nas, &by_workers);
    assert!(again.contains("17 architectures"), "{again}");
    assert_eq!(fs::read(&parts).unwrap(), fs::read(&whole).unwrap());
    fs::remove_file(&parts).unwrap();

    // A shard that is damaged is computed again, and a job has one command at a time.
    let mut first = nas.spawn(by_workers.split_whitespace());
    while !nas.folder().join("parts.bin.job/shard-1.bin").exists() {
        assert!(first.try_wait().unwrap().is_none(), "it ended before it could be killed");
        thread::sleep(Duration::from_millis(2));
    }
    let second = nas.run_line(&by_workers);
    assert_eq!(second.code, 2, "{}", second.stdout);
    assert!(second.stderr.contains("another command runs this job"), "{}", second.stderr);
    stop(&first);
    assert_eq!(first.wait().unwrap().code(), Some(130));
    let shard = nas.folder().join("parts.bin.job/shard-1.bin");
    let whole_shard = fs::read(&shard).unwrap();
    fs::write(&shard, &whole_shard[..whole_shard.len() - 9]).unwrap();
    let again = nas.run_line(&by_workers);
    assert!(again.stderr.contains("shard 1 is damaged"), "{}", again.stderr);
    assert_eq!(fs::read(&parts).unwrap(), fs::read(&whole).unwrap());
    fs::remove_file(&parts).unwrap();

    // Work that cannot be done is an error before any worker starts, and so is work that is lost.
    let unknown = nas.run_line(&by_workers.replace("nwot", "nwto"));
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("did you mean `nwot`"), "{}", unknown.stderr);
    nas.write(
        "transformer.txt",
        &nas.run_line("space sample --space autoformer-tiny -n 1 --format arch").stdout,
    );
    let inapplicable = nas.run_line(
        "score --space autoformer-tiny --file transformer.txt --out x.bin --engine local",
    );
    assert_eq!(inapplicable.code, 2);
    assert!(inapplicable.stderr.contains("GELU, unlike ReLU"), "{}", inapplicable.stderr);
    let absent = nas.run_line(&format!("{by_workers} --images no-such-file.bin"));
    assert_eq!(absent.code, 2);
    assert!(absent.stderr.contains("no-such-file.bin"), "{}", absent.stderr);
    let lost = nas.run_line(&format!("{by_workers} --shards 1 --retries 0 --compute cuda:77"));
    assert_eq!(lost.code, 1, "{}", lost.stderr);
    assert!(lost.stderr.contains("shard 1 was lost 1 times"), "{}", lost.stderr);
    assert!(nas.read("parts.bin.job/shard-1.log").contains("cuda"));
    let slurm = nas.run_line(&format!("{SCORE} --out other.bin --engine slurm --workers 2"));
    // Whether there is no Slurm, or none that answers.
    assert!(slurm.code != 0 && slurm.stderr.contains("sbatch"), "{}", slurm.stderr);
}

/// A search for a table's cells, each of which is evaluated.
const SEARCH: &str =
    "search --dataset ImageNet16-120 --latency-table latency.csv --accuracy proxies --batch 8";

#[test]
fn workers_compute_the_generations_of_a_search() {
    let nas = nas();
    nas.write("latency.csv", &latencies());
    let generations = "--evaluations 30 --children 10 --seed 4";
    let alone = format!("{SEARCH} {generations} --run alone");
    // As workers do, on one thread.
    let alone = nas.with_variable("OMP_NUM_THREADS", "1", &alone);
    assert_eq!(alone.code, 0, "{}", alone.stderr);
    let evaluations = |run: &str| nas.read(&format!("{run}/evaluations.csv"));
    let by_workers = format!("{SEARCH} {generations} --engine local --workers 2 --shards 3");
    ran(&nas, &format!("{by_workers} --run workers"));
    assert_eq!(evaluations("workers"), evaluations("alone"));
    assert!(!nas.folder().join("workers/proxies.job").exists());

    // Stopped before anything was evaluated.
    let mut child = nas.spawn(format!("{by_workers} --run stopped").split_whitespace());
    while !nas.folder().join("stopped/proxies.job/job.toml").exists() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it could be stopped");
        thread::sleep(Duration::from_millis(2));
    }
    stop(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));

    // Killed while they work, then resumed: their results are kept.
    let mut child = nas.spawn(format!("{by_workers} --run killed").split_whitespace());
    let first = nas.folder().join("killed/proxies.job/shard-1.bin");
    while !first.exists() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it could be killed");
        thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    ran(&nas, "search --resume killed");
    assert_eq!(evaluations("killed"), evaluations("alone"));
    assert!(!nas.folder().join("killed/proxies.job").exists());

    for (arguments, expected) in [
        ("search --workers 3", "--workers has no effect without --evaluate COMMAND or --engine"),
        (
            "search --engine local --shards 3 --evaluate cat",
            "--shards has no effect with --evaluate",
        ),
        ("score 6111 --workers 3", "--engine"),
        ("score 6111 --engine local", "add --out"),
    ] {
        let refused = nas.run_line(arguments);
        assert_eq!(refused.code, 2, "{arguments}");
        assert!(refused.stderr.contains(expected), "{arguments}: {}", refused.stderr);
    }
}
