use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use nas_space::{Arch, Space, autoformer, pit};
use serde::{Deserialize, Serialize};

use crate::{
    Error, TableProblem,
    container::Kind,
    parse::vit_bench::{self as parse, Row},
    raw::Raw,
    table::{self, Table},
};

/// ViT-Bench-101 (Wei et al. 2024, Auto-Prox, arXiv 2312.09059): vision transformers and their
/// accuracies, 200 of AutoFormer's tiny space and 100 of PiT's.
///
/// Accuracies on CIFAR-100, Flowers and Chaoyang are of networks trained with distillation. Those on
/// ImageNet are inherited from a supernet, and there for 100 of AutoFormer's: what the second file
/// says of ImageNet has nothing to do with its architectures, and is left out.
#[derive(Debug, Clone)]
pub struct VitBench {
    autoformer: Vec<Labelled>,
    pit: Vec<Labelled>,
}

/// A kind of vision transformer in ViT-Bench-101.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VitFamily {
    /// AutoFormer's tiny space.
    AutoFormer,
    /// PiT.
    Pit,
}

/// What the networks of ViT-Bench-101 were tested on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VitDataset {
    /// ImageNet-1k, accuracy inherited from a supernet; AutoFormer only.
    ImageNet,
    /// CIFAR-100.
    Cifar100,
    /// Oxford Flowers.
    Flowers,
    /// Chaoyang.
    Chaoyang,
}

impl VitDataset {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::ImageNet, Self::Cifar100, Self::Flowers, Self::Chaoyang];

    /// Its name in arguments and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::ImageNet => "imagenet",
            Self::Cifar100 => "cifar100",
            Self::Flowers => "flowers",
            Self::Chaoyang => "chaoyang",
        }
    }

    /// Classes of images.
    pub fn classes(self) -> usize {
        match self {
            Self::ImageNet => 1000,
            Self::Cifar100 => 100,
            Self::Flowers => 102,
            Self::Chaoyang => 4,
        }
    }
}

impl fmt::Display for VitDataset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for VitDataset {
    type Err = nas_space::Error;

    fn from_str(name: &str) -> Result<Self, nas_space::Error> {
        let found = Self::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(name));
        let known = Self::ALL.map(Self::name);
        found.ok_or_else(|| nas_space::Error::unknown_name("data set", name, known))
    }
}

#[derive(Debug, Clone)]
struct Labelled {
    arch: Arch,
    accuracies: Accuracies,
}

/// In %, by the order of [`VitDataset`].
type Accuracies = [Option<f64>; 4];

impl VitFamily {
    /// The space that its architectures are of.
    pub fn space(self) -> &'static Space {
        match self {
            Self::AutoFormer => autoformer::Size::Tiny.space(),
            Self::Pit => pit::space(),
        }
    }
}

impl VitBench {
    /// The compiled table in a table folder, whether it is there or not.
    pub fn path(tables_dir: &Path) -> PathBuf {
        table::path::<Content>(tables_dir)
    }

    /// Opens the compiled table of a table folder.
    ///
    /// # Errors
    /// [`Error::MissingTables`] before the first [`compile`](crate::compile), [`Error::Table`]
    /// for a table of another version, or a damaged one.
    pub fn open(tables_dir: &Path) -> Result<Self, Error> {
        let (_, content) = table::read::<Content>(tables_dir)?;
        content.check().map_err(|problem| Error::Table {
            path: table::path::<Content>(tables_dir),
            problem: TableProblem::Content(problem),
        })
    }

    /// The architectures that have an accuracy on a data set, with it, in %.
    pub fn accuracies(
        &self,
        family: VitFamily,
        dataset: VitDataset,
    ) -> impl Iterator<Item = (&Arch, f64)> {
        let all = match family {
            VitFamily::AutoFormer => &self.autoformer,
            VitFamily::Pit => &self.pit,
        };
        all.iter().filter_map(move |one| Some((&one.arch, one.accuracies[dataset as usize]?)))
    }
}

/// The table as stored: choices and accuracies.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Content {
    autoformer: Vec<(Vec<u8>, Accuracies)>,
    pit: Vec<(Vec<u8>, Accuracies)>,
}

impl Table for Content {
    const FILE: &'static str = "vit-bench.bin";
    const KIND: Kind = Kind { name: *b"vitb", version: 1 };
}

impl Content {
    /// The raw files that the table is compiled from.
    pub(crate) fn sources() -> Vec<String> {
        ["autoformer", "autoformer-2", "pit"].map(|name| format!("vit-bench-101/{name}")).to_vec()
    }

    pub(crate) fn compile(raw: &Raw<'_>) -> Result<Self, Error> {
        let read = |name: &str| raw.read(&format!("vit-bench-101/{name}"));
        let store = |row: Row| {
            let accuracies =
                [row.imagenet, Some(row.cifar100), Some(row.flowers), Some(row.chaoyang)];
            (row.arch.choices().to_vec(), accuracies)
        };
        let (path, bytes) = read("autoformer")?;
        let first = parse::autoformer(&path, &bytes)?;
        let (path, bytes) = read("autoformer-2")?;
        let second = parse::autoformer(&path, &bytes)?.into_iter();
        let second = second.map(|row| Row { imagenet: None, ..row });
        let (path, bytes) = read("pit")?;
        let pit = parse::pit(&path, &bytes)?;
        Ok(Self {
            autoformer: first.into_iter().chain(second).map(store).collect(),
            pit: pit.into_iter().map(store).collect(),
        })
    }

    /// Checks that what was decoded is of the spaces.
    fn check(self) -> Result<VitBench, String> {
        let checked = |family: VitFamily, rows: Vec<(Vec<u8>, Accuracies)>| {
            let labelled = |(choices, accuracies): (Vec<u8>, Accuracies)| {
                let arch = Arch::new(choices);
                family.space().check(&arch).map_err(|error| error.to_string())?;
                Ok(Labelled { arch, accuracies })
            };
            rows.into_iter().map(labelled).collect::<Result<Vec<_>, String>>()
        };
        Ok(VitBench {
            autoformer: checked(VitFamily::AutoFormer, self.autoformer)?,
            pit: checked(VitFamily::Pit, self.pit)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_found_and_what_is_of_no_space_does_not_open() {
        let pit = |first: u8| Content {
            autoformer: Vec::new(),
            pit: vec![(
                vec![first, 2, 1, 2, 1, 0, 1, 1],
                [None, Some(72.5), Some(59.0), Some(83.0)],
            )],
        };
        let folder = tempfile::tempdir().unwrap();
        table::write(folder.path(), &Vec::new(), &pit(0)).unwrap();
        let bench = VitBench::open(folder.path()).unwrap();
        let of = |dataset| bench.accuracies(VitFamily::Pit, dataset).map(|row| row.1).collect();
        let (cifar100, imagenet): (Vec<f64>, Vec<f64>) =
            (of(VitDataset::Cifar100), of(VitDataset::ImageNet));
        assert_eq!((cifar100, imagenet), (vec![72.5], vec![]));
        table::write(folder.path(), &Vec::new(), &pit(9)).unwrap();
        assert!(VitBench::open(folder.path()).is_err());
    }
}
