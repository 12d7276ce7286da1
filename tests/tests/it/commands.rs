//! The output of the smaller commands.

use nas_tests::Nas;

const PROGRAM: &str = env!("CARGO_BIN_EXE_nas-under-test");

fn printed(nas: &Nas, arguments: &str) -> String {
    let ran = nas.run_line(arguments);
    assert_eq!(ran.code, 0, "{arguments}: {}", ran.stderr);
    ran.stdout
}

#[test]
fn the_space_describes_samples_and_converts_itself() {
    let nas = Nas::without_tables(PROGRAM);
    insta::assert_snapshot!("describe", printed(&nas, "space describe"));
    insta::assert_snapshot!("sample", printed(&nas, "space sample -n 2 --seed 3 --format csv"));
    insta::assert_snapshot!("convert", printed(&nas, "space convert 6111 (4,3,3,0,0,0)"));
}

#[test]
fn niches_are_described_and_counted() {
    let nas = Nas::without_tables(PROGRAM);
    insta::assert_snapshot!("pel_nas", printed(&nas, "niches --partition pel-nas"));
    insta::assert_snapshot!("flops", printed(&nas, "niches --partition flops --niches 3"));
    let thresholds = "niches --partition operations --thresholds 3,5";
    insta::assert_snapshot!("operations", printed(&nas, thresholds));
}

#[test]
fn the_front_of_a_table_is_found_and_measured() {
    let nas = Nas::without_tables(PROGRAM);
    nas.write("all.csv", "name,accuracy,ms\na,90,1\nb,95,2\nc,80,3\nd,99,9\ne,,1\n");
    nas.write("exact.csv", "accuracy,ms\n95,1\n99,9\n");
    let objectives = "front all.csv --objectives accuracy:max,ms:min";
    insta::assert_snapshot!("front", printed(&nas, &format!("{objectives} --reference 0,10")));
    insta::assert_snapshot!(
        "front_json",
        printed(&nas, &format!("{objectives} --scale --exact exact.csv --format json"))
    );
}

#[test]
fn published_costs_are_printed() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let ran = nas.json("latency 0 --device edgegpu");
    assert_eq!(ran[0]["latency_ms"], 5.807_418_537_139_893);
    let absent = nas.json("niches --device edgetpu --partition pel-nas");
    assert!(absent[5]["least_latency_ms"].as_f64().unwrap() > 0.0);
}

#[test]
fn proxies_and_measured_latency_are_printed() {
    let nas = Nas::without_tables(PROGRAM);
    let scored = nas.json("score 6111 0 --batch 16 --dataset ImageNet16-120 --seed 4");
    assert!(scored[0]["nwot"].as_f64() > scored[1]["nwot"].as_f64());
    let again = nas.json("score 6111 0 --batch 16 --dataset ImageNet16-120 --seed 4");
    assert_eq!(scored, again);
    let measured = nas.json("latency 6111 --dataset ImageNet16-120");
    assert!(measured[0]["latency_ms"].as_f64().unwrap() > 0.0);
}

#[test]
fn doctor_shows_what_is_missing_and_what_to_type() {
    let nas = Nas::without_tables(PROGRAM);
    let printed = printed(&nas, "doctor");
    assert!(printed.contains("ok       libtorch: a convolution runs"), "{printed}");
    assert!(printed.contains("missing  published proxies"), "{printed}");
    assert!(printed.contains("type: nas download"), "{printed}");
}

#[test]
fn tables_are_copied_from_a_mirror_once() {
    let Some(mirror) = nas_tests::mirror() else { return };
    let nas = Nas::without_tables(PROGRAM);
    let download = format!("download --mirror {}", mirror.display());
    let first = nas.run_line(&download);
    assert_eq!(first.code, 0, "{}", first.stderr);
    assert!(first.stderr.contains("compiled"), "{}", first.stderr);
    let again = nas.run_line(&download);
    assert!(again.stderr.contains("nothing to do"), "{}", again.stderr);
    assert_eq!(nas.run_line("latency 0 --device fpga").code, 0);
}

#[test]
fn numbers_of_front_are_numbers_in_order_and_what_does_not_count_is_named() {
    let nas = Nas::without_tables(PROGRAM);
    nas.write(
        "all.csv",
        "id,acc,\"size, MB\"\n007,90.123456789012345,1\n008,95,2.5\n009,99,9\n010,80,3\n",
    );
    let front = |more: &str| {
        let line =
            format!("'{PROGRAM}' front all.csv --objectives 'acc:max,\"size, MB:min\"' {more}");
        let ran = nas.shell(&line);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stdout
    };
    // Best in the first objective first, rounded for reading; a number such as 007 stays as it is.
    insta::assert_snapshot!("front_in_order", front("--reference 0,10"));
    let found: serde_json::Value =
        serde_json::from_str(&front("--reference 0,10 --format json")).unwrap();
    assert_eq!(found["front"][0]["acc"], 99);
    assert_eq!(found["front"][2]["acc"], 90.123_456_789_012_35);
    assert_eq!(found["front"][2]["id"], "007");
    assert_eq!(found["points_within_reference"], 4);
    // A reference point is in the columns' units, scaled or not.
    nas.write("two.csv", "a,b\n1,2\n2,1\n");
    let volume = |options: &str| {
        let front = format!("front two.csv --objectives a:min,b:min {options} --format json");
        let found: serde_json::Value = serde_json::from_str(&nas.run_line(&front).stdout).unwrap();
        found["hypervolume"].as_f64().unwrap()
    };
    approx::assert_relative_eq!(volume("--reference 3,3"), 3.0);
    approx::assert_relative_eq!(volume("--scale --reference 3,3"), 3.0);
    approx::assert_relative_eq!(volume("--scale --reference 2,2"), 0.0);
    // Rows of equal values are all there, and counted once.
    nas.write("equal.csv", "id,a,b\n1,2,3\n2,2,3\n3,1,4\n");
    let equal = nas.run_line("front equal.csv --objectives a:min,b:min").stdout;
    assert!(
        equal.contains("3 of 3 rows are non-dominated, which are 2 different points"),
        "{equal}"
    );
    // A reference point with its values swapped, and one that excludes a part.
    let swapped = front("--reference 10,0");
    assert!(
        swapped.contains("no row lies within the reference point (size, MB excludes 4)"),
        "{swapped}"
    );
    let part = front("--reference 85,5");
    assert!(part.contains("2 of 4 rows lie within"), "{part}");
    assert!(part.contains("acc excludes 1, size, MB excludes 1"), "{part}");
    // Neither a cell nor a title commands a terminal.
    nas.write("hostile.csv", "a\u{1b}[31m,b\nx\u{1b}[2J,1\n");
    let hostile = nas.run_line("front hostile.csv --objectives b:min");
    assert!(hostile.stdout.contains("31m") && !hostile.stdout.contains('\u{1b}'));
    nas.write("twice.csv", "acc,ms,acc\n1,2,3\n");
    let refused = nas.run_line("front twice.csv --objectives acc:max,ms:min");
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("two columns are named `acc`"), "{}", refused.stderr);
}

#[test]
fn every_file_of_text_may_have_a_byte_order_mark_and_any_ends_of_lines() {
    let nas = Nas::without_tables(PROGRAM);
    let windows = |text: &str| format!("\u{feff}{}", text.replace('\n', "\r\n"));
    nas.write("space.toml", &windows(nas_tests::SPACE));
    let sample = nas.json("space sample --space space.toml -n 12 --seed 4");
    let archs: Vec<&str> =
        sample.as_array().unwrap().iter().map(|row| row["arch"].as_str().unwrap()).collect();
    nas.write("list.txt", &windows(&(archs.join("\n") + "\n")));
    let table = |column: &str| {
        let rows = archs.iter().zip(50..).map(|(arch, value)| format!("{arch},{value}\n"));
        windows(&(format!("arch,{column}\n") + &rows.collect::<String>()))
    };
    nas.write("accuracies.csv", &table("accuracy_percent"));
    nas.write("latencies.csv", &table("latency_ms"));
    for line in [
        "space convert --space space.toml --file list.txt",
        "predict fit --space space.toml --accuracy-table accuracies.csv --out p.json",
        "predict apply p.json --space space.toml --file list.txt",
        "search --space space.toml --accuracy-table accuracies.csv --latency-table latencies.csv --run r",
        "front latencies.csv --objectives latency_ms:min",
    ] {
        let ran = nas.run_line(line);
        assert_eq!(ran.code, 0, "{line}: {}", ran.stderr);
    }
    std::fs::write(nas.folder().join("list.txt"), b"\xff\xfea\0").unwrap();
    let refused = nas.run_line("space convert --space space.toml --file list.txt");
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("UTF-16"), "{}", refused.stderr);
}
