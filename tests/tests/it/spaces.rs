//! The spaces beside NAS-Bench-201 through the program: AutoFormer's vision transformers, whose
//! latency is measured here, FBNet, whose costs were published, and PiT.

use nas_tests::{Nas, Ran};

const PROGRAM: &str = env!("CARGO_BIN_EXE_nas-under-test");

/// The first block in each of FBNet's layers.
fn first_blocks() -> String {
    ["k3_e1"; 22].join(" ")
}

fn refused(ran: &Ran, expected: &str) {
    assert_eq!(ran.code, 2, "{}", ran.stdout);
    assert!(ran.stderr.contains(expected), "{}", ran.stderr);
}

/// The columns of a table in CSV by their titles.
fn column(csv: &str, title: &str) -> Vec<f64> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let at = reader.headers().unwrap().iter().position(|found| found == title);
    let at = at.unwrap_or_else(|| panic!("no column {title} in {csv}"));
    reader.records().map(|row| row.unwrap()[at].parse().unwrap()).collect()
}

#[test]
fn a_search_for_vision_transformers_predicts_accuracy_and_measures_latency() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let search =
        "search --space autoformer-tiny --device host --proposer statistical --evaluations 6";
    let ran = nas.run_line(search);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for expected in [
        "predicted %",
        "latency ms",
        "parameters [M]",
        "accuracy predicted from 100 networks of ViT-Bench-101 (imagenet, supernet)",
        "latency measured on this machine",
    ] {
        assert!(ran.stdout.contains(expected), "{}", ran.stdout);
    }
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 80), "{}", ran.stdout);
    let run = "runs/autoformer-tiny-host-statistical-seed0";
    let evaluated = nas.read(&format!("{run}/evaluations.csv"));
    let [accuracies, low, high, latencies, spreads, parameters] = [
        "predicted_accuracy_percent",
        "predicted_low_percent",
        "predicted_high_percent",
        "latency_ms",
        "latency_spread_ms",
        "parameters",
    ]
    .map(|title| column(&evaluated, title));
    assert_eq!(accuracies.len(), 6);
    for row in 0..6 {
        assert!((70.0..78.0).contains(&accuracies[row]));
        assert!(low[row] <= accuracies[row] && accuracies[row] <= high[row]);
        assert!(latencies[row] > spreads[row] && spreads[row] >= 0.0);
        assert!((5e6..11e6).contains(&parameters[row]));
    }
    assert!(nas.read(&format!("{run}/config.toml")).contains("space = \"autoformer-tiny\""));
}

#[test]
fn missing_publications_of_transformers_are_errors() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    refused(&nas.run_line("search --space autoformer-small --device raspi4"), "for raspi4");
    refused(
        &nas.run_line("search --space autoformer-small --accuracy predictor"),
        "no accuracies of autoformer-small, imagenet were published",
    );
    refused(
        &nas.run_line("search --space autoformer-tiny --trained 50"),
        "--trained has no effect here",
    );
    refused(
        &nas.run_line("search --space autoformer-tiny --accuracy benchmark"),
        "only some accuracies",
    );
    refused(
        &nas.run_line("search --space autoformer-tiny --dataset cifar10"),
        "did you mean `cifar100`",
    );
    refused(&nas.run_line("search --space autoformer"), "autoformer-tiny");
    let small = nas.run_line("search --space autoformer-small --evaluations 2 --batch 2 --seed 3");
    assert_eq!(small.code, 0, "{}", small.stderr);
    assert!(small.stdout.contains("training-free score, not an accuracy"), "{}", small.stdout);
}

#[test]
fn the_papers_niches_of_transformers_are_by_width_and_depth() {
    let nas = Nas::without_tables(PROGRAM);
    let niches = nas.run_line("niches --space autoformer-base --partition pel-nas --format csv");
    assert_eq!(niches.stdout.lines().count(), 10, "{}", niches.stdout);
    assert!(niches.stdout.contains("1,\"embedding dimension = 528, depth = 14\""));
    assert!(column(&niches.stdout, "architectures").iter().all(|count| *count > 1000.0));
}

#[test]
fn proxies_that_do_not_apply_to_transformers_are_errors_and_left_out_of_all() {
    let nas = Nas::without_tables(PROGRAM);
    let sampled = nas.run_line("space sample --space autoformer-tiny -n 2 --format csv").stdout;
    let mut reader = csv::Reader::from_reader(sampled.as_bytes());
    let archs: Vec<String> = reader.records().map(|row| row.unwrap()[0].to_owned()).collect();
    nas.write("some.txt", &archs.join("\n"));
    let score = "score --space autoformer-tiny --batch 4 --file some.txt --format csv";
    refused(&nas.run_line(&format!("{score} --proxies nwot")), "GELU, unlike ReLU");
    let out = score.replace("--format csv", "--out some.bin");
    refused(&nas.run_line(&out), "GELU, unlike ReLU");
    assert!(!nas.folder().join("some.bin").exists());
    let all = nas.run_line(&format!("{score} --proxies all"));
    assert_eq!(all.code, 0, "{}", all.stderr);
    let header = all.stdout.lines().next().unwrap();
    for (proxy, there) in
        [("dss", true), ("az_expressivity", true), ("nwot", false), ("synflow", false)]
    {
        assert_eq!(header.split(',').any(|name| name == proxy), there, "{header}");
    }
    let facts =
        nas.run_line("space convert --space autoformer-tiny --file some.txt --format csv").stdout;
    assert_eq!(column(&all.stdout, "flops"), column(&facts, "flops"));
    assert_eq!(column(&all.stdout, "params"), column(&facts, "parameters"));
    refused(&nas.run_line("score --space autoformer-tiny"), "nas space sample");
}

#[test]
fn fbnets_costs_are_sums_of_published_blocks() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    for (device, latency) in [("edgegpu", 15.8045), ("raspi4", 17.6186), ("fpga", 10.7395)] {
        let command = ["latency", "--space", "fbnet", "--device", device, "--format", "csv"];
        let ran = nas.run(command.into_iter().map(str::to_owned).chain([first_blocks()]));
        let found = column(&ran.stdout, "latency_ms")[0];
        assert!((found - latency).abs() < 5e-5, "{device} {found}");
        assert_eq!(ran.stdout.contains("energy_mJ"), device != "raspi4");
    }
    refused(
        &nas.run_line("search --space fbnet --device edgetpu"),
        "were published for edgetpu, only for edgegpu, raspi4",
    );
    refused(
        &nas.run_line("search --space fbnet --accuracy predictor"),
        "no accuracies of FBNet, cifar100 were published",
    );
    let workers = nas.run_line("search --space fbnet --device raspi4 --workers 3");
    refused(&workers, "--workers has no effect without --evaluate");
}

#[test]
fn fbnet_is_searched_by_a_score_and_published_costs() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let search = "search --space fbnet --device edgegpu --energy --evaluations 4 --batch 4";
    let ran = nas.run_line(search);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for expected in ["score", "latency ms", "energy mJ", "latency on edgegpu, published"] {
        assert!(ran.stdout.contains(expected), "{}", ran.stdout);
    }
    let niches =
        nas.run_line("niches --space fbnet --device raspi4 --partition flops --format csv");
    let medians = column(&niches.stdout, "median_latency_ms");
    assert!(medians.len() == 6 && medians.is_sorted(), "{medians:?}");
    let ranked = nas.run_line("niches --space fbnet --device raspi4 --rank --format csv");
    let best = ranked.stdout.lines().nth(1).unwrap();
    assert!(best.starts_with("flops,6,"), "{}", ranked.stdout);
}

#[test]
fn pit_is_predicted_with_a_users_own_latencies() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    refused(&nas.run_line("search --space pit"), "add --latency-table FILE");
    let sampled = nas.run_line("space sample --space pit -n 20 --format csv").stdout;
    let mut reader = csv::Reader::from_reader(sampled.as_bytes());
    let archs: Vec<String> = reader.records().map(|row| row.unwrap()[0].to_owned()).collect();
    let rows = archs.iter().enumerate().map(|(at, arch)| format!("\"{arch}\",{at}.5\n"));
    nas.write("mine.csv", &("arch,latency_ms\n".to_owned() + &rows.collect::<String>()));
    let ran = nas.run_line("search --space pit --latency-table mine.csv");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stdout.contains("100 networks of ViT-Bench-101 (cifar100, distilled)"),
        "{}",
        ran.stdout
    );
}
