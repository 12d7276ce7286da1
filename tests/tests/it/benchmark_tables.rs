//! The published files from the mirror, through download and compilation to looked-up values,
//! compared with known values.

use std::{fs, path::Path};

use approx::assert_relative_eq;
use nas_bench::{
    Downloader, Error, FbnetBlocks, Fidelity, Group, Manifest, NasBench201, Outcome,
    PublishedProxies, SUITE_ZERO, compile, raw_path,
};
use nas_hw::{Metric, Millis};
use nas_space::{
    Arch, fbnet,
    nasbench201::{self, CELLS, Dataset},
};
use nas_tests::{mirror, tables};

#[tokio::test]
async fn files_are_fetched_and_compiled_once() {
    let Some(mirror) = mirror() else { return };
    let folder = tempfile::tempdir().unwrap();
    let manifest = Manifest::embedded().unwrap();
    let files = manifest.group(Group::Tables);
    let downloader = Downloader::new(folder.path()).mirror(mirror);
    let names: Vec<String> = files.iter().map(|entry| entry.name.clone()).collect();

    let missing = NasBench201::open(folder.path()).unwrap_err();
    assert!(matches!(missing, Error::MissingTables { .. }), "{missing}");
    assert!(missing.to_string().contains("nas download"), "{missing}");

    let first = downloader.fetch(&files, &()).await.unwrap();
    assert_eq!(first, Outcome { fetched: names.clone(), present: Vec::new() });
    let again = downloader.fetch(&files, &()).await.unwrap();
    assert_eq!(again, Outcome { fetched: Vec::new(), present: names });

    assert_eq!(compile(folder.path()).unwrap().written.len(), 4);
    // Compiled tables do not need the raw files.
    fs::remove_dir_all(folder.path().join("raw")).unwrap();
    let again = compile(folder.path()).unwrap();
    assert_eq!((again.written.len(), again.up_to_date.len()), (0, 4));
}

#[tokio::test]
async fn damage_is_noticed_and_repaired() {
    let Some(mirror) = mirror() else { return };
    let folder = tempfile::tempdir().unwrap();
    let manifest = Manifest::embedded().unwrap();
    let files = manifest.group(Group::Tables);
    let downloader = Downloader::new(folder.path()).mirror(mirror);
    downloader.fetch(&files, &()).await.unwrap();
    compile(folder.path()).unwrap();

    let table = folder.path().join("nasbench201.bin");
    flip_a_byte(&table);
    let error = NasBench201::open(folder.path()).unwrap_err();
    assert!(error.to_string().contains("run `nas download` to rebuild it"), "{error}");

    let raw = raw_path(folder.path(), manifest.find("robustness/cifar10").unwrap());
    flip_a_byte(&raw);
    let error = compile(folder.path()).unwrap_err();
    assert!(matches!(error, Error::Checksum { .. }), "{error}");

    let repaired = downloader.fetch(&files, &()).await.unwrap();
    assert_eq!(repaired.fetched, ["robustness/cifar10"]);
    assert_eq!(compile(folder.path()).unwrap().written, [table]);
    NasBench201::open(folder.path()).unwrap();
}

fn flip_a_byte(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn the_best_accuracies_are_the_published_ones() {
    let Some(folder) = tables() else { return };
    let table = NasBench201::open(&folder).unwrap();
    let best = |dataset, fidelity| {
        let values = table.accuracy(dataset, fidelity).unwrap();
        assert_eq!(values.len(), CELLS);
        let most = values.iter().copied().fold(0.0, f64::max);
        // The first of equals: on CIFAR-10, cell 13,714 reaches the same.
        let index = values.iter().position(|value| *value >= most).unwrap();
        (index, (most * 100.0).round() / 100.0)
    };
    assert_eq!(best(Dataset::Cifar10, Fidelity::TEST), (6111, 94.37));
    assert_eq!(best(Dataset::Cifar100, Fidelity::TEST), (9930, 73.51));
    assert_eq!(best(Dataset::ImageNet16_120, Fidelity::TEST), (857, 47.31));
    assert_eq!(best(Dataset::Cifar10, Fidelity::VALIDATION), (1459, 91.57));
    for dataset in [Dataset::Cifar100, Dataset::ImageNet16_120] {
        assert_eq!(table.fidelities(dataset), [Fidelity::TEST]);
        assert!(table.accuracy(dataset, Fidelity::VALIDATION).is_err());
    }
}

/// The validation accuracies come by operation tuple, the test accuracies by index: they agree only if both
/// are assigned to the same cells.
#[test]
fn validation_and_test_accuracies_are_of_the_same_cells() {
    let Some(folder) = tables() else { return };
    let table = NasBench201::open(&folder).unwrap();
    let validation = table.accuracy(Dataset::Cifar10, Fidelity::VALIDATION).unwrap();
    let test = table.accuracy(Dataset::Cifar10, Fidelity::TEST).unwrap();
    let close = validation.iter().zip(test).filter(|(v, t)| (2.0..6.0).contains(&(**t - **v)));
    let share = close.count() as f64 / CELLS as f64;
    assert!(share > 0.9, "{share}");
}

#[test]
fn the_first_cell_has_its_published_costs() {
    let Some(folder) = tables() else { return };
    let table = NasBench201::open(&folder).unwrap();
    let first = nasbench201::from_index(0).unwrap();
    assert_eq!(
        nasbench201::arch_str(&first),
        "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+\
         |nor_conv_1x1~0|skip_connect~1|skip_connect~2|"
    );
    let latency = |device| table.latency(Dataset::Cifar10, device).unwrap()[0];
    assert_eq!(latency("edgegpu"), Some(Millis(5.807_418_537_139_893)));
    assert_eq!(latency("raspi4"), Some(Millis(10.481_976_820_010_459)));
}

#[test]
fn networks_that_a_device_cannot_run_have_no_cost() {
    let Some(folder) = tables() else { return };
    let table = NasBench201::open(&folder).unwrap();
    for dataset in Dataset::ALL {
        for device in ["edgegpu", "raspi4", "edgetpu", "pixel3", "eyeriss", "fpga"] {
            let costs = table.latency(dataset, device).unwrap();
            let absent = costs.iter().filter(|cost| cost.is_none()).count();
            assert_eq!(costs.len(), CELLS);
            assert_eq!(absent, if device == "edgetpu" { 4_699 } else { 0 }, "{device}");
            assert!(costs.iter().flatten().all(|Millis(cost)| *cost > 0.0));
            let energies = table.energy(dataset, device);
            let has = matches!(device, "edgegpu" | "eyeriss" | "fpga");
            assert_eq!(energies.is_ok_and(|costs| costs.iter().all(Option::is_some)), has);
        }
    }
    let fpga = |dataset| table.latency(dataset, "fpga").unwrap();
    assert_eq!(fpga(Dataset::Cifar10), fpga(Dataset::Cifar100));
    assert_ne!(fpga(Dataset::Cifar10), fpga(Dataset::ImageNet16_120));
}

#[test]
fn published_proxies_are_complete_where_they_are_defined() {
    let Some(folder) = tables() else { return };
    let proxies = PublishedProxies::open(&folder).unwrap();
    let defined = |scores: &[Option<f64>]| {
        assert_eq!(scores.len(), CELLS);
        scores.iter().flatten().count()
    };
    for dataset in Dataset::ALL {
        assert_eq!(defined(proxies.naswot(dataset)), CELLS - 201);
        assert_eq!(defined(proxies.log_synflow(dataset)), CELLS);
    }
    assert_eq!(proxies.naswot(Dataset::Cifar10)[0], Some(740.845_703_125));
    for dataset in [Dataset::Cifar10, Dataset::ImageNet16_120] {
        for proxy in SUITE_ZERO {
            // The authors' mark for undefined is at one cell, the one of skips and nothing
            // else that has no operation at all.
            let undefined = matches!(proxy, "epe_nas" | "jacov" | "nwot" | "zen");
            let scores = proxies.suite_zero(dataset, proxy).unwrap();
            assert_eq!(defined(scores), 9_445 - usize::from(undefined), "{dataset} {proxy}");
        }
    }
    assert!(proxies.suite_zero(Dataset::Cifar100, "nwot").is_err());
}

#[test]
fn parameters_and_flops_equal_the_published_columns() {
    let Some(folder) = tables() else { return };
    let proxies = PublishedProxies::open(&folder).unwrap();
    for dataset in [Dataset::Cifar10, Dataset::ImageNet16_120] {
        let parameters = proxies.suite_zero(dataset, "params").unwrap();
        let flops = proxies.suite_zero(dataset, "flops").unwrap();
        let mut compared = 0;
        for index in 0..CELLS {
            let (Some(parameters), Some(flops)) = (parameters[index], flops[index]) else {
                continue;
            };
            let arch = nasbench201::from_index(index).unwrap();
            let ours = nasbench201::parameters(&arch, dataset) as f64 / 1e6;
            assert_relative_eq!(ours, parameters, max_relative = 1e-6);
            let ours = nasbench201::flops(&arch, dataset) as f64 / 1e6;
            assert_relative_eq!(ours, flops, max_relative = 1e-6);
            compared += 1;
        }
        assert_eq!(compared, 9_445);
    }
}

/// Every tuple of the published files, in their spelling, and every arch string.
#[test]
fn all_cells_survive_both_codecs() {
    let Some(mirror) = mirror() else { return };
    let manifest = Manifest::embedded().unwrap();
    for dataset in Dataset::ALL {
        let entry = manifest.find(&format!("hw-nas-bench/{dataset}")).unwrap();
        let mut rows = csv::Reader::from_path(mirror.join(entry.location())).unwrap();
        let mut count = 0;
        for (index, row) in rows.records().enumerate() {
            let tuple = row.unwrap()[0].to_owned();
            let arch = nasbench201::parse_op_tuple(&tuple).unwrap();
            assert_eq!(nasbench201::index(&arch), index);
            assert_eq!(nasbench201::from_index(index).unwrap(), arch);
            assert_eq!(nasbench201::op_tuple(&arch), tuple);
            let text = nasbench201::arch_str(&arch);
            assert_eq!(nasbench201::parse_arch_str(&text).unwrap(), arch);
            count += 1;
        }
        assert_eq!(count, CELLS);
    }
}

/// CIFAR-100, the first operation in every layer.
#[test]
fn the_cost_of_an_fbnet_is_the_sum_over_its_blocks() {
    let Some(folder) = tables() else { return };
    let blocks = FbnetBlocks::open(&folder).unwrap();
    assert_eq!(blocks.names().len(), 225);
    let first = Arch::new([0; fbnet::LAYERS]);
    let total = |device| {
        let costs = blocks.costs(device, Metric::Latency, fbnet::Input::Cifar100).unwrap();
        costs.cost(&first).unwrap()
    };
    for (device, expected) in [("edgegpu", 15.8045), ("raspi4", 17.6186), ("fpga", 10.7395)] {
        assert_relative_eq!(total(device), expected, epsilon = 5e-5);
    }
    let edgetpu = blocks.costs("edgetpu", Metric::Latency, fbnet::Input::Cifar100);
    assert!(edgetpu.is_err());
    assert!(blocks.costs("fpga", Metric::Energy, fbnet::Input::ImageNet).is_ok());
}
