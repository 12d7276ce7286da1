//! PiT, vision transformers with pooling, with ViT-Bench-101's accuracies. Its networks are not built.

use std::path::{Path, PathBuf};

use nas_bench::{Error as BenchError, VitDataset, VitFamily};
use nas_space::{Space, pit};

use super::autoformer::OnVitBench;
use crate::{KnownSpace, Published};

/// PiT (Heo et al. 2021, arXiv 2103.16302).
pub struct Pit;

/// The data sets that its networks were trained on.
const DATASETS: [VitDataset; 3] = [VitDataset::Cifar100, VitDataset::Flowers, VitDataset::Chaoyang];

impl KnownSpace for Pit {
    fn space(&self) -> &'static Space {
        pit::space()
    }

    fn networks_in_words(&self) -> String {
        "vision transformers with pooling".to_owned()
    }

    fn datasets(&self) -> Vec<&'static str> {
        DATASETS.map(VitDataset::name).to_vec()
    }

    fn accuracies_in_words(&self) -> Option<&'static str> {
        Some("of 100 networks")
    }

    fn tables(&self, data: &Path) -> Option<PathBuf> {
        Some(nas_bench::VitBench::path(data))
    }

    fn open(&self, dataset: usize, data: &Path) -> Option<Result<Box<dyn Published>, BenchError>> {
        Some(OnVitBench::open(VitFamily::Pit, DATASETS[dataset], data))
    }
}
