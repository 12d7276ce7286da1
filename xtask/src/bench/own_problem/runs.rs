//! Searches of problems, as many at the same time as there are cores, each kept when it ends.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use super::nas::{Nas, failed, rows, text, write};
use super::problem::{ANSWERS, Front, Problem, SPACE, Scores};
use crate::error::Error;

/// What stands before the seconds of a search, in the first line of its kept front.
const SECONDS: &str = "# seconds ";

/// One search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// The position of its problem.
    pub problem: usize,
    pub searcher: String,
    pub evaluations: u32,
    pub seed: u64,
}

/// What a search found.
#[derive(Debug, Clone)]
pub struct Found {
    pub search: Search,
    pub seconds: f64,
    /// The front, and of it what was evaluated.
    pub whole: Scores,
    pub measured: Scores,
}

/// Problems, and the folder in which they and what was found are kept.
pub struct Runs<'a> {
    pub nas: &'a Nas,
    pub problems: &'a [Box<dyn Problem>],
    pub folder: PathBuf,
}

impl Runs<'_> {
    /// Runs what is not kept of these searches, and scores all.
    pub fn run(&self, searches: &[Search]) -> Result<Vec<Found>, Error> {
        let problems: Vec<usize> = (0..self.problems.len()).collect();
        side_by_side(&problems, |&problem| self.pose(problem))?;
        let done = AtomicUsize::new(0);
        side_by_side(searches, |search| {
            let ran = self.search(search)?;
            let count = done.fetch_add(1, Ordering::Relaxed) + 1;
            if let Some(seconds) = ran {
                let Search { problem, searcher, evaluations, seed } = search;
                let problem = self.problems[*problem].name();
                let all = searches.len();
                eprintln!(
                    "[{count}/{all}] {problem}, {searcher}, {evaluations}, seed {seed}: {seconds:.1} s"
                );
            }
            Ok(())
        })?;
        let scored = side_by_side(&problems, |&problem| {
            let of_it = searches.iter().filter(|search| search.problem == problem);
            self.scored(problem, &of_it.collect::<Vec<_>>())
        })?;
        Ok(scored.into_iter().flatten().collect())
    }

    fn folder_of(&self, problem: usize) -> PathBuf {
        self.folder.join(self.problems[problem].name())
    }

    fn front_of(&self, search: &Search) -> PathBuf {
        let Search { problem, searcher, evaluations, seed } = search;
        self.folder_of(*problem).join(format!("{searcher}-{evaluations}-seed{seed}.csv"))
    }

    /// Writes the user's files, the space last, unless they are there.
    fn pose(&self, problem: usize) -> Result<(), Error> {
        let (folder, problem) = (self.folder_of(problem), &self.problems[problem]);
        if folder.join(SPACE).exists() {
            return Ok(());
        }
        std::fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
        let (program, text) = problem.program();
        write(&folder.join(program), text)?;
        let space = problem.pose(self.nas, &folder)?;
        write(&folder.join(SPACE), &space)
    }

    /// Runs a search unless its front is kept; returns the seconds it took.
    fn search(&self, search: &Search) -> Result<Option<f64>, Error> {
        let kept = self.front_of(search);
        if kept.exists() {
            return Ok(None);
        }
        let (folder, problem) = (self.folder_of(search.problem), &self.problems[search.problem]);
        let run = tempfile::tempdir_in(&folder).map_err(Error::file(&folder))?;
        let run = run.path().join("run");
        let command = format!("python3 {} {ANSWERS}", problem.program().0);
        let run_name = run.display().to_string();
        let (evaluations, seed) = (search.evaluations.to_string(), search.seed.to_string());
        let mut arguments = vec!["search", "--space", SPACE, "--evaluate", &command];
        arguments.extend(problem.arguments());
        arguments.extend(["--searcher", &search.searcher, "--evaluations", &evaluations]);
        arguments.extend(["--seed", &seed, "--run", &run_name]);
        let begun = Instant::now();
        self.nas.run(&folder, &arguments)?;
        let seconds = begun.elapsed().as_secs_f64();
        let front = run.join("front.csv");
        let front = std::fs::read_to_string(&front).map_err(Error::file(&front))?;
        write(&kept, &format!("{SECONDS}{seconds:.2}\n{front}"))?;
        Ok(Some(seconds))
    }

    /// Scores the kept fronts of a problem's searches.
    fn scored(&self, problem: usize, searches: &[&Search]) -> Result<Vec<Found>, Error> {
        let mut fronts = Vec::new();
        let mut all_seconds = Vec::new();
        for search in searches {
            let (seconds, found) = kept(&self.front_of(search))?;
            all_seconds.push(seconds);
            let method = format!("{} {}", search.searcher, search.evaluations);
            let measured = found.iter().filter(|one| one.1).map(|one| one.0.clone()).collect();
            let whole = found.into_iter().map(|one| one.0).collect();
            let seed = search.seed;
            fronts.push(Front {
                method: format!("{method} measured"),
                seed,
                architectures: measured,
            });
            fronts.push(Front { method, seed, architectures: whole });
        }
        let folder = self.folder_of(problem);
        let scores = self.problems[problem].score(self.nas, &folder, &fronts)?;
        let found = searches.iter().zip(all_seconds).zip(scores.chunks(2));
        let found = found.map(|((search, seconds), scores)| Found {
            search: (*search).clone(),
            seconds,
            measured: scores[0],
            whole: scores[1],
        });
        Ok(found.collect())
    }
}

/// The seconds of a search and the architectures of its front, each with whether it was evaluated.
fn kept(path: &Path) -> Result<(f64, Vec<(String, bool)>), Error> {
    let content = std::fs::read_to_string(path).map_err(Error::file(path))?;
    let seconds = content.lines().next().and_then(|line| line.strip_prefix(SECONDS));
    let seconds = seconds.and_then(|text| text.parse().ok());
    let seconds = seconds.ok_or_else(|| failed(&format!("{}: no seconds", path.display())))?;
    let mut front = Vec::new();
    for row in rows(&content)? {
        let predicted = row.get("value").is_some_and(|value| value == "predicted");
        front.push((text(&row, "arch")?.to_owned(), !predicted));
    }
    Ok((seconds, front))
}

/// Does something with each item, as many at the same time as there are cores. The first error ends it.
fn side_by_side<I: Sync, T: Send>(
    items: &[I],
    work: impl Fn(&I) -> Result<T, Error> + Sync,
) -> Result<Vec<T>, Error> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<(usize, Result<T, Error>)>> = Mutex::new(Vec::new());
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(at) else { break };
                    let result = work(item);
                    if result.is_err() {
                        next.store(items.len(), Ordering::Relaxed);
                    }
                    results.lock().unwrap_or_else(PoisonError::into_inner).push((at, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_order_and_an_error_is_returned() {
        let items: Vec<usize> = (0..100).collect();
        let doubled: Vec<usize> = items.iter().map(|item| item * 2).collect();
        assert_eq!(side_by_side(&items, |item| Ok(item * 2)).unwrap(), doubled);
        let failing = |item: &usize| match item {
            7 => Err(failed(&"broken")),
            _ => Ok(()),
        };
        let error = side_by_side(&items, failing).unwrap_err().to_string();
        assert!(error.contains("broken"), "{error}");
    }
}
