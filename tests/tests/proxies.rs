//! Our proxies on real images rank cells as the published ones of NAS-Bench-Suite-Zero
//! (Krishnakumar et al. 2022, arXiv 2210.03230) do.

use std::time::{Duration, Instant};

use nas_bench::PublishedProxies;
use nas_net::NasBench201Network;
use nas_proxy::{Proxy, Selection, cifar10, device, score};
use nas_space::nasbench201::{Dataset, from_index};
use nas_tests::{images, spearman, tables};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

const CELLS: usize = 300;
const SEED: u64 = 201;

/// NASWOT and SynFlow, each with its column in the published table and the least correlation. The
/// published NASWOT saw other images and other initial weights.
const PROXIES: [(Proxy, &str, f64); 2] =
    [(Proxy::Naswot, "nwot", 0.98), (Proxy::SynFlow, "synflow", 0.995)];

#[test]
fn proxies_rank_cells_as_published() {
    let (Some(tables), Some(images)) = (tables(), images()) else { return };
    let published = PublishedProxies::open(&tables).unwrap();
    let batch = Selection::Random { count: 64, seed: SEED };
    let batch = cifar10(images.join("cifar10_train_10k.bin"), batch).unwrap();
    let cpu = device("cpu").unwrap();
    for (proxy, column, least) in PROXIES {
        let published = published.suite_zero(Dataset::Cifar10, column).unwrap();
        let (mut ours, mut theirs, mut absent) = (Vec::new(), Vec::new(), Vec::new());
        let mut time = Duration::ZERO;
        for cell in cells(published) {
            let arch = from_index(cell).unwrap();
            let network = NasBench201Network::new(&arch, Dataset::Cifar10, 0, cpu).unwrap();
            let start = Instant::now();
            let scores = score(&network, &batch, &[proxy]).unwrap();
            time += start.elapsed();
            match (scores[0], published[cell]) {
                (Some(score), Some(published)) => {
                    ours.push(score);
                    theirs.push(published);
                }
                _ => absent.push(cell),
            }
        }
        let correlation = spearman(&ours, &theirs);
        let (cells, seconds) = (ours.len(), time.as_secs_f64() / CELLS as f64);
        println!("{proxy}: Spearman {correlation:.4} on {cells} cells, {seconds:.4} s each");
        assert!(absent.is_empty(), "{proxy} is absent for cells {absent:?}");
        assert!(correlation >= least, "{proxy}: {correlation}");
    }
}

/// Cells of the published table at random; it lists only those without unreachable operations.
fn cells(published: &[Option<f64>]) -> Vec<usize> {
    let mut listed: Vec<usize> =
        (0..published.len()).filter(|&index| published[index].is_some()).collect();
    listed.shuffle(&mut ChaCha8Rng::seed_from_u64(SEED));
    listed.truncate(CELLS);
    listed
}
