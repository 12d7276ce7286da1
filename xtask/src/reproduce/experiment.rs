//! One call of the program `nas`, and what is kept of its output.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::error::Error;
use crate::process::output;

/// One call of `nas`: of `nas benchmark` where scores, rules or fronts are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Experiment {
    /// The file's name in `reports/data/`, without its ending.
    pub name: String,
    pub arguments: String,
    pub kept: Kept,
}

/// What is kept of an experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    Scores,
    /// Scores, and which of the given rules hold.
    Rules,
    /// Scores, and those of single proposals.
    Proposals,
    /// Scores, and the share of the first of the operators that share a search.
    Operators,
    /// The networks of the fronts.
    Fronts,
    /// Rank correlations, whatever the seeds.
    Ranks,
    /// The front of one search whose latencies are measured on this machine. It is run again only
    /// where its table is named, and compared with nothing.
    Measured,
}

/// The columns that are kept of a search's scores and of a network on a front. The first four are the
/// same.
const SCORES: [&str; 10] = [
    "dataset",
    "device",
    "searcher",
    "seed",
    "evaluations",
    "hypervolume_ratio",
    "hypervolume",
    "igd",
    "igd_plus",
    "coverage",
];
const FRONTS: [&str; 9] = [
    "dataset",
    "device",
    "searcher",
    "seed",
    "index",
    "connected",
    "seen",
    "test_accuracy_percent",
    "latency_ms",
];
const RANKS: [&str; 7] = [
    "method",
    "spearman",
    "deviation",
    "embedding dimension = 192",
    "embedding dimension = 216",
    "embedding dimension = 240",
    "inside_percent",
];
const MEASURED: [&str; 7] = [
    "arch",
    "predicted_accuracy_percent",
    "predicted_low_percent",
    "predicted_high_percent",
    "latency_ms",
    "latency_spread_ms",
    "parameters",
];
/// Beside the scores: the given rules that hold, by their positions; the scores of single proposals; the
/// share of an operator.
const RULES: &str = "rules";
const PROPOSALS: [&str; 2] = ["entered", "percentile"];
const OPERATORS: &str = "first_operator";
/// Numbers are rounded to this many.
const DECIMALS: usize = 5;

impl Experiment {
    /// Searches of which the scores are kept; `arguments` are those of `nas benchmark`.
    pub fn scores(name: impl Into<String>, arguments: impl Into<String>) -> Self {
        Self::new(Kept::Scores, name, arguments)
    }

    pub fn new(kept: Kept, name: impl Into<String>, arguments: impl Into<String>) -> Self {
        Self { name: name.into(), arguments: arguments.into(), kept }
    }

    /// The content of the file of rules or scores that it begins with.
    pub fn reads(&self, root: &Path) -> Result<Vec<u8>, Error> {
        let words = self.arguments.split(' ');
        let mut words = words.skip_while(|word| !["--rules", "--scores"].contains(word));
        let Some(file) = words.nth(1) else { return Ok(Vec::new()) };
        let file = root.join(file);
        fs::read(&file).map_err(Error::file(&file))
    }

    /// The command, as the first line of its file shows it.
    pub fn command(&self, seeds: u64) -> String {
        match self.kept {
            Kept::Ranks | Kept::Measured => format!("nas {}", self.arguments),
            _ => format!("nas benchmark {} --seeds {seeds}", self.arguments),
        }
    }

    /// Runs it and returns the columns that are kept, as CSV.
    pub fn run(
        &self,
        root: &Path,
        program: &Path,
        scratch: &Path,
        command: &str,
    ) -> Result<String, Error> {
        let mut nas = Command::new(program);
        nas.current_dir(root);
        nas.args(command.split(' ').skip(1)).args(["--format", "csv"]);
        let fronts = scratch.join("fronts.csv");
        if self.kept == Kept::Fronts {
            nas.arg("--force").arg("--fronts").arg(&fronts);
        }
        if self.kept == Kept::Measured {
            nas.arg("--force").arg("--run").arg(scratch.join("transformers"));
        }
        let ran = output(&mut nas)?;
        if !ran.status.success() {
            let problem = format!("`{command}` ended with {}", ran.status);
            return Err(Error::Step { step: "run a search", problem });
        }
        match self.kept {
            Kept::Scores => columns(&ran.stdout, &SCORES),
            Kept::Rules => columns(&ran.stdout, &[&SCORES[..], &[RULES]].concat()),
            Kept::Operators => columns(&ran.stdout, &[&SCORES[..], &[OPERATORS]].concat()),
            Kept::Proposals => columns(&ran.stdout, &[&SCORES[..], &PROPOSALS].concat()),
            Kept::Fronts => {
                let text = fs::read(&fronts).map_err(Error::file(&fronts))?;
                columns(&text, &FRONTS)
            }
            Kept::Ranks => columns(&ran.stdout, &RANKS),
            Kept::Measured => {
                Ok(format!("# measured on {}\n{}", processor(), columns(&ran.stdout, &MEASURED)?))
            }
        }
    }
}

/// This machine's processor.
fn processor() -> String {
    let known = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = known.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}

/// These columns of a table, with numbers rounded.
fn columns(table: &[u8], names: &[&str]) -> Result<String, Error> {
    let wrong = |problem: String| Error::Step { step: "read what nas benchmark printed", problem };
    let mut reader = csv::Reader::from_reader(table);
    let header = reader.headers().map_err(|error| wrong(error.to_string()))?.clone();
    let places: Vec<usize> = names
        .iter()
        .map(|name| header.iter().position(|column| column == *name))
        .collect::<Option<_>>()
        .ok_or_else(|| wrong(format!("expected the columns {names:?}, got {header:?}")))?;
    let mut text = names.join(",") + "\n";
    for row in reader.records() {
        let row = row.map_err(|error| wrong(error.to_string()))?;
        let cells: Vec<String> = places.iter().map(|&place| short(&row[place])).collect();
        text += &(cells.join(",") + "\n");
    }
    Ok(text)
}

fn short(cell: &str) -> String {
    match cell.parse::<f64>() {
        Ok(number) if cell.contains('.') || cell.contains('e') => {
            let rounded = format!("{number:.DECIMALS$}");
            rounded.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        _ => cell.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_kept_short_and_counts_as_they_are() {
        let table = b"seed,x,y,z\n10,0.123456789,2.0,\n11,1e-7,true,-0.5\n";
        let kept = columns(table, &["x", "seed", "y", "z"]).unwrap();
        assert_eq!(kept, "x,seed,y,z\n0.12346,10,2,\n0,11,true,-0.5\n");
        assert!(columns(table, &["nothing"]).is_err());
    }
}
