//! Files of scores: what `nas score` and `nas score-merge` write.

use std::path::{Path, PathBuf};

use nas_bench::{ScoreTable, container};
use nas_space::nasbench201;

use crate::{
    failure::Failure,
    output::{Cell, Records},
};

/// A file of scores to be written.
#[derive(Debug)]
pub struct ScoreFile {
    path: PathBuf,
    csv: bool,
}

impl ScoreFile {
    /// By its name, which tells the format. A file that is there is only replaced if `force` says
    /// so.
    pub fn new(path: &Path, force: bool) -> Result<Self, Failure> {
        let csv = match path.extension().and_then(|extension| extension.to_str()) {
            Some("csv") => true,
            Some("bin") => false,
            _ => {
                return Err(Failure::input(format!(
                    "{}: the format is told by the name; expected one that ends in .csv or .bin",
                    path.display()
                )));
            }
        };
        Failure::occupied(path, force, "scores.bin")?;
        Ok(Self { path: path.to_path_buf(), csv })
    }

    /// Writes the whole table, or nothing.
    pub fn write(&self, table: &ScoreTable) -> Result<(), Failure> {
        let bytes =
            if self.csv { records(table)?.csv()?.into_bytes() } else { table.to_bytes()? };
        container::replace(&self.path, &bytes)
            .map_err(|error| Failure::file("write", &self.path, &error))
    }

    /// What was written, in words.
    pub fn told(&self, table: &ScoreTable) -> String {
        let header = table.header();
        let (cells, proxies) = (table.rows().count(), header.proxies.len());
        let all = nasbench201::distinct_cells().len();
        let part = header.command.contains(" --space ") && cells < all;
        let of = if part { format!(" of the space's {all}") } else { String::new() };
        let cells = format!("{cells}{of} cell{}", if cells == 1 { "" } else { "s" });
        let proxies = format!("{proxies} prox{}", if proxies == 1 { "y" } else { "ies" });
        format!("{cells}, {proxies}, in {}\n", self.path.display())
    }

    /// A file beside it.
    #[cfg(feature = "torch")]
    pub fn beside(&self, name: &str) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(".");
        path.push(name);
        path.into()
    }
}

/// A table's cells by index, each with its arch string and a column for each proxy.
fn records(table: &ScoreTable) -> Result<Records, Failure> {
    let proxies = table.header().proxies.iter().map(String::as_str);
    let mut records = Records::new(["index", "arch"].into_iter().chain(proxies));
    for (index, values) in table.rows() {
        let arch = nasbench201::arch_str(&nasbench201::from_index(index)?);
        let mut row: Vec<Cell> = vec![index.into(), arch.into()];
        row.extend(values.iter().copied().map(Cell::from));
        records.push(row);
    }
    Ok(records)
}
