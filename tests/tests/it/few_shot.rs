//! Latencies of a device predicted from a few of them: each of HW-NAS-Bench's devices hidden, and
//! the way from a list of what to measure to a search.

use std::fmt::Write;

use nas_tests::Nas;

const PROGRAM: &str = env!("CARGO_BIN_EXE_nas-under-test");

/// Spearman over the cells that the device can run, of each device and of their mean, for 10 and
/// 30 measurements.
fn spearman(nas: &Nas, dataset: &str) -> Vec<(String, u64, f64)> {
    let result = nas.json(&format!("latency eval --dataset {dataset}"));
    println!("{dataset}: {result}");
    let row = |row: &serde_json::Value| {
        let device = row["device"].as_str().unwrap().to_owned();
        (device, row["measurements"].as_u64().unwrap(), row["spearman"].as_f64().unwrap())
    };
    result.as_array().unwrap().iter().map(row).collect()
}

#[test]
fn ten_and_thirty_measurements_rank_cells_on_a_hidden_device() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    for (dataset, least) in
        [("cifar10", [0.93, 0.96]), ("cifar100", [0.93, 0.96]), ("ImageNet16-120", [0.93, 0.94])]
    {
        let rows = spearman(&nas, dataset);
        assert_eq!(rows.len(), 14);
        for (count, least) in [10, 30].into_iter().zip(least) {
            let of_count: Vec<&(String, u64, f64)> =
                rows.iter().filter(|row| row.1 == count).collect();
            let (mean, devices) = of_count.split_last().unwrap();
            assert_eq!((mean.0.as_str(), devices.len()), ("mean", 6));
            let sum: f64 = devices.iter().map(|row| row.2).sum();
            assert!((mean.2 - sum / 6.0).abs() < 1e-12);
            assert!(mean.2 >= least, "{dataset}, {count}: {}", mean.2);
        }
    }
}

#[test]
fn listed_cells_are_measured_and_searched() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    // The device is a published one, and not hidden: this tests the workflow, not the quality.
    let mut mine = "arch,latency_ms\n".to_owned();
    let asked = nas.json("latency fit --next 12");
    let asked = asked.as_array().unwrap();
    assert_eq!(asked.len(), 12);
    for row in asked {
        let index = &row["index"];
        let latency = nas.json(&format!("latency {index} --device edgetpu"));
        let latency =
            latency[0]["latency_ms"].as_f64().map_or_else(String::new, |ms| ms.to_string());
        writeln!(mine, "{index},{latency}").unwrap();
    }
    nas.write("mine.csv", &mine);
    let absent = mine.lines().filter(|line| line.ends_with(',')).count();
    let result = nas.run_line("latency fit mine.csv --next 3");
    assert_eq!(result.code, 0, "{}", result.stderr);
    let measured = format!("predicted from {} measurements", 12 - absent);
    assert!(result.stdout.contains(&measured), "{}", result.stdout);
    let all = nas.run_line("latency fit mine.csv --format csv");
    assert_eq!(all.stdout.lines().count(), 15_626);
    assert_eq!(all.stdout.lines().filter(|line| line.contains(",true,")).count(), 12 - absent);
    // The predictions for all contain what to measure next, in its order.
    let next = nas.json("latency fit mine.csv --next 3");
    let next = next.as_array().unwrap().iter().filter_map(|row| row["next"].as_u64());
    let mut next: Vec<u64> = next.collect();
    next.sort_unstable();
    assert_eq!(next, [1, 2, 3]);
    nas.write("all.csv", &all.stdout);
    let found = nas.json("search --latency-table all.csv --trained 50");
    assert!(!found["front"].as_array().unwrap().is_empty());
}

#[test]
fn mistakes_in_measurements_are_errors() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    for (text, expected) in [
        ("arch,latency_ms\n6111,fast\n", "row 2, column latency_ms: `fast`"),
        ("arch,latency_ms\n6111,\n", "contains no latency"),
        ("arch,latency_ms\n99999,1\n", "row 2, column arch"),
        ("arch,seconds\n6111,1\n", "no column latency_ms"),
    ] {
        nas.write("mine.csv", text);
        let ran = nas.run_line("latency fit mine.csv");
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
        assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    }
}

/// Noise of 60 % in measurements: a linear model then predicts latencies below 0 for some of the cells.
#[test]
fn no_latency_is_predicted_below_what_devices_show() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let asked = nas.json("latency fit --next 10");
    let indices: Vec<u64> =
        asked.as_array().unwrap().iter().map(|row| row["index"].as_u64().unwrap()).collect();
    let values = |device: &str| -> Vec<f64> {
        let list = indices.iter().map(u64::to_string).collect::<Vec<_>>().join(" ");
        let rows = nas.json(&format!("latency {list} --device {device}"));
        rows.as_array().unwrap().iter().map(|row| row["latency_ms"].as_f64().unwrap()).collect()
    };
    for noise in [1.0, 1.6] {
        let mut mine = "arch,latency_ms\n".to_owned();
        let noisy = values("raspi4").into_iter().enumerate().map(|(at, value)| match at % 2 {
            0 => value * noise,
            _ => value / noise,
        });
        let noisy: Vec<f64> = noisy.collect();
        for (index, value) in indices.iter().zip(&noisy) {
            writeln!(mine, "{index},{value}").unwrap();
        }
        nas.write("mine.csv", &mine);
        let all = nas.json("latency fit mine.csv");
        let all = all.as_array().unwrap().iter().map(|row| row["latency_ms"].as_f64().unwrap());
        let least = all.fold(f64::INFINITY, f64::min);
        let measured = noisy.iter().copied().fold(f64::INFINITY, f64::min);
        assert!(least > 0.01 * measured, "{least} of {measured}");
    }
}
