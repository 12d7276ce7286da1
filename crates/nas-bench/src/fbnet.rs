//! The table of FBNet's blocks: what each costs on each device.

use std::path::{Path, PathBuf};

use nas_hw::{Metric, Millijoules, Millis, SumOfBlocks};
use nas_space::fbnet::{self, Input};
use serde::{Deserialize, Serialize};

use crate::{
    Error, Manifest, TableProblem,
    container::Kind,
    parse,
    raw::Raw,
    table::{self, Table},
};

/// HW-NAS-Bench's look-up tables of FBNet blocks (Li et al. 2021, arXiv 2103.10584; Wu et al.
/// 2019, arXiv 1812.03443). The cost of a network is the sum over its 22 blocks, its stem and head
/// (`ConvNorm`), its pooling (`AvgP`) and its classifier (`FC`); the fpga table counts the last
/// four as 0.
///
/// A block is named by its kind, input size, channels and operation, for example
/// `ConvBlock_H56_W56_Cin24_Cout24_exp3_kernel5_stride1_group1`; blocks of 224×224 networks start
/// at H224, those of 32×32 networks at H32.
#[derive(Debug, Clone)]
pub struct FbnetBlocks {
    /// Sorted.
    blocks: Vec<String>,
    columns: Vec<(String, Metric, Vec<f64>)>,
}

impl FbnetBlocks {
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

    /// The names of all blocks, sorted.
    pub fn names(&self) -> &[String] {
        &self.blocks
    }

    /// Latency of one block at batch size 1.
    ///
    /// # Errors
    /// [`Error::NoDevice`] for a device without latencies; [`Error::NoBlock`] for a
    /// block that is not in the tables.
    pub fn latency(&self, device: &str, block: &str) -> Result<Millis, Error> {
        self.cost(device, Metric::Latency, block).map(Millis)
    }

    /// Energy of one block at batch size 1.
    ///
    /// # Errors
    /// [`Error::NoDevice`] for a device without energies; [`Error::NoBlock`] for a block
    /// that is not in the tables.
    pub fn energy(&self, device: &str, block: &str) -> Result<Millijoules, Error> {
        self.cost(device, Metric::Energy, block).map(Millijoules)
    }

    /// What each block of each layer of [`fbnet::space`] costs at batch size 1, in ms or mJ.
    ///
    /// # Errors
    /// [`Error::NoDevice`] for a device without such costs.
    pub fn costs(&self, device: &str, metric: Metric, input: Input) -> Result<SumOfBlocks, Error> {
        let cost = |name: &String| self.cost(device, metric, name);
        let fixed = fbnet::fixed_names(input).iter().map(cost).sum::<Result<f64, Error>>()?;
        let names = fbnet::block_names(input);
        let layers = names.iter().map(|layer| layer.iter().map(cost).collect());
        Ok(SumOfBlocks { fixed, blocks: layers.collect::<Result<_, Error>>()? })
    }

    fn cost(&self, device: &str, metric: Metric, block: &str) -> Result<f64, Error> {
        let of_metric = || self.columns.iter().filter(|(_, m, _)| *m == metric);
        let Some((_, _, costs)) = of_metric().find(|(d, _, _)| d == device) else {
            return Err(Error::NoDevice {
                quantity: format!("FBNet {metric}"),
                device: device.to_owned(),
                available: of_metric().map(|(device, _, _)| device.clone()).collect(),
            });
        };
        self.blocks
            .binary_search_by(|name| name.as_str().cmp(block))
            .ok()
            .and_then(|place| costs.get(place).copied())
            .ok_or_else(|| Error::NoBlock { block: block.to_owned() })
    }
}

/// The table as stored, devices by name.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Content {
    blocks: Vec<String>,
    latencies: Vec<(String, Vec<f64>)>,
    energies: Vec<(String, Vec<f64>)>,
}

impl Table for Content {
    const FILE: &'static str = "fbnet.bin";
    const KIND: Kind = Kind { name: *b"fbnt", version: 1 };
}

impl Content {
    /// The raw files that the table is compiled from.
    pub(crate) fn sources(manifest: &Manifest) -> Vec<String> {
        let costs = manifest.with_costs(fbnet::space().name());
        costs.map(|(entry, _)| entry.name.clone()).collect()
    }

    pub(crate) fn compile(raw: &Raw<'_>) -> Result<Self, Error> {
        let mut content = Self { blocks: vec![], latencies: vec![], energies: vec![] };
        for (entry, costs) in raw.manifest.with_costs(fbnet::space().name()) {
            let (path, bytes) = raw.read(&entry.name)?;
            let lookup = parse::fbnet::parse(&path, &bytes, &costs.columns)?;
            if !content.blocks.is_empty() && content.blocks != lookup.blocks {
                return Err(Error::Malformed {
                    file: path,
                    line: 0,
                    problem: "other blocks than the tables before".to_owned(),
                });
            }
            content.blocks = lookup.blocks;
            for (column, values) in costs.columns.iter().zip(lookup.columns) {
                let columns = match column.metric {
                    Metric::Latency => &mut content.latencies,
                    Metric::Energy => &mut content.energies,
                };
                columns.push((column.device.clone(), values));
            }
        }
        Ok(content)
    }

    /// Checks that what was decoded is the whole table.
    fn check(self) -> Result<FbnetBlocks, String> {
        let blocks = self.blocks;
        if !blocks.is_sorted() {
            return Err("blocks are not sorted".to_owned());
        }
        let latencies = self.latencies.into_iter().map(|column| (Metric::Latency, column));
        let energies = self.energies.into_iter().map(|column| (Metric::Energy, column));
        let columns = latencies
            .chain(energies)
            .map(|(metric, (device, costs))| {
                if costs.len() == blocks.len() {
                    Ok((device, metric, costs))
                } else {
                    Err(format!("{} costs for {} blocks", costs.len(), blocks.len()))
                }
            })
            .collect::<Result<Vec<_>, String>>()?;
        Ok(FbnetBlocks { blocks, columns })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content() -> Content {
        Content {
            blocks: vec!["Conv".to_owned(), "Skip".to_owned()],
            latencies: vec![("raspi4".to_owned(), vec![2.5, 0.5])],
            energies: vec![("fpga".to_owned(), vec![7.0, 0.0])],
        }
    }

    fn opened(content: &Content) -> Result<FbnetBlocks, Error> {
        let folder = tempfile::tempdir().unwrap();
        table::write(folder.path(), &Vec::new(), content).unwrap();
        FbnetBlocks::open(folder.path())
    }

    #[test]
    fn costs_are_found_by_device_and_block() {
        let blocks = opened(&content()).unwrap();
        assert_eq!(blocks.latency("raspi4", "Skip").unwrap(), Millis(0.5));
        assert_eq!(blocks.energy("fpga", "Conv").unwrap(), Millijoules(7.0));
        let error = blocks.latency("raspi4", "Pool").unwrap_err();
        assert_eq!(error.to_string(), "no FBNet block `Pool` in the look-up tables");
        let error = blocks.latency("edgetpu", "Skip").unwrap_err();
        assert_eq!(error.to_string(), "no FBNet latency for edgetpu; there is one for raspi4");
    }

    #[test]
    fn an_inconsistent_table_does_not_open() {
        let mut short = content();
        short.energies[0].1.pop();
        let mut unsorted = content();
        unsorted.blocks.reverse();
        for (content, expected) in [(short, "1 costs for 2 blocks"), (unsorted, "not sorted")] {
            let message = opened(&content).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
