//! The searches that the tables are made of, and what they came to.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde::Deserialize;

use super::{Part, model};
use crate::cargo::{measuring_nas, output};
use crate::error::Error;
use crate::workspace::Workspace;

/// All searchers that need no model.
pub const SEARCHERS: [&str; 8] = [
    "random",
    "local",
    "regularised-evolution",
    "nsga2",
    "spea2",
    "map-elites",
    "evolution",
    "statistical",
];

/// What niches can be cut by: the paper's niches, axes, and the choice among them.
pub const AXES: [&str; 10] = [
    "pel-nas",
    "nor_conv_3x3",
    "nor_conv_1x1",
    "parameters",
    "flops",
    "operations",
    "layers",
    "predicted-latency",
    "random",
    "automatic",
];

pub const ALLOCATIONS: [&str; 2] = ["adaptive", "equal"];

/// Numbers of niches, by FLOPs.
pub const NICHES: std::ops::RangeInclusive<u32> = 1..=12;

/// The devices and latency limits of the paper's table 2, in ms.
pub const LIMITS: [(&str, f64); 2] = [("fpga", 1.65), ("edgegpu", 1.78)];

/// What a search begins with: no rules, or those of a file in bench-data/rules/.
pub const BEGIN: [&str; 3] = ["nothing", "sensible", "wrong"];

/// Budgets of those searches, and when they are looked at. The smaller the budget, the smaller the
/// random sample, and the earlier the evidence is counted.
pub const RULED: [(u64, &str); 3] =
    [(60, "10,12,15,20,25,30,40,50"), (200, "33,50,100"), (600, "100,200,400")];

/// What the searches of table 2 see, the searcher, and where its accuracies come from.
pub const SEEN: [(&str, &str, &str); 3] = [
    ("benchmark", "--searchers statistical --partition pel-nas", "benchmark"),
    ("predictor", "--searchers statistical --partition pel-nas", "shared-predictor"),
    ("bought", "--searchers exhaustive", "predictor"),
];

/// The columns of ViT-Bench-101 that accuracy is predicted of.
pub const TESTED: [&str; 4] = ["imagenet", "cifar100", "flowers", "chaoyang"];

/// What searches for vision transformers.
pub const TRANSFORMERS: [&str; 2] = ["statistical", "random"];

/// Proxies of the networks of ViT-Bench-101.
const VIT_SCORES: &str = "bench-data/vit-bench-101-proxies.csv";

/// One call of `nas`, of `nas benchmark` where scores, rules or fronts are kept.
struct Experiment {
    /// The file in `reports/data/`.
    name: String,
    arguments: String,
    /// Where the numbers go.
    parts: &'static [Part],
    kept: Kept,
}

/// What is kept of an experiment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    Scores,
    /// Scores, and which of the given rules stand.
    Rules,
    /// The networks of the fronts.
    Fronts,
    /// Rank correlations, whatever the seeds.
    Ranks,
    /// The front of one search with latency measured on the machine that it was made on: made again
    /// only where its part is asked for by name, and compared with nothing.
    Measured,
}

fn experiments() -> Vec<Experiment> {
    let mut all = Vec::new();
    let mut add = |name: String, arguments: String, parts: &'static [Part]| {
        all.push(Experiment { name, arguments, parts, kept: Kept::Scores });
    };
    let every = format!("--searchers {}", SEARCHERS.join(","));
    let ours = "--searchers evolution,statistical";
    let shown: &[Part] = &[Part::T3, Part::T4, Part::T5, Part::Convergence, Part::Axes];
    add("exact".into(), format!("{every} --at 50,100,150,200,300,400"), shown);
    add(
        "predicted".into(),
        format!("{every},exhaustive --accuracy shared-predictor"),
        &[Part::T3, Part::T5],
    );
    add(
        "bought".into(),
        "--searchers exhaustive --accuracy predictor".into(),
        &[Part::T3, Part::T5],
    );
    add("energy".into(), format!("{every} --energy"), &[Part::Energy]);
    for allocation in ALLOCATIONS {
        let niches = format!("{ours} --partition pel-nas --allocation {allocation}");
        add(
            format!("predicted-{allocation}"),
            format!("{niches} --accuracy shared-predictor"),
            &[Part::T3, Part::T5],
        );
        add(format!("proxy-{allocation}"), format!("{niches} --accuracy proxy"), &[Part::T5]);
    }
    let axes: &[Part] = &[Part::T5, Part::Axes];
    add("niches-200-whole".into(), format!("{ours} --evaluations 200"), axes);
    for axis in AXES {
        for allocation in ALLOCATIONS {
            let niches = format!("{ours} --partition {axis} --allocation {allocation}");
            add(
                format!("niches-200-{axis}-{allocation}"),
                format!("{niches} --evaluations 200"),
                axes,
            );
            if ["pel-nas", "automatic"].contains(&axis) {
                let shown = &[Part::T3, Part::T5, Part::Axes];
                add(format!("niches-600-{axis}-{allocation}"), niches, shown);
            }
        }
    }
    for niches in NICHES {
        for allocation in ALLOCATIONS {
            let cut = format!("--partition flops --niches {niches} --allocation {allocation}");
            add(
                format!("count-{niches}-{allocation}"),
                format!("--searchers statistical {cut} --evaluations 200"),
                &[Part::Niches],
            );
        }
    }
    let devices = LIMITS.map(|(device, _)| device).join(",");
    for (seen, search, accuracy) in SEEN {
        all.push(Experiment {
            name: format!("fronts-{seen}"),
            arguments: format!("{search} --accuracy {accuracy} --devices {devices}"),
            parts: &[Part::T2],
            kept: Kept::Fronts,
        });
    }
    for dataset in TESTED {
        all.push(Experiment {
            name: format!("transformers-{dataset}"),
            arguments: format!(
                "predict folds --space autoformer-tiny --dataset {dataset} --scores {VIT_SCORES}"
            ),
            parts: &[Part::T6],
            kept: Kept::Ranks,
        });
    }
    for searcher in TRANSFORMERS {
        all.push(Experiment {
            name: format!("transformers-{searcher}"),
            arguments: format!("search --space autoformer-tiny --proposer {searcher} --seed 1"),
            parts: &[Part::T6],
            kept: Kept::Measured,
        });
    }
    for begin in BEGIN {
        for (evaluations, at) in RULED {
            let rules = match begin {
                "nothing" => String::new(),
                rules => format!(" --rules bench-data/rules/{rules}.csv"),
            };
            all.push(Experiment {
                name: format!("rules-{evaluations}-{begin}"),
                arguments: format!(
                    "--searchers statistical --partition pel-nas{rules} --evaluations {evaluations} --at {at}"
                ),
                parts: &[Part::Rules],
                kept: Kept::Rules,
            });
        }
    }
    all
}

/// The parts that show a language model's recorded searches.
const MODEL: [Part; 6] =
    [Part::Figure1, Part::T4, Part::T5, Part::Convergence, Part::Rules, Part::Models];

/// What recorded searches are made with.
const REPLAYED: &str = "nas search --proposer llm --replay …, see bench-data/README.md";
const MEMORISED: &str = "nas memorise-test --replay …";

/// The program `nas`, and what tells one build from another.
pub struct Program {
    path: PathBuf,
    hash: u64,
}

impl Program {
    pub fn new(path: PathBuf) -> Result<Self, Error> {
        let hash = hash(&fs::read(&path).map_err(Error::file(&path))?);
        Ok(Self { path, hash })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

/// The experiments with the files that keep them.
pub struct Experiments<'a> {
    workspace: &'a Workspace,
    program: &'a Program,
    data: PathBuf,
    /// Says of each file by which program it was made; not kept with it.
    stamps: PathBuf,
    seeds: u64,
}

impl<'a> Experiments<'a> {
    pub fn new(workspace: &'a Workspace, program: &'a Program, reports: &Path, seeds: u64) -> Self {
        let stamps = workspace.root().join(format!("target/reproduce/{seeds}-seeds"));
        Self { workspace, program, data: reports.join("data"), stamps, seeds }
    }

    /// Runs what has not been run by this program, and what is measured if `measure` says so or it is
    /// not there. Each ends with its file: an interrupted reproduction goes on where it was.
    pub fn run(&self, parts: &[Part], measure: bool) -> Result<(), Error> {
        for folder in [&self.data, &self.stamps] {
            fs::create_dir_all(folder).map_err(Error::file(folder))?;
        }
        let mut wanted: Vec<Experiment> = wanted(parts);
        wanted.retain(|experiment| {
            experiment.kept != Kept::Measured || measure || !self.path(&experiment.name).exists()
        });
        for (number, experiment) in wanted.iter().enumerate() {
            let command = experiment.command(self.seeds);
            let root = self.workspace.root();
            let made = || {
                // Only it can measure; what has no need of it is run without libtorch.
                let program = match experiment.kept {
                    Kept::Measured => &measuring_nas(self.workspace)?,
                    _ => self.program.path(),
                };
                experiment.run(root, program, &self.stamps, &command)
            };
            let read = experiment.reads(root)?;
            let step = format!("[{}/{}]", number + 1, wanted.len());
            self.keep(&experiment.name, &command, &read, &step, made)?;
        }
        if parts.iter().any(|part| MODEL.contains(part)) {
            let calls = model::calls(self.workspace)?;
            self.keep("memorised", MEMORISED, &calls, "[model]", || {
                model::memorised(self.workspace, self.program.path())
            })?;
            let mut curves = None;
            self.keep("model", REPLAYED, &calls, "[model]", || {
                let (rows, curve) = model::recorded(self.workspace, self.program.path())?;
                curves = Some(curve);
                Ok(rows)
            })?;
            self.keep("model-curves", REPLAYED, &calls, "[model]", || match curves.take() {
                Some(curves) => Ok(curves),
                None => Ok(model::recorded(self.workspace, self.program.path())?.1),
            })?;
        }
        Ok(())
    }

    /// Makes a file again, unless this program has made it with this command from what it reads
    /// beside the benchmark.
    fn keep(
        &self,
        name: &str,
        command: &str,
        read: &[u8],
        step: &str,
        make: impl FnOnce() -> Result<String, Error>,
    ) -> Result<(), Error> {
        let (path, stamp) = (self.path(name), self.stamps.join(format!("{name}.stamp")));
        let says = |text: &str| {
            let hashes = [self.program.hash, hash(read), hash(text.as_bytes())];
            format!("{command}\n{hashes:?}\n")
        };
        let known = fs::read_to_string(&path).ok();
        if let (Some(known), Ok(stamp)) = (known, fs::read_to_string(&stamp))
            && stamp == says(&known)
        {
            return Ok(());
        }
        let begun = Instant::now();
        let text = format!("# {command}\n{}", make()?);
        let beside = self.stamps.join(format!("{name}.csv"));
        fs::write(&beside, &text).map_err(Error::file(&beside))?;
        fs::rename(&beside, &path).map_err(Error::file(&path))?;
        fs::write(&stamp, says(&text)).map_err(Error::file(&stamp))?;
        println!("{step} {name}: {:.1} s", begun.elapsed().as_secs_f64());
        Ok(())
    }

    /// Runs the first seed of everything again, and tells what is not as it is kept.
    pub fn check(&self, parts: &[Part]) -> Result<Vec<String>, Error> {
        fs::create_dir_all(&self.stamps).map_err(Error::file(&self.stamps))?;
        let mut stale = Vec::new();
        let mut compare = |name: &str, command: &str, found: &str, kept: &dyn Fn(&str) -> bool| {
            let path = self.path(name);
            let text = fs::read_to_string(&path).map_err(Error::file(&path))?;
            let kept: Vec<&str> = text.lines().skip(1).filter(|line| kept(line)).collect();
            let made = text.lines().next() == Some(&format!("# {command}"));
            if !made || !kept.into_iter().eq(found.lines()) {
                stale.push(format!("reports/data/{name}.csv is not what its command gives"));
            }
            Ok::<(), Error>(())
        };
        for experiment in wanted(parts) {
            if experiment.kept == Kept::Measured {
                continue;
            }
            let (root, command) = (self.workspace.root(), experiment.command(1));
            let program = self.program.path();
            let found = experiment.run(root, program, &self.stamps, &command)?;
            // The header, and rows of the first seed: it is the fourth column.
            let seeded = experiment.kept != Kept::Ranks;
            let first = |line: &str| matches!(line.split(',').nth(3), Some("seed" | "1"));
            let kept = |line: &str| !seeded || first(line);
            compare(&experiment.name, &experiment.command(self.seeds), &found, &kept)?;
        }
        if parts.iter().any(|part| MODEL.contains(part)) {
            let (rows, curves) = model::recorded(self.workspace, self.program.path())?;
            compare("model", REPLAYED, &rows, &|_| true)?;
            let memorised = model::memorised(self.workspace, self.program.path())?;
            compare("memorised", MEMORISED, &memorised, &|_| true)?;
            compare("model-curves", REPLAYED, &curves, &|_| true)?;
        }
        Ok(stale)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.data.join(format!("{name}.csv"))
    }

    pub fn results(&self) -> Results {
        Results { root: self.workspace.root().to_path_buf(), data: self.data.clone() }
    }
}

fn wanted(parts: &[Part]) -> Vec<Experiment> {
    let wanted = |experiment: &Experiment| experiment.parts.iter().any(|part| parts.contains(part));
    experiments().into_iter().filter(wanted).collect()
}

/// What is kept of a search's scores, and of a network on a front: the first four columns are the
/// same, and numbers are rounded to so many decimals.
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
/// Beside the scores: the given rules that stand, by their positions.
const RULES: &str = "rules";
const DECIMALS: usize = 5;

impl Experiment {
    /// The rules or scores that it begins with.
    fn reads(&self, root: &Path) -> Result<Vec<u8>, Error> {
        let words = self.arguments.split(' ');
        let mut words = words.skip_while(|word| !["--rules", "--scores"].contains(word));
        let Some(file) = words.nth(1) else { return Ok(Vec::new()) };
        let file = root.join(file);
        fs::read(&file).map_err(Error::file(&file))
    }

    fn command(&self, seeds: u64) -> String {
        match self.kept {
            Kept::Ranks | Kept::Measured => format!("nas {}", self.arguments),
            _ => format!("nas benchmark {} --seeds {seeds}", self.arguments),
        }
    }

    /// The columns that are kept, as CSV.
    fn run(
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
            nas.arg("--fronts").arg(&fronts);
        }
        if self.kept == Kept::Measured {
            nas.arg("--force").arg("--run").arg(scratch.join("transformers"));
        }
        let ran = output(&mut nas)?;
        if !ran.status.success() {
            let problem = format!("`{command}` ended with {}", ran.status);
            return Err(Error::Bench { step: "run a search", problem });
        }
        match self.kept {
            Kept::Scores => columns(&ran.stdout, &SCORES),
            Kept::Rules => columns(&ran.stdout, &[&SCORES[..], &[RULES]].concat()),
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
    let wrong = |problem: String| Error::Bench { step: "read what nas benchmark printed", problem };
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

/// What one search came to.
#[derive(Debug, Clone, Deserialize)]
pub struct Scores {
    pub dataset: String,
    pub device: String,
    pub searcher: String,
    pub seed: u64,
    pub evaluations: u64,
    pub hypervolume_ratio: Option<f64>,
    pub hypervolume: Option<f64>,
    pub igd: Option<f64>,
    pub igd_plus: Option<f64>,
    pub coverage: f64,
    /// The given rules that stand, by their positions from 1 on.
    #[serde(default)]
    pub rules: String,
}

/// A network on a search's front.
#[derive(Debug, Clone, Deserialize)]
pub struct OnFront {
    pub dataset: String,
    pub device: String,
    pub searcher: String,
    pub seed: u64,
    pub connected: bool,
    pub seen: f64,
    pub test_accuracy_percent: f64,
    pub latency_ms: f64,
}

/// How well a method ranks vision transformers, over all and within each width.
#[derive(Debug, Clone, Deserialize)]
pub struct Rank {
    pub method: String,
    pub spearman: Option<f64>,
    #[serde(rename = "embedding dimension = 192")]
    pub of_192: Option<f64>,
    #[serde(rename = "embedding dimension = 216")]
    pub of_216: Option<f64>,
    #[serde(rename = "embedding dimension = 240")]
    pub of_240: Option<f64>,
    /// Of the labels, those that lie in the predicted interval.
    pub inside_percent: Option<f64>,
}

/// A vision transformer on the front of a search.
#[derive(Debug, Clone, Deserialize)]
pub struct Transformer {
    pub arch: String,
    pub predicted_accuracy_percent: f64,
    pub predicted_low_percent: f64,
    pub predicted_high_percent: f64,
    pub latency_ms: f64,
    pub latency_spread_ms: f64,
    pub parameters: f64,
}

/// What all experiments came to.
pub struct Results {
    root: PathBuf,
    data: PathBuf,
}

/// A rule that a search begins with.
#[derive(Debug, Clone, Deserialize)]
pub struct Rule {
    pub polarity: String,
    pub decision: String,
    pub choice: String,
    pub at_least: Option<u32>,
}

impl Results {
    pub fn scores(&self, name: &str) -> Result<Vec<Scores>, Error> {
        self.read(name)
    }

    pub fn fronts(&self, name: &str) -> Result<Vec<OnFront>, Error> {
        self.read(name)
    }

    pub fn ranks(&self, dataset: &str) -> Result<Vec<Rank>, Error> {
        self.read(&format!("transformers-{dataset}"))
    }

    /// The front of a search for vision transformers, and what it was measured on.
    pub fn transformers(&self, searcher: &str) -> Result<(Vec<Transformer>, String), Error> {
        let name = format!("transformers-{searcher}");
        let path = self.data.join(format!("{name}.csv"));
        let text = fs::read_to_string(&path).map_err(Error::file(&path))?;
        let machine = text.lines().find_map(|line| line.strip_prefix("# measured on "));
        Ok((self.read(&name)?, machine.unwrap_or("an unknown machine").to_owned()))
    }

    pub fn model(&self) -> Result<Vec<model::Recorded>, Error> {
        self.read("model")
    }

    pub fn model_curves(&self) -> Result<Vec<model::Generation>, Error> {
        self.read("model-curves")
    }

    pub fn memorised(&self) -> Result<Vec<model::Memorised>, Error> {
        self.read("memorised")
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
    reader.deserialize().collect::<Result<_, _>>().map_err(|error| Error::Bench {
        step: "read what was kept",
        problem: format!("{}: {error}", path.display()),
    })
}

/// The mean of a value over pairs for each seed, in order of the seeds.
pub fn by_seed(rows: &[Scores], value: impl Fn(&Scores) -> f64) -> Vec<f64> {
    grouped(rows, |row| row.seed, value)
}

/// The mean over seeds for each pair of data set and device.
pub fn by_pair(rows: &[Scores], value: impl Fn(&Scores) -> f64) -> Vec<f64> {
    grouped(rows, |row| (row.dataset.clone(), row.device.clone()), value)
}

fn grouped<K: Ord>(
    rows: &[Scores],
    key: impl Fn(&Scores) -> K,
    value: impl Fn(&Scores) -> f64,
) -> Vec<f64> {
    let mut groups: BTreeMap<K, Vec<f64>> = BTreeMap::new();
    for row in rows {
        groups.entry(key(row)).or_default().push(value(row));
    }
    groups.into_values().map(|values| super::statistics::mean(&values)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_names_of_their_own_and_every_part_is_fed() {
        let all = experiments();
        let mut names: Vec<&str> = all.iter().map(|experiment| experiment.name.as_str()).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
        for part in [Part::T2, Part::T3, Part::T5, Part::T6, Part::Niches, Part::Axes, Part::Energy]
        {
            assert!(!wanted(&[part]).is_empty(), "{part:?}");
        }
    }

    #[test]
    fn numbers_are_kept_short_and_counts_as_they_are() {
        let table = b"seed,x,y,z\n10,0.123456789,2.0,\n11,1e-7,true,-0.5\n";
        let kept = columns(table, &["x", "seed", "y", "z"]).unwrap();
        assert_eq!(kept, "x,seed,y,z\n0.12346,10,2,\n0,11,true,-0.5\n");
        assert!(columns(table, &["nothing"]).is_err());
    }
}
