//! Tests of scores and latencies on real networks.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use approx::assert_relative_eq;
use nas_bench::ScoreTable;
use nas_hw::Plan;
use nas_proxy::Batch;
use nas_search::Evaluator;
use nas_space::{
    Arch,
    nasbench201::{CELLS, from_index, parse_arch_str, space},
};
use rand::{SeedableRng, rngs::StdRng};
use tch::Device;

use super::{MeasuredLatency, Networks, ProxyScore, Runtime};
use crate::{Pace, Source, spaces};

fn networks() -> Networks {
    let problem = spaces::default_problem(Some("ImageNet16-120")).unwrap();
    Networks { blueprint: problem.blueprint.unwrap(), seed: 1, device: Device::Cpu }
}

fn score_source() -> ProxyScore {
    let rng = &mut StdRng::seed_from_u64(3);
    let sample: Vec<Arch> = (0..6).map(|_| space().sample(rng)).collect();
    let batch = Batch::gaussian([32, 3, 16, 16], 1).unwrap();
    ProxyScore::new(networks(), batch, sample)
}

#[test]
fn a_cell_without_a_path_has_no_score_but_a_latency() {
    let cell = parse_arch_str("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|").unwrap();
    let plan = Plan { max_repeats: 3, min_repeats: 3, ..Plan::default() };
    let latency = MeasuredLatency::new(networks(), plan, Runtime::Torch).unwrap();
    let mut sources = crate::Sources::new(vec![Box::new(score_source()), Box::new(latency)]);
    let evaluation = sources.evaluate(&[cell]).unwrap().remove(0);
    assert_eq!(evaluation.values[0], None);
    assert!(evaluation.values[1].unwrap() > 0.0);
}

fn isomorphic_cells_score_the_same_and_a_richer_cell_higher(mut source: ProxyScore) {
    let mut score = |text| source.value(&parse_arch_str(text).unwrap()).unwrap().value.unwrap();
    let one = score("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_3x3~2|");
    let same = score("|skip_connect~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|nor_conv_3x3~2|");
    assert_relative_eq!(one, same);
    let poor = score("|avg_pool_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|");
    let rich = score(
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|",
    );
    assert!(rich > poor, "{rich} {poor}");
}

/// The networks that set the scale come first: on a large space they take a minute.
#[test]
fn a_stop_takes_effect_before_the_next_network() {
    let stop = Arc::new(AtomicBool::new(false));
    let mut source = score_source().with_stop_flag(stop.clone());
    let mut value = |index| source.value(&from_index(index).unwrap());
    assert!(value(6111).is_ok());
    stop.store(true, Ordering::Relaxed);
    // What is known needs no computation.
    assert!(value(6111).is_ok());
    assert_eq!(value(1462).unwrap_err().to_string(), "stopped");
}

#[test]
fn computed_scores_are_of_networks() {
    let source = score_source();
    assert_eq!(source.pace(), Pace::Slow);
    isomorphic_cells_score_the_same_and_a_richer_cell_higher(source);
}

#[test]
fn scores_of_the_table_are_of_networks() {
    let source = || ProxyScore::from_table(ScoreTable::cifar10().unwrap()).unwrap();
    assert_eq!(source().pace(), Pace::AtOnce);
    isomorphic_cells_score_the_same_and_a_richer_cell_higher(source());
    // Only networks without a path have no score.
    let mut source = source();
    for index in 0..CELLS {
        let arch = from_index(index).unwrap();
        let score = source.value(&arch).unwrap().value;
        assert_eq!(score.is_some(), space().is_connected(&arch), "{index}");
    }
}
