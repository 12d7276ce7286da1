//! Fronts of files and runs, scored, by the method that found them.

use std::path::{Path, PathBuf};

use nas_eval::{Problem, Scores, Truth, UserFront};
use nas_space::Arch;

use crate::{
    commands::{
        benchmark::{EXACT, only_exact},
        search::{BINS, TOLERANCE},
    },
    failure::Failure,
    output::counted,
    run_folder::{CONFIG, RunFolder},
    target::parse_published,
    terminal::note,
};

/// What fronts are scored by.
pub struct Judge<'a> {
    pub problem: &'a Problem,
    pub device: &'a str,
    pub truth: &'a Truth,
}

/// The file with the front of a run.
const FRONT: &str = "front.csv";

/// A method with its fronts.
pub struct Method {
    pub name: String,
    searcher: Option<String>,
    /// Sorted by seed; no two of one seed.
    pub fronts: Vec<Front>,
}

/// A front that a method found.
pub struct Front {
    pub file: String,
    pub seed: Option<u64>,
    /// Architectures that the device cannot run, which do not count.
    pub not_run: usize,
    pub scored: Scored,
}

/// How good a front is, on true values.
#[derive(Debug, Clone, Copy)]
pub struct Scored {
    /// Those that count.
    pub architectures: usize,
    pub scores: Scores,
    pub coverage: f64,
}

impl Front {
    /// The seed in words.
    pub fn of_seed(&self) -> String {
        self.seed.map_or_else(|| "no seed".to_owned(), |seed| format!("seed {seed}"))
    }
}

impl Judge<'_> {
    /// The methods of these files and runs, in the order of their first rows.
    pub fn methods(&self, paths: &[PathBuf]) -> Result<Vec<Method>, Failure> {
        let mut methods: Vec<Method> = Vec::new();
        for path in paths {
            for front in self.read(path)? {
                let searcher = front.searcher.clone();
                let front = self.scored(path, &front)?;
                let Some(method) = methods.iter_mut().find(|known| known.searcher == searcher)
                else {
                    let name = name(paths, searcher.as_deref());
                    methods.push(Method { name, searcher, fronts: vec![front] });
                    continue;
                };
                if let Some(known) = method.fronts.iter().find(|known| known.seed == front.seed) {
                    return Err(twice(known, &front));
                }
                method.fronts.push(front);
            }
        }
        for method in &mut methods {
            method.fronts.sort_by_key(|front| front.seed);
        }
        Ok(methods)
    }

    /// The exact front itself.
    pub fn exact(&self) -> Result<Scored, Failure> {
        let scored = self.score(self.truth.front())?;
        scored.ok_or_else(|| Failure::work("the exact front is empty"))
    }

    /// The coverage of all architectures together: no front has more.
    pub fn coverage_at_most(&self) -> f64 {
        let all = self.problem.numbered().unwrap_or_default();
        self.truth.coverage(&all, BINS, TOLERANCE)
    }

    /// The fronts of a file or run that are of this data set and device.
    fn read(&self, path: &Path) -> Result<Vec<UserFront<Arch>>, Failure> {
        let run = self.run_of(path)?;
        let file = if path.is_dir() { path.join(FRONT) } else { path.to_path_buf() };
        let name = path.display();
        let mut fronts = UserFront::read(&file, |text| self.problem.parse(text))?;
        if fronts.is_empty() {
            return Err(Failure::input(format!(
                "{name}: the front is empty; expected a row for each architecture"
            )));
        }
        let pairs = pairs(&fronts);
        fronts.retain(|front| self.is_of(front));
        if fronts.is_empty() {
            return Err(Failure::input(format!(
                "{name}: no row is of {} on {}; it has {pairs}: name these with --dataset and --device",
                self.problem.dataset_name.unwrap_or_default(),
                self.device
            )));
        }
        fronts.retain(|front| front.searcher.as_deref() != Some(EXACT));
        if fronts.is_empty() {
            return Err(only_exact(&name.to_string()));
        }
        if let ([front], Some(seed)) = (&mut fronts[..], run) {
            front.seed = Some(seed);
        }
        Ok(fronts)
    }

    /// The seed of the run that a path is, or whose file it is.
    fn run_of(&self, path: &Path) -> Result<Option<u64>, Failure> {
        let of_run = |folder: &&Path| path.ends_with(FRONT) && folder.join(CONFIG).is_file();
        let folder = if path.is_dir() { Some(path) } else { path.parent().filter(of_run) };
        let Some(folder) = folder else { return Ok(None) };
        let settings = RunFolder::open(folder)?.of(crate::run_folder::Kind::Search)?.settings()?;
        let setting = |name: &str| {
            let found = settings.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.as_str())
        };
        let asked = [
            ("space", self.problem.space.name()),
            ("dataset", self.problem.dataset_name.unwrap_or_default()),
            ("device", self.device),
        ];
        for (name, asked) in asked {
            // A run on this machine, or with a table, may be scored on any device.
            let is_known = |own: &&str| name != "device" || parse_published(own).is_ok();
            let other = setting(name).filter(|own| !own.eq_ignore_ascii_case(asked));
            let is_file = |own: &&str| Path::new(own).extension().is_some();
            if let Some(own) = other.filter(is_file).filter(|_| name == "space") {
                return Err(Failure::input(format!(
                    "{} is a run of {own}, whose exact front is not known: nas compare compares it with other runs and fronts",
                    folder.display()
                )));
            }
            if let Some(own) = other.filter(is_known) {
                return Err(Failure::input(format!(
                    "{} is a run of {name} {own}, not of {asked}: name it with --{name} {own}",
                    folder.display()
                )));
            }
        }
        Ok(setting("seed").and_then(|seed| seed.parse().ok()))
    }

    fn is_of(&self, front: &UserFront<Arch>) -> bool {
        let asked = [
            (&front.dataset, self.problem.dataset_name.unwrap_or_default()),
            (&front.device, self.device),
        ];
        asked
            .into_iter()
            .all(|(own, asked)| own.as_ref().is_none_or(|own| own.eq_ignore_ascii_case(asked)))
    }

    fn scored(&self, path: &Path, front: &UserFront<Arch>) -> Result<Front, Failure> {
        let file = path.display().to_string();
        let (device, all) = (self.device, front.rows.len());
        let not_run: Vec<u64> = front
            .rows
            .iter()
            .filter(|(_, arch)| self.truth.values(arch).is_none())
            .map(|(line, _)| *line)
            .collect();
        let architectures: Vec<Arch> = front.rows.iter().map(|(_, arch)| arch.clone()).collect();
        let of_seed = front.seed.map_or_else(String::new, |seed| format!(" of seed {seed}"));
        let Some(scored) = self.score(&architectures)? else {
            return Err(Failure::input(format!(
                "{file}: {device} can run none of the {} on the front{of_seed}: name the device that the search was for with --device",
                counted(all, "architecture")
            )));
        };
        if let Some(first) = not_run.first() {
            note(&format!(
                "warning: {file}: {device} cannot run {} of the {all} architectures on the front{of_seed}, the first in row {first}: they do not count",
                not_run.len()
            ));
        }
        Ok(Front { file, seed: front.seed, not_run: not_run.len(), scored })
    }

    fn score(&self, found: &[Arch]) -> Result<Option<Scored>, Failure> {
        let scores = self.truth.score(found)?;
        Ok(scores.map(|scores| Scored {
            architectures: found.iter().filter(|arch| self.truth.values(arch).is_some()).count(),
            scores,
            coverage: self.truth.coverage(found, BINS, TOLERANCE),
        }))
    }
}

/// The data sets and devices of fronts, in words.
fn pairs(fronts: &[UserFront<Arch>]) -> String {
    let mut pairs: Vec<String> = Vec::new();
    for front in fronts {
        let device = front.device.iter().map(|device| format!("on {device}"));
        let words: Vec<String> = front.dataset.iter().cloned().chain(device).collect();
        let words = words.join(" ");
        if !pairs.contains(&words) {
            pairs.push(words);
        }
    }
    pairs.join(", ")
}

/// The name of the method whose fronts these files or runs contain.
fn name(paths: &[PathBuf], searcher: Option<&str>) -> String {
    let more = match paths.len() {
        0 | 1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    let files =
        paths.first().map_or_else(String::new, |first| format!("{}{more}", first.display()));
    match searcher {
        Some(searcher) => format!("{searcher} of {files}"),
        None => files,
    }
}

/// The error about two fronts of a method that have the same seed, or none.
fn twice(known: &Front, front: &Front) -> Failure {
    let (one, other) = (&known.file, &front.file);
    Failure::input(match front.seed {
        _ if one == other => format!("{one} is named twice: name it once"),
        Some(seed) => format!(
            "{one} and {other} both contain the front of seed {seed}: name one of them, or another method's with --against"
        ),
        None => format!(
            "{one} and {other}: of which seed is each? Add a column seed, or put it into the name, as in mine-seed1.csv; another method's front is named with --against"
        ),
    })
}
