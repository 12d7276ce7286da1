//! What is kept of all experiments, read from `reports/data/`.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::rows::{
    EstimateScore, Memorised, OnFront, PairsScore, Rank, Recorded, Rule, Scores, SkillScore,
    Transformer,
};
use crate::error::Error;

/// The files that the experiments have left.
pub struct Results {
    root: PathBuf,
    data: PathBuf,
}

impl Results {
    /// `data` is a folder like `reports/data/`.
    pub fn new(root: PathBuf, data: PathBuf) -> Self {
        Self { root, data }
    }

    pub fn scores(&self, name: &str) -> Result<Vec<Scores>, Error> {
        self.read(name)
    }

    pub fn fronts(&self, name: &str) -> Result<Vec<OnFront>, Error> {
        self.read(name)
    }

    pub fn ranks(&self, dataset: &str) -> Result<Vec<Rank>, Error> {
        self.read(&format!("transformers-{dataset}"))
    }

    /// The front of a search for vision transformers, and the processor that it was measured on.
    pub fn transformers(&self, searcher: &str) -> Result<(Vec<Transformer>, String), Error> {
        let name = format!("transformers-{searcher}");
        let path = self.data.join(format!("{name}.csv"));
        let text = fs::read_to_string(&path).map_err(Error::file(&path))?;
        let machine = text.lines().find_map(|line| line.strip_prefix("# measured on "));
        Ok((self.read(&name)?, machine.unwrap_or("an unknown machine").to_owned()))
    }

    pub fn model(&self) -> Result<Vec<Recorded>, Error> {
        self.read("model")
    }

    pub fn memorised(&self) -> Result<Vec<Memorised>, Error> {
        self.read("memorised")
    }

    pub fn skills(&self) -> Result<Vec<SkillScore>, Error> {
        self.read("skill-tests")
    }

    /// Whether expected values are in the order of the true ones.
    pub fn estimates(&self) -> Result<Vec<EstimateScore>, Error> {
        self.read("estimates")
    }

    pub fn pairs(&self) -> Result<Vec<PairsScore>, Error> {
        self.read("pairs")
    }

    /// The rules of a file in bench-data/rules/.
    pub fn rules(&self, name: &str) -> Result<Vec<Rule>, Error> {
        rows(&self.root.join(format!("bench-data/rules/{name}.csv")))
    }

    fn read<T: for<'a> Deserialize<'a>>(&self, name: &str) -> Result<Vec<T>, Error> {
        rows(&self.data.join(format!("{name}.csv")))
    }
}

fn rows<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<Vec<T>, Error> {
    let text = fs::read_to_string(path).map_err(Error::file(path))?;
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(text.as_bytes());
    reader.deserialize().collect::<Result<_, _>>().map_err(|error| Error::Step {
        step: "read what was kept",
        problem: format!("{}: {error}", path.display()),
    })
}
