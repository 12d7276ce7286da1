//! Bad input: exit code 2, a message that helps, nothing half-written.

use nas_tests::Nas;

const PROGRAM: &str = env!("CARGO_BIN_EXE_nas-under-test");

/// What a refused command prints, its folder named `[folder]`.
fn refused(nas: &Nas, arguments: &str) -> String {
    let ran = nas.run_line(arguments);
    assert_eq!(ran.code, 2, "{arguments}: {}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.stdout, "", "{arguments}");
    assert!(!ran.stderr.contains("backtrace"), "{}", ran.stderr);
    assert!(!nas.folder().join("runs").exists(), "{arguments} left a run");
    ran.stderr.replace(&nas.folder().display().to_string(), "[folder]")
}

#[test]
fn unknown_names_are_an_error_with_the_nearest_name() {
    let nas = Nas::without_tables(PROGRAM);
    insta::assert_snapshot!("unknown_device", refused(&nas, "search --device raspi"));
    insta::assert_snapshot!("unknown_dataset", refused(&nas, "search --dataset cifar11"));
    insta::assert_snapshot!("unknown_space", refused(&nas, "search --space nasbench101"));
    insta::assert_snapshot!("unknown_partition", refused(&nas, "niches --partition nor_conv_5x5"));
    insta::assert_snapshot!("unknown_proxy", refused(&nas, "score 0 --proxies nawsot"));
    insta::assert_snapshot!(
        "unknown_operation",
        refused(&nas, "space convert |nor_conv_5x5~0|+|none~0|none~1|+|none~0|none~1|none~2|")
    );
}

#[test]
fn errors_in_architectures_show_the_position() {
    let nas = Nas::without_tables(PROGRAM);
    nas.write("cells.txt", "0\n\n|none~0|none~0|\n");
    insta::assert_snapshot!("malformed_arch", refused(&nas, "score --file cells.txt"));
    insta::assert_snapshot!("malformed_index", refused(&nas, "space convert 15625"));
    insta::assert_snapshot!("malformed_tuple", refused(&nas, "space convert (4,3,3,0,0)"));
}

#[test]
fn values_that_are_no_numbers_are_shown_with_row_and_column() {
    let nas = Nas::without_tables(PROGRAM);
    nas.write("points.csv", "a,b\n1,2\n3,NaN\n");
    insta::assert_snapshot!("nan", refused(&nas, "front points.csv --objectives a:min,b:min"));
    nas.write("points.csv", "a,b\n1,inf\n");
    insta::assert_snapshot!("infinity", refused(&nas, "front points.csv --objectives a:min,b:min"));
    insta::assert_snapshot!("column", refused(&nas, "front points.csv --objectives a:min,bb:min"));
    insta::assert_snapshot!(
        "direction",
        refused(&nas, "front points.csv --objectives a:less,b:min")
    );
    let cell = "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|";
    nas.write("mine.csv", &format!("arch,latency_ms\n{cell},inf\n"));
    let table = "search --accuracy proxies --latency-table mine.csv";
    insta::assert_snapshot!("table", refused(&nas, table).replace("[folder]/", ""));
}

#[test]
fn missing_tables_are_an_error_with_the_command_that_downloads_them() {
    let nas = Nas::without_tables(PROGRAM);
    for command in ["search --device raspi4", "latency 0 --device fpga", "niches --device fpga"] {
        let message = refused(&nas, command);
        assert!(message.contains("run `nas download`"), "{message}");
    }
}

#[test]
fn a_limit_needs_its_unit() {
    let nas = Nas::without_tables(PROGRAM);
    insta::assert_snapshot!("unit", refused(&nas, "search --max-latency 5"));
}

#[test]
fn an_output_folder_that_cannot_be_used_is_noticed_before_the_search() {
    let nas = Nas::without_tables(PROGRAM);
    nas.write("occupied", "a file");
    let message = refused(&nas, "search --run occupied/run --evaluations 1000000");
    assert!(message.contains("occupied"), "{message}");
    let message = refused(&nas, "search --run . --force --evaluations 1000000");
    assert!(message.contains("is no run"), "{message}");
    assert_eq!(nas.read("occupied"), "a file");
}

#[test]
fn images_of_the_wrong_length_are_refused() {
    let nas = Nas::without_tables(PROGRAM);
    nas.write("images.bin", "too short");
    let message = refused(&nas, "score 0 --images images.bin");
    assert!(message.contains("images.bin") && message.contains("3073"), "{message}");
}

#[test]
fn a_batch_of_one_and_an_absent_gpu_are_errors() {
    let nas = Nas::without_tables(PROGRAM);
    let message = refused(&nas, "score 0 --batch 1");
    assert!(message.contains("expected 2 to 65536"), "{message}");
    let message = refused(&nas, "score 0 --compute cuda:99");
    assert!(message.contains("cuda:99"), "{message}");
}

#[test]
fn options_of_proxies_have_no_effect_with_a_table_of_accuracies() {
    let nas = Nas::without_tables(PROGRAM);
    nas.write("mine.csv", "arch,accuracy\n6111,90\n");
    for option in ["--images images.bin", "--batch 8", "--compute cpu"] {
        let message = refused(&nas, &format!("search --accuracy-table mine.csv {option}"));
        let name = option.split(' ').next().unwrap();
        assert!(message.contains(&format!("leave {name} out")), "{message}");
    }
    let message = refused(&nas, "score 6111 --proxies flops --shard 1/2 --format csv");
    assert!(message.contains("--out"), "{message}");
}
