//! A problem as a user poses it, and how good its fronts are.

use std::path::Path;

use nas_pareto::{Bounds, Direction, PointSet, hypervolume, igd_plus};

use super::nas::Nas;
use crate::error::Error;

/// A space of a user's own, with a program of theirs, and more known about it than the search sees.
pub trait Problem: Sync {
    /// Its name, also of its folder.
    fn name(&self) -> String;

    /// The numbers of evaluations that searches may have.
    fn budgets(&self) -> Vec<u32>;

    /// Writes the user's files; returns the space.
    fn pose(&self, nas: &Nas, folder: &Path) -> Result<String, Error>;

    /// The arguments of `nas search`, beside the space and the program.
    fn arguments(&self) -> &'static [&'static str];

    /// The user's program: its file's name and text. It answers from the file [`ANSWERS`].
    fn program(&self) -> (&'static str, &'static str);

    /// How good fronts are, by true values.
    fn score(&self, nas: &Nas, folder: &Path, fronts: &[Front]) -> Result<Vec<Scores>, Error>;
}

/// The space's file.
pub const SPACE: &str = "space.toml";
/// The file that the user's program answers from.
pub const ANSWERS: &str = "answers.csv";
/// The user's table of latencies.
pub const LATENCIES: &str = "latency.csv";

/// A front that a search found.
pub struct Front {
    pub method: String,
    pub seed: u64,
    pub architectures: Vec<String>,
}

/// How good a front is, on its true values.
#[derive(Debug, Clone, Copy)]
pub struct Scores {
    pub hypervolume_ratio: f64,
    pub igd_plus: f64,
}

/// The exact front of two objectives, which are scaled over all architectures; the reference point of
/// the hypervolume is the worst of both.
pub struct Exact {
    directions: [Direction; 2],
    bounds: Bounds,
    front: PointSet,
    hypervolume: f64,
}

impl Exact {
    /// `extremes` contains the least and greatest value of each objective; `all` the exact front.
    pub fn new(
        directions: [Direction; 2],
        extremes: &[[f64; 2]],
        all: &[[f64; 2]],
    ) -> Result<Self, Error> {
        let exact = || {
            let bounds = Bounds::of(&PointSet::from_rows(extremes, &directions)?)?;
            let all = bounds.scale(&PointSet::from_rows(all, &directions)?)?;
            let points = nas_pareto::non_dominated_distinct(&all)?.into_iter();
            let points = points.filter_map(|at| all.as_points().get(at)).flatten().copied();
            let front = PointSet::new(points.collect(), 2)?;
            let hypervolume = hypervolume(&front, &[1.0, 1.0])?;
            Ok(Self { directions, bounds, front, hypervolume })
        };
        exact().map_err(|error| not_scored(&error))
    }

    /// How good a front is whose objectives are these.
    pub fn score(&self, found: &[[f64; 2]]) -> Result<Scores, Error> {
        let score = || {
            let found = self.bounds.scale(&PointSet::from_rows(found, &self.directions)?)?;
            let hypervolume_ratio = hypervolume(&found, &[1.0, 1.0])? / self.hypervolume;
            Ok(Scores { hypervolume_ratio, igd_plus: igd_plus(&found, &self.front)? })
        };
        score().map_err(|error| not_scored(&error))
    }
}

fn not_scored(error: &nas_pareto::Error) -> Error {
    Error::Step { step: "score a front", problem: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_front_is_scored_by_the_area_that_it_dominates() {
        let all = [[90.0, 4.0], [80.0, 2.0], [50.0, 3.0], [40.0, 1.0], [60.0, 5.0]];
        let directions = [Direction::Maximise, Direction::Minimise];
        let exact = Exact::new(directions, &all, &all).unwrap();
        // Scaled: (0, 0.75), (0.2, 0.25) and (1, 0) are on the front, which dominates 0.65.
        let scores = exact.score(&all[..2]).unwrap();
        assert!((scores.hypervolume_ratio - 1.0).abs() < 1e-12);
        assert!((scores.igd_plus - 0.25 / 3.0).abs() < 1e-12);
        let scores = exact.score(&all[..1]).unwrap();
        assert!((scores.hypervolume_ratio - 0.25 / 0.65).abs() < 1e-12);
    }
}
