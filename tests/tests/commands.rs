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
