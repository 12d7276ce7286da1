//! `nas score` into a file: killed and continued, in shards, in both formats.

use std::{fs, thread, time::Duration};

use nas_tests::Nas;

const PROGRAM: &str = env!("CARGO_BIN_EXE_nas-under-test");

/// Cells among which are twins, which have their values in common; small images for speed.
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
    let ran = nas.say(arguments);
    assert_eq!(ran.code, 0, "{arguments}: {}", ran.stderr);
    ran.stdout
}

#[test]
fn a_killed_command_goes_on_to_the_same_file() {
    let nas = nas();
    ran(&nas, &format!("{SCORE} --out whole.bin"));
    let whole = fs::read(nas.folder().join("whole.bin")).unwrap();

    let mut child = nas.spawn(format!("{SCORE} --out cut.bin --jobs 1").split_whitespace());
    let partial = nas.folder().join("cut.bin.partial");
    let record = 2 + 3 * 8 + 4;
    let header = whole.iter().position(|&byte| byte == b'\n').unwrap();
    while fs::metadata(&partial).map_or(0, |found| found.len()) < (header + 3 * record) as u64 {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it could be killed");
        thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!nas.folder().join("cut.bin").exists());

    let other = nas.say(&format!("{SCORE} --out cut.bin --seed 5"));
    assert_eq!(other.code, 2);
    assert!(other.stderr.contains("another computation: command"), "{}", other.stderr);

    // Another part would leave out what is computed: it is refused, and nothing is lost.
    let part = nas
        .say(&format!("score 857 {} --out cut.bin", SCORE.replace("score --file cells.txt", "")));
    assert_eq!(part.code, 2, "{}", part.stderr);
    assert!(part.stderr.contains("cells in it are not among those"), "{}", part.stderr);

    let again = nas.say(&format!("{SCORE} --out cut.bin"));
    assert!(again.stderr.contains("going on after"), "{}", again.stderr);
    assert_eq!(fs::read(nas.folder().join("cut.bin")).unwrap(), whole);
    assert!(!partial.exists());
}

#[test]
fn shards_merge_to_the_bytes_of_the_whole() {
    let nas = nas();
    let told = ran(&nas, &format!("{SCORE} --out whole.bin"));
    assert_eq!(told, "17 cells, 3 proxies, in whole.bin\n");
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

    let twice = nas.say("score-merge part1.bin part1.bin --out twice.bin");
    assert_eq!(twice.code, 2);
    assert!(twice.stderr.contains("is in a file before as well"), "{}", twice.stderr);
}

#[test]
fn a_file_that_is_there_is_kept() {
    let nas = nas();
    nas.write("mine.csv", "precious");
    let refused = nas.say(&format!("{SCORE} --out mine.csv"));
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("--force"), "{}", refused.stderr);
    let refused = nas.say(&format!("{SCORE} --out mine.parquet"));
    assert!(refused.stderr.contains(".csv or .bin"), "{}", refused.stderr);
    assert_eq!(nas.read("mine.csv"), "precious");
    fs::create_dir(nas.folder().join("folder.bin")).unwrap();
    let refused = nas.say(&format!("{SCORE} --out folder.bin --force"));
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("is a folder"), "{}", refused.stderr);
    let refused = nas.say("score-merge mine.csv --out other.bin");
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
    let second = nas.say(&format!("{SCORE} --out same.bin --jobs 1"));
    assert!(first.wait().unwrap().success());
    assert_eq!(second.code, 2, "{}", second.stderr);
    assert!(second.stderr.contains("another process is writing it"), "{}", second.stderr);
    ran(&nas, &format!("{SCORE} --out alone.bin"));
    let bytes = |name: &str| fs::read(nas.folder().join(name)).unwrap();
    assert_eq!(bytes("same.bin"), bytes("alone.bin"));
}

#[test]
fn a_part_of_the_space_says_so_and_a_batch_has_a_limit() {
    let nas = nas();
    let told = ran(&nas, "score --space nb201 --proxies flops --shard 1/200 --out part.bin");
    assert!(told.contains(" of the space's 6877 cells"), "{told}");
    let told = ran(&nas, "score-merge part.bin --out merged.bin");
    assert!(told.contains(" of the space's 6877 cells"), "{told}");
    let refused = nas.say("score 6111 --proxies flops --batch 1000000000000");
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("at most 65536"), "{}", refused.stderr);
}

#[test]
fn a_cell_may_begin_with_no_operation() {
    let nas = nas();
    let ran = nas.run(["score", "- - - 3x3 - -", "--proxies", "flops", "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("flops"), "{}", ran.stdout);
    let typo = nas.say("score 6111 --proxis flops");
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
    let told = ran(&nas(), "score 6111 1 2 3 4 5 --batch 4 --proxies all");
    assert!(told.lines().all(|line| line.len() <= 80), "{told}");
    assert_eq!(told.lines().filter(|line| line.starts_with("params ")).count(), 2, "{told}");
    assert!(told.contains("1073466"), "{told}");
}

#[test]
fn what_cannot_be_scored_says_what_to_type() {
    let nas = nas();
    nas.write("images.bin", &"\0".repeat(4 * 3073));
    for (arguments, expected) in [
        ("score", "--space nb201"),
        ("score 6111 --out nowhere/scores.bin", "no folder nowhere"),
        ("score 6111 --images images.bin --dataset cifar100", "--dataset"),
        ("score 6111 --device cuda:4096", "nas doctor"),
    ] {
        let refused = nas.say(arguments);
        assert_eq!(refused.code, 2, "{arguments}");
        assert!(refused.stderr.contains(expected), "{arguments}: {}", refused.stderr);
    }
}

#[test]
fn workers_compute_what_one_process_does_and_the_same_command_goes_on() {
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
    nas.write(
        "parts.bin.job/job.toml",
        "format_version = 9\nfolder = '.'\narguments = []\nshards = 3",
    );
    let newer = nas.say(&format!("{by_workers} --shards 3"));
    assert_eq!(newer.code, 2);
    assert!(newer.stderr.contains("format 9, but this program reads 1"), "{}", newer.stderr);
    nas.write(
        "parts.bin.job/job.toml",
        "format_version = 1\nfolder = '.'\narguments = []\nshards = 3",
    );
    let other = nas.say(&format!("{by_workers} --shards 3"));
    assert_eq!(other.code, 2);
    assert!(other.stderr.contains("holds another job"), "{}", other.stderr);
    let worker = nas.say("worker parts.bin.job --shard 4");
    assert!(worker.stderr.contains("has 3 parts"), "{}", worker.stderr);
    fs::remove_dir_all(nas.folder().join("parts.bin.job")).unwrap();

    // What cannot be computed is told before any worker begins, and what is lost for good is told.
    let unknown = nas.say(&by_workers.replace("nwot", "nwto"));
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("did you mean `nwot`"), "{}", unknown.stderr);
    let lost = nas.say(&format!("{by_workers} --shards 1 --retries 0 --images no-such-file.bin"));
    assert_eq!(lost.code, 1, "{}", lost.stderr);
    assert!(lost.stderr.contains("shard 1 was lost 1 times"), "{}", lost.stderr);
    assert!(nas.read("parts.bin.job/shard-1.log").contains("no-such-file.bin"));
    let slurm = nas.say(&format!("{SCORE} --out other.bin --engine slurm --workers 2"));
    // Whether there is no Slurm, or none that answers.
    assert!(slurm.code != 0 && slurm.stderr.contains("sbatch"), "{}", slurm.stderr);
}
