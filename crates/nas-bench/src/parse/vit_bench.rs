use std::{
    io::{Cursor, Read},
    path::Path,
};

use nas_space::{Arch, autoformer, pit};
use serde::{Deserialize, de::DeserializeOwned};
use serde_pickle::DeOptions;
use zip::ZipArchive;

use crate::Error;

/// Networks in each file.
const NETWORKS: usize = 100;

/// The pickle in a file that PyTorch wrote.
const PICKLE: &str = "archive/data.pkl";

/// Longer than any of the files.
const MOST: u64 = 1 << 20;

/// A network with its accuracies in %, after distillation; `imagenet` is inherited from a supernet.
pub(crate) struct Row {
    pub(crate) arch: Arch,
    pub(crate) imagenet: Option<f64>,
    pub(crate) cifar100: f64,
    pub(crate) flowers: f64,
    pub(crate) chaoyang: f64,
}

#[derive(Deserialize)]
struct Published<A> {
    arch: A,
    imagenet_super_acc: Option<f64>,
    c100_kd_acc: f64,
    flower_kd_acc: f64,
    chaoyang_kd_acc: f64,
}

#[derive(Deserialize)]
struct AutoFormer {
    hidden_dim: u64,
    mlp_ratio: Vec<f64>,
    depth: usize,
    num_heads: Vec<u64>,
}

#[derive(Deserialize)]
struct Pit {
    base_dim: u64,
    mlp_ratio: u64,
    depth: [u64; pit::STAGES],
    num_heads: [u64; pit::STAGES],
}

/// Reads `gt_autoformer.pth` or `gt_autoformer_2.pth`.
pub(crate) fn autoformer(path: &Path, bytes: &[u8]) -> Result<Vec<Row>, Error> {
    rows(path, bytes, |AutoFormer { hidden_dim, mlp_ratio, depth, num_heads }| {
        if [mlp_ratio.len(), num_heads.len()] != [depth; 2] {
            return Err(format!(
                "{} MLP ratios and {} numbers of heads, expected {depth} of each",
                mlp_ratio.len(),
                num_heads.len()
            ));
        }
        let layers = num_heads.into_iter().zip(mlp_ratio);
        let layers = layers.map(|(heads, mlp_ratio)| autoformer::Layer { heads, mlp_ratio });
        let network = autoformer::Network { embedding: hidden_dim, layers: layers.collect() };
        autoformer::Size::Tiny.arch(&network).map_err(|error| error.to_string())
    })
}

/// Reads `gt_pit.pth`.
pub(crate) fn pit(path: &Path, bytes: &[u8]) -> Result<Vec<Row>, Error> {
    rows(path, bytes, |Pit { base_dim, mlp_ratio, depth, num_heads }| {
        let network =
            pit::Network { base_dimension: base_dim, mlp_ratio, depths: depth, heads: num_heads };
        pit::arch(&network).map_err(|error| error.to_string())
    })
}

fn rows<A: DeserializeOwned>(
    path: &Path,
    bytes: &[u8],
    arch: impl Fn(A) -> Result<Arch, String>,
) -> Result<Vec<Row>, Error> {
    let malformed = |problem: String| Error::Malformed { file: path.to_owned(), line: 0, problem };
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| {
        malformed(format!("expected a zip archive as PyTorch writes it: {error}"))
    })?;
    let pickle =
        archive.by_name(PICKLE).map_err(|error| malformed(format!("{PICKLE}: {error}")))?;
    let mut text = Vec::new();
    pickle
        .take(MOST)
        .read_to_end(&mut text)
        .map_err(|error| malformed(format!("{PICKLE}: {error}")))?;
    let published: Vec<Published<A>> = serde_pickle::from_slice(&text, DeOptions::new())
        .map_err(|error| malformed(format!("{PICKLE}: {error}")))?;
    if published.len() != NETWORKS {
        let problem = format!("{} networks, expected {NETWORKS}", published.len());
        return Err(malformed(problem));
    }
    let row = |(at, row): (usize, Published<A>)| {
        let wrong = |problem: String| malformed(format!("network {}: {problem}", at + 1));
        let accuracies = [row.c100_kd_acc, row.flower_kd_acc, row.chaoyang_kd_acc];
        let all = accuracies.into_iter().chain(row.imagenet_super_acc);
        if let Some(value) = all.into_iter().find(|value| !(0.0..=100.0).contains(value)) {
            return Err(wrong(format!("the accuracy {value}, expected one from 0 to 100 %")));
        }
        Ok(Row {
            arch: arch(row.arch).map_err(wrong)?,
            imagenet: row.imagenet_super_acc,
            cifar100: row.c100_kd_acc,
            flowers: row.flower_kd_acc,
            chaoyang: row.chaoyang_kd_acc,
        })
    };
    published.into_iter().enumerate().map(row).collect()
}
