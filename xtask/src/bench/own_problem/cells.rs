//! NASBench-201's cells as a user's space, with the accuracies that a search sees as the answers of the
//! user's program and published latencies as the user's table.

use std::fmt::Write;
use std::path::Path;

use super::nas::{Nas, failed, number, text, write};
use super::problem::{ANSWERS, Front, LATENCIES, Problem, Scores};
use crate::error::Error;

/// A user's names of the operations, and the benchmark's.
const OPERATIONS: [(&str, &str); 5] = [
    ("nothing", "none"),
    ("pass", "skip_connect"),
    ("conv1", "nor_conv_1x1"),
    ("conv3", "nor_conv_3x3"),
    ("pool", "avg_pool_3x3"),
];

/// The edges in the order of the benchmark's text.
const EDGES: [(u8, u8); 6] = [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)];

/// Cells for a data set on a device.
pub struct Cells {
    pub dataset: String,
    pub device: String,
    pub budgets: Vec<u32>,
}

impl Problem for Cells {
    fn name(&self) -> String {
        format!("{}-{}", self.dataset, self.device)
    }

    fn budgets(&self) -> Vec<u32> {
        self.budgets.clone()
    }

    fn pose(&self, nas: &Nas, folder: &Path) -> Result<String, Error> {
        let pair = ["--dataset", &self.dataset, "--device", &self.device];
        let all = ["--accuracy", "benchmark", "--searcher", "exhaustive"];
        let rows = nas.evaluations(folder, &[pair, all].concat())?;
        let mut answers = "arch,accuracy_percent\n".to_owned();
        let mut latencies = "arch,latency_ms\n".to_owned();
        for row in &rows {
            let arch = own(text(row, "arch")?);
            let validation = text(row, "validation_accuracy_percent");
            let accuracy = validation.or_else(|_| text(row, "test_accuracy_percent"))?;
            // One that the device cannot run has no latency.
            let latency = text(row, "latency_ms")?;
            let _ = writeln!(answers, "{arch},{accuracy}");
            let _ = writeln!(latencies, "{arch},{latency}");
        }
        write(&folder.join(ANSWERS), &answers)?;
        write(&folder.join(LATENCIES), &latencies)?;
        Ok(space())
    }

    fn arguments(&self) -> &'static [&'static str] {
        &["--latency-table", LATENCIES]
    }

    fn program(&self) -> (&'static str, &'static str) {
        ("table.py", include_str!("table.py"))
    }

    fn score(&self, nas: &Nas, folder: &Path, fronts: &[Front]) -> Result<Vec<Scores>, Error> {
        let mut file = "searcher,seed,arch\n".to_owned();
        for front in fronts {
            for arch in &front.architectures {
                let _ = writeln!(file, "{},{},{}", front.method, front.seed, published(arch));
            }
        }
        write(&folder.join("fronts.csv"), &file)?;
        let on = ["--dataset", &self.dataset, "--device", &self.device];
        let command = [&["front-score", "fronts.csv"][..], &on[..]].concat();
        let rows = nas.table(folder, &command)?;
        let mut scores = std::collections::HashMap::new();
        for row in &rows {
            let method = text(row, "method")?.trim_end_matches(" of fronts.csv").to_owned();
            let (hypervolume_ratio, igd_plus) =
                (number(row, "hypervolume_ratio")?, number(row, "igd_plus")?);
            scores.insert(
                (method, number(row, "seed")? as u64),
                Scores { hypervolume_ratio, igd_plus },
            );
        }
        let score = |front: &Front| scores.get(&(front.method.clone(), front.seed)).copied();
        let missing = || failed(&"nas front-score has not scored each front");
        fronts.iter().map(|front| score(front).ok_or_else(missing)).collect()
    }
}

/// A cell in the user's words, from the benchmark's text.
fn own(arch: &str) -> String {
    let operations = arch.split(['|', '+']).filter_map(|part| part.split_once('~'));
    let own = operations.map(|(operation, _)| {
        let known = OPERATIONS.iter().find(|(_, published)| *published == operation);
        known.map_or(operation, |(own, _)| own)
    });
    own.collect::<Vec<_>>().join(" ")
}

/// The benchmark's text of a cell in the user's words.
fn published(arch: &str) -> String {
    let mut text = String::new();
    let mut node = 1;
    for (own, (from, to)) in arch.split(' ').zip(EDGES) {
        if to > node {
            text += "|+";
            node = to;
        }
        let known = OPERATIONS.iter().find(|(name, _)| *name == own);
        let _ = write!(text, "|{}~{from}", known.map_or(own, |(_, published)| published));
    }
    text + "|"
}

/// The user's space.
fn space() -> String {
    let mut text = "name = \"my-cell\"\n\n".to_owned();
    let choices = OPERATIONS.map(|(own, _)| format!("\"{own}\"")).join(", ");
    for (from, to) in EDGES {
        let name = format!("from {from} to {to}");
        let _ = writeln!(text, "[[decision]]\nname = \"{name}\"\nchoices = [{choices}]\n");
    }
    let edges = EDGES.map(|(from, to)| format!("[{from}, {to}]")).join(", ");
    text + &format!("[cell]\nedges = [{edges}]\nnone = \"nothing\"\nidentity = \"pass\"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_in_the_users_words_is_the_published_one() {
        let arch = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|none~0|nor_conv_3x3~1|skip_connect~2|";
        let mine = own(arch);
        assert_eq!(mine, "pool conv1 pass nothing conv3 pass");
        assert_eq!(published(&mine), arch);
    }
}
