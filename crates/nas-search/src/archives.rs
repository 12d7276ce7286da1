//! The Pareto archives of a search: one for each niche, and one for the whole space.

use nas_pareto::{Archive, Skyband};
use nas_space::Space;

use crate::{Error, Evaluated, Objective, feasibility::Feasibility};

/// An architecture is among the nearly best where fewer than this many others dominate it.
pub(crate) const NEARLY_BEST: usize = 4;

/// What follows from the evaluated architectures. They are named by their positions.
pub(crate) struct Archives {
    /// One for each niche, and last the one for the whole space.
    parts: Vec<Part>,
    /// Which architectures the device can run.
    pub feasibility: Feasibility,
}

#[derive(Clone)]
struct Part {
    front: Archive<usize>,
    nearly_best: Skyband<usize>,
    /// The number of architectures evaluated here.
    evaluated: usize,
}

impl Archives {
    /// The archives of the evaluated architectures, in this number of niches.
    ///
    /// # Errors
    /// [`Error::NoObjectives`].
    pub fn of(
        space: &Space,
        objectives: &[Objective],
        niches: usize,
        evaluated: &[Evaluated],
    ) -> Result<Self, Error> {
        let directions = Objective::directions(objectives);
        let part = Part {
            front: Archive::new(&directions).map_err(|_| Error::NoObjectives)?,
            nearly_best: Skyband::new(&directions, NEARLY_BEST).map_err(|_| Error::NoObjectives)?,
            evaluated: 0,
        };
        let mut archives =
            Self { parts: vec![part; niches + 1], feasibility: Feasibility::new(space) };
        for (position, one) in evaluated.iter().enumerate() {
            archives.insert(position, one);
        }
        Ok(archives)
    }

    /// Adds the architecture that was evaluated at the position.
    pub fn insert(&mut self, position: usize, evaluated: &Evaluated) {
        self.feasibility.learn(evaluated);
        let values = evaluated.complete();
        let niches = self.niches();
        let (niches, whole) = self.parts.split_at_mut(niches);
        for part in niches.get_mut(evaluated.niche).into_iter().chain(whole) {
            part.evaluated += 1;
            if let Some(values) = &values {
                // The search checks that values are finite and one for each objective, so these do
                // not fail.
                let _ = part.front.insert(values, position);
                let _ = part.nearly_best.insert(values, position);
            }
        }
    }

    /// The number of niches, and the position of the part that is the whole space.
    pub fn niches(&self) -> usize {
        self.parts.len() - 1
    }

    /// The non-dominated architectures of a part, best in the first objective first.
    pub fn front<'a>(&self, part: usize, evaluated: &'a [Evaluated]) -> Vec<&'a Evaluated> {
        let front = self.parts.get(part).into_iter().flat_map(|part| &part.front);
        front.filter_map(|member| evaluated.get(member.payload)).collect()
    }

    /// The architectures of a part that few others dominate, oldest first.
    pub fn nearly_best<'a>(&self, part: usize, evaluated: &'a [Evaluated]) -> Vec<&'a Evaluated> {
        let nearly_best = self.parts.get(part).into_iter().flat_map(|part| part.nearly_best.iter());
        nearly_best.filter_map(|position| evaluated.get(*position)).collect()
    }

    /// The number of architectures on the front of the whole space.
    pub fn front_size(&self) -> usize {
        self.parts.last().map_or(0, |whole| whole.front.len())
    }

    /// For each niche, the members of the whole front that lie in it, for each evaluation spent
    /// there.
    pub fn yields(&self, evaluated: &[Evaluated]) -> Vec<f64> {
        let mut yields = vec![0.0; self.niches()];
        for member in self.front(self.niches(), evaluated) {
            // One evaluation more, so that all are finite.
            yields[member.niche] += 1.0 / (self.parts[member.niche].evaluated + 1) as f64;
        }
        yields
    }
}
