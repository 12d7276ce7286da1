//! Our proxies on CIFAR-10 images, as in `bench-data/nb201-cifar10-proxies.bin`, beside the
//! published ones of NAS-Bench-Suite-Zero (Krishnakumar et al. 2022, arXiv 2210.03230) and beside
//! true accuracies.

use std::path::Path;

use approx::relative_eq;
use nas_bench::{Fidelity, NasBench201, PublishedProxies, ScoreTable};
use nas_eval::{
    Source,
    live::{Networks, ProxyScore, TRAINING_FREE},
    spaces,
};
use nas_predict::rank;
use nas_proxy::{Proxy, ProxySet, RankAggregate, Selection, cifar10, device};
use nas_space::{
    Arch,
    nasbench201::{CELLS, Dataset, from_index, space},
};
use nas_tests::{images, tables};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

fn spearman(one: &[f64], other: &[f64]) -> f64 {
    rank::spearman(one, other).unwrap()
}

fn ours() -> ScoreTable {
    ScoreTable::cifar10().unwrap()
}

fn arch(index: usize) -> Arch {
    from_index(index).unwrap()
}

/// Cells of the published table, which lists only those without unreachable operations.
fn listed(published: &PublishedProxies) -> Vec<usize> {
    let values = published.suite_zero(Dataset::Cifar10, "flops").unwrap();
    (0..CELLS).filter(|&cell| values[cell].is_some()).collect()
}

/// Our values and others', where both exist.
fn pairs(
    ours: &ScoreTable,
    proxy: &str,
    cells: &[usize],
    other: impl Fn(usize) -> Option<f64>,
) -> (Vec<f64>, Vec<f64>) {
    let column = ours.column(proxy).unwrap();
    let value = |cell: usize| ours.values(&arch(cell)).and_then(|values| values[column]);
    cells.iter().filter_map(|&cell| Some((value(cell)?, other(cell)?))).unzip()
}

#[test]
fn proxies_rank_cells_as_published() {
    let Some(tables) = tables() else { return };
    let published = PublishedProxies::open(&tables).unwrap();
    let ours = ours();
    let mut cells = listed(&published);
    cells.shuffle(&mut ChaCha8Rng::seed_from_u64(0));
    cells.truncate(300);
    // The weights' norm depends on the number of convolutions, and beyond that the draw of the initial
    // weights, which is another in the published table: each has a correlation of 0.968 with the
    // number, and so 0.937 with the other. Of grasp and plain a large part is the draw.
    for (proxy, least) in [
        ("params", 1.0),
        ("flops", 1.0),
        ("nwot", 0.97),
        ("synflow", 0.97),
        ("l2_norm", 0.85),
        ("jacov", 0.9),
        ("snip", 0.9),
        ("grad_norm", 0.9),
        ("fisher", 0.9),
        ("epe_nas", 0.85),
        ("zen", 0.85),
        ("grasp", 0.3),
        ("plain", 0.0),
    ] {
        let theirs = published.suite_zero(Dataset::Cifar10, proxy).unwrap();
        let (ours, theirs) = pairs(&ours, proxy, &cells, |cell| theirs[cell]);
        let correlation = spearman(&ours, &theirs);
        println!("{proxy}: Spearman {correlation:.4} with the published on {} cells", ours.len());
        assert!(correlation >= least - 1e-12, "{proxy}: {correlation}");
        assert!(ours.len() * 100 >= cells.len() * 99, "{proxy} is absent for many cells");
    }
    let theirs = published.log_synflow(Dataset::Cifar10);
    let (ours, theirs) = pairs(&ours, "log_synflow", &cells, |cell| theirs[cell]);
    assert!(spearman(&ours, &theirs) > 0.97, "log_synflow");
}

#[test]
fn proxies_predict_accuracy_like_the_published_ones() {
    let Some(tables) = tables() else { return };
    let published = PublishedProxies::open(&tables).unwrap();
    let benchmark = NasBench201::open(&tables).unwrap();
    let accuracy = benchmark.accuracy(Dataset::Cifar10, Fidelity::TEST).unwrap();
    let ours = ours();
    let cells = listed(&published);
    assert_eq!(cells.len(), 9_445);
    for proxy in
        ["nwot", "params", "jacov", "synflow", "flops", "epe_nas", "l2_norm", "snip", "grad_norm"]
    {
        let theirs = published.suite_zero(Dataset::Cifar10, proxy).unwrap();
        let of_theirs = cells.iter().filter_map(|&cell| Some((theirs[cell]?, accuracy[cell])));
        let (values, accuracies): (Vec<f64>, Vec<f64>) = of_theirs.unzip();
        let expected = spearman(&values, &accuracies);
        let (values, accuracies) = pairs(&ours, proxy, &cells, |cell| Some(accuracy[cell]));
        let found = spearman(&values, &accuracies);
        println!("{proxy}: {found:.3} with accuracy, published {expected:.3}");
        assert!((found - expected).abs() <= 0.03, "{proxy}: {found}, published {expected}");
    }
}

/// How the score was put together: of all sets of at most three proxies that need no labels and
/// exist for every network with a path, the one whose sum of logarithms of ranks has the highest
/// rank correlation with the validation accuracy of CIFAR-10, over all cells.
#[test]
fn the_score_without_labels_is_the_best_of_at_most_three_proxies_on_cifar10() {
    let Some(tables) = tables() else { return };
    let benchmark = NasBench201::open(&tables).unwrap();
    let fidelity = Fidelity::VALIDATION;
    let accuracy = benchmark.accuracy(Dataset::Cifar10, fidelity).unwrap();
    let cells: Vec<usize> = (0..CELLS).filter(|&cell| space().is_connected(&arch(cell))).collect();
    let accuracies: Vec<f64> = cells.iter().map(|&cell| accuracy[cell]).collect();
    let ours = ours();
    let log_ranks = |proxy: &Proxy| -> Option<Vec<f64>> {
        let column = ours.column(proxy.name())?;
        let values = ours.rows().map(|(_, values)| values[column]).collect();
        let ranks = RankAggregate::new(&[(*proxy, values)]).unwrap();
        let value = |cell: &usize| ranks.score(&[ours.values(&arch(*cell)).unwrap()[column]]);
        cells.iter().map(value).collect()
    };
    let proxies = Proxy::ALL.into_iter().filter(|proxy| !proxy.description().needs.labels);
    let proxies: Vec<(Proxy, Vec<f64>)> =
        proxies.filter_map(|proxy| Some((proxy, log_ranks(&proxy)?))).collect();
    let mut best = (f64::NEG_INFINITY, Vec::new());
    for set in 1_u32..1 << proxies.len() {
        if set.count_ones() > TRAINING_FREE.len() as u32 {
            continue;
        }
        let members = || proxies.iter().enumerate().filter(|(place, _)| set >> place & 1 == 1);
        let score = |row: usize| members().map(|(_, (_, log_ranks))| log_ranks[row]).sum();
        let scores: Vec<f64> = (0..cells.len()).map(score).collect();
        let correlation = spearman(&scores, &accuracies);
        if correlation > best.0 {
            best = (correlation, members().map(|(_, (proxy, _))| *proxy).collect());
            println!("{correlation:.4} {:?}", best.1);
        }
    }
    let mut expected = TRAINING_FREE;
    expected.sort();
    best.1.sort();
    assert_eq!(best.1, expected);
}

#[test]
fn the_score_without_labels_predicts_accuracy_better_than_any_proxy() {
    foretells(&ours(), Dataset::Cifar10, 0.88);
}

/// On images that it was not chosen on.
#[test]
fn the_score_without_labels_predicts_accuracy_on_imagenet() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../bench-data/nb201-imagenet16-120-proxies.bin");
    foretells(&ScoreTable::read(&file).unwrap(), Dataset::ImageNet16_120, 0.84);
}

/// The score's rank correlation with test accuracy over the published cells is at least `least`,
/// and higher than that of each of the table's proxies.
fn foretells(table: &ScoreTable, dataset: Dataset, least: f64) {
    let Some(tables) = tables() else { return };
    let cells = listed(&PublishedProxies::open(&tables).unwrap());
    let benchmark = NasBench201::open(&tables).unwrap();
    let accuracy = benchmark.accuracy(dataset, Fidelity::TEST).unwrap();
    let mut source = ProxyScore::from_table(table.clone()).unwrap();
    let mut score = |cell: usize| source.value(&arch(cell)).unwrap().value;
    let pairs_of = cells.iter().filter_map(|&cell| Some((score(cell)?, accuracy[cell])));
    let (scores, accuracies): (Vec<f64>, Vec<f64>) = pairs_of.unzip();
    let correlation = spearman(&scores, &accuracies);
    println!("{dataset}: score {correlation:.3} with accuracy, {} cells", scores.len());
    assert!(correlation >= least, "{correlation}");
    for proxy in &table.header().proxies {
        let (values, accuracies) = pairs(table, proxy, &cells, |cell| Some(accuracy[cell]));
        let alone = spearman(&values, &accuracies);
        println!("{dataset}: {proxy} {alone:.3}, {} cells", values.len());
        assert!(alone < correlation, "{proxy}: {alone}");
    }
}

/// The file is what the program computes: some of its cells are computed again. Other processors
/// and numbers of threads round otherwise, which deep networks with large gradients magnify; GraSP
/// and ZiCo, which live on differences of gradients, most of all.
#[test]
fn the_file_contains_the_computed_values() {
    let Some(images) = images() else { return };
    let ours = ours();
    let header = ours.header();
    let selection = Selection::Random { count: header.batch, seed: header.seed };
    let batch = cifar10(images.join(&header.images), selection).unwrap();
    let set = header.proxies.join(",").parse::<ProxySet>().unwrap().with_seed(header.seed);
    let blueprint = spaces::default_problem(None).unwrap().blueprint.unwrap();
    let networks = Networks { blueprint, seed: header.seed, device: device("cpu").unwrap() };
    let rows: Vec<_> = ours.rows().collect();
    let tolerance = |proxy| match proxy {
        Proxy::Grasp | Proxy::ZiCo => 0.5,
        _ => 0.1,
    };
    for (arch, expected) in rows.iter().step_by(rows.len() / 6) {
        let found = set.score(&*networks.build(arch).unwrap(), &batch).unwrap();
        for ((proxy, found), expected) in set.proxies().iter().zip(found).zip(*expected) {
            let close = match (found, expected) {
                (None, None) => true,
                (Some(found), Some(expected)) => {
                    relative_eq!(found, *expected, max_relative = tolerance(*proxy), epsilon = 0.02)
                }
                _ => false,
            };
            assert!(close, "{arch:?}, {proxy}: {found:?}, but the file contains {expected:?}");
        }
    }
}
