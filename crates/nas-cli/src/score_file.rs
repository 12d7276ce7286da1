//! Files of scores: what `nas score` and `nas score-merge` write.

use std::path::{Path, PathBuf};

use nas_bench::{ScoreTable, container};
use nas_eval::{Numbering, spaces};

use crate::{
    failure::Failure,
    output::{Cell, counted},
};

/// A file of scores that will be written.
#[derive(Debug)]
pub struct ScoreFile {
    path: PathBuf,
    csv: bool,
}

impl ScoreFile {
    /// The file of this name; its extension is the format. An existing file is only replaced with
    /// `force`.
    pub fn new(path: &Path, force: bool) -> Result<Self, Failure> {
        let csv = match path.extension().and_then(|extension| extension.to_str()) {
            Some("csv") => true,
            Some("bin") => false,
            _ => {
                return Err(Failure::input(format!(
                    "{}: expected a name that ends in .csv or .bin, which chooses the format",
                    path.display()
                )));
            }
        };
        Failure::occupied(path, force, "scores.bin")?;
        Ok(Self { path: path.to_path_buf(), csv })
    }

    /// Whether it exists.
    #[cfg(feature = "torch")]
    pub fn exists(&self) -> bool {
        self.path.exists()
    }

    /// Writes the whole table, or nothing.
    pub fn write(&self, table: &ScoreTable) -> Result<(), Failure> {
        let bytes = if self.csv { csv(table)? } else { table.to_bytes()? };
        container::replace(&self.path, &bytes)
            .map_err(|error| Failure::file("write", &self.path, &error))
    }

    /// What was written, in words.
    pub fn summary(&self, table: &ScoreTable) -> String {
        let header = table.header();
        let (count, proxies) = (table.rows().len(), header.proxies.len());
        let mut architectures = counted(count, "architecture");
        let numbering =
            spaces::problem(&header.space, None).ok().and_then(|problem| problem.numbering);
        let is_whole = header.command.contains(&format!(" --space {} ", header.space));
        if let Some(Numbering { distinct, .. }) = numbering.filter(|_| is_whole) {
            let all = distinct().len();
            if count < all {
                architectures += &format!(" of the space's {all}");
            }
        }
        let proxies = format!("{proxies} prox{}", if proxies == 1 { "y" } else { "ies" });
        format!("{architectures}, {proxies}, in {}\n", self.path.display())
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

/// A table as CSV: architectures, with numbers if the benchmark has them, and a column for each proxy.
fn csv(table: &ScoreTable) -> Result<Vec<u8>, Failure> {
    let header = table.header();
    let problem = spaces::problem(&header.space, None).map_err(|_| {
        Failure::input(format!(
            "the space of these scores, {}, is not known: .csv requires one of {}",
            header.space,
            spaces::names().collect::<Vec<_>>().join(", ")
        ))
    })?;
    let cannot = |error: csv::Error| Failure::work(format!("cannot write CSV: {error}"));
    let mut rows: Vec<_> = table.rows().collect();
    rows.sort_by_key(|(arch, _)| problem.index(arch));
    let mut writer = csv::Writer::from_writer(Vec::new());
    let numbered = problem.numbering.map(|_| "index");
    let columns = numbered.into_iter().chain(["arch"]);
    let columns = columns.chain(header.proxies.iter().map(String::as_str));
    writer.write_record(columns).map_err(cannot)?;
    for (arch, values) in rows {
        problem.space.check(arch)?;
        let index = problem.index(arch).map(|index| index.to_string());
        let values = values.iter().map(|value| Cell::from(*value).in_full());
        let row = index.into_iter().chain([problem.space.format(arch)]).chain(values);
        writer.write_record(row).map_err(cannot)?;
    }
    writer.into_inner().map_err(|error| Failure::work(format!("cannot write CSV: {error}")))
}
